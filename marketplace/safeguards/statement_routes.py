"""The public assurance statement and remarks on it over HTTP. Reading is open to all where the statement is."""

from typing import Any
from uuid import UUID

from marketplace.safeguards import remarks, statements
from marketplace.safeguards.models import AssuranceRemark
from marketplace.safeguards.schemas import (
    AssuranceRemarkAnswer,
    AssuranceRemarkDraft,
    AssuranceRemarkHiding,
    AssuranceRemarkQuery,
    AssuranceRemarkView,
    AssuranceStatementDraft,
    AssuranceStatementsView,
    AssuranceStatementView,
)
from marketplace.store.base import session
from marketplace.web.conditional import located, tagged
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.limits import REPORT_LIMIT, limiter
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import Page, after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

assurance = MarketBlueprint("assurance", __name__, description="Public assurance statements and remarks on them")


@assurance.get("/proposals/<uuid:proposal_id>/assurance-statement-draft")
@assurance.response(200, AssuranceStatementView)
def get_assurance_statement_draft(proposal_id: UUID) -> statements.StatementSeen:
    """Read what one's own statement would say if it were published now."""
    return statements.draft_statement(session(), current_actor(), proposal_id)


@assurance.post("/proposals/<uuid:proposal_id>/assurance-statements")
@writes
@assurance.arguments(AssuranceStatementDraft)
@assurance.response(201, AssuranceStatementView)
def post_assurance_statement(draft: dict[str, Any], proposal_id: UUID) -> statements.StatementSeen:
    """Publish the next version of one's own statement: it never changes."""
    made = statements.publish_statement(session(), current_actor(), proposal_id, draft)
    located(f"/v1/proposals/{proposal_id}/assurance-statements/{made.number}")
    return made


@assurance.get("/proposals/<uuid:proposal_id>/assurance-statements")
@open_to_all
@assurance.response(200, AssuranceStatementsView)
def list_assurance_statements(proposal_id: UUID) -> dict[str, Any]:
    """List the versions of a proposal's statement, the newest first."""
    return {"data": statements.statements_of(session(), current_actor(), proposal_id)}


@assurance.get("/proposals/<uuid:proposal_id>/assurance-statements/<int:number>")
@open_to_all
@assurance.response(200, AssuranceStatementView)
def get_assurance_statement(proposal_id: UUID, number: int) -> statements.StatementSeen:
    """Read a version of a proposal's statement, and how well each safeguard is known today."""
    return statements.statement(session(), current_actor(), proposal_id, number)


@assurance.get("/proposals/<uuid:proposal_id>/assurance-remarks")
@open_to_all
@assurance.arguments(AssuranceRemarkQuery, location="query")
@assurance.response(200, page_of(AssuranceRemarkView))
def list_assurance_remarks(query: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """List the questions about a statement and the positions on it, the oldest first."""
    limit, after, actor = query["limit"], after_id(query), current_actor()
    rows = remarks.remarks_of(session(), actor, proposal_id, query.get("state"), query.get("kind"), after, limit)
    page = cut(rows, limit, by_id)
    return paged(Page(remarks.remark_cards(session(), actor, page.items), page.after))


@assurance.post("/proposals/<uuid:proposal_id>/assurance-remarks")
@limiter.limit(REPORT_LIMIT)
@writes
@assurance.arguments(AssuranceRemarkDraft)
@assurance.response(201, AssuranceRemarkView)
def post_assurance_remark(draft: dict[str, Any], proposal_id: UUID) -> dict[str, Any]:
    """Ask a question about a statement, or record a position on it, for one's organisation."""
    made = remarks.make_remark(session(), current_actor(), proposal_id, draft)
    located(f"/v1/assurance-remarks/{made.id}")
    return _shown(made)


@assurance.get("/assurance-remarks/<uuid:remark_id>")
@open_to_all
@assurance.response(200, AssuranceRemarkView)
def get_assurance_remark(remark_id: UUID) -> dict[str, Any]:
    """Read a remark and the group's answer."""
    return _shown(remarks.remark_seen(session(), current_actor(), remark_id))


@assurance.post("/assurance-remarks/<uuid:remark_id>/answer")
@writes
@assurance.arguments(AssuranceRemarkAnswer)
@assurance.response(200, AssuranceRemarkView)
def post_assurance_remark_answer(draft: dict[str, Any], remark_id: UUID) -> dict[str, Any]:
    """Answer a remark for the group."""
    return _shown(remarks.answer_remark(session(), current_actor(), remark_id, draft["answer"]))


@assurance.post("/assurance-remarks/<uuid:remark_id>/withdrawal")
@writes
@assurance.response(200, AssuranceRemarkView)
def post_assurance_remark_withdrawal(remark_id: UUID) -> dict[str, Any]:
    """Take back a remark that one made, or that was made for one's organisation."""
    return _shown(remarks.withdraw_remark(session(), current_actor(), remark_id))


@assurance.post("/assurance-remarks/<uuid:remark_id>/hiding")
@writes
@assurance.arguments(AssuranceRemarkHiding)
@assurance.response(200, AssuranceRemarkView)
def post_assurance_remark_hiding(draft: dict[str, Any], remark_id: UUID) -> dict[str, Any]:
    """Hide a remark, with a reason that is shown in its place. For the operator."""
    return _shown(remarks.hide_remark(session(), current_actor(), remark_id, draft["reason"]))


@assurance.post("/assurance-remarks/<uuid:remark_id>/restoration")
@writes
@assurance.response(200, AssuranceRemarkView)
def post_assurance_remark_restoration(remark_id: UUID) -> dict[str, Any]:
    """Show a hidden remark again. For the operator."""
    return _shown(remarks.restore_remark(session(), current_actor(), remark_id))


def _shown(remark: AssuranceRemark) -> dict[str, Any]:
    tagged(remark)
    return remarks.remark_cards(session(), current_actor(), [remark])[0]
