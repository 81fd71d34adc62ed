"""Programmes listed from a public source before their funder joins: what is said of them.

A listing is a programme of the organisation that keeps it, published like any other and matched like any other; no
money moves through it. Claims of listings are in `claims`.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from marketplace.programmes.models import Listing, Programme
from marketplace.programmes.rules import ProgrammeUnclaimed, is_stale
from marketplace.reference.identifiers import InvalidIdentifier, check_identifier
from marketplace.values.clock import today

Fault = dict[str, str]


def listing_faults(given: dict[str, Any]) -> list[Fault]:
    """What is wrong with a listing's members, by JSON pointer."""
    faults = []
    if given.get("checked_on") is not None and given["checked_on"] > today():
        faults.append({"pointer": "#/listing/checked_on", "detail": "Is in the future."})
    number = given.get("funder_identifier")
    if number is not None:
        try:
            check_identifier(**number)
        except InvalidIdentifier as wrong:
            pointer = f"#/listing/funder_identifier/{wrong.field}"
            faults.append({"pointer": pointer, "detail": wrong.detail})
    return faults


def write_listing(current: Session, programme: Programme, given: dict[str, Any]) -> None:
    """Keep what is said of a listing; a new programme's row is made. The members have been checked."""
    listing = current.get(Listing, programme.id)
    if listing is None:
        listing = Listing(programme_id=programme.id, listed_by_organisation_id=programme.organisation_id)
        current.add(listing)
    for name, value in given.items():
        setattr(listing, name, _identifier(value) if name == "funder_identifier" else value)
    current.flush()
    current.refresh(programme, ["listing"])


def is_unclaimed(current: Session, programme_id: UUID) -> bool:
    """Whether the programme is a listing whose funder has not joined."""
    listed = exists().where(Listing.programme_id == programme_id, Listing.claimed_at.is_(None))
    return bool(current.scalar(select(listed)))


def refuse_unclaimed(current: Session, programme_id: UUID) -> None:
    """ProgrammeUnclaimed for a listing whose funder has not joined."""
    if is_unclaimed(current, programme_id):
        raise ProgrammeUnclaimed("It takes pledges once its funder has claimed it.")


def listing_card(listing: Listing) -> dict[str, Any]:
    """What is shown of a programme that is or was a listing."""
    scheme, number = None, None
    if listing.funder_identifier is not None:
        scheme, _, number = listing.funder_identifier.rpartition("-")
    return {
        "funder_name": listing.funder_name,
        "funder_identifier": None if scheme is None else {"scheme": scheme, "number": number},
        "source_url": listing.source_url,
        "checked_on": listing.checked_on,
        "stale": listing.claimed_at is None and is_stale(listing.checked_on, today()),
        "claimed": listing.claimed_at is not None,
        "claimed_at": listing.claimed_at,
        "listed_by_organisation_id": listing.listed_by_organisation_id,
    }


def _identifier(given: dict[str, str] | None) -> str | None:
    return None if given is None else f"{given['scheme']}-{check_identifier(**given)}"
