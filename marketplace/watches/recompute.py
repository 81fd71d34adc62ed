"""Looking again: what a watch finds now against what it last found, recorded once, whoever looks how often.

One function, under a lock on the watch: jobs that look may be repeated, late, or out of order, and come to the same.
Every change is told to the watch's own organisation and to nobody else.
"""

import logging
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from marketplace.eligibility.rules import Evaluation, Result
from marketplace.proposals.models import Proposal
from marketplace.proposals.sharing import kept_out
from marketplace.store.journal import Audience, record
from marketplace.values.actor import Actor
from marketplace.values.clock import now, today
from marketplace.watches import answers, delivery, sight
from marketplace.watches.models import Watch, WatchChange, WatchMatch
from marketplace.watches.rules import (
    INELIGIBLE,
    LISTED,
    NOT_LISTED,
    Change,
    Delivery,
    Standing,
    WatchKind,
    cause_of,
    criteria_changed,
    differences,
)

log = logging.getLogger("marketplace.watches")
CLOCK = Actor()
"""Who acts when nobody does: the marketplace itself, when it looks."""


def locked_watch(current: Session, watch_id: UUID) -> Watch | None:
    """The watch, locked until the end of the transaction and read afresh; None where there is none any more."""
    query = select(Watch).where(Watch.id == watch_id).with_for_update(key_share=True)
    return current.scalars(query.execution_options(populate_existing=True)).one_or_none()


def recompute(
    current: Session, watch_id: UUID, cause: str, *, only: set[UUID] | None = None, day: date | None = None
) -> list[WatchChange]:
    """Look again (at `only` these subjects, or at all) and record what has changed since; the changes, in order.

    `cause` is a slug of `watch_causes`. The first look records nothing: the watching begins with it. A watch that is
    paused or ended, or whose organisation may not look now, is left as it is. One whose proposal was withdrawn or whose
    programme was closed ends.
    """
    watch = locked_watch(current, watch_id)
    if watch is None or watch.ended_at is not None:
        return []
    over = answers.ended_because(current, watch)
    if over is not None:
        end_watch(current, watch, over)
        return []
    if watch.paused:
        return []
    day = day or today()
    if not answers.may_look(current, watch):
        watch.computed_on = day
        return []
    beginning = watch.watching_since is None
    wanted = None if beginning else only
    found = answers.found(current, watch, day, wanted)
    held = _held(current, watch, wanted)
    changed = differences({each: _standing(row) for each, row in held.items()}, found.listed)
    if beginning:
        _begin(current, watch, day, changed)
        return []
    looked_on = watch.computed_on or day
    if wanted is None:
        watch.computed_on = day
    made = _record(current, watch, cause, day, looked_on, changed, held, found)
    current.flush()
    if made and watch.delivery == Delivery.AT_ONCE:
        delivery.write_letters(current, watch, made)
    return made


def end_watch(current: Session, watch: Watch, because: str) -> None:
    """End a watch that has nothing left to watch for. What it found is forgotten, what changed stays to be read."""
    watch.ended_at, watch.ended_because = now(), because
    watch.version += 1
    current.execute(delete(WatchMatch).where(WatchMatch.watch_id == watch.id))
    current.flush()
    note_watch(current, CLOCK, watch, "watch.ended")
    if watch.delivery != Delivery.NONE and not watch.paused:
        delivery.write_ending(current, watch)


def note_watch(
    current: Session, actor: Actor, watch: Watch, type_: str, *, excluded: frozenset[UUID] = frozenset()
) -> None:
    """One event about the watch, for its organisation alone; `excluded` learn nothing as members of it either."""
    record(
        current,
        type_,
        "watch",
        watch.id,
        actor=actor,
        audience=Audience(frozenset({watch.organisation_id}), excluded=excluded),
        path=f"/v1/watches/{watch.id}",
    )


def _held(current: Session, watch: Watch, only: set[UUID] | None) -> dict[UUID, WatchMatch]:
    rows = select(WatchMatch).where(WatchMatch.watch_id == watch.id).execution_options(populate_existing=True)
    if only is not None:
        rows = rows.where(WatchMatch.subject_id.in_(sorted(only)))
    return {row.subject_id: row for row in current.scalars(rows)}


def _standing(row: WatchMatch) -> Standing:
    return Standing(row.result, row.window)


