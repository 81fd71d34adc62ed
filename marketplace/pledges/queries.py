"""Reading pledges and tranches: who may see them, by which locks they are held, and the lists."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from marketplace.evidence.models import Evidence, EvidenceVersion, Verification
from marketplace.evidence.reliance import relied_on
from marketplace.evidence.service import counts_on
from marketplace.identity.models import Organisation
from marketplace.pledges.lifecycle import BINDING, SEEN_BY_GROUP
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.proposals.models import Ask, Proposal
from marketplace.proposals.queries import excludes, seen_by, visible_to
from marketplace.values.actor import Actor
from marketplace.values.clock import day_of, now
from marketplace.values.refusals import NotFound


def may_see(actor: Actor) -> ColumnElement[bool]:
    """The pledges that the caller may see: those made to their group once shown, and the funder's own.

    Somebody of the funder's who also acts for an organisation that the group keeps out sees none of the latter.
    """
    own = sorted(actor.organisation_ids)
    every = sorted({membership.organisation_id for membership in actor.memberships})
    outside = [or_(Pledge.organisation_id == each, ~excludes(literal(each), Pledge.proposal_id)) for each in every]
    return or_(
        and_(Pledge.organisation_id.in_(own), *outside),
        and_(
            Pledge.group_organisation_id.in_(own), Pledge.state.in_(sorted(SEEN_BY_GROUP)), Pledge.shown_at.is_not(None)
        ),
    )


def pledge_for(session: Session, actor: Actor, pledge_id: UUID) -> Pledge:
    """A pledge that the caller may see; NotFound otherwise."""
    pledge = session.scalars(select(Pledge).where(Pledge.id == pledge_id, may_see(actor))).one_or_none()
    if pledge is None:
        raise NotFound()
    return pledge


def pledges_for(
    session: Session, actor: Actor, filters: dict[str, Any], after: UUID | None, limit: int
) -> list[Pledge]:
    """Pledges that the caller may see, newest first; one more than `limit` where there are more."""
    query = select(Pledge).where(may_see(actor))
    if "state" in filters:
        query = query.where(state_at(now()) == filters["state"])
    for name in ("organisation_id", "proposal_id", "programme_id"):
        if name in filters:
            query = query.where(getattr(Pledge, name) == filters[name])
    if after is not None:
        query = query.where(Pledge.id < after)
    return list(session.scalars(query.order_by(Pledge.id.desc()).limit(limit + 1)))


def state_at(moment: datetime) -> ColumnElement[str]:
    """`lifecycle.pledge_state_at` in SQL."""
    day = day_of(moment)
    over = or_(
        and_(Pledge.state == "offered", Pledge.expires_on < day),
        and_(Pledge.state == "accepted", Pledge.lapses_on < day),
    )
    return case((over, literal("expired")), else_=Pledge.state)


def tranche_for(session: Session, actor: Actor, tranche_id: UUID) -> Tranche:
    """A tranche of a pledge that the caller may see; NotFound otherwise."""
    query = (
        select(Tranche)
        .join(PledgePart, PledgePart.id == Tranche.part_id)
        .join(Pledge, Pledge.id == PledgePart.pledge_id)
    )
    tranche = session.scalars(query.where(Tranche.id == tranche_id, may_see(actor))).one_or_none()
    if tranche is None:
        raise NotFound()
    return tranche


def hold_proposal(session: Session, proposal_id: UUID) -> Proposal:
    """The proposal, which cannot be withdrawn until the transaction ends (FOR SHARE)."""
    query = select(Proposal).where(Proposal.id == proposal_id).with_for_update(read=True)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def lock_ask(session: Session, ask_id: UUID) -> Ask:
    """The ask, locked: what is accepted of it moves under this lock alone."""
    query = select(Ask).where(Ask.id == ask_id).with_for_update(key_share=True)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def lock_pledge(session: Session, pledge_id: UUID) -> Pledge:
    """The pledge with its parts and tranches, locked and read afresh."""
    query = select(Pledge).where(Pledge.id == pledge_id).with_for_update(of=Pledge, key_share=True)
    pledge = session.scalars(query.execution_options(populate_existing=True)).one()
    tranches = (
        select(Tranche).join(PledgePart, PledgePart.id == Tranche.part_id).where(PledgePart.pledge_id == pledge_id)
    )
    locked = tranches.order_by(Tranche.id).with_for_update(of=Tranche, key_share=True)
    list(session.scalars(locked.execution_options(populate_existing=True)))
    return pledge


def sees(session: Session, actor: Actor, proposal_id: UUID, organisation_id: UUID) -> bool:
    """True when that organisation may see the proposal, and the person who acts for it may, whatever else they are."""
    query = select(Proposal.id).where(Proposal.id == proposal_id, visible_to(literal(organisation_id)), seen_by(actor))
    return session.scalars(query).first() is not None


def promised_to(session: Session, programme_id: UUID, ask_id: UUID) -> int:
    """What the programme's accepted pledges promise to that ask, in minor units."""
    query = select(func.coalesce(func.sum(Pledge.amount), 0)).where(
        Pledge.programme_id == programme_id, Pledge.ask_id == ask_id, Pledge.state.in_(sorted(BINDING))
    )
    return int(session.scalars(query).one())


