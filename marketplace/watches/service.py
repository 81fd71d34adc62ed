"""Watches: making, changing and reading them, for the members of their organisation and for nobody else.

The looking is `recompute`'s, the letters are `delivery`'s. What is shown of a subject is what the reader may see now.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.identity.organisations import locked_organisation
from marketplace.matching.rules import NothingToMatch
from marketplace.programmes.models import Programme
from marketplace.programmes.service import own_programme
from marketplace.proposals.models import Proposal
from marketplace.proposals.sharing import own_proposal
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound
from marketplace.watches import answers, delivery, searches, sight
from marketplace.watches.jobs import watch_changed
from marketplace.watches.models import Watch, WatchChange, WatchMatch, WatchRecipient, WatchVisit
from marketplace.watches.recompute import locked_watch, note_watch
from marketplace.watches.rules import (
    MOST_WATCHES,
    Delivery,
    TooManyWatches,
    WatchEnded,
    WatchFaults,
    WatchKind,
    anchor_faults,
    turn_of,
)
from marketplace.web.paging import Page, by_id, cut

Precondition = Callable[[Any], None]
NO_WATCH = "There is no such thing, or you may not see it."


def make_watch(current: Session, actor: Actor, organisation_id: UUID, draft: Mapping[str, Any]) -> Watch:
    """Begin to watch, for an organisation of the caller's; its maker gets the letters.

    WatchFaults for a draft that does not say what it watches, NothingToMatch before anything is published that could
    be matched, WatchEnded for what is over already, TooManyWatches beyond the organisation's hundred.
    """
    permit(actor, Action.WRITE_WATCH, organisation_id)
    faults = anchor_faults(draft)
    if faults:
        raise WatchFaults("`errors` names each fault.", errors=faults)
    watch = Watch(
        organisation_id=organisation_id,
        made_by=actor.person,
        kind=draft["kind"],
        proposal_id=draft.get("proposal_id"),
        programme_id=draft.get("programme_id"),
        listing=draft.get("listing"),
        name=draft["name"],
        delivery=draft["delivery"],
        paused=draft["paused"],
        changes=0,
    )
    _refuse_anchor(current, actor, watch)
    watch.query = checked_query(current, watch, draft["query"])
    locked_organisation(current, organisation_id)
    if _number_of_watches(current, organisation_id) >= MOST_WATCHES:
        raise TooManyWatches(f"An organisation has at most {MOST_WATCHES}: delete one that you no longer need.")
    current.add(watch)
    current.flush()
    current.refresh(watch)
    current.add(WatchRecipient(watch_id=watch.id, user_id=actor.person))
    current.flush()
    note_watch(current, actor, watch, "watch.made")
    watch_changed(current, watch, "watch_made")
    return watch


def change_watch(
    current: Session, actor: Actor, watch_id: UUID, change: Mapping[str, Any], precondition: Precondition
) -> Watch:
    """Change a watch's name, delivery, query, or whether it is paused. One that has ended keeps its query and pause.

    Another query begins the watching anew; a resumed watch looks again and tells what has changed meanwhile.
    """
    watch_seen(current, actor, watch_id, Action.WRITE_WATCH)
    watch = _locked(current, watch_id)
    precondition(watch)
    if watch.ended_at is not None and change.keys() & {"query", "paused"}:
        raise WatchEnded("Make another watch for something that is still there.")
    resumed = watch.paused and not change.get("paused", watch.paused)
    anew = False
    if "query" in change:
        query = checked_query(current, watch, change["query"])
        anew = query != watch.query
        watch.query = query
    for name in change.keys() - {"query"}:
        setattr(watch, name, change[name])
    if watch.delivery == Delivery.NONE:
        delivery.forget_waiting(current, watch)
    if anew:
        watch.watching_since = watch.computed_on = None
        current.execute(delete(WatchMatch).where(WatchMatch.watch_id == watch.id))
    watch.version += 1
    current.flush()
    note_watch(current, actor, watch, "watch.changed")
    if anew or resumed:
        watch_changed(current, watch, "watch_resumed")
    return watch


def delete_watch(current: Session, actor: Actor, watch_id: UUID, precondition: Precondition) -> None:
    """Delete a watch, with all that it found and recorded."""
    watch_seen(current, actor, watch_id, Action.WRITE_WATCH)
    watch = _locked(current, watch_id)
    precondition(watch)
    note_watch(current, actor, watch, "watch.deleted")
    current.execute(delete(Watch).where(Watch.id == watch.id))
    current.expunge(watch)


def want_letters(current: Session, actor: Actor, watch_id: UUID, *, wanted: bool) -> Watch:
    """Say for oneself whether the watch's letters are wanted; saying it again changes nothing."""
    watch = watch_seen(current, actor, watch_id)
    if wanted:
        row = insert(WatchRecipient).values(watch_id=watch.id, user_id=actor.person)
        current.execute(row.on_conflict_do_nothing())
    else:
        current.execute(
            delete(WatchRecipient).where(WatchRecipient.watch_id == watch.id, WatchRecipient.user_id == actor.person)
        )
    return watch