def _begin(current: Session, watch: Watch, day: date, changed: list[Change]) -> None:
    """Keep what there is without a word: the watching begins now."""
    judged = answers.explained(current, watch, day, [each.subject_id for each in changed])
    for each in changed:
        if each.became is not None:
            _keep(current, watch, None, each.subject_id, each.became, judged.get(each.subject_id))
    watch.watching_since, watch.computed_on = now(), day
    current.flush()


def _record(
    current: Session,
    watch: Watch,
    cause: str,
    day: date,
    looked_on: date,
    changed: list[Change],
    held: Mapping[UUID, WatchMatch],
    found: answers.Found,
) -> list[WatchChange]:
    ids = [each.subject_id for each in changed]
    judged = answers.explained(current, watch, day, ids)
    fresh = [each.subject_id for each in changed if each.was is None]
    judged_before = answers.explained_before(current, watch, cause, looked_on, fresh)
    windows_before = answers.windows(current, looked_on, found.windows.keys() & set(ids))
    made = []
    for each in changed:
        row, evaluation = held.get(each.subject_id), judged.get(each.subject_id)
        if each.became is not None and _differs(watch, each, evaluation):
            continue
        windows = windows_before.get(each.subject_id), found.windows.get(each.subject_id)
        change = _change(watch, cause, each, evaluation, *windows)
        before = row.open_criteria if row is not None else None
        if row is None and each.subject_id in judged_before:
            before = answers.open_criteria(judged_before[each.subject_id])
        if before is not None and evaluation is not None:
            change.criteria = criteria_changed(before, answers.open_criteria(evaluation))
        watch.changes += 1
        change.number = watch.changes
        current.add(change)
        if each.became is None:
            current.delete(held[each.subject_id])
        else:
            _keep(current, watch, row, each.subject_id, each.became, evaluation)
        type_ = "watch.unmatched" if each.became is None else "watch.matched"
        note_watch(current, CLOCK, watch, type_, excluded=_kept_out(current, watch, each.subject_id))
        made.append(change)
    return made


def _change(
    watch: Watch,
    cause: str,
    each: Change,
    evaluation: Evaluation | None,
    window_before: str | None,
    window: str | None,
) -> WatchChange:
    """The change in full; of a subject that is not to be seen any more, nothing but that."""
    hidden = each.became is None and evaluation is None
    became = None if each.became is None else each.became.result
    if each.became is None and evaluation is not None and evaluation.result is Result.INELIGIBLE:
        became = INELIGIBLE
    told = delivery.is_wanted(watch)
    return WatchChange(
        watch_id=watch.id,
        subject_id=each.subject_id,
        was=None if each.was is None else each.was.result,
        became=became,
        window_was=None if each.was is None else each.was.window,
        window_became=None if hidden else window,
        cause=NOT_LISTED if hidden else cause_of(cause, each, window_before, window, by_window="window" in watch.query),
        criteria=[],
        awaits_letter=told,
        delivered_at=None,
    )


def _keep(
    current: Session,
    watch: Watch,
    row: WatchMatch | None,
    subject_id: UUID,
    standing: Standing,
    evaluation: Evaluation | None,
) -> None:
    if row is None:
        row = WatchMatch(watch_id=watch.id, subject_id=subject_id)
        current.add(row)
    row.result, row.window, row.number, row.since = standing.result, standing.window, watch.changes, now()
    row.open_criteria = answers.open_criteria(evaluation)


def _differs(watch: Watch, each: Change, evaluation: Evaluation | None) -> bool:
    """Whether the evaluator comes to another answer than the query that listed the subject: nothing is recorded then.

    Another commit between the two looks the same, and has its own look to come.
    """
    if each.became is None or each.became.result == LISTED:
        return False
    if evaluation is not None and evaluation.result.value == each.became.result:
        return False
    facts: dict[str, Any] = {"watch_id": str(watch.id), "subject_id": str(each.subject_id)}
    log.warning("a watch found an answer that the evaluator does not give", extra=facts)
    return True


def _kept_out(current: Session, watch: Watch, subject_id: UUID) -> frozenset[UUID]:
    """Organisations whose members do not learn of a change about a proposal, through no other organisation either."""
    if watch.kind == WatchKind.PROGRAMMES or sight.subjects_of(watch) == sight.PROGRAMMES:
        return frozenset()
    proposal = current.get(Proposal, subject_id)
    return frozenset() if proposal is None else kept_out(current, proposal)
