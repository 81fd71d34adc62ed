"""Questions of funders' own over HTTP: anyone reads them, so that one question is asked once."""

from typing import Any

from marketplace.questions import service
from marketplace.questions.models import Question
from marketplace.questions.schemas import QuestionDraft, QuestionQuery, QuestionView
from marketplace.store.base import session
from marketplace.web.conditional import located, tagged
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

questions = MarketBlueprint(
    "questions", __name__, url_prefix="/questions", description="What funders ask beside the facts registry"
)


@questions.get("")
@open_to_all
@questions.arguments(QuestionQuery, location="query")
@questions.response(200, page_of(QuestionView))
def list_questions(query: dict[str, Any]) -> dict[str, Any]:
    """List the questions that funders ask, to use one that exists before adding another."""
    limit = query["limit"]
    rows = service.questions(
        session(),
        organisation_id=query.get("organisation_id"),
        words=query.get("q"),
        after=after_id(query),
        limit=limit,
    )
    return paged(cut(rows, limit, by_id))


@questions.post("")
@writes
@questions.arguments(QuestionDraft)
@questions.response(201, QuestionView)
def post_question(draft: dict[str, Any]) -> Question:
    """Ask a question of one's own in criteria. For editors of verified organisations that publish programmes."""
    made = service.ask_question(session(), current_actor(), draft)
    located(f"/v1/questions/{made.slug}")
    return tagged(made)


@questions.get("/<slug>")
@open_to_all
@questions.response(200, QuestionView)
def get_question(slug: str) -> Question:
    """Read a question."""
    return tagged(service.question_of(session(), slug))


@questions.post("/<slug>/retirement")
@writes
@questions.response(200, QuestionView)
def post_question_retirement(slug: str) -> Question:
    """Take one's own question out of use; what was published and answered stays."""
    return tagged(service.retire_question(session(), current_actor(), slug))
