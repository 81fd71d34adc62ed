"""Checks over HTTP: open to all, nothing kept; and the way from an answer file to a draft, for who has signed in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import current_app
from flask_limiter.util import get_remote_address

from marketplace.checks import answer_files, service
from marketplace.checks.schemas import (
    CheckDraft,
    CheckQuestionsView,
    CheckView,
    DraftedFromAnswersView,
    DraftFromAnswers,
    ask_as_json,
)
from marketplace.proposals import reading
from marketplace.reference.facts import VERSION
from marketplace.store.base import session
from marketplace.web.conditional import located, tagged
from marketplace.web.guard import current_actor, open_to_all
from marketplace.web.limits import limiter
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.paging import place_in, sealed_place
from marketplace.web.parsing import body_at_most
from marketplace.web.writes import writes

CHECK_LIMIT = "30 per minute"
LARGEST_CHECK = 64 * 1024
NO_STORE = {"Cache-Control": "no-store"}

checks = MarketBlueprint("checks", __name__, description="Who could fund us? Asked without an account")


@dataclass(slots=True)
class _Questions:
    """The list of questions as a thing with a version."""

    id: str = "check-questions"
    version: str = VERSION


def checked_seldom(view: Callable[..., Any]) -> Callable[..., Any]:
    """Limit how often an address of the network may check, whoever it says it is."""
    limited: Callable[..., Any] = limiter.limit(CHECK_LIMIT, key_func=get_remote_address)(view)
    return limited


@checks.get("/check/questions")
@open_to_all
@checks.response(200, CheckQuestionsView)
def list_check_questions() -> dict[str, Any]:
    """List what a check asks, in order."""
    tagged(_Questions())
    return service.questions()


@checks.post("/check")
@open_to_all
@checked_seldom
@body_at_most(LARGEST_CHECK)
@checks.arguments(CheckDraft)
@checks.response(200, CheckView)
def post_check(draft: dict[str, Any]) -> Any:
    """Check answers against every published programme, without an account; nothing is kept.

    The answer is the same as a group gets for its published proposal with these answers. Keep `answer_file` to make a
    draft of it later. Further pages: post the same body again with `after`.
    """
    asked = {**draft, "ask": ask_as_json(draft["ask"])}
    place = place_in(asked.pop("after", None), _bound(asked))
    told = service.check(session(), asked, place, strict=bool(current_app.config["STRICT_MATCHING"]))
    end = told.pop("end")
    after = None if end is None else sealed_place([told["as_of"].isoformat(), *end], _bound(asked))
    return {**told, "after": after}, 200, NO_STORE


@checks.post("/proposals/from-answers")
@writes
@checks.arguments(DraftFromAnswers)
@checks.response(201, DraftedFromAnswersView)
def post_proposal_from_answers(draft: dict[str, Any]) -> dict[str, Any]:
    """Draft a proposal for the caller's staff group out of an answer file; it is private."""
    current, actor = session(), current_actor()
    made, left_out = answer_files.draft_from_answers(
        current, actor, draft["organisation_id"], draft["title"], draft["answer_file"]
    )
    located(f"/v1/proposals/{made.id}")
    return {"proposal": reading.detail(current, actor, made), "left_out": left_out}


def _bound(asked: dict[str, Any]) -> dict[str, Any]:
    """What a page's end is bound to: all that was asked but how many."""
    bound = {name: value for name, value in asked.items() if name != "limit"}
    return {**bound, "as_of": bound["as_of"].isoformat()} if "as_of" in bound else bound
