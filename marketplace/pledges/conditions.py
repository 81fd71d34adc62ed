"""A pledge's conditions: kept as data, judged against the deal as it stands, asked again by every release.

The deal is read under the ask's lock, with everything that other organisations have promised to it. Rules are
`condition_rules`'. Flushes, never commits.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.pledges import commitments, condition_rules, lifecycle, lines, subsidy
from marketplace.pledges.condition_models import OutsideAward, PledgeCondition, ProgrammePool
from marketplace.pledges.condition_rules import LOANS, Condition, ConditionsUnmet, ConditionsWrong, Standing
from marketplace.pledges.models import Pledge, Tranche
from marketplace.pledges.rules import ALWAYS_IN_KIND, SOMETIMES_IN_KIND
from marketplace.proposals.models import Ask
from marketplace.values.clock import today
from marketplace.values.reasons import Reason, unmet

PROMISED = sorted(lifecycle.BINDING | {"terminated", "clawed_back"})
"""States in which a pledge was accepted and may still hold something of the ask."""


def write_conditions(session: Session, pledge: Pledge, drafted: Sequence[Mapping[str, Any]]) -> None:
    """Replace the pledge's conditions. ConditionsWrong with every fault, a pool of another programme included."""
    faults = condition_rules.condition_faults(drafted, today())
    for place, each in enumerate(drafted):
        if "pool_id" in each and not _is_pool(session, each["pool_id"], pledge.programme_id):
            faults.append({"pointer": f"#/conditions/{place}/pool_id", "detail": "The programme has no such pool."})
    if faults:
        raise ConditionsWrong("`errors` names each fault.", errors=faults)
    pledge.conditions.clear()
    session.flush()
    pledge.conditions = [_condition_row(each) for each in drafted]


def release_reasons(session: Session, tranche: Tranche) -> tuple[Reason, ...]:
    """What the pledge's conditions ask before this tranche is paid or delivered, each as a Reason, met or not."""
    pledge = tranche.part.pledge
    confirmed = subsidy.confirmation_reason(pledge)
    return (*reasons_of(session, pledge, tranche.amount), *([] if confirmed is None else [confirmed]))


def standing_reasons(session: Session, pledge: Pledge) -> list[Reason]:
    """What stands between an accepted pledge and its releases, leaving the single tranche aside."""
    confirmed = subsidy.confirmation_reason(pledge)
    return [*reasons_of(session, pledge), *([] if confirmed is None else [confirmed])]


def reasons_of(session: Session, pledge: Pledge, releasing: int = 0) -> list[Reason]:
    """The pledge's conditions over the deal as it stands."""
    if not pledge.conditions:
        return []
    return condition_rules.release_reasons(kept_conditions(pledge), standing_of(session, pledge, releasing))


def refuse_waiting(session: Session, pledge: Pledge) -> None:
    """ConditionsUnmet while the pledge waits for its threshold: its agreement would bind it without."""
    if pledge.lapses_on is None:
        return
    missing = [reason for reason in unmet(reasons_of(session, pledge)) if reason.code == "THRESHOLD"]
    raise ConditionsUnmet("The pledge still waits for its threshold.", reasons=[reason.as_json() for reason in missing])


def kept_conditions(pledge: Pledge) -> list[Condition]:
    """The pledge's conditions as the rules take them."""
    names = ("kind", "amount", "by", "ratio_bp", "cap", "in_kind_bp", "counts")
    return [Condition(**{name: getattr(row, name) for name in names}) for row in pledge.conditions]


