"""How sure a published fact is: declared by the group, evidenced, or verified. Belongs to one version's value."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.proposals.models import FactAssurance, Proposal, ProposalVersion
from marketplace.reference.facts import REGISTRY
from marketplace.store.base import new_id

LEVELS = ("declared", "evidenced", "verified")


def current_version_of(current: Session, proposal_id: UUID) -> UUID | None:
    """The id of the proposal's published version as it stands; None before the first."""
    return current.scalar(select(Proposal.current_version_id).where(Proposal.id == proposal_id))


def assure_fact(
    current: Session, version_id: UUID, fact: str, level: str, by_user_id: UUID, evidence_id: UUID | None = None
) -> bool:
    """Raise a fact of that version to `level`; never lowers one. False where there is nothing to raise.

    The current version is raised with it where it gives the same answer: what was shown is a value, and a value that
    the group has changed since was shown by nobody. Only an answered fact that the group authors can be assured: what
    is derived is as sure as what it comes from. Locks the proposal, so that no publication slips in between.
    """
    shown = current.get_one(ProposalVersion, version_id)
    proposal = current.get_one(Proposal, shown.proposal_id, with_for_update=True, populate_existing=True)
    if fact not in REGISTRY or REGISTRY[fact].derived or fact not in shown.facts:
        return False
    values = {"level": level, "by_user_id": by_user_id, "evidence_id": evidence_id}
    raised = _raise(current, shown.id, fact, values)
    if proposal.current_version_id not in (None, shown.id):
        present = current.get_one(ProposalVersion, proposal.current_version_id)
        if present.facts.get(fact) == shown.facts[fact]:
            raised = _raise(current, present.id, fact, values) or raised
    return raised


def carry_assurance(current: Session, earlier: ProposalVersion, version: ProposalVersion) -> None:
    """Keep the assurance of facts that the next version leaves as they are."""
    for row in current.scalars(select(FactAssurance).filter_by(proposal_version_id=earlier.id)):
        if version.facts.get(row.fact) == earlier.facts.get(row.fact):
            kept = {"fact": row.fact, "level": row.level, "by_user_id": row.by_user_id, "evidence_id": row.evidence_id}
            current.add(FactAssurance(proposal_version_id=version.id, **kept))
    current.flush()


def _raise(current: Session, version_id: UUID, fact: str, values: dict[str, Any]) -> bool:
    held = current.scalar(select(FactAssurance.level).filter_by(proposal_version_id=version_id, fact=fact))
    if LEVELS.index(values["level"]) <= LEVELS.index(held or "declared"):
        return False
    row = insert(FactAssurance).values(id=new_id(), proposal_version_id=version_id, fact=fact, **values)
    current.execute(row.on_conflict_do_update(constraint="uq_fact_assurance_proposal_version_id_fact", set_=values))
    return True
