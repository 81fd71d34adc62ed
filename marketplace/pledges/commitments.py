"""What an accepted pledge holds beside its programme's money: lines of the ask, room in a pool, a place in the count.

Called with the ask locked (aggregate.py); pools come after tranches and before the ledger's accounts, so that what
frees money frees it here first and books then. Whatever changes an ask's total first lets lapse what the clock has
ended, and counts the thresholds again afterwards.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from marketplace.pledges import condition_rules, lifecycle, lines, pools, queries
from marketplace.pledges.aggregate import cancel_tranche_money, record, step
from marketplace.pledges.condition_models import PledgeCondition, PledgeLine
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.proposals.models import Ask, Proposal
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today


def hold_lines(session: Session, pledge: Pledge) -> None:
    """Take what an acceptance holds: its lines, the ask's gap, its pool; it waits for its threshold if it has one."""
    laid = lines.lay(session, pledge)
    lines.fill(session, pledge.ask_id, laid, "accepted")
    if not pledge.lines_named:
        pledge.lines = [PledgeLine(ask_line_id=line, amount=amount, freed=0) for line, amount in sorted(laid.items())]
    pool = condition_of(pledge, "pool")
    if pool is not None and pool.pool_id is not None:
        pools.draw(session, pool.pool_id, pledge.amount)
    threshold = condition_of(pledge, "threshold")
    pledge.lapses_on = None if threshold is None else threshold.by
    session.flush()


def free_lines(session: Session, pledge: Pledge, amount: int) -> None:
    """Give back `amount` of what the pledge holds, the last of its lines first; the ask is open for it again."""
    if amount == 0:
        return
    taken = condition_rules.unlaid(amount, lines.held_lines(session, pledge))
    lines.fill(session, pledge.ask_id, {line: -part for line, part in taken.items()}, "accepted")
    for line in pledge.lines:
        line.freed += taken.get(line.ask_line_id, 0)
    pool = condition_of(pledge, "pool")
    if pool is not None and pool.pool_id is not None:
        pools.draw(session, pool.pool_id, -amount)
    session.flush()


def free_unpaid(session: Session, actor: Actor, pledge: Pledge) -> list[Pledge]:
    """Cancel and free the unpaid rest of a committed pledge, exactly, in its lines, its parts and the ledger.

    As `recount` does, it answers for whom a threshold turned: for `note_thresholds`.
    """
    free_lines(session, pledge, sum(part.unpaid for part in pledge.parts))
    turned = recount(session, pledge.ask_id)
    _cancel_open(session, actor, pledge)
    return turned


def free_tranche(session: Session, actor: Actor, tranche: Tranche) -> list[Pledge]:
    """Cancel and free exactly one unpaid tranche of a committed pledge; the rest as `free_unpaid`."""
    pledge = tranche.part.pledge
    free_lines(session, pledge, tranche.amount)
    turned = recount(session, pledge.ask_id)
    cancel_tranche_money(session, actor, tranche)
    return turned


def recount(session: Session, ask_id: UUID) -> list[Pledge]:
    """Find again which waiting pledges have reached their thresholds, after the ask's total has changed.

    Those for which that is news: `note_thresholds` journals it, after whatever is still to be booked.
    """
    session.flush()
    ask = session.get_one(Ask, ask_id, populate_existing=True)
    certain, waiting = _certain_and_waiting(session, ask)
    thresholds = {pledge.id: (_held(pledge), condition.amount or 0) for pledge, condition in waiting}
    together = condition_rules.reached(certain, thresholds)
    turned = []
    for pledge, condition in waiting:
        lapses_on = None if pledge.id in together else condition.by
        if lapses_on != pledge.lapses_on:
            pledge.lapses_on = lapses_on
            pledge.version += 1
            turned.append(pledge)
    session.flush()
    return turned


def note_thresholds(session: Session, actor: Actor, turned: Sequence[Pledge]) -> None:
    """Journal for each pledge's parties that its threshold was reached, or is out of reach again."""
    for pledge in turned:
        record(session, actor, pledge, "pledge.threshold_lost" if pledge.lapses_on else "pledge.threshold_reached")


