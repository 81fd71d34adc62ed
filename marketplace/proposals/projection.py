"""Keeping the flat copy of what is published in step: written in the transaction of every change it is made of."""

from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from marketplace.identity.models import OrganisationIdentifier
from marketplace.proposals.assurance import assurance_of
from marketplace.proposals.models import (
    EmployerConsent,
    FactGrant,
    FactVisibility,
    Proposal,
    ProposalProjection,
    ProposalShare,
    ProposalVersion,
)
from marketplace.proposals.points import place_point
from marketplace.proposals.rules import (
    ConsentAnswer,
    consents,
    part_of,
    shared_slugs,
    standing_answer,
)
from marketplace.reference.facts import REGISTRY, derive


def refresh_projection(current: Session, proposal: Proposal) -> None:
    """Rewrite the proposal's projection and shares out of its current version, sharing and the employer's answer.

    Does nothing before the first publication. The caller holds the proposal's row locked.
    """
    current.flush()
    if proposal.current_version_id is None:
        return
    version = current.get_one(ProposalVersion, proposal.current_version_id)
    standing = employers_answer(current, proposal)
    facts = derive(version.facts, version.ask, standing.answer if standing else None)
    chosen = chosen_visibilities(current, proposal.id)
    open_slugs = shared_slugs(chosen)
    open_facts = part_of(facts, open_slugs)
    row = current.get(ProposalProjection, proposal.id) or ProposalProjection(proposal_id=proposal.id)
    row.version_id = version.id
    row.title = version.title
    row.stage, row.currency, row.ask = version.ask["stage"], version.ask["currency"], version.ask["amount"]
    row.sector = open_facts.get("sector")
    row.nation, row.region = open_facts.get("beneficiary_nation"), open_facts.get("region")
    row.facts, row.open_facts, row.open_slugs = facts, open_facts, _in_order(open_slugs)
    row.assurance = assurance_of(current, version, facts)
    row.consent_until = _until(standing)
    current.add(row)
    current.flush()
    place_point(current, proposal.id, open_facts)
    current.execute(delete(ProposalShare).where(ProposalShare.proposal_id == proposal.id))
    for grant in current.scalars(select(FactGrant).where(FactGrant.proposal_id == proposal.id)):
        beyond = shared_slugs(chosen, grant.facts) - open_slugs
        current.add(
            ProposalShare(
                proposal_id=proposal.id,
                organisation_id=grant.organisation_id,
                facts=part_of(facts, beyond),
                slugs=_in_order(beyond),
            )
        )
    current.flush()


def chosen_visibilities(current: Session, proposal_id: UUID) -> dict[str, str]:
    """The group's own visibilities, by fact."""
    rows = current.scalars(
        select(FactVisibility).where(FactVisibility.proposal_id == proposal_id).order_by(FactVisibility.fact)
    )
    return {row.fact: row.visibility for row in rows}


def employers_answer(current: Session, proposal: Proposal) -> ConsentAnswer | None:
    """The standing answer of the organisation that the proposal names as its parent."""
    answered = (
        select(EmployerConsent)
        .where(EmployerConsent.proposal_id == proposal.id, EmployerConsent.state == "answered")
        .where(is_named_parent(proposal))
    )
    return standing_answer(
        ConsentAnswer(row.answer or "", row.expires_on, row.answered_at) for row in current.scalars(answered)
    )


def is_named_parent(proposal: Proposal) -> ColumnElement[bool]:
    """Whether a consent's organisation is the one that the proposal names, by id or by identifier."""
    registered = select(OrganisationIdentifier.organisation_id).where(
        OrganisationIdentifier.scheme + "-" + OrganisationIdentifier.number == proposal.parent_identifier
    )
    organisation = EmployerConsent.parent_organisation_id
    return or_(organisation == proposal.parent_organisation_id, organisation.in_(registered))


def _until(standing: ConsentAnswer | None) -> date | None:
    if standing is None or consents(standing.answer) is None:
        return None
    return standing.expires_on


def _in_order(slugs: frozenset[str]) -> list[str]:
    return [slug for slug in REGISTRY if slug in slugs] + sorted(slug for slug in slugs if slug not in REGISTRY)