def visit(current: Session, actor: Actor, watch_id: UUID, latest_change: int | None) -> Watch:
    """Say that one has seen what there is, up to a change's number (all that is recorded now unless given).

    What is recorded while somebody reads has a higher number, and stays new. A visit never unsees anything.
    """
    watch = watch_seen(current, actor, watch_id)
    seen = watch.changes if latest_change is None else min(latest_change, watch.changes)
    row = insert(WatchVisit).values(watch_id=watch.id, user_id=actor.person, seen=seen, visited_at=now())
    later = {"seen": func.greatest(WatchVisit.seen, row.excluded.seen), "visited_at": row.excluded.visited_at}
    current.execute(row.on_conflict_do_update(index_elements=["watch_id", "user_id"], set_=later))
    return watch


# Reading


def watch_seen(current: Session, actor: Actor, watch_id: UUID, action: Action = Action.READ_WATCH) -> Watch:
    """A watch of an organisation for which the caller may do `action`. NotFound for everybody else's."""
    watch = current.get(Watch, watch_id)
    if watch is None:
        raise NotFound(NO_WATCH)
    permit(actor, action, watch.organisation_id)
    return watch


def list_watches(
    current: Session, actor: Actor, organisation_id: UUID, query: Mapping[str, Any], place: list[Any] | None
) -> Page:
    """The organisation's watches, the newest first. `place` is [id of the last one before]."""
    permit(actor, Action.READ_WATCH, organisation_id)
    rows = select(Watch).where(Watch.organisation_id == organisation_id).order_by(Watch.id.desc())
    if "kind" in query:
        rows = rows.where(Watch.kind == query["kind"])
    if place is not None:
        rows = rows.where(Watch.id < UUID(place[0]))
    found = list(current.scalars(rows.limit(query["limit"] + 1)))
    page = cut(found, query["limit"], by_id)
    return Page([card(current, actor, watch) for watch in page.items], page.after)


def card(current: Session, actor: Actor, watch: Watch) -> dict[str, Any]:
    """A watch as its organisation's member sees it, with how many matches are new to them."""
    names = (
        *("id", "organisation_id", "kind", "proposal_id", "programme_id", "listing", "query", "name", "delivery"),
        *("paused", "watching_since", "ended_at", "ended_because", "created_at"),
    )
    latest = sight.changes_of(watch, actor).with_only_columns(func.max(WatchChange.number))
    mine = current.get(WatchRecipient, (watch.id, actor.user_id), populate_existing=True)
    return {name: getattr(watch, name) for name in names} | {
        "latest_change": current.scalar(latest) or 0,
        "letters_to_me": mine is not None,
        "new_matches": _number_of_new(current, actor, watch),
    }


def matches(current: Session, actor: Actor, watch_id: UUID, query: Mapping[str, Any], place: list[Any] | None) -> Page:
    """What the watch finds now, what came last first, each marked where it is new to the caller.

    `place` is [number, subject id] of the last one before.
    """
    watch = _looked_into(current, actor, watch_id)
    rows = _shown_matches(current, actor, watch).order_by(WatchMatch.number.desc(), WatchMatch.subject_id)
    if "result" in query:
        rows = rows.where(WatchMatch.result == query["result"])
    if place is not None:
        number, subject = place[0], UUID(place[1])
        rows = rows.where(
            (WatchMatch.number < number) | ((WatchMatch.number == number) & (WatchMatch.subject_id > subject))
        )
    found = list(current.scalars(rows.limit(query["limit"] + 1)))
    page = cut(found, query["limit"], lambda row: [row.number, str(row.subject_id)])
    cards = sight.cards(current, watch, actor, [row.subject_id for row in page.items])
    seen = _seen(current, actor, watch)
    shown = [
        {
            "subject": cards[row.subject_id],
            "result": row.result,
            "window": row.window,
            "since": row.since,
            "new": row.number > seen,
        }
        for row in page.items
        if row.subject_id in cards
    ]
    return Page(shown, page.after)


