"""The directory of advisers: what verified organisations offer to groups, and the conflicts that they declare.

An organisation cannot keep back what its register of interests names. A group is told which advisers have an interest
in its own employer or commissioners; nobody else learns whom that comparison is with.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from marketplace.governance.models import Interest
from marketplace.identity.models import Membership, Organisation, OrganisationIdentifier
from marketplace.identity.organisations import freshly
from marketplace.learning import rules
from marketplace.learning.models import AdviserListing
from marketplace.proposals.models import Proposal, ProposalExclusion
from marketplace.proposals.sharing import discoverable, own_proposal
from marketplace.store import journal
from marketplace.values.actor import VERIFIED_STATES, Actor, Role
from marketplace.values.clock import now, today
from marketplace.values.permissions import Action, permit

Precondition = Callable[[Any], None]
CONTENT = ("listed", "services", "sectors", "nations", "words", "link", "conflicts", "interests")
OFFERS = {
    "service": AdviserListing.services,
    "sector": AdviserListing.sectors,
    "nation": AdviserListing.nations,
}
"""Query -> column: a listing that leaves sectors or nations open serves each."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A listing with its organisation and those of its interests that anyone may find.

    `conflicts_here`: for a group, which of them are its own employer or commissioners, or that the adviser is one.
    """

    listing: AdviserListing
    organisation: Organisation
    interests: Sequence[Organisation]
    conflicts_here: frozenset[UUID] = frozenset()


def put_listing(
    session: Session, actor: Actor, organisation_id: UUID, draft: dict[str, Any], precondition: Precondition
) -> Listed:
    """Replace the organisation's own listing. AdviserListingFaults for an interest that is declared and not named."""
    permit(actor, Action.KEEP_LISTING, organisation_id)
    session.get_one(Organisation, organisation_id, with_for_update={"key_share": True})
    permit(freshly(session, actor), Action.KEEP_LISTING, organisation_id)
    kept = _held(session, organisation_id)
    precondition(kept)
    declared = discoverable(session, _declared(session, organisation_id)) - {organisation_id}
    known = discoverable(session, draft["interests"])
    faults = rules.listing_faults(draft["interests"], known, declared)
    if faults:
        raise rules.AdviserListingFaults("`errors` names each fault.", errors=faults)
    before = _content(kept) if kept.version else None
    for name in CONTENT:
        setattr(kept, name, draft.get(name))
    kept.interests = [str(each) for each in draft["interests"]]
    kept.updated_by, kept.updated_at = actor.person, now()
    kept.version += 1
    session.add(kept)
    session.flush()
    journal.record(
        session,
        "adviser_listing.changed",
        "adviser_listing",
        organisation_id,
        actor=actor,
        audience=journal.only(organisation_id),
        path=f"/v1/organisations/{organisation_id}/adviser-listing",
        before=before,
        after=_content(kept),
    )
    return _with_interests(session, [(kept, session.get_one(Organisation, organisation_id))])[0]


def own_listing(session: Session, actor: Actor, organisation_id: UUID) -> Listed:
    """The organisation's own listing, shown in the directory or not; empty before it has one."""
    permit(actor, Action.READ_ORGANISATION, organisation_id)
    row = (_held(session, organisation_id), session.get_one(Organisation, organisation_id))
    return _with_interests(session, [row])[0]


def directory(session: Session, query: Mapping[str, Any], after: UUID | None, limit: int) -> list[Listed]:
    """Listed organisations, by id; `limit` + 1. `query`: if wished service, sector, nation."""
    rows = select(AdviserListing, Organisation).join(Organisation, Organisation.id == AdviserListing.id)
    rows = rows.where(_is_shown(), *_wanted(query))
    if after is not None:
        rows = rows.where(AdviserListing.id > after)
    found = session.execute(rows.order_by(AdviserListing.id).limit(limit + 1))
    return _with_interests(session, [(row[0], row[1]) for row in found])


