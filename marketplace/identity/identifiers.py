"""Whose a register number is: of verified organisations, one's alone. Unverified ones may all say that it is theirs.

Decisions on one number are taken one after another (an advisory lock for each number until the transaction ends).
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation, OrganisationIdentifier
from marketplace.identity.rules import IdentifierTaken
from marketplace.values.actor import VERIFIED_STATES


def refuse_listed_numbers(current: Session, organisation_id: UUID, numbers: Iterable[tuple[str, str]]) -> None:
    """IdentifierTaken where a listed organisation has one of the numbers.

    One that is hidden (a staff group) does not speak here: a refusal would tell of it.
    """
    if _holder(current, organisation_id, numbers, hidden_too=False):
        raise IdentifierTaken("One of its identifiers is another organisation's. If it is yours, ask the operator.")


def other_verified_holder(current: Session, organisation: Organisation) -> bool:
    """Whether another verified organisation, listed or not, has one of this one's numbers."""
    numbers = [(each.scheme, each.number) for each in organisation.identifiers]
    return _holder(current, organisation.id, numbers, hidden_too=True)


def _holder(current: Session, other_than: UUID, numbers: Iterable[tuple[str, str]], *, hidden_too: bool) -> bool:
    wanted = sorted(numbers)
    if not wanted:
        return False
    for scheme, number in wanted:
        current.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"identifier {scheme}-{number}", 0))))
    holder = (
        select(Organisation.id)
        .join(Organisation.identifiers)
        .where(
            tuple_(OrganisationIdentifier.scheme, OrganisationIdentifier.number).in_(wanted),
            Organisation.id != other_than,
            Organisation.verification.in_(sorted(VERIFIED_STATES)),
        )
    )
    if not hidden_too:
        holder = holder.where(Organisation.kind != "staff_group")
    return current.scalar(holder.limit(1)) is not None
