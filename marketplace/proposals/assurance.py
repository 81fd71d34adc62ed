"""How sure a published fact is: declared by the group, evidenced, or verified. Belongs to one version's value.

What is derived is as sure as what it was derived from; what the ask says is an act of the group and no claim, so that
it neither is assured nor makes anything less sure.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.proposals.hooks import tell_of_change
from marketplace.proposals.models import FactAssurance, Proposal, ProposalProjection, ProposalVersion
from marketplace.proposals.rules import CONSENT
from marketplace.reference.codelists import slugs
from marketplace.reference.facts import REGISTRY, derive, is_question
from marketplace.store.base import new_id

LEVELS = slugs("assurance_levels")


def current_version_of(current: Session, proposal_id: UUID) -> UUID | None:
    """The id of the proposal's published version as it stands; None before the first."""
    return current.scalar(select(Proposal.current_version_id).where(Proposal.id == proposal_id))


def assure_fact(
    current: Session, version_id: UUID, fact: str, level: str, by_user_id: UUID, evidence_id: UUID | None = None
) -> bool:
    """Raise a fact of that version to `level`; never lowers one. False where there is nothing to raise.

    The current version is raised with it where it gives the same answer: what was shown is a value, and a value that
    the group has changed since was shown by nobody. Only an answered fact that the group authors can be assured, and
    of those only one that somebody else can attest; what is derived from it follows. Locks the proposal, so that no
    publication slips in between.
    """
    shown = current.get_one(ProposalVersion, version_id)
    proposal = current.get_one(Proposal, shown.proposal_id, with_for_update={"key_share": True}, populate_existing=True)
    definition = REGISTRY.get(fact)
    attestable = is_question(fact) if definition is None else definition.assurable and not definition.derived
    if not attestable or fact not in shown.facts:
        return False
    values = {"level": level, "by_user_id": by_user_id, "evidence_id": evidence_id}
    raised = _raise(current, shown.id, fact, values)
    if proposal.current_version_id not in (None, shown.id):
        present = current.get_one(ProposalVersion, proposal.current_version_id)
        if present.facts.get(fact) == shown.facts[fact]:
            raised = _raise(current, present.id, fact, values) or raised
    row = current.get(ProposalProjection, proposal.id, populate_existing=True)
    if raised and row is not None:
        row.assurance = assurance_of(current, current.get_one(ProposalVersion, row.version_id), row.facts)
        current.flush()
    if raised:
        tell_of_change(current, proposal.id, "assured")
    return raised


def lapse_fact(
    current: Session, proposal_id: UUID, fact: str, evidence_id: UUID, standing: list[tuple[UUID, UUID]]
) -> None:
    """What was verified by that evidence alone is evidenced from now on: its acceptance has expired.

    `standing`: other evidence of the fact whose acceptance counts, with the version whose value it shows; where that
    is the same value, it is what the fact rests on now. Decisions keep the assurance that they were made with.
    """
    proposal = current.get_one(Proposal, proposal_id, with_for_update={"key_share": True}, populate_existing=True)
    shown = {evidence: current.get_one(ProposalVersion, version).facts.get(fact) for evidence, version in standing}
    rows = (
        select(FactAssurance, ProposalVersion)
        .join(ProposalVersion, ProposalVersion.id == FactAssurance.proposal_version_id)
        .where(ProposalVersion.proposal_id == proposal_id, FactAssurance.fact == fact)
        .where(FactAssurance.evidence_id == evidence_id, FactAssurance.level == LEVELS[-1])
    )
    for row, version in current.execute(rows).all():
        others = [evidence for evidence, value in shown.items() if value == version.facts.get(fact)]
        if others:
            row.evidence_id = others[0]
        else:
            row.level = LEVELS[-2]
    current.flush()
    projection = current.get(ProposalProjection, proposal.id, populate_existing=True)
    if projection is not None:
        version = current.get_one(ProposalVersion, projection.version_id)
        projection.assurance = assurance_of(current, version, projection.facts)
        current.flush()
        tell_of_change(current, proposal.id, "assured")


def assurance_of(current: Session, version: ProposalVersion, facts: Mapping[str, Any]) -> dict[str, str]:
    """The level of each of that version's `facts` that is more than declared, derived ones included."""
    rows = select(FactAssurance.fact, FactAssurance.level).where(FactAssurance.proposal_version_id == version.id)
    return levels_of(version.facts, version.ask, facts, {row.fact: row.level for row in current.execute(rows)})


def levels_of(
    authored: Mapping[str, Any], ask: Mapping[str, Any], facts: Mapping[str, Any], held: Mapping[str, str]
) -> dict[str, str]:
    """The level of each of the `facts` that is more than declared, the authored ones' levels being `held`.

    A derived fact has the highest level at which the answers of that level, with the ask, are enough to derive it.
    The employer's consent is the employer's own word.
    """
    acts = derive({}, ask, None)
    levels: dict[str, str] = {}
    for rank, level in enumerate(LEVELS[1:], start=1):
        sure = {slug: value for slug, value in authored.items() if LEVELS.index(held.get(slug, LEVELS[0])) >= rank}
        levels |= {slug: level for slug, value in derive(sure, ask, None).items() if facts.get(slug) == value}
    levels = {slug: level for slug, level in levels.items() if slug not in acts}
    return levels | ({CONSENT: LEVELS[-1]} if CONSENT in facts else {})


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
