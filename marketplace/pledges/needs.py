"""Which evidence a live pledge needs: who promised money sees, and verifies, what its payment rests on, and no more.

Needed is evidence for a milestone of one of its tranches or of its recoverable grant, of a kind that the ask's stage or
the one before has to show (the gates that money passes), and of a fact that the group shares with the funder.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, literal, or_, select, true
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence.models import Evidence
from marketplace.identity.models import Organisation
from marketplace.pledges.lifecycle import BINDING
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.pledges.queries import live_parties
from marketplace.proposals.models import Ask, Proposal
from marketplace.proposals.queries import excludes, sharing_of
from marketplace.proposals.sharing import kept_out
from marketplace.reference.codelists import CODELISTS
from marketplace.values.actor import Actor
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import Forbidden, NotFound

FIRST_END = 90
"""From this order on, the codelist's stages are ends."""


def concerned_with(session: Session, evidence: Evidence) -> frozenset[UUID]:
    """The organisations that see the evidence for what they promised: of what is not confidential, every live party."""
    if not evidence.confidential:
        return live_parties(session, evidence.proposal_id)
    return needing(session, evidence)


def needing(session: Session, evidence: Evidence) -> frozenset[UUID]:
    """The funders with a live pledge that needs the evidence, and the verifiers that they name.

    A verifier that the group keeps out is none, whoever names it.
    """
    pledges = select(Pledge.organisation_id, Pledge.verifier_organisation_ids).join(Ask, Ask.id == Pledge.ask_id)
    on_milestone = (
        select(Tranche.id)
        .join(PledgePart, PledgePart.id == Tranche.part_id)
        .where(PledgePart.pledge_id == Pledge.id, Tranche.milestone == evidence.milestone)
        .exists()
    )
    on_success = (
        select(PledgePart.id)
        .where(PledgePart.pledge_id == Pledge.id)
        .where(PledgePart.financial_terms["milestone"].astext == evidence.milestone)
        .exists()
    )
    needed: ColumnElement[bool] = Ask.stage.in_(stages_needing(evidence.kind))
    if told_at_the_end(evidence.kind):
        needed = true()
    if evidence.milestone is not None:
        needed |= or_(on_milestone, on_success)
    live = pledges.where(Pledge.proposal_id == evidence.proposal_id, Pledge.state.in_(sorted(BINDING)))
    rows = session.execute(live.add_columns(needed.label("needed"))).all()
    told = {row.organisation_id: row.needed or _shares_fact(session, evidence, row.organisation_id) for row in rows}
    funders = frozenset(each for each, needs in told.items() if needs)
    named = {each for row in rows if row.organisation_id in funders for each in row.verifier_organisation_ids}
    welcome = select(Organisation.id).where(
        Organisation.id.in_(sorted(named)), ~excludes(Organisation.id, literal(evidence.proposal_id))
    )
    return funders | frozenset(session.scalars(welcome))


def stages_needing(kind: str) -> list[str]:
    """The stages whose money needs evidence of that kind: those that have to show it, and those that come next."""
    stages = sorted(CODELISTS["stages"], key=lambda stage: stage["order"])
    showing = [place for place, stage in enumerate(stages) if kind in stage["exit_evidence"]]
    return [stages[each]["slug"] for place in showing for each in (place, place + 1) if each < len(stages)]


def told_at_the_end(kind: str) -> bool:
    """True for what an end asks for: everyone who promised money may read how it came out."""
    return any(kind in stage["exit_evidence"] for stage in CODELISTS["stages"] if stage["order"] >= FIRST_END)


def verifies_for(session: Session, actor: Actor, evidence: Evidence) -> UUID | None:
    """The organisation for which the caller may verify the evidence: a live party that needs it or was let in to it.

    None where there is none. What it accepts counts for the funders that name it.
    """
    parties = live_parties(session, evidence.proposal_id)
    entitled = concerned_with(session, evidence) | (parties & policy.granted_to(session, evidence))
    for organisation_id in sorted(entitled & actor.organisation_ids):
        try:
            permit(actor, Action.VERIFY_EVIDENCE, organisation_id)
        except (NotFound, Forbidden):
            continue
        return organisation_id
    return None


def may_read(session: Session, actor: Actor, evidence: Evidence) -> bool:
    """True for those who act for an organisation that is concerned with the evidence."""
    return bool(actor.organisation_ids & concerned_with(session, evidence))


def excluded_from(session: Session, proposal_id: UUID) -> frozenset[UUID]:
    """The organisations that the group keeps out; a funder with a live pledge is kept out of nothing that it needs."""
    proposal = session.get(Proposal, proposal_id)
    if proposal is None:
        return frozenset()
    funders = select(Pledge.organisation_id).where(Pledge.proposal_id == proposal_id, Pledge.state.in_(sorted(BINDING)))
    return kept_out(session, proposal) - frozenset(session.scalars(funders))


def acts_for_excluded(session: Session, actor: Actor, proposal_id: UUID) -> bool:
    """True where one of the caller's organisations, a guest's included, is kept out of the proposal."""
    every = {membership.organisation_id for membership in actor.memberships}
    return bool(every & excluded_from(session, proposal_id))


def _shares_fact(session: Session, evidence: Evidence, organisation_id: UUID) -> bool:
    return (
        evidence.fact is not None and evidence.fact in sharing_of(session, evidence.proposal_id, organisation_id).slugs
    )