def verification_for(
    session: Session, pledge: Pledge, milestone: str | None, claimed_at: datetime | None = None
) -> Verification | None:
    """What proves the milestone to that pledge: the latest acceptance that counts for its funder.

    It is the funder's own, or of one that it names, or another's that it relies on with the group's consent. It counts
    while it has not expired and the consent stands; for a claim, as it was when the claim was made.
    """
    if milestone is None:
        return None
    at = claimed_at or now()
    own = Verification.verifier_organisation_id.in_([pledge.organisation_id, *pledge.verifier_organisation_ids])
    query = (
        select(Verification)
        .join(EvidenceVersion, EvidenceVersion.id == Verification.evidence_version_id)
        .join(Evidence, Evidence.id == EvidenceVersion.evidence_id)
        .where(
            Evidence.proposal_id == pledge.proposal_id,
            Evidence.milestone == milestone,
            counts_on(day_of(at)),
            or_(own, relied_on(pledge.organisation_id, at)),
        )
        .order_by(Verification.id.desc())
    )
    return session.scalars(query.limit(1)).one_or_none()


def is_party(session: Session, proposal_id: UUID, organisations: frozenset[UUID]) -> bool:
    """True when one of the organisations has promised the proposal money that was accepted."""
    if not organisations:
        return False
    return session.scalar(select(has_party(organisations, literal(proposal_id)))) is True


def has_party(organisations: frozenset[UUID], proposal_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """`is_party` in SQL: a pledge of one of the organisations to that proposal was accepted, and not taken back."""
    return exists().where(
        Pledge.proposal_id == proposal_id,
        Pledge.organisation_id.in_(sorted(organisations)),
        Pledge.state.in_(sorted(BINDING)),
    )


def live_parties(session: Session, proposal_id: UUID) -> frozenset[UUID]:
    """The funders with a live pledge to that proposal, and the organisations that they name as verifiers.

    One that the group keeps out is no verifier, whoever names it.
    """
    query = select(Pledge.organisation_id, Pledge.verifier_organisation_ids).where(
        Pledge.proposal_id == proposal_id, Pledge.state.in_(sorted(BINDING))
    )
    rows = session.execute(query).all()
    named = [each for row in rows for each in row.verifier_organisation_ids]
    welcome = select(Organisation.id).where(
        Organisation.id.in_(named), ~excludes(Organisation.id, literal(proposal_id))
    )
    return frozenset(row.organisation_id for row in rows) | frozenset(session.scalars(welcome))
