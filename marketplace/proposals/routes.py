"""Proposals over HTTP (their list is in `search`): groups draft, publish and share them; others see what is shared."""

from typing import Any
from uuid import UUID

from marketplace.proposals import reading, service, sharing
from marketplace.proposals.models import Proposal, ProposalSection, ProposalVersion
from marketplace.proposals.schemas import (
    AskSectionDraft,
    EmployerSectionDraft,
    FactSectionDraft,
    ProposalDraft,
    ProposalVersionsView,
    ProposalVersionView,
    ProposalView,
    SectionsView,
    SectionView,
    SharingDraft,
    SharingView,
    SummarySectionDraft,
)
from marketplace.store.base import session
from marketplace.values.permissions import Action
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.writes import writes

proposals = MarketBlueprint("proposals", __name__, url_prefix="/proposals", description="What staff groups ask for")


@proposals.post("")
@writes
@proposals.arguments(ProposalDraft)
@proposals.response(201, ProposalView)
def post_proposal(draft: dict[str, Any]) -> dict[str, Any]:
    """Draft a proposal for the caller's staff group."""
    made = service.draft_proposal(session(), current_actor(), draft)
    located(f"/v1/proposals/{made.id}")
    return _shown(made)


@proposals.get("/<uuid:proposal_id>")
@proposals.response(200, ProposalView)
def get_proposal(proposal_id: UUID) -> dict[str, Any]:
    """Read a proposal as far as it is shared with the caller."""
    return _shown(reading.proposal_seen(session(), current_actor(), proposal_id))


@proposals.get("/<uuid:proposal_id>/sections")
@proposals.response(200, SectionsView)
def list_proposal_sections(proposal_id: UUID) -> dict[str, Any]:
    """List the sections of one's own draft."""
    return {"data": service.sections(session(), current_actor(), proposal_id)}


@proposals.get("/<uuid:proposal_id>/sections/<name>")
@proposals.response(200, SectionView)
def get_proposal_section(proposal_id: UUID, name: str) -> ProposalSection:
    """Read one section of one's own draft, with its ETag."""
    return tagged(service.section(session(), current_actor(), proposal_id, name))


@proposals.put("/<uuid:proposal_id>/sections/<name>")
@writes
@proposals.arguments(FactSectionDraft)
@proposals.response(200, SectionView)
def put_fact_section(draft: dict[str, Any], proposal_id: UUID, name: str) -> ProposalSection:
    """Replace a section's facts; what is left out is no longer known."""
    return tagged(service.write_facts(session(), current_actor(), proposal_id, name, draft["facts"], if_match))


@proposals.put("/<uuid:proposal_id>/sections/summary")
@writes
@proposals.arguments(SummarySectionDraft)
@proposals.response(200, SectionView)
def put_summary_section(draft: dict[str, Any], proposal_id: UUID) -> ProposalSection:
    """Replace the draft's title and summary."""
    return tagged(service.write_summary(session(), current_actor(), proposal_id, draft, if_match))


@proposals.put("/<uuid:proposal_id>/sections/ask")
@writes
@proposals.arguments(AskSectionDraft)
@proposals.response(200, SectionView)
def put_ask_section(draft: dict[str, Any], proposal_id: UUID) -> ProposalSection:
    """Replace the draft's ask."""
    return tagged(service.write_ask(session(), current_actor(), proposal_id, draft, if_match))


@proposals.put("/<uuid:proposal_id>/sections/employer")
@writes
@proposals.arguments(EmployerSectionDraft)
@proposals.response(200, SectionView)
def put_employer_section(draft: dict[str, Any], proposal_id: UUID) -> ProposalSection:
    """Name the parent and the commissioners: they are told nothing and kept out."""
    return tagged(service.write_employer(session(), current_actor(), proposal_id, draft, if_match))


@proposals.get("/<uuid:proposal_id>/versions")
@proposals.response(200, ProposalVersionsView)
def list_proposal_versions(proposal_id: UUID) -> dict[str, Any]:
    """List what one's own group published over time, the newest first."""
    return {"data": service.versions(session(), current_actor(), proposal_id)}


@proposals.post("/<uuid:proposal_id>/versions")
@writes
@proposals.response(201, ProposalVersionView)
def post_proposal_version(proposal_id: UUID) -> ProposalVersion:
    """Publish the draft as the next version, to those with whom it is shared."""
    made = service.publish_proposal(session(), current_actor(), proposal_id)
    located(f"/v1/proposals/{proposal_id}/versions/{made.id}")
    return made


@proposals.get("/<uuid:proposal_id>/versions/<uuid:version_id>")
@proposals.response(200, ProposalVersionView)
def get_proposal_version(proposal_id: UUID, version_id: UUID) -> ProposalVersion:
    """Read one version that one's own group published."""
    return service.version(session(), current_actor(), proposal_id, version_id)


@proposals.get("/<uuid:proposal_id>/sharing")
@proposals.response(200, SharingView)
def get_proposal_sharing(proposal_id: UUID) -> dict[str, Any]:
    """Read who sees one's own proposal, and which facts."""
    return _shared(sharing.own_proposal(session(), current_actor(), proposal_id, Action.READ_PROPOSAL))


@proposals.put("/<uuid:proposal_id>/sharing")
@writes
@proposals.arguments(SharingDraft)
@proposals.response(200, SharingView)
def put_proposal_sharing(draft: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """Replace who sees one's own proposal, and which facts."""
    return _shared(sharing.share_proposal(session(), current_actor(), proposal_id, draft, if_match))


@proposals.post("/<uuid:proposal_id>/withdrawal")
@writes
@proposals.response(200, ProposalView)
def post_proposal_withdrawal(proposal_id: UUID) -> dict[str, Any]:
    """Withdraw a proposal: every version is hidden from all but the parties to a promise."""
    return _shown(service.withdraw_proposal(session(), current_actor(), proposal_id))


def _shown(proposal: Proposal) -> dict[str, Any]:
    return reading.detail(session(), current_actor(), proposal)


def _shared(proposal: Proposal) -> dict[str, Any]:
    tagged(proposal)
    return sharing.sharing_card(session(), proposal)