def advisers_for(session: Session, actor: Actor, proposal_id: UUID, query: Mapping[str, Any]) -> list[Listed]:
    """Advisers for one's own proposal, those without a conflict here first; at most `query["limit"]`.

    A conflict: the adviser is the group's employer or one of its commissioners, or has declared an interest in one.
    """
    proposal = own_proposal(session, actor, proposal_id, Action.READ_PROPOSAL)
    parties = _parties(session, proposal)
    rows = select(AdviserListing, Organisation).join(Organisation, Organisation.id == AdviserListing.id)
    rows = rows.where(_is_shown(), *_wanted(query), AdviserListing.id != proposal.organisation_id)
    sided = _sided_with(parties)
    found = session.execute(rows.order_by(sided, AdviserListing.id).limit(query["limit"]))
    return [
        Listed(each.listing, each.organisation, each.interests, _concerned(each.listing) & parties)
        for each in _with_interests(session, [(row[0], row[1]) for row in found])
    ]


def offered_services(session: Session) -> dict[str, int]:
    """How many listed organisations offer each service; a service that nobody offers is left out."""
    rows = select(AdviserListing.services).join(Organisation, Organisation.id == AdviserListing.id).where(_is_shown())
    counted: Counter[str] = Counter()
    for services in session.scalars(rows):
        counted.update(services)
    return dict(counted)


def _sided_with(parties: frozenset[UUID]) -> ColumnElement[bool]:
    theirs = [AdviserListing.interests.contains([str(each)]) for each in sorted(parties)]
    return or_(AdviserListing.id.in_(sorted(parties)), *theirs)


def _concerned(listing: AdviserListing) -> frozenset[UUID]:
    return frozenset({listing.id, *(UUID(each) for each in listing.interests)})


def _parties(session: Session, proposal: Proposal) -> frozenset[UUID]:
    """The group's employer and its commissioners, as far as they are registered here."""
    identifier = OrganisationIdentifier.scheme + "-" + OrganisationIdentifier.number
    parents = select(OrganisationIdentifier.organisation_id).where(identifier == proposal.parent_identifier)
    commissioners = select(ProposalExclusion.organisation_id).where(
        ProposalExclusion.proposal_id == proposal.id, ProposalExclusion.source == "commissioner"
    )
    named = {proposal.parent_organisation_id} - {None}
    return frozenset({*session.scalars(parents), *session.scalars(commissioners)}.union(named))  # type: ignore[arg-type]


def _declared(session: Session, organisation_id: UUID) -> list[UUID]:
    """The organisations in which somebody who acts for this one has a live interest."""
    members = select(Membership.user_id).where(
        Membership.organisation_id == organisation_id, Membership.role != Role.GUEST
    )
    live = or_(Interest.to_on.is_(None), Interest.to_on >= today())
    query = select(Interest.organisation_id).where(
        Interest.user_id.in_(members), Interest.organisation_id.is_not(None), Interest.from_on <= today(), live
    )
    return [each for each in session.scalars(query.distinct()) if each is not None]


def _is_shown() -> ColumnElement[bool]:
    return AdviserListing.listed & Organisation.verification.in_(VERIFIED_STATES)


def _wanted(query: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    for name, column in OFFERS.items():
        if name in query:
            offered = column.contains([query[name]])
            wanted.append(offered if name == "service" else or_(func.jsonb_array_length(column) == 0, offered))
    return wanted


def _with_interests(session: Session, rows: Sequence[tuple[AdviserListing, Organisation]]) -> list[Listed]:
    named = {UUID(each) for listing, _ in rows for each in listing.interests}
    shown = discoverable(session, named)
    cards = {each.id: each for each in session.scalars(select(Organisation).where(Organisation.id.in_(shown)))}
    return [
        Listed(listing, organisation, [cards[UUID(each)] for each in listing.interests if UUID(each) in cards])
        for listing, organisation in rows
    ]


def _held(session: Session, organisation_id: UUID) -> AdviserListing:
    """The listing, or one of version 0 that is not kept."""
    held = session.get(AdviserListing, organisation_id, populate_existing=True)
    empty: dict[str, list[Any]] = {name: [] for name in ("services", "sectors", "nations", "interests")}
    return held or AdviserListing(id=organisation_id, version=0, listed=False, **empty)


def _content(kept: AdviserListing) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in CONTENT}
