"""The benefits register: what a proposal is to change, from which baseline, who answers for it, and what was measured.

The group writes; the parties to the work read. Everything is changed under the proposal's lock, under which a move
reads what stands: the gate into `set_up` asks for it.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from marketplace.evidence import policy
from marketplace.identity.organisations import freshly
from marketplace.identity.personal import ERASED
from marketplace.pipeline.models import ProposalPipeline
from marketplace.pipeline.rules import RegisterFacts, register_reason, register_test
from marketplace.pipeline.service import audience_of, show_declared_gates
from marketplace.pipeline.templates import template_of
from marketplace.proposals.models import Proposal
from marketplace.proposals.sharing import changeable, own_proposal
from marketplace.social_value.accounts import places
from marketplace.social_value.models import Benefit, BenefitMeasurement
from marketplace.social_value.rules import (
    MOST_BENEFITS,
    MOST_MEASUREMENTS,
    BenefitFaults,
    BenefitRetired,
    Fault,
    Planned,
    TooManyAssessments,
    benefit_faults,
    measured_on_time,
    next_due,
    planned_days_faults,
    progress,
    refuse,
)
from marketplace.social_value.sight import Precondition
from marketplace.store import journal
from marketplace.store.base import new_id
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.permissions import Action, permit
from marketplace.values.reasons import Level, unmet
from marketplace.values.refusals import NotFound


@dataclass(frozen=True, slots=True)
class BenefitSeen:
    """A benefit, its latest measurement, how far it has come, and what is due."""

    benefit: Benefit
    latest: BenefitMeasurement | None
    progress: str | None
    next_due_on: date | None
    overdue: bool


def register_benefit(session: Session, actor: Actor, proposal_id: UUID, draft: dict[str, Any]) -> BenefitSeen:
    """Enter a benefit with its baseline, target, owner and days of measurement. BenefitFaults; MOST_BENEFITS active."""
    proposal = _written(session, actor, proposal_id)
    baseline, target, owner = draft["baseline"], draft["target"], draft["owner"]
    plan = Planned(baseline["value"], baseline["on"], target["value"], target["on"], tuple(draft["measurement_days"]))
    refuse(BenefitFaults, benefit_faults(plan, today()))
    active = select(func.count()).where(Benefit.proposal_id == proposal_id, Benefit.state == "active")
    if session.scalars(active).one() >= MOST_BENEFITS:
        raise TooManyAssessments(f"A register has at most {MOST_BENEFITS} active benefits.")
    made = Benefit(
        id=new_id(),
        proposal_id=proposal_id,
        title=draft["title"],
        beneficiary=draft["beneficiary"],
        unit=draft["unit"],
        baseline=baseline["value"],
        baseline_on=baseline["on"],
        baseline_source=baseline["source"],
        target=target["value"],
        target_on=target["on"],
        owner_name=owner["name"],
        owner_role=owner["role"],
        measurement_days=[each.isoformat() for each in draft["measurement_days"]],
        made_by=actor.person,
    )
    session.add(made)
    session.flush()
    session.refresh(made)
    _record(session, actor, proposal, "benefit.registered", made, after=_content(made))
    show_declared_gates(session, actor, proposal)
    return _seen(made, None)


def change_benefit(
    session: Session, actor: Actor, benefit_id: UUID, changes: dict[str, Any], precondition: Precondition
) -> BenefitSeen:
    """Give a benefit another owner or other days of measurement. BenefitFaults, BenefitRetired."""
    kept, proposal = _changed(session, actor, benefit_id, precondition)
    before = _content(kept)
    if "owner" in changes:
        kept.owner_name, kept.owner_role = changes["owner"]["name"], changes["owner"]["role"]
    if "measurement_days" in changes:
        refuse(BenefitFaults, planned_days_faults(changes["measurement_days"], kept.baseline_on))
        kept.measurement_days = [each.isoformat() for each in changes["measurement_days"]]
    _changed_by(session, actor, kept)
    _record(session, actor, proposal, "benefit.changed", kept, before=before, after=_content(kept))
    show_declared_gates(session, actor, proposal)
    return _seen(kept, _latest(session, [kept.id]).get(kept.id))


def retire_benefit(session: Session, actor: Actor, benefit_id: UUID, reason: dict[str, str]) -> BenefitSeen:
    """Say why a benefit is measured no more; it stays in the register with what was measured. BenefitRetired."""
    kept, proposal = _changed(session, actor, benefit_id)
    before = _content(kept)
    kept.state, kept.retirement_reason = "retired", reason
    _changed_by(session, actor, kept)
    _record(session, actor, proposal, "benefit.retired", kept, before=before, after=_content(kept))
    return _seen(kept, _latest(session, [kept.id]).get(kept.id))


def measure_benefit(session: Session, actor: Actor, benefit_id: UUID, draft: dict[str, Any]) -> BenefitMeasurement:
    """Enter a measured value, of a day after the baseline's that has come. BenefitFaults, BenefitRetired."""
    kept, proposal = _changed(session, actor, benefit_id)
    day = draft["measured_on"]
    if not kept.baseline_on < day <= today():
        detail = "A value is measured after the baseline, and on a day that has come"
        refuse(BenefitFaults, [Fault("MEASURED_SINCE", "#/measured_on", detail, str(day), str(kept.baseline_on))])
    so_far = select(func.count()).where(BenefitMeasurement.benefit_id == benefit_id)
    if session.scalars(so_far).one() >= MOST_MEASUREMENTS:
        raise TooManyAssessments(f"A benefit has at most {MOST_MEASUREMENTS} measurements.")
    made = BenefitMeasurement(id=new_id(), benefit_id=benefit_id, measured_by=actor.person, **draft)
    session.add(made)
    session.flush()
    session.refresh(made)
    after = {name: str(getattr(made, name)) for name in ("measured_on", "value", "source", "note")}
    _record(session, actor, proposal, "benefit.measured", kept, after=after)
    return made


