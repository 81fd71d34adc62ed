"""What a document must be like, and who may verify it. Pure: told the facts, returns every reason.

Knows media types and their first bytes; must not know where documents are kept, nor who the parties to a proposal are.
"""

import calendar
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from marketplace.reference.codelists import entry
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


class ScanState(StrEnum):
    """What is known of a document: whether a scanner was ever asked, and what it said."""

    NOT_SCANNED = "not_scanned"
    SCAN_PENDING = "scan_pending"
    CLEAN = "clean"
    INFECTED = "infected"


class DocumentInfected(Conflict):
    """The scanner found something in the document: nobody is given it and nothing is decided on it."""

    code = "document-infected"
    title = "The document is infected"


class DocumentNotScannedYet(Conflict):
    """The document waits for the scanner; until then the group alone reads it, and nobody accepts it."""

    code = "document-not-scanned-yet"
    title = "The document waits to be scanned"


class ExpiryNotUsable(Unprocessable):
    """An acceptance expires today or later; a rejection does not expire."""

    code = "evidence-expiry-not-usable"
    title = "The acceptance cannot expire then"


class AccessNotGrantable(Unprocessable):
    """There is no such organisation to name, or it is the group's own."""

    code = "evidence-access-not-grantable"
    title = "Access cannot be granted to them"


class KeptOut(Conflict):
    """The group keeps that organisation out of the proposal; it has to let it in there first."""

    code = "evidence-access-kept-out"
    title = "That organisation is kept out of the proposal"


class AlreadyGranted(Conflict):
    """They were named before."""

    code = "evidence-access-already-granted"
    title = "Access was granted before"


class TooManyGrants(Conflict):
    """So many are named for one piece of evidence, and no more."""

    code = "too-many-evidence-access-grants"
    title = "No more can be named here"


class AlreadyRequested(Conflict):
    """There is a request of that funder's, waiting or consented to."""

    code = "reliance-already-requested"
    title = "Your organisation has asked before"


class CannotRelyOn(Conflict):
    """That version cannot be relied on by that organisation; `reasons` says all that stands against it."""

    code = "reliance-not-possible"
    title = "There is nothing to rely on"


class RelianceAnswered(Conflict):
    """The request was answered, or taken back."""

    code = "reliance-already-answered"
    title = "The request is no longer open"


MOST_GRANTS = 100


def refuse_unreadable(state: str, *, of_the_group: bool, strict: bool) -> None:
    """Refuse to give out an infected document to anyone, and (if `strict`) one that waits for its scan to outsiders."""
    if state == ScanState.INFECTED:
        raise DocumentInfected("The scanner found something in it. The group has to submit another one.")
    if state == ScanState.SCAN_PENDING and strict and not of_the_group:
        raise DocumentNotScannedYet("Try again in a minute.")


def refuse_undecidable(state: str, decision: str, *, strict: bool) -> None:
    """Refuse to accept what nobody outside the group could read."""
    if decision == "accepted":
        refuse_unreadable(state, of_the_group=False, strict=strict)


def last_day(kind: str, decision: str, wanted: date | None, today: date) -> date | None:
    """The last day of an acceptance: the verifier's word, or that of the kind's `valid_months`, or None for ever.

    ExpiryNotUsable for a day that is over, and for a rejection that expires.
    """
    if wanted is not None and decision != "accepted":
        raise ExpiryNotUsable("Only an acceptance expires.", pointer="#/expires_on")
    if wanted is not None and wanted < today:
        raise ExpiryNotUsable("Give today or a later day.", pointer="#/expires_on")
    months = entry("evidence_kinds", kind).get("valid_months")
    if wanted is not None or decision != "accepted" or months is None:
        return wanted
    return months_after(today, months)


def months_after(day: date, months: int) -> date:
    """The same day of the month so many months later, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(frozen=True, slots=True)
class RelianceFacts:
    """What a reliance rests on: is the version accepted, does that still count, by whom, and who asks."""

    accepted: bool
    expired: bool
    readable: bool
    accepted_by_itself: bool
    funder: bool
    of_the_group: bool


def reliance_reasons(facts: RelianceFacts) -> list[Reason]:
    """What a reliance must rest on, each with its outcome."""
    return [
        _reason("VERSION_ACCEPTED", facts.accepted),
        _reason("ACCEPTANCE_CURRENT", not facts.expired),
        _reason("DOCUMENT_NOT_INFECTED", facts.readable),
        _reason("ACCEPTED_BY_ANOTHER", not facts.accepted_by_itself),
        _reason("RELYING_FUNDER", facts.funder),
        _reason("RELYING_OUTSIDE_GROUP", not facts.of_the_group),
    ]


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
