"""How a proposal's staff keep up their pensions: one record, changed under the proposal's lock: gates read it there."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.evidence.models import Evidence
from marketplace.identity.organisations import freshly
from marketplace.pipeline.ballots import live_pipeline
from marketplace.pipeline.models import PensionArrangement
from marketplace.pipeline.rules import GapBasis, PensionFaults, contribution_gap, gap_faults, pension_faults
from marketplace.pipeline.service import audience_of, show_declared_gates
from marketplace.proposals.models import Proposal
from marketplace.proposals.sharing import changeable, own_proposal
from marketplace.store import journal
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.money import Money
from marketplace.values.permissions import Action, permit

Precondition = Callable[[Any], None]


def put_pension_arrangement(
    session: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any], precondition: Precondition
) -> PensionArrangement:
    """Say how pensions will be kept up; replaces what was said before, where the caller has seen it. PensionFaults."""
    proposal = own_proposal(session, actor, proposal_id, Action.WRITE_PROPOSAL, lock=True)
    permit(freshly(session, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    changeable(proposal)
    live_pipeline(session, proposal_id)
    kept = _held(session, proposal_id)
    precondition(kept)
    bond, gap, evidence_id = (draft.get(name) for name in ("bond", "contribution_gap", "evidence_id"))
    shown = None if evidence_id is None else session.get(Evidence, evidence_id)
    ours = shown is not None and shown.proposal_id == proposal_id
    basis = GapBasis(**draft["gap_basis"]) if draft.get("gap_basis") else None
    faults = pension_faults(bond, gap, kind=shown.kind if shown is not None and ours else None, named=evidence_id)
    faults += gap_faults(basis, bond, gap)
    if faults:
        raise PensionFaults("`errors` names each fault.", errors=faults)
    gap = gap if basis is None else contribution_gap(basis)
    before = _content(kept) if kept.version else None
    kept.arrangement, kept.evidence_id = draft["arrangement"], evidence_id
    kept.bond, kept.contribution_gap = (None if each is None else each.amount for each in (bond, gap))
    kept.currency = next((each.currency for each in (bond, gap) if each is not None), None)
    kept.pensionable_pay = None if basis is None else basis.pensionable_pay.amount
    for name in ("staff", "rate_needed_bp", "rate_planned_bp"):
        setattr(kept, name, getattr(basis, name, None))
    kept.updated_by, kept.updated_at = actor.person, now()
    kept.version += 1
    session.add(kept)
    session.flush()
    _record(session, actor, proposal, kept, before)
    show_declared_gates(session, actor, proposal)
    return kept


def pension_arrangement_of(session: Session, actor: Actor, proposal_id: UUID) -> PensionArrangement:
    """What was said of pensions, for those who see the proposal's way; no arrangement before anything was."""
    policy.see_workings(session, actor, proposal_id)
    return _held(session, proposal_id)


def as_money(kept: PensionArrangement, name: str) -> Money | None:
    """The bond or the gap, with its currency."""
    amount = getattr(kept, name)
    return None if amount is None or kept.currency is None else Money(amount, kept.currency)


def gap_basis_of(kept: PensionArrangement) -> dict[str, Any] | None:
    """What the gap was computed from; None where it was stated, or not said."""
    if kept.staff is None:
        return None
    rates = {name: getattr(kept, name) for name in ("staff", "rate_needed_bp", "rate_planned_bp")}
    return rates | {"pensionable_pay": as_money(kept, "pensionable_pay")}


def _held(session: Session, proposal_id: UUID) -> PensionArrangement:
    """The record, or one of version 0 that says nothing yet and is not kept."""
    held = session.get(PensionArrangement, proposal_id, populate_existing=True)
    return held or PensionArrangement(id=proposal_id, version=0)


def _content(kept: PensionArrangement) -> dict[str, Any]:
    said = ("arrangement", "currency", "bond", "contribution_gap", "evidence_id")
    return {
        name: getattr(kept, name) for name in (*said, "staff", "pensionable_pay", "rate_needed_bp", "rate_planned_bp")
    }


def _record(session: Session, actor: Actor, proposal: Proposal, kept: PensionArrangement, before: Any) -> None:
    journal.record(
        session,
        "pension_arrangement.recorded",
        "pension_arrangement",
        proposal.id,
        actor=actor,
        audience=journal.only(*audience_of(session, proposal)),
        path=f"/v1/proposals/{proposal.id}/pension-arrangement",
        before=before,
        after=_content(kept),
    )
