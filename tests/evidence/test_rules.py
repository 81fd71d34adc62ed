"""File names, first bytes and verifiers, as tables."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.evidence.rules import (
    LONGEST_FILENAME,
    MEDIA_TYPES,
    DocumentNameNotUsable,
    VerifierFacts,
    content_fits,
    plain_filename,
    verification_reasons,
)
from marketplace.values.reasons import unmet

FUNDER = UUID(int=7)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("plan.pdf", "plan.pdf", id="a plain name stays"),
        pytest.param("Cynllun busnes (drafft).pdf", "Cynllun busnes (drafft).pdf", id="spaces and brackets stay"),
        pytest.param("../../etc/passwd", "passwd", id="folders are dropped"),
        pytest.param("C:\\plans\\plan.pdf", "plan.pdf", id="drives are dropped"),
        pytest.param("plan\u202efdp.exe", "planfdp.exe", id="a right-to-left override is dropped"),
        pytest.param("plan\r\nX-Evil: 1.pdf", "planX-Evil: 1.pdf", id="line ends are dropped"),
        pytest.param("...plan.pdf. ", "plan.pdf", id="dots at the ends are dropped"),
    ],
)
def test_a_file_name_is_its_last_part_alone(given: str, kept: str) -> None:
    assert plain_filename(given) == kept


@pytest.mark.parametrize("given", [None, "", "   ", "..", "plans/", "\x00", "a" * (LONGEST_FILENAME + 1)])
def test_a_name_of_which_nothing_is_left_is_refused(given: str | None) -> None:
    with pytest.raises(DocumentNameNotUsable):
        plain_filename(given)


@given(st.text(max_size=300))
def test_a_kept_name_names_no_folder_and_holds_no_control(given: str) -> None:
    try:
        kept = plain_filename(given)
    except DocumentNameNotUsable:
        return
    assert 0 < len(kept) <= LONGEST_FILENAME
    assert kept not in {".", ".."}
    assert not set(kept) & set("/\\\r\n\x00\u202e")


@pytest.mark.parametrize(
    ("media_type", "head", "fits"),
    [
        pytest.param("application/pdf", b"%PDF-1.4", True, id="a PDF"),
        pytest.param("application/pdf", b"<html>", False, id="a page that calls itself a PDF"),
        pytest.param("image/png", b"\x89PNG\r\n\x1a\n....", True, id="a PNG"),
        pytest.param("image/png", b"\xff\xd8\xff\xe0", False, id="a JPEG that calls itself a PNG"),
        pytest.param("image/jpeg", b"\xff\xd8\xff\xe0", True, id="a JPEG"),
        pytest.param("application/vnd.oasis.opendocument.text", b"PK\x03\x04", True, id="an ODT"),
        pytest.param("application/vnd.oasis.opendocument.text", b"MZ\x90", False, id="a program"),
        pytest.param("text/csv", b"a,b\n1,2\n", True, id="a table"),
        pytest.param("text/plain", b"a\x00b", False, id="text with NUL"),
        pytest.param("application/pdf", b"%PD", False, id="too short to tell"),
    ],
)
def test_content_begins_like_its_type(media_type: str, head: bytes, fits: bool) -> None:
    assert content_fits(media_type, head) is fits


def test_nothing_that_a_browser_runs_is_taken() -> None:
    assert not {"text/html", "image/svg+xml", "application/javascript", "text/xml"} & set(MEDIA_TYPES)


@pytest.mark.parametrize(
    ("in_group", "submitted_it", "named_for", "against"),
    [
        pytest.param(False, False, FUNDER, [], id="named by a party and outside"),
        pytest.param(False, False, None, ["VERIFIER_NAMED"], id="merely outside is not enough"),
        pytest.param(True, False, FUNDER, ["VERIFIER_OUTSIDE_GROUP"], id="of the group"),
        pytest.param(False, True, FUNDER, ["VERIFIER_NOT_SUBMITTER"], id="the submitter"),
        pytest.param(
            True,
            True,
            None,
            ["VERIFIER_OUTSIDE_GROUP", "VERIFIER_NOT_SUBMITTER", "VERIFIER_NAMED"],
            id="every reason is given",
        ),
    ],
)
def test_who_may_not_verify_learns_every_reason(
    in_group: bool, submitted_it: bool, named_for: UUID | None, against: list[str]
) -> None:
    reasons = verification_reasons(VerifierFacts(in_group, submitted_it, named_for))

    assert [reason.code for reason in unmet(reasons)] == against
