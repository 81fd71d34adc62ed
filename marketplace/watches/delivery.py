"""Delivery: letters about changes, each change in one letter to each person, written in the transaction that says so.

What is marked as delivered and the letters that deliver it are committed together, under the watch's lock: a crash
leaves both undone, and a second run finds nothing to tell.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace.identity.authentication import memberships_of
from marketplace.identity.models import Membership, Organisation, User
from marketplace.store import mail
from marketplace.values.actor import Actor, Role
from marketplace.values.clock import now
from marketplace.values.words import in_language
from marketplace.watches import letters, sight
from marketplace.watches.letters import Line
from marketplace.watches.models import Watch, WatchChange, WatchRecipient
from marketplace.watches.rules import Delivery, is_due, turn_of

STAFF_GROUP = "staff_group"


def is_wanted(watch: Watch) -> bool:
    """Whether changes of the watch are told by letter at all."""
    return watch.delivery != Delivery.NONE


def send_digest(current: Session, watch_id: UUID, moment: datetime | None = None) -> int:
    """Write to everyone who wants letters about what no letter has told yet, if that is due; how many were written.

    The watch is locked: a twin waits, and then finds nothing left to tell.
    """
    query = select(Watch).where(Watch.id == watch_id).with_for_update(key_share=True)
    watch = current.scalars(query.execution_options(populate_existing=True)).one_or_none()
    moment = moment or now()
    if watch is None or watch.paused or not is_due(watch.delivery, watch.last_letter_at or watch.created_at, moment):
        return 0
    waiting = current.scalars(
        select(WatchChange)
        .where(WatchChange.watch_id == watch.id, WatchChange.awaits_letter)
        .order_by(WatchChange.number)
        .execution_options(populate_existing=True)
    )
    changes = list(waiting)
    return write_letters(current, watch, changes) if changes else 0


def write_letters(current: Session, watch: Watch, changes: Sequence[WatchChange]) -> int:
    """One letter about the changes to everyone who wants them; how many. No other letter will tell of the changes.

    Nobody is told of a proposal from which another organisation of theirs is kept out.
    """
    organisation = current.get_one(Organisation, watch.organisation_id)
    told: set[UUID] = set()
    written = 0
    for person in recipients(current, watch):
        reader = Actor(person.id, memberships_of(current, person.id, fresh=True))
        theirs = _for(current, watch, reader, changes)
        if theirs:
            lines = _lines(current, watch, reader, person.language, theirs)
            mail.send(current, person.email, *letters.changes(watch.id, _name(watch, organisation), lines))
            told |= {change.id for change in theirs}
            written += 1
    for change in changes:
        change.awaits_letter = False
        change.delivered_at = now() if change.id in told else None
    watch.last_letter_at = now()
    current.flush()
    return written


def write_ending(current: Session, watch: Watch) -> None:
    """Tell everyone who wants letters that the watch has ended."""
    organisation = current.get_one(Organisation, watch.organisation_id)
    for person in recipients(current, watch):
        mail.send(
            current, person.email, *letters.ending(watch.id, _name(watch, organisation), watch.ended_because or "")
        )


def recipients(current: Session, watch: Watch) -> list[User]:
    """Who wants the letters and is a full member today, of an organisation that is not suspended."""
    wanted = (
        select(User)
        .join(WatchRecipient, WatchRecipient.user_id == User.id)
        .join(Membership, Membership.user_id == User.id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            WatchRecipient.watch_id == watch.id,
            Membership.organisation_id == watch.organisation_id,
            Membership.role != Role.GUEST.value,
            Organisation.verification != "suspended",
        )
        .order_by(User.id)
    )
    return list(current.scalars(wanted))


def forget_waiting(current: Session, watch: Watch) -> None:
    """No letter will tell what none has told yet: nobody wants them any more."""
    waiting = update(WatchChange).where(WatchChange.watch_id == watch.id, WatchChange.awaits_letter)
    current.execute(waiting.values(awaits_letter=False))


def _name(watch: Watch, organisation: Organisation) -> str | None:
    return None if organisation.kind == STAFF_GROUP else watch.name


def _lines(current: Session, watch: Watch, reader: Actor, language: str, changes: Sequence[WatchChange]) -> list[Line]:
    cards = sight.cards(current, watch, reader, {change.subject_id for change in changes})
    return [
        Line(turn_of(change.was, change.became), _title(cards.get(change.subject_id), language)) for change in changes
    ]


def _for(current: Session, watch: Watch, reader: Actor, changes: Sequence[WatchChange]) -> list[WatchChange]:
    """Those of the changes that the reader may hear of."""
    among = WatchChange.number.in_([change.number for change in changes])
    return list(current.scalars(sight.changes_of(watch, reader).where(among).order_by(WatchChange.number)))


def _title(card: dict[str, object] | None, language: str) -> str | None:
    if card is None:
        return None
    title = card.get("title")
    return in_language(title, [language])[0] if isinstance(title, dict) else str(card["pseudonym"])
