"""Who is what to a proposal: funder, employer, commissioner, host, adviser; and whom the group lets verify its gates.

Knows the proposal and organisations. Pledges stand above: `hooks.is_party` asks them.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import literal, or_, select
from sqlalchemy.orm import Session

from marketplace.evidence.models import Evidence
from marketplace.identity.models import Organisation
from marketplace.pipeline.models import ProposalPipeline
from marketplace.pipeline.rules import FIRST_END
from marketplace.pipeline.templates import template_of
from marketplace.proposals import hooks
from marketplace.proposals.models import Proposal, ProposalExclusion, ProposalNamed
from marketplace.proposals.queries import excludes, of_suspended_group
from marketplace.reference import codelists
from marketplace.values.actor import VERIFIED_STATES, Actor
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import Forbidden, NotFound

ENDS = tuple(entry["slug"] for entry in codelists.CODELISTS["stages"] if entry["order"] >= FIRST_END)
FUNDER = "funder"
BY_KIND = {
    "funder": FUNDER,
    "intermediary": FUNDER,
    "wholesale_vehicle": FUNDER,
    "fiscal_host": "host",
    "adviser": "adviser",
}
"""What an organisation of a kind is to every proposal but its own; a public body is what the group named it."""


def parties_of(session: Session, proposal: Proposal, organisations: Iterable[UUID]) -> dict[UUID, frozenset[str]]:
    """What each of the organisations is to the proposal: slugs of `pipelines.PARTIES`. The group itself is nothing."""
    wanted = set(organisations) - {proposal.organisation_id}
    chosen = select(ProposalExclusion.organisation_id).where(
        ProposalExclusion.proposal_id == proposal.id, ProposalExclusion.source == "commissioner"
    )
    commissioners = set(session.scalars(chosen)) if wanted else set()
    found: dict[UUID, frozenset[str]] = {}
    for organisation in session.scalars(select(Organisation).where(Organisation.id.in_(wanted))):
        parts = {BY_KIND[organisation.kind]} if organisation.kind in BY_KIND else set()
        if hooks.is_party(session, proposal.id, frozenset({organisation.id})):
            parts.add(FUNDER)
        if _is_parent(proposal, organisation):
            parts.add("employer")
        if organisation.id in commissioners:
            parts.add("commissioner")
        found[organisation.id] = frozenset(parts)
    return found


def named_parties(session: Session, actor: Actor, proposal_id: UUID) -> dict[UUID, frozenset[str]]:
    """The caller's organisations to which the group shows its published proposal by name, and what they are to it.

    Employers, commissioners, hosts and advisers: a funder becomes party to the work by its pledge, not by being shown
    the proposal. None where the caller also acts for an organisation that the group keeps out, nor of a proposal that
    was withdrawn, unless its pipeline has ended: then its reports wait for somebody to verify them.
    """
    every = sorted({membership.organisation_id for membership in actor.memberships})
    named = (
        select(ProposalNamed.organisation_id)
        .join(Proposal, Proposal.id == ProposalNamed.proposal_id)
        .join(Organisation, Organisation.id == ProposalNamed.organisation_id)
        .join(ProposalPipeline, ProposalPipeline.proposal_id == Proposal.id)
        .where(
            Organisation.verification.in_(VERIFIED_STATES),
            Proposal.id == proposal_id,
            Proposal.visibility != "private",
            or_(Proposal.state == "active", ProposalPipeline.stage.in_(ENDS)),
            ProposalNamed.organisation_id.in_(sorted(actor.organisation_ids)),
            ~of_suspended_group(),
            *(~excludes(literal(each)) for each in every),
        )
    )
    organisations = set(session.scalars(named)) if every else set()
    if not organisations:
        return {}
    found = parties_of(session, session.get_one(Proposal, proposal_id), organisations)
    return {organisation: parties - {FUNDER} for organisation, parties in found.items() if parties - {FUNDER}}


def is_named_party(session: Session, actor: Actor, proposal_id: UUID) -> bool:
    """Whether the group shows the proposal by name to an organisation of the caller's that its gates may name."""
    return bool(named_parties(session, actor, proposal_id))


def named_verifier(session: Session, actor: Actor, evidence: Evidence) -> UUID | None:
    """The organisation for which the caller may verify that evidence, since a gate or report names what it is.

    The group has to show it the proposal by name: being an employer or commissioner alone opens nothing.
    """
    pinned = session.get(ProposalPipeline, evidence.proposal_id)
    if pinned is None:
        return None
    welcome = template_of(pinned).verifiers_of(evidence.kind, evidence.milestone)
    for organisation, parties in sorted(named_parties(session, actor, evidence.proposal_id).items()):
        if parties & welcome and _may_verify_for(actor, organisation):
            return organisation
    return None


def _may_verify_for(actor: Actor, organisation_id: UUID) -> bool:
    try:
        permit(actor, Action.VERIFY_EVIDENCE, organisation_id)
    except (NotFound, Forbidden):
        return False
    return True


def _is_parent(proposal: Proposal, organisation: Organisation) -> bool:
    identifiers = {f"{each.scheme}-{each.number}" for each in organisation.identifiers}
    named = organisation.id == proposal.parent_organisation_id or proposal.parent_identifier in identifiers
    return named and organisation.kind == "public_body"