def standing_of(session: Session, pledge: Pledge, releasing: int = 0, *, without: UUID | None = None) -> Standing:
    """The deal as this pledge's conditions see it; `without` leaves one outside award out."""
    ask = session.get_one(Ask, pledge.ask_id)
    promises = promises_to(session, ask.id)
    awards = [award for award in awards_to(session, ask.id) if award.id != without]
    left_out = sum(award.amount for award in awards_to(session, ask.id) if award.id == without)
    others = [each for each in promises if each.organisation_id != pledge.organisation_id]
    cash = sum(_net(part) for each in others for part in each.parts if not part.in_kind)
    kind = sum(_net(part) for each in others for part in each.parts if part.in_kind)
    in_kind = ALWAYS_IN_KIND | SOMETIMES_IN_KIND
    loans = sum(_net(part) for each in promises for part in each.parts if part.instrument in LOANS)
    given = sum(award.amount for award in awards)
    return Standing(
        total=commitments.reached_total(session, ask) - left_out,
        waits=pledge.lapses_on is not None,
        others_cash=cash + sum(award.amount for award in awards if award.instrument not in in_kind),
        others_in_kind=kind + sum(award.amount for award in awards if award.instrument in in_kind),
        others_released=sum(part.paid + part.delivered - part.returned for each in others for part in each.parts),
        deal=sum(_net(part) for each in promises for part in each.parts) + given,
        loans=loans + sum(award.amount for award in awards if award.instrument in LOANS),
        released=sum(part.paid + part.delivered - part.returned for part in pledge.parts),
        releasing=releasing,
    )


def promises_to(session: Session, ask_id: UUID) -> list[Pledge]:
    """The accepted pledges to an ask that wait for nothing any more."""
    query = select(Pledge).where(Pledge.ask_id == ask_id, Pledge.state.in_(PROMISED), Pledge.lapses_on.is_(None))
    return list(session.scalars(query.order_by(Pledge.id)))


def awards_to(session: Session, ask_id: UUID) -> list[OutsideAward]:
    """The awards from outside that fill lines of an ask."""
    query = select(OutsideAward).where(OutsideAward.ask_id == ask_id, OutsideAward.withdrawn_at.is_(None))
    return list(session.scalars(query.order_by(OutsideAward.id)))


def offer_reasons(session: Session, pledge: Pledge) -> list[Reason]:
    """What of its lines and conditions stands in an offer's way: lines gone or full, a full pool, a day over."""
    return [*_line_reasons(session, pledge), *_pool_reasons(session, pledge), *_day_reasons(pledge)]


def refuse_passed_days(pledge: Pledge) -> None:
    """ConditionsUnmet where the threshold's day was over before the acceptance."""
    over = _day_reasons(pledge)
    if over:
        raise ConditionsUnmet("The threshold's day is over.", reasons=[reason.as_json() for reason in over])


def _line_reasons(session: Session, pledge: Pledge) -> list[Reason]:
    if not pledge.lines_named:
        return []
    return condition_rules.line_reasons(
        lines.named_lines(pledge), dict(lines.rooms(session, pledge.ask_id)), pledge.amount
    )


def _pool_reasons(session: Session, pledge: Pledge) -> list[Reason]:
    condition = commitments.condition_of(pledge, "pool")
    if condition is None:
        return []
    left = session.get_one(ProgrammePool, condition.pool_id, populate_existing=True).left
    return unmet([condition_rules.pool_left(left, pledge.amount)])


def _day_reasons(pledge: Pledge) -> list[Reason]:
    threshold = commitments.condition_of(pledge, "threshold")
    if threshold is None or threshold.by is None or threshold.by >= today():
        return []
    return [condition_rules.day_over(threshold.by)]


def _net(part: Any) -> int:
    return int(part.amount - part.cancelled - part.returned)


def _is_pool(session: Session, pool_id: UUID, programme_id: UUID) -> bool:
    query = select(ProgrammePool.id).where(ProgrammePool.id == pool_id, ProgrammePool.programme_id == programme_id)
    return session.scalar(query) is not None


def _condition_row(drafted: Mapping[str, Any]) -> PledgeCondition:
    row = PledgeCondition(**drafted)
    if row.kind == "match_ratio" and row.in_kind_bp is None:
        row.in_kind_bp = 0
    if row.kind == "cofunding_before_release" and row.counts is None:
        row.counts = "accepted"
    return row
