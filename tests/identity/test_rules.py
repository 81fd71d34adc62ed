"""What holds of accounts, members and verification, without a database."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.identity.rules import (
    GuestTermsNotValid,
    LastOwner,
    PasswordTooPlain,
    check_guest_terms,
    check_new_password,
    check_owner_remains,
    invitation_is_open,
    loses_verification,
    vouchers_of,
)
from marketplace.values.actor import Actor, Membership, Role

DAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
IDS = st.sets(st.uuids(), max_size=4)


@given(owners=IDS, leaving=st.uuids())
def test_some_owner_remains_or_it_is_refused(owners: set[UUID], leaving: UUID) -> None:
    present = owners | {leaving}

    if present == {leaving}:
        with pytest.raises(LastOwner):
            check_owner_remains(present, leaving)
    else:
        check_owner_remains(present, leaving)
        assert present - {leaving}


@pytest.mark.parametrize(
    "password", ["Ada@Example.org", "  ada@example.org ", "aaaaaaaaaaaaaaaa", "abababababababab", "            "]
)
def test_a_plain_password_is_refused(password: str) -> None:
    with pytest.raises(PasswordTooPlain):
        check_new_password(password, "ada@example.org")


def test_a_long_password_of_any_signs_will_do() -> None:
    check_new_password("pan lace moth quay", "ada@example.org")


@pytest.mark.parametrize(
    ("until", "welcome"),
    [
        pytest.param(DAY - timedelta(days=1), False, id="yesterday"),
        pytest.param(DAY, True, id="today"),
        pytest.param(DAY + timedelta(days=366), True, id="a year on"),
        pytest.param(DAY + timedelta(days=367), False, id="longer than a year"),
        pytest.param(None, False, id="no end"),
    ],
)
def test_a_guest_stays_at_most_a_year(until: date | None, welcome: bool) -> None:
    def check() -> None:
        check_guest_terms("guest", UUID(int=1), until, DAY)

    if welcome:
        check()
    else:
        with pytest.raises(GuestTermsNotValid):
            check()


@pytest.mark.parametrize(
    ("used", "revoked", "expires", "is_open"),
    [
        pytest.param(None, None, NOON + timedelta(seconds=1), True, id="fresh"),
        pytest.param(None, None, NOON, False, id="just expired"),
        pytest.param(NOON, None, NOON + timedelta(days=1), False, id="used"),
        pytest.param(None, NOON, NOON + timedelta(days=1), False, id="revoked"),
    ],
)
def test_when_an_invitation_is_open(
    used: datetime | None, revoked: datetime | None, expires: datetime, is_open: bool
) -> None:
    assert invitation_is_open(used_at=used, revoked_at=revoked, expires_at=expires, now=NOON) is is_open


@pytest.mark.parametrize("verification", ["unverified", "suspended"])
def test_a_new_name_never_lifts_a_suspension(verification: str) -> None:
    assert not loses_verification(verification, renamed=True, renumbered=True)


def test_vouching_is_for_owners_of_verified_organisations_that_are_not_staff_groups() -> None:
    able = Membership(UUID(int=1), Role.OWNER, "funder", "vouched")
    others = [
        Membership(UUID(int=2), Role.EDITOR, "funder", "vouched"),
        Membership(UUID(int=3), Role.OWNER, "staff_group", "vouched"),
        Membership(UUID(int=4), Role.OWNER, "funder", "unverified"),
        Membership(UUID(int=5), Role.OWNER, "funder", "suspended"),
    ]

    assert list(vouchers_of(Actor(UUID(int=9), (*others, able)))) == [able.organisation_id]