def reached_total(session: Session, ask: Ask) -> int:
    """What counts as promised to the ask (`condition_rules.total_reached`)."""
    certain, waiting = _certain_and_waiting(session, ask)
    return condition_rules.total_reached(
        certain, {pledge.id: (_held(pledge), condition.amount or 0) for pledge, condition in waiting}
    )


def settle_due(session: Session, ask_id: UUID) -> int:
    """Let lapse the acceptances whose threshold was not reached by its day; each frees exactly its money, once.

    By programme, so that two asks' lapses take the accounts in one order. Running it late changes nothing: the total
    cannot have moved since the day was over, for whatever moves it comes here first. Nothing is counted again, since
    what lapses counted for nobody.
    """
    query = select(Pledge.id).where(Pledge.ask_id == ask_id, Pledge.state == "accepted", Pledge.lapses_on < today())
    due = [
        queries.lock_pledge(session, pledge_id)
        for pledge_id in session.scalars(query.order_by(Pledge.programme_id, Pledge.id))
    ]
    for pledge in due:
        _lapse(session, pledge)
    return len(due)


def record_lapses(session: Session) -> int:
    """Record what the clock has already ended. Passes over asks that somebody holds: the next round finds them, and a
    job that holds accounts waits for nobody."""
    query = select(Pledge.proposal_id, Pledge.ask_id).where(Pledge.state == "accepted", Pledge.lapses_on < today())
    count = 0
    for proposal_id, ask_id in session.execute(query.distinct().order_by(Pledge.ask_id).limit(100)).all():
        proposal = select(Proposal.id).where(Proposal.id == proposal_id)
        if session.scalar(proposal.with_for_update(read=True, skip_locked=True)) is None:
            continue
        ask = select(Ask.id).where(Ask.id == ask_id)
        if session.scalar(ask.with_for_update(key_share=True, skip_locked=True)) is not None:
            count += settle_due(session, ask_id)
    return count


def condition_of(pledge: Pledge, kind: str) -> PledgeCondition | None:
    """The pledge's condition of that kind."""
    return next((each for each in pledge.conditions if each.kind == kind), None)


def _lapse(session: Session, pledge: Pledge) -> None:
    step(pledge, "lapse")
    free_lines(session, pledge, sum(part.unpaid for part in pledge.parts))
    _cancel_open(session, Actor(), pledge)
    pledge.ended_at = now()
    session.flush()
    record(session, Actor(), pledge, "pledge.expired")


def _cancel_open(session: Session, actor: Actor, pledge: Pledge) -> None:
    for tranche in sorted((each for part in pledge.parts for each in part.tranches), key=lambda each: each.id):
        if tranche.state not in lifecycle.TRANCHE_OVER:
            cancel_tranche_money(session, actor, tranche)


def _certain_and_waiting(session: Session, ask: Ask) -> tuple[int, list[tuple[Pledge, PledgeCondition]]]:
    """What waits for nothing (minor units), and the accepted pledges whose threshold's day is not over.

    What the clock has ended and nobody recorded yet counts for nothing.
    """
    day = today()
    of_ask = (Pledge.ask_id == ask.id, Pledge.state == "accepted")
    query = (
        select(Pledge, PledgeCondition)
        .join(PledgeCondition, PledgeCondition.pledge_id == Pledge.id)
        .where(*of_ask, PledgeCondition.kind == "threshold", PledgeCondition.by >= day)
    )
    waiting = [(row.Pledge, row.PledgeCondition) for row in session.execute(query.order_by(Pledge.id))]
    ended = select(func.coalesce(func.sum(PledgePart.amount - PledgePart.cancelled), 0)).where(
        exists().where(Pledge.id == PledgePart.pledge_id, *of_ask, Pledge.lapses_on < day)
    )
    over = int(session.scalars(ended).one())
    return ask.filled - over - sum(_held(pledge) for pledge, _ in waiting), waiting


def _held(pledge: Pledge) -> int:
    return sum(part.amount - part.cancelled for part in pledge.parts)