def benefit_seen(session: Session, actor: Actor, benefit_id: UUID) -> BenefitSeen:
    """A benefit with how far it has come, for the group, its guests and the parties to the work; NotFound otherwise."""
    kept = session.get(Benefit, benefit_id)
    if kept is None:
        raise NotFound()
    policy.see_workings(session, actor, kept.proposal_id)
    return _seen(kept, _latest(session, [benefit_id]).get(benefit_id))


def benefits_of(session: Session, actor: Actor, proposal_id: UUID, after: UUID | None, limit: int) -> list[BenefitSeen]:
    """The proposal's register, the oldest entry first, one more than `limit` where there are more."""
    policy.see_workings(session, actor, proposal_id)
    query = select(Benefit).where(Benefit.proposal_id == proposal_id)
    if after is not None:
        query = query.where(Benefit.id > after)
    rows = list(session.scalars(query.order_by(Benefit.id).limit(limit + 1)))
    latest = _latest(session, [each.id for each in rows])
    return [_seen(each, latest.get(each.id)) for each in rows]


def measurements_of(
    session: Session, actor: Actor, benefit_id: UUID, after: UUID | None, limit: int
) -> list[BenefitMeasurement]:
    """What was measured of a benefit, the latest entry first, one more than `limit` where there are more."""
    benefit_seen(session, actor, benefit_id)
    query = select(BenefitMeasurement).where(BenefitMeasurement.benefit_id == benefit_id)
    if after is not None:
        query = query.where(BenefitMeasurement.id < after)
    return list(session.scalars(query.order_by(BenefitMeasurement.id.desc()).limit(limit + 1)))


def register_check(session: Session, actor: Actor, proposal_id: UUID) -> dict[str, Any]:
    """What the register has to hold before the proposal sets up, for those who see its way.

    `ready`: what the gate into `set_up` asks is met. A measurement that is overdue is told, and stops nobody.
    `asked_by_gate`: the template version that the proposal is pinned to has that gate; others ask for none.
    """
    policy.see_workings(session, actor, proposal_id)
    asked = register_test(template_of(session.get(ProposalPipeline, proposal_id)))
    least = 1 if asked is None or asked.least is None else asked.least
    standing = register_reason(least, register_facts(session, proposal_id))
    conditions = [standing, measured_on_time(*_standing_and_overdue(session, proposal_id))]
    hard = [each for each in conditions if each.level is Level.HARD]
    return {"ready": not unmet(hard), "asked_by_gate": asked is not None, "conditions": conditions}


