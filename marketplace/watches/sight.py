"""Who sees which subject of a watch: what the organisation sees, less what the reader may not see by another hat.

Decided whenever something is shown or written in a letter, never remembered.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal, or_, select
from sqlalchemy.orm import Session

from marketplace.identity.models import Organisation
from marketplace.programmes.models import Programme
from marketplace.programmes.queries import published
from marketplace.proposals import queries, reading
from marketplace.proposals.hooks import PARTY_CLAUSES
from marketplace.proposals.models import Proposal
from marketplace.values.actor import VERIFIED_STATES, Actor, Membership, Role
from marketplace.watches.models import Watch, WatchChange
from marketplace.watches.rules import WatchKind

PROGRAMMES, PROPOSALS = "programmes", "proposals"


def subjects_of(watch: Watch) -> str:
    """What the watch is about: programmes or proposals."""
    if watch.kind == WatchKind.SEARCH:
        return str(watch.listing)
    return PROGRAMMES if watch.kind == WatchKind.PROGRAMMES else PROPOSALS


def organisation_alone(current: Session, organisation_id: UUID) -> Actor:
    """The organisation as one that looks, through no particular member: it sees what all of its members may."""
    row = current.get_one(Organisation, organisation_id)
    identifiers = tuple(f"{each.scheme}-{each.number}" for each in row.identifiers)
    return Actor(
        memberships=(Membership(row.id, Role.VIEWER, row.kind, row.verification, identifiers=identifiers),),
    )


def listed_programmes() -> list[ColumnElement[bool]]:
    """Programmes that matching and lists show; conditions on Programme alone."""
    verified = select(Organisation.id).where(
        Organisation.id == Programme.organisation_id, Organisation.verification.in_(sorted(VERIFIED_STATES))
    )
    return [published(), verified.correlate(Programme).exists()]


def proposals_seen(current: Session, organisation_id: UUID, reader: Actor) -> list[ColumnElement[bool]]:
    """Proposals that the organisation sees and that the reader may see through it; conditions on Proposal.

    Whoever also belongs to an organisation that the group keeps out sees nothing of it here, public or not: what the
    organisation was granted beyond the open facts is in the answers.
    """
    alone = organisation_alone(current, organisation_id)
    parties = [clause(frozenset({organisation_id}), Proposal.id) for clause in PARTY_CLAUSES]
    return [
        or_(queries.seen_by(alone), *parties),
        or_(queries.seen_by(reader), *parties),
        *not_kept_out(organisation_id, reader, Proposal.id),
    ]


def not_kept_out(organisation_id: UUID, reader: Actor, proposal_id: Any) -> list[ColumnElement[bool]]:
    """That no other organisation of the reader's is kept out of the proposal: then not even its id is for them."""
    hats = {each.organisation_id for each in reader.memberships} - {organisation_id}
    return [~queries.excludes(literal(hat), proposal_id) for hat in sorted(hats)]


def conditions(current: Session, watch: Watch, reader: Actor) -> list[ColumnElement[bool]]:
    """What a subject of the watch has to fulfil to be shown to the reader, on Programme or Proposal."""
    if subjects_of(watch) == PROGRAMMES:
        own = Programme.organisation_id == watch.organisation_id
        return [or_(published(), own)] if watch.kind == WatchKind.SEARCH else listed_programmes()
    return proposals_seen(current, watch.organisation_id, reader)


def changes_of(watch: Watch, reader: Actor) -> Select[Any]:
    """What has changed for the watch, less what is about proposals from which the reader is kept out by another hat."""
    rows = select(WatchChange).where(WatchChange.watch_id == watch.id)
    if subjects_of(watch) == PROGRAMMES:
        return rows
    return rows.where(*not_kept_out(watch.organisation_id, reader, WatchChange.subject_id))


def cards(current: Session, watch: Watch, reader: Actor, subject_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """Those of the subjects that the reader may see now: id, path, and a title or (of a proposal) a pseudonym."""
    ids = list(subject_ids)
    kind = subjects_of(watch)
    table: Any = Programme if kind == PROGRAMMES else Proposal
    rows = list(current.scalars(select(table).where(table.id.in_(ids), *conditions(current, watch, reader))))
    if kind == PROGRAMMES:
        titles: dict[UUID, dict[str, Any]] = {row.id: {"title": row.title} for row in rows}
    else:
        titles = {card["id"]: _named(card) for card in reading.cards(current, reader, rows)}
    return {
        each: {"id": each, "available": True, "path": f"/v1/{kind}/{each}", **title} for each, title in titles.items()
    }


def proposal_cards(
    current: Session, organisation_id: UUID, reader: Actor, proposal_ids: Iterable[UUID]
) -> dict[UUID, dict[str, Any]]:
    """The same for proposals that an organisation holds on to without a watch."""
    rows = select(Proposal).where(
        Proposal.id.in_(list(proposal_ids)), *proposals_seen(current, organisation_id, reader)
    )
    shown = reading.cards(current, reader, list(current.scalars(rows)))
    return {
        card["id"]: {"id": card["id"], "available": True, "path": f"/v1/proposals/{card['id']}", **_named(card)}
        for card in shown
    }


def _named(card: dict[str, Any]) -> dict[str, Any]:
    return {name: card[name] for name in ("title", "pseudonym") if name in card}
