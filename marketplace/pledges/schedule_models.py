"""Schedules of a pledge's tranches: proposed by one side, answered by the other, never changed once they are answered.

An accepted schedule is a version; version 1 is the offer's own. A trigger (migration 0017) refuses to change what was
proposed, to change what was answered, and to delete anything.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.pledges.lifecycle import SCHEDULE
from marketplace.pledges.models import one_of
from marketplace.pledges.schedule_rules import ScheduleOpen
from marketplace.store.base import Identified, Model, Slug, Versioned
from marketplace.store.constraints import refuse_on

SCHEDULE_STATES = ("proposed", *sorted(set(SCHEDULE.values())))


class Schedule(Identified, Versioned, Model):
    """How the unpaid rest of some parts is to be paid. `number` is the version that it became.

    `parts` lists {part_id, tranches: [{basis, amount, milestone, due_on}]}, amounts in minor units of the pledge's
    currency; `replaces` the tranches {id, version} that stood when it was proposed; `in_force` the ids of all tranches
    of the pledge that count since it was accepted, paid and unpaid.
    """

    __tablename__ = "schedule"

    pledge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pledge.id"))
    state: Mapped[Slug] = mapped_column(default="proposed")
    number: Mapped[int | None] = mapped_column(Integer)
    parts: Mapped[list[Any]]
    replaces: Mapped[list[Any]]
    in_force: Mapped[list[Any] | None]
    reason: Mapped[dict[str, str] | None]
    proposed_by: Mapped[uuid.UUID]
    proposed_for: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisation.id"))
    proposed_at: Mapped[datetime]
    answered_by: Mapped[uuid.UUID | None]
    answered_for: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisation.id"))
    answered_at: Mapped[datetime | None]
    answer: Mapped[dict[str, str] | None]

    __table_args__ = (
        UniqueConstraint("pledge_id", "number"),
        CheckConstraint(one_of("state", SCHEDULE_STATES), name="state"),
        CheckConstraint("number >= 1 AND (number IS NOT NULL) = (state = 'accepted')", name="number"),
        CheckConstraint("(state = 'proposed') = (answered_at IS NULL)", name="answered"),
        CheckConstraint(
            "state <> 'accepted' OR answered_by <> proposed_by AND answered_for <> proposed_for", name="two_sides"
        ),
        Index("ix_schedule_pledge_id_id", "pledge_id", "id"),
        Index("uq_schedule_open", "pledge_id", unique=True, postgresql_where=text("state = 'proposed'")),
    )


refuse_on("uq_schedule_open", lambda: ScheduleOpen("Answer or withdraw the schedule that is open first."))