def changes(current: Session, actor: Actor, watch_id: UUID, query: Mapping[str, Any], place: list[Any] | None) -> Page:
    """What has changed, the latest first. Of a subject that the caller may not see now, its id and nothing more; of
    one from which another organisation of theirs is kept out, nothing.

    `query`: limit and, if wished, since (an instant). `place` is [number of the last one before].
    """
    watch = _looked_into(current, actor, watch_id)
    rows = sight.changes_of(watch, actor).order_by(WatchChange.number.desc())
    since: datetime | None = query.get("since")
    if since is not None:
        rows = rows.where(WatchChange.created_at >= since)
    if place is not None:
        rows = rows.where(WatchChange.number < place[0])
    found = list(current.scalars(rows.limit(query["limit"] + 1)))
    page = cut(found, query["limit"], lambda row: [row.number])
    cards = sight.cards(current, watch, actor, {row.subject_id for row in page.items})
    seen = _seen(current, actor, watch)
    return Page([_change_card(row, cards.get(row.subject_id), new=row.number > seen) for row in page.items], page.after)


def checked_query(current: Session, watch: Watch, query: Mapping[str, str]) -> dict[str, str]:
    """The query as it is kept. WatchFaults with a pointer for each parameter that its kind of watch does not take."""
    if watch.kind == WatchKind.SEARCH:
        looking = sight.organisation_alone(current, watch.organisation_id)
        searches.check(current, looking, str(watch.listing), query)
        return dict(query)
    return searches.read_filters(watch.kind, query)


def _change_card(row: WatchChange, subject: dict[str, Any] | None, *, new: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"number": row.number, "at": row.created_at, "new": new}
    if subject is None:
        gone = {"id": row.subject_id, "available": False}
        return shown | {"subject": gone, "turn": turn_of(row.was, None).value, "was": None, "became": None}
    return shown | {
        "subject": subject,
        "turn": turn_of(row.was, row.became).value,
        "was": row.was,
        "became": row.became,
        "window_was": row.window_was,
        "window_became": row.window_became,
        "because": {"cause": row.cause, "criteria": row.criteria},
    }


def _looked_into(current: Session, actor: Actor, watch_id: UUID) -> Watch:
    """A watch whose findings the caller may read: a funder's, over proposals, only while the funder is verified."""
    watch = watch_seen(current, actor, watch_id)
    if watch.kind == WatchKind.PROPOSALS:
        permit(actor, Action.BROWSE_PROPOSALS, watch.organisation_id)
    return watch


def _shown_matches(current: Session, actor: Actor, watch: Watch) -> Any:
    table: Any = Programme if sight.subjects_of(watch) == sight.PROGRAMMES else Proposal
    return (
        select(WatchMatch)
        .join(table, table.id == WatchMatch.subject_id)
        .where(WatchMatch.watch_id == watch.id, *sight.conditions(current, watch, actor))
    )


def _number_of_new(current: Session, actor: Actor, watch: Watch) -> int:
    new = _shown_matches(current, actor, watch).where(WatchMatch.number > _seen(current, actor, watch))
    if watch.kind == WatchKind.PROPOSALS and not answers.may_look(current, watch):
        return 0
    return current.scalar(new.with_only_columns(func.count())) or 0


def _seen(current: Session, actor: Actor, watch: Watch) -> int:
    """Up to which change the caller has seen the watch; whoever was never here has seen how it began."""
    row = current.get(WatchVisit, (watch.id, actor.user_id), populate_existing=True)
    return 0 if row is None else row.seen


def _refuse_anchor(current: Session, actor: Actor, watch: Watch) -> None:
    """What the watch is for has to be the organisation's own, published, and not over."""
    if watch.kind == WatchKind.PROGRAMMES and watch.proposal_id is not None:
        proposal = own_proposal(current, actor, watch.proposal_id, Action.READ_WATCH)
        _refuse_other_owner(watch, proposal.organisation_id)
        if proposal.current_version_id is None:
            raise NothingToMatch("Publish a version of the proposal first; it stays private until you share it.")
    if watch.kind == WatchKind.PROPOSALS and watch.programme_id is not None:
        programme = own_programme(current, actor, watch.programme_id, Action.BROWSE_PROPOSALS)
        _refuse_other_owner(watch, programme.organisation_id)
        if programme.current_criteria_version_id is None:
            raise NothingToMatch("Publish the programme's criteria first.")
    if answers.ended_because(current, watch) is not None:
        raise WatchEnded("There is nothing left to watch for: it was withdrawn, or closed for good.")


def _refuse_other_owner(watch: Watch, owner: UUID) -> None:
    if owner != watch.organisation_id:
        raise NotFound(NO_WATCH)


def _locked(current: Session, watch_id: UUID) -> Watch:
    watch = locked_watch(current, watch_id)
    if watch is None:
        raise NotFound(NO_WATCH)
    return watch


def _number_of_watches(current: Session, organisation_id: UUID) -> int:
    return current.scalar(select(func.count()).where(Watch.organisation_id == organisation_id)) or 0
