"""What a document must be like, and who may verify it. Pure: told the facts, returns every reason.

Knows media types and their first bytes; must not know where documents are kept, nor who the parties to a proposal are.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from marketplace.values.reasons import Outcome, Reason
from marketplace.values.refusals import Conflict, Forbidden, Unprocessable

LONGEST_FILENAME = 200
MOST_VERSIONS = 50
_ZIP = (b"PK\x03\x04",)
_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"

MEDIA_TYPES: Mapping[str, tuple[bytes, ...]] = {
    "application/pdf": (b"%PDF-",),
    f"{_OFFICE}.wordprocessingml.document": _ZIP,
    f"{_OFFICE}.spreadsheetml.sheet": _ZIP,
    f"{_OPEN}.text": _ZIP,
    f"{_OPEN}.spreadsheet": _ZIP,
    "text/csv": (),
    "text/plain": (),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
}
"""The media types of documents and how their content begins; nothing is laid down for plain text but its being text."""


class DocumentNameNotUsable(Unprocessable):
    """The request names no file, or one that is no plain file name."""

    code = "document-name-not-usable"
    title = "The document needs a plain file name"


class DocumentEmpty(Unprocessable):
    """The document has no content."""

    code = "document-empty"
    title = "The document is empty"


class FactNotKnown(Unprocessable):
    """The facts registry has no such fact."""

    code = "evidence-fact-not-known"
    title = "There is no such fact"


class TooManyVersions(Conflict):
    """The evidence has as many versions as it may have."""

    code = "too-many-evidence-versions"
    title = "No more versions fit here"


class AlreadyDecided(Conflict):
    """The version was accepted, rejected or superseded; a decision stands for ever."""

    code = "evidence-already-decided"
    title = "The version is no longer waiting for a decision"


class MayNotVerify(Forbidden):
    """The caller sees the document and may not verify it; `reasons` says all that stands against it."""

    code = "may-not-verify"
    title = "Somebody else has to verify this"


@dataclass(frozen=True, slots=True)
class VerifierFacts:
    """Who wants to verify: are they of the group, did they submit the version, for whom were they named (or None)."""

    in_group: bool
    submitted_it: bool
    named_for: UUID | None


def verification_reasons(facts: VerifierFacts) -> list[Reason]:
    """What a verifier must be, each with its outcome: outside the group, not the submitter, named by a party."""
    return [
        _reason("VERIFIER_OUTSIDE_GROUP", not facts.in_group),
        _reason("VERIFIER_NOT_SUBMITTER", not facts.submitted_it),
        _reason("VERIFIER_NAMED", facts.named_for is not None),
    ]


def content_fits(media_type: str, head: bytes) -> bool:
    """True when a document of that type may begin like `head`: the type's own signature, or text without NUL."""
    signatures = MEDIA_TYPES[media_type]
    if not signatures:
        return b"\x00" not in head
    return any(head.startswith(signature) for signature in signatures)


def plain_filename(name: str | None) -> str:
    """`name` as it is kept: NFC, its last part alone, without controls or invisible characters.

    DocumentNameNotUsable where nothing is left of it, or it is longer than LONGEST_FILENAME characters.
    """
    last = (name or "").replace("\\", "/").rsplit("/", maxsplit=1)[-1]
    kept = "".join(sign for sign in unicodedata.normalize("NFC", last) if _printable(sign)).strip(" .")
    if not kept:
        raise DocumentNameNotUsable('Name the file: Content-Disposition: attachment; filename="plan.pdf".')
    if len(kept) > LONGEST_FILENAME:
        raise DocumentNameNotUsable(f"A file name has at most {LONGEST_FILENAME} characters.")
    return kept


def _printable(sign: str) -> bool:
    return sign == " " or not unicodedata.category(sign).startswith(("C", "Z"))


def _reason(code: str, holds: bool) -> Reason:
    return Reason(code, Outcome.MET if holds else Outcome.UNMET)
