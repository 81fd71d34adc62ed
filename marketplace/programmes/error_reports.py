"""Reports of errors in published programmes: anyone makes them, whoever keeps the programme answers."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.programmes import queries
from marketplace.programmes.models import ErrorReport, Programme
from marketplace.programmes.rules import ReportAnswered, ReportsWaiting
from marketplace.store.base import new_id
from marketplace.store.journal import only, record
from marketplace.values.actor import Actor
from marketplace.values.clock import now
from marketplace.values.permissions import Action, permit
from marketplace.values.refusals import NotFound

MOST_WAITING_REPORTS = 200
"""How many unanswered reports a programme holds: anyone may send one, and nobody may fill the database with them."""


def report_error(current: Session, actor: Actor, programme_id: UUID, draft: Mapping[str, Any]) -> ErrorReport:
    """Tell whoever keeps a published programme what is wrong in it. Anyone may, with or without an account."""
    published = select(Programme.organisation_id).where(Programme.id == programme_id, queries.published())
    keeper = current.scalar(published.with_for_update(key_share=True))
    if keeper is None:
        raise NotFound()
    waiting = select(func.count()).select_from(ErrorReport).filter_by(programme_id=programme_id, state="open")
    if (current.scalar(waiting) or 0) >= MOST_WAITING_REPORTS:
        raise ReportsWaiting("So many reports wait for an answer that no other is taken.")
    report = ErrorReport(id=new_id(), programme_id=programme_id, reported_by=actor.user_id, **draft)
    current.add(report)
    current.flush()
    _note_report(current, actor, report, keeper, "error_report.made")
    return report


def answer_report(current: Session, actor: Actor, report_id: UUID, outcome: str, answer: str) -> ErrorReport:
    """Say what became of a report: `corrected` or `no_error`. For editors of the organisation that keeps it."""
    seen, keeper = _seen_report(current, actor, report_id)
    permit(actor, Action.WRITE_PROGRAMME, keeper)
    query = select(ErrorReport).where(ErrorReport.id == seen.id).with_for_update(key_share=True)
    report = current.scalars(query.execution_options(populate_existing=True)).one()
    if report.state != "open":
        raise ReportAnswered("Its answer stands.", state=report.state)
    report.state, report.answer, report.answered_by, report.answered_at = outcome, answer, actor.person, now()
    report.version += 1
    current.flush()
    _note_report(current, actor, report, keeper, "error_report.answered")
    return report


def seen_report(current: Session, actor: Actor, report_id: UUID) -> ErrorReport:
    """A report on a programme of one's own organisation, or one that the caller made; NotFound otherwise."""
    return _seen_report(current, actor, report_id)[0]


def reports(
    current: Session, actor: Actor, programme_id: UUID, state: str | None, after: UUID | None, limit: int
) -> Sequence[ErrorReport]:
    """The reports on a programme, oldest first, for members of the organisation that keeps it; `limit` + 1 of them."""
    keeper = current.scalar(select(Programme.organisation_id).where(Programme.id == programme_id))
    if keeper is None:
        raise NotFound()
    permit(actor, Action.READ_PROGRAMME, keeper)
    query = select(ErrorReport).where(ErrorReport.programme_id == programme_id)
    if state is not None:
        query = query.where(ErrorReport.state == state)
    if after is not None:
        query = query.where(ErrorReport.id > after)
    return list(current.scalars(query.order_by(ErrorReport.id).limit(limit + 1)))


def _seen_report(current: Session, actor: Actor, report_id: UUID) -> tuple[ErrorReport, UUID]:
    found = current.execute(
        select(ErrorReport, Programme.organisation_id)
        .join(Programme, Programme.id == ErrorReport.programme_id)
        .where(ErrorReport.id == report_id)
    ).one_or_none()
    if found is None:
        raise NotFound()
    report, keeper = found
    own = report.reported_by is not None and report.reported_by == actor.user_id
    if not own and actor.membership_in(keeper) is None:
        raise NotFound()
    return report, keeper


def _note_report(current: Session, actor: Actor, report: ErrorReport, keeper: UUID, type_: str) -> None:
    path = f"/v1/error-reports/{report.id}"
    after = {"state": report.state}
    record(current, type_, "error_report", report.id, actor=actor, audience=only(keeper), path=path, after=after)
