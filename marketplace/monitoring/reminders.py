"""Reminding of duties: a letter to those of the group who can report, and an event, once for each occasion and day.

What is told and the row that says so are committed together; a twin finds the row and tells nothing.
"""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from marketplace.identity.members import addresses_of
from marketplace.monitoring import letters, queries, rules
from marketplace.monitoring.models import Duty, DutyReminder
from marketplace.pledges.models import Pledge
from marketplace.store import journal, mail
from marketplace.values.actor import Actor, Role
from marketplace.values.clock import today

EVENTS = {"ahead": "duty.due_soon", "on_day": "duty.due_today", "overdue": "duty.overdue"}
WRITERS = (Role.OWNER, Role.EDITOR)


def remind(session: Session, after: UUID | None, limit: int) -> tuple[int, UUID | None]:
    """Remind of the next `limit` duties that are near or over; how many were told, and where to go on, if anywhere."""
    ids = queries.due_for_reminders(session, today(), after, limit)
    told = sum(_remind_of(session, session.get_one(Duty, duty_id, populate_existing=True)) for duty_id in ids)
    session.flush()
    return told, ids[-1] if len(ids) == limit else None


def _remind_of(session: Session, duty: Duty) -> int:
    occasion = rules.reminder_for(duty.due_on, today()) if duty.state == "open" else None
    if occasion is None or duty.due_on is None:
        return 0
    kept = insert(DutyReminder).values(duty_id=duty.id, occasion=occasion, due_on=duty.due_on)
    if session.execute(kept.on_conflict_do_nothing().returning(DutyReminder.duty_id)).scalar() is None:
        return 0
    pledge = session.get_one(Pledge, duty.pledge_id)
    for address in addresses_of(session, pledge.group_organisation_id, WRITERS):
        mail.send(session, address, *letters.reminder(duty.id, occasion, duty.due_on))
    journal.record(
        session, EVENTS[occasion], "duty", duty.id, actor=Actor(),
        audience=journal.only(pledge.organisation_id, pledge.group_organisation_id), path=f"/v1/duties/{duty.id}",
    )  # fmt: skip
    return 1
