"""Staff engagement and transfer over HTTP."""

from typing import Any
from uuid import UUID

from marketplace.learning import engagement as service
from marketplace.learning.engagement import Engagement, SessionSeen
from marketplace.learning.models import StaffQuestion, StaffTransfer
from marketplace.learning.rules import transfer_conditions
from marketplace.learning.schemas import (
    EngagementView,
    InformationSessionDraft,
    InformationSessionView,
    StaffAnswerDraft,
    StaffQuestionDraft,
    StaffQuestionView,
    StaffTransferDraft,
    StaffTransferView,
)
from marketplace.store.base import session
from marketplace.web.conditional import if_match, located, tagged
from marketplace.web.fields import Day
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import PageQuery, after_id, by_id, cut, page_of, paged
from marketplace.web.writes import writes

engagement = MarketBlueprint("engagement", __name__, description="How the staff were told, asked and transferred")

Body = dict[str, Any]


@engagement.get("/proposals/<uuid:proposal_id>/engagement")
@engagement.response(200, EngagementView)
def get_engagement(proposal_id: UUID) -> Engagement:
    """Read how a proposal's staff were told and asked: sessions, questions, ballots."""
    return service.engagement_of(session(), current_actor(), proposal_id)


@engagement.post("/proposals/<uuid:proposal_id>/information-sessions")
@writes
@engagement.arguments(InformationSessionDraft)
@engagement.response(201, InformationSessionView)
def post_information_session(draft: Body, proposal_id: UUID) -> SessionSeen:
    """Record a session at which the staff were told of the plan."""
    made = service.record_session(session(), current_actor(), proposal_id, draft)
    located(f"/v1/information-sessions/{made.session.id}")
    tagged(made.session)
    return made


@engagement.get("/information-sessions/<uuid:session_id>")
@engagement.response(200, InformationSessionView)
def get_information_session(session_id: UUID) -> SessionSeen:
    """Read a session of one's own proposal."""
    seen = service.session_of(session(), current_actor(), session_id)
    tagged(seen.session)
    return seen


@engagement.put("/information-sessions/<uuid:session_id>")
@writes
@engagement.arguments(InformationSessionDraft)
@engagement.response(200, InformationSessionView)
def put_information_session(draft: Body, session_id: UUID) -> SessionSeen:
    """Correct what is recorded of a session."""
    made = service.correct_session(session(), current_actor(), session_id, draft, if_match)
    tagged(made.session)
    return made


@engagement.post("/proposals/<uuid:proposal_id>/staff-questions")
@writes
@engagement.arguments(StaffQuestionDraft)
@engagement.response(201, StaffQuestionView)
def post_staff_question(draft: Body, proposal_id: UUID) -> StaffQuestion:
    """Record what somebody of the staff asked, without their name."""
    made = service.ask_question(session(), current_actor(), proposal_id, draft)
    located(f"/v1/staff-questions/{made.id}")
    return tagged(made)


@engagement.get("/staff-questions/<uuid:question_id>")
@engagement.response(200, StaffQuestionView)
def get_staff_question(question_id: UUID) -> StaffQuestion:
    """Read a question of the staff of one's own proposal."""
    return tagged(service.question_of(session(), current_actor(), question_id))


@engagement.get("/proposals/<uuid:proposal_id>/staff-questions")
@engagement.arguments(PageQuery, location="query")
@engagement.response(200, page_of(StaffQuestionView))
def list_staff_questions(query: Body, proposal_id: UUID) -> Body:
    """List what the staff asked and were answered, the newest first."""
    rows = service.questions_of(session(), current_actor(), proposal_id, after_id(query), query["limit"])
    return paged(cut(rows, query["limit"], by_id))


@engagement.put("/staff-questions/<uuid:question_id>/answer")
@writes
@engagement.arguments(StaffAnswerDraft)
@engagement.response(200, StaffQuestionView)
def put_staff_answer(draft: Body, question_id: UUID) -> StaffQuestion:
    """Answer a question of the staff, or answer it better."""
    return tagged(service.answer_question(session(), current_actor(), question_id, draft["answer"], if_match))


@engagement.put("/proposals/<uuid:proposal_id>/staff-transfer")
@writes
@engagement.arguments(StaffTransferDraft)
@engagement.response(200, StaffTransferView)
def put_staff_transfer(draft: Body, proposal_id: UUID) -> Body:
    """Say how and when the staff will be transferred, and who was consulted."""
    return _transfer(service.put_transfer(session(), current_actor(), proposal_id, draft, if_match))


@engagement.get("/proposals/<uuid:proposal_id>/staff-transfer")
@engagement.response(200, StaffTransferView)
def get_staff_transfer(proposal_id: UUID) -> Body:
    """Read how and when the staff will be transferred, and what the law asks of it."""
    return _transfer(service.transfer_of(session(), current_actor(), proposal_id))


def _transfer(kept: StaffTransfer) -> Body:
    tagged(kept)
    told = {name: getattr(kept, name) for name in (*service.TRANSFER, "updated_at")}
    days = [
        each
        | {name: None if each[name] is None else Day().deserialize(each[name]) for name in ("began_on", "ended_on")}
        for each in kept.consultations
    ]
    return told | {"conditions": transfer_conditions(kept.transfer_on, kept.staff, kept.measures, days)}
