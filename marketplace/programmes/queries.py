"""The clock's rules and the filters on programmes as SQL. Each expression is the twin of a function in `rules.py`."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, any_, case, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased

from marketplace.eligibility.models import CriteriaVersion
from marketplace.identity.models import Organisation
from marketplace.programmes.models import Programme
from marketplace.programmes.rules import Status, Window
from marketplace.values.actor import Actor
from marketplace.values.clock import day_of

FUNDER = aliased(Organisation)
"""Made once: adapting an alias's columns costs more than the query that asks for them."""


def status_at(now: datetime) -> ColumnElement[str]:
    """`rules.status_of` in SQL."""
    day = day_of(now)
    return case(
        (Programme.current_criteria_version_id.is_(None), literal(Status.DRAFT.value)),
        (or_(Programme.ended_at <= now, Programme.closes_on < day), literal(Status.CLOSED.value)),
        (Programme.opens_on > day, literal(Status.ANNOUNCED.value)),
        (Programme.paused, literal(Status.PAUSED.value)),
        else_=literal(Status.OPEN.value),
    )


def window_on(day: date) -> ColumnElement[str]:
    """`rules.window_on` in SQL."""
    ended = func.timezone("Europe/London", Programme.ended_at)
    return case(
        (or_(func.date(ended) <= day, Programme.closes_on < day), literal(Window.AFTER.value)),
        (Programme.opens_on > day, literal(Window.BEFORE.value)),
        (Programme.paused, literal(Window.PAUSED.value)),
        else_=literal(Window.OPEN.value),
    )


def published() -> ColumnElement[bool]:
    """Programmes that anyone may see: published ones, while their funder is not suspended."""
    return and_(Programme.current_criteria_version_id.is_not(None), ~_of_suspended_funder())


def listed_to(actor: Actor, organisation_id: UUID | None) -> ColumnElement[bool]:
    """The programmes that a list shows the caller: what anyone may see, and drafts of the asked-for one of theirs."""
    if organisation_id is not None and actor.membership_in(organisation_id) is not None:
        return or_(published(), Programme.organisation_id == organisation_id)
    return published()


def _of_suspended_funder() -> ColumnElement[bool]:
    suspended = select(FUNDER.id).where(FUNDER.id == Programme.organisation_id, FUNDER.verification == "suspended")
    return suspended.correlate(Programme).exists()


def offers(column: str, slug: str) -> ColumnElement[bool]:
    """Whether what counts now (the published columns, else the draft's) has `slug`, or leaves that column open."""
    drafted: Any = getattr(Programme, column)
    listed = CriteriaVersion.columns[column].cast(JSONB)
    return case(
        (CriteriaVersion.id.is_(None), or_(func.cardinality(drafted) == 0, literal(slug) == any_(drafted))),
        else_=or_(func.jsonb_array_length(listed) == 0, listed.contains([slug])),
    )


def open_on(day: date) -> ColumnElement[bool]:
    """Programmes with criteria whose window holds `day`, unless they are paused."""
    return and_(Programme.current_criteria_version_id.is_not(None), window_on(day) == Window.OPEN.value)
