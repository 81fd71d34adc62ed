"""Claims of listed programmes: accepted at once where the register's number agrees, else decided by the operator."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.identity.organisations import freshly
from marketplace.identity.rules import OperatorOnly
from marketplace.programmes import queries
from marketplace.programmes.models import Listing, ListingClaim, Programme
from marketplace.programmes.rules import (
    ClaimDecided,
    ClaimStands,
    NotAFunder,
    NotAListing,
    OwnClaim,
    claim_is_evident,
)
from marketplace.programmes.service import note_programme, snapshot
from marketplace.store.base import new_id
from marketplace.store.journal import only, record
from marketplace.values.actor import FUNDING_KINDS, Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

EVIDENT = "The register's number of the claimant is the one that the listing names."
OTHER_ACCEPTED = "Another organisation's claim was accepted."


def claim_listing(current: Session, actor: Actor, programme_id: UUID, draft: dict[str, Any]) -> ListingClaim:
    """Claim a published listing for one's verified organisation. Accepted at once where the register agrees."""
    organisation_id = draft["organisation_id"]
    permit(actor, Action.CLAIM_LISTING, organisation_id)
    programme, listing = _locked(current, programme_id)
    membership = permit(freshly(current, actor), Action.CLAIM_LISTING, organisation_id)
    if membership.kind not in FUNDING_KINDS:
        raise NotAFunder("Funders, intermediaries, wholesale vehicles and public bodies have programmes.")
    mine = select(ListingClaim).filter_by(programme_id=programme_id, organisation_id=organisation_id, state="open")
    if current.scalar(mine) is not None:
        raise ClaimStands("Your organisation's claim waits for the operator.")
    claim = ListingClaim(
        id=new_id(),
        programme_id=programme_id,
        organisation_id=organisation_id,
        statement=draft["statement"],
        claimed_by=actor.person,
    )
    current.add(claim)
    current.flush()
    _note_claim(current, actor, claim, "listing_claim.made")
    if claim_is_evident(listing.funder_identifier, membership.verification, membership.identifiers):
        _accept(current, actor, programme, listing, claim, EVIDENT)
    return claim


def decide_claim(current: Session, actor: Actor, claim_id: UUID, decision: str, reason: str) -> ListingClaim:
    """The operator accepts or refuses a claim. OwnClaim for a claim of an organisation that they belong to."""
    if not actor.operator:
        seen_claim(current, actor, claim_id)
        raise OperatorOnly("The operator decides on claims.")
    found = current.get(ListingClaim, claim_id)
    if found is None:
        raise NotFound()
    programme, listing = _locked(current, found.programme_id, claimed=True)
    claim = _open_claim(current, claim_id)
    if not freshly(current, actor).operator or actor.membership_in(claim.organisation_id) is not None:
        raise OwnClaim("Another operator decides on a claim of your own organisation.")
    if decision == "accepted":
        _accept(current, actor, programme, listing, claim, reason)
    else:
        _close(current, actor, claim, "refused", reason)
    return claim


def withdraw_claim(current: Session, actor: Actor, claim_id: UUID) -> ListingClaim:
    """Take back one's organisation's open claim."""
    found = seen_claim(current, actor, claim_id)
    permit(actor, Action.CLAIM_LISTING, found.organisation_id)
    claim = _open_claim(current, claim_id)
    _close(current, actor, claim, "withdrawn", None)
    return claim


def seen_claim(current: Session, actor: Actor, claim_id: UUID) -> ListingClaim:
    """A claim of one's own organisation, or any for the operator; NotFound otherwise."""
    claim = current.get(ListingClaim, claim_id)
    if claim is None or not (actor.operator or actor.membership_in(claim.organisation_id) is not None):
        raise NotFound()
    return claim


def claims(current: Session, actor: Actor, state: str | None, after: UUID | None, limit: int) -> Sequence[ListingClaim]:
    """Claims of the caller's organisations, for the operator all of them, oldest first; `limit` + 1 of them."""
    query = select(ListingClaim).order_by(ListingClaim.id).limit(limit + 1)
    if not actor.operator:
        query = query.where(ListingClaim.organisation_id.in_(sorted(actor.organisation_ids)))
    if state is not None:
        query = query.where(ListingClaim.state == state)
    if after is not None:
        query = query.where(ListingClaim.id > after)
    return list(current.scalars(query))


def _locked(current: Session, programme_id: UUID, *, claimed: bool = False) -> tuple[Programme, Listing]:
    """The published programme and its listing, locked; NotAListing for what cannot be claimed (any more)."""
    published = select(Programme).where(Programme.id == programme_id, queries.published())
    programme = current.scalar(published.with_for_update(key_share=True).execution_options(populate_existing=True))
    if programme is None:
        raise NotFound()
    listing = current.get(Listing, programme_id, populate_existing=True)
    if listing is None or (listing.claimed_at is not None and not claimed):
        raise NotAListing("It was not listed from a public source, or its funder has claimed it.")
    return programme, listing


def _open_claim(current: Session, claim_id: UUID) -> ListingClaim:
    query = select(ListingClaim).where(ListingClaim.id == claim_id).with_for_update(key_share=True)
    claim = current.scalars(query.execution_options(populate_existing=True)).one()
    if claim.state != "open":
        raise ClaimDecided("It was accepted, refused or withdrawn before.", state=claim.state)
    return claim


def _accept(
    current: Session, actor: Actor, programme: Programme, listing: Listing, claim: ListingClaim, reason: str
) -> None:
    """The programme becomes the claimant's; every other open claim is refused."""
    keeper, before = programme.organisation_id, snapshot(programme)
    _close(current, actor, claim, "accepted", reason)
    others = select(ListingClaim).where(ListingClaim.programme_id == programme.id, ListingClaim.state == "open")
    for other in current.scalars(others.order_by(ListingClaim.id).with_for_update(key_share=True)):
        _close(current, actor, other, "refused", OTHER_ACCEPTED)
    programme.organisation_id = claim.organisation_id
    programme.version += 1
    listing.claimed_at = now()
    current.flush()
    note_programme(current, actor, programme, "programme.claimed", before=before, also=keeper)


def _close(current: Session, actor: Actor, claim: ListingClaim, state: str, reason: str | None) -> None:
    claim.state, claim.reason, claim.decided_by, claim.decided_at = state, reason, actor.user_id, now()
    claim.version += 1
    current.flush()
    _note_claim(current, actor, claim, f"listing_claim.{state}")


def _note_claim(current: Session, actor: Actor, claim: ListingClaim, type_: str) -> None:
    path = f"/v1/listing-claims/{claim.id}"
    audience = only(claim.organisation_id)
    after = {"state": claim.state, "reason": claim.reason}
    record(current, type_, "listing_claim", claim.id, actor=actor, audience=audience, path=path, after=after)