def register_facts(session: Session, proposal_id: UUID) -> RegisterFacts:
    """How many benefits stand, and of how many nobody is named any more: whoever it was has been erased."""
    nobody = Benefit.owner_name.contains(ERASED, autoescape=True)
    counts = select(func.count(), func.count().filter(nobody)).where(
        Benefit.proposal_id == proposal_id, Benefit.state == "active"
    )
    standing, without_owner = session.execute(counts).one()
    return RegisterFacts(standing, without_owner)


def _standing_and_overdue(session: Session, proposal_id: UUID) -> tuple[int, int]:
    active = select(Benefit).where(Benefit.proposal_id == proposal_id, Benefit.state == "active")
    rows = list(session.scalars(active))
    latest = _latest(session, [each.id for each in rows])
    return len(rows), sum(_seen(each, latest.get(each.id)).overdue for each in rows)


def _written(session: Session, actor: Actor, proposal_id: UUID) -> Proposal:
    proposal = own_proposal(session, actor, proposal_id, Action.WRITE_PROPOSAL, lock=True)
    permit(freshly(session, actor), Action.WRITE_PROPOSAL, proposal.organisation_id)
    return changeable(proposal)


def _changed(
    session: Session, actor: Actor, benefit_id: UUID, precondition: Precondition | None = None
) -> tuple[Benefit, Proposal]:
    """An active benefit of the caller's own group, its proposal locked; read again under the lock."""
    benefit_seen(session, actor, benefit_id)
    kept = session.get_one(Benefit, benefit_id)
    proposal = _written(session, actor, kept.proposal_id)
    session.refresh(kept)
    if precondition is not None:
        precondition(kept)
    if kept.state == "retired":
        raise BenefitRetired("It was retired: enter another benefit.")
    return kept, proposal


def _changed_by(session: Session, actor: Actor, kept: Benefit) -> None:
    kept.changed_by = actor.person
    kept.version += 1
    session.flush()


def _latest(session: Session, benefit_ids: list[UUID]) -> dict[UUID, BenefitMeasurement]:
    """By benefit: of its latest measured day, the entry made last."""
    query = (
        select(BenefitMeasurement)
        .where(BenefitMeasurement.benefit_id.in_(benefit_ids))
        .ext(distinct_on(BenefitMeasurement.benefit_id))
        .order_by(BenefitMeasurement.benefit_id, BenefitMeasurement.measured_on.desc(), BenefitMeasurement.id.desc())
    )
    return {each.benefit_id: each for each in session.scalars(query)}


def _seen(kept: Benefit, latest: BenefitMeasurement | None) -> BenefitSeen:
    days = tuple(date.fromisoformat(each) for each in kept.measurement_days)
    plan = Planned(kept.baseline, kept.baseline_on, kept.target, kept.target_on, days)
    due = next_due(days, latest.measured_on if latest else None) if kept.state == "active" else None
    return BenefitSeen(
        benefit=kept,
        latest=latest,
        progress=None if latest is None else places(progress(plan, latest.value), 4),
        next_due_on=due,
        overdue=due is not None and due < today(),
    )


def _content(kept: Benefit) -> dict[str, Any]:
    plain = ("title", "beneficiary", "unit", "baseline_source", "owner_name", "owner_role", "measurement_days", "state")
    exact = ("baseline", "target", "baseline_on", "target_on")
    return {name: getattr(kept, name) for name in plain} | {name: str(getattr(kept, name)) for name in exact}


def _record(
    session: Session,
    actor: Actor,
    proposal: Proposal,
    type_: str,
    kept: Benefit,
    *,
    after: dict[str, Any],
    before: dict[str, Any] | None = None,
) -> None:
    journal.record(
        session,
        type_,
        "benefit",
        kept.id,
        actor=actor,
        audience=journal.only(*audience_of(session, proposal)),
        path=f"/v1/benefits/{kept.id}",
        before=before,
        after=after,
    )
