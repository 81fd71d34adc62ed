"""A person's own data over HTTP: all of it as one document, and its erasure."""

from typing import Any

from marshmallow import fields

from marketplace.identity import people, personal, sessions
from marketplace.identity.routes_people import NO_STORE, beforehand, tried_seldom
from marketplace.identity.rules import WrongPassword
from marketplace.identity.schemas import shown_password
from marketplace.identity.sessions import Attempt
from marketplace.store.base import session
from marketplace.values.refusals import NotFound
from marketplace.web.fields import Draft, View
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint
from marketplace.web.problems import refusal_response
from marketplace.web.writes import writes

me = MarketBlueprint("me", __name__, url_prefix="/me", description="What is held of the caller, and its erasure")


class ErasureDraft(Draft):
    """The caller's present password: nobody erases another by a token alone."""

    password = shown_password()


class PersonalDataView(View):
    """Everything that is held of a person. `held` has a list for each kind of thing, each row as it is kept."""

    account = fields.Dict(keys=fields.String(), required=True)
    held = fields.Dict(keys=fields.String(), values=fields.List(fields.Dict(keys=fields.String())), required=True)


def attempted_erasure(draft: dict[str, Any]) -> Attempt:
    """The password compared with the caller's."""
    return sessions.attempt_as(session(), current_actor().user_id, draft["password"])


@me.get("/data")
@me.response(200, PersonalDataView)
def get_personal_data() -> Any:
    """Read everything that is held of the caller.

    Nobody else's data is in it. Letters that wait are listed without their text.
    """
    account = people.account_of(session(), current_actor())
    return personal.personal_data(session(), account.id), 200, NO_STORE


@me.post("/erasure")
@tried_seldom
@me.arguments(ErasureDraft)
@beforehand(attempted_erasure)
@writes(key_required=True)
@me.response(204)
def post_erasure(attempt: Attempt) -> Any:
    """Erase the caller: account, sessions, memberships, letters and their own words; it cannot be undone.

    What they did stays in ledger, audit trail and decisions under a number that leads to nobody. The last owner of an
    organisation names another owner first.
    """
    current, actor = session(), current_actor()
    if not sessions.password_accepted(current, attempt):
        refusal = WrongPassword(
            "Give your present password; after ten wrong ones wait 15 minutes.", pointer="#/password"
        )
        return refusal_response(refusal)
    if actor.user_id is None:
        raise NotFound
    personal.erase_person(current, actor, actor.user_id)
    return None
