"""The shapes of watches and of the shortlist on the wire."""

from marshmallow import fields, validate

from marketplace.web.fields import Count, Draft, Flag, Id, Instant, Slug, Text, View, WordsField, described
from marketplace.web.paging import PageQuery

LISTINGS = ("programmes", "proposals")
QUERY = (
    "Filters by name, each as it stands in a query string: of `GET /v1/programmes` or `GET /v1/proposals` for a search,"
    " `instrument` and `window` for a watch on programmes."
)
NEVER_BEFORE = "Null where it was not listed before, or is not now."


def _query(**options: object) -> fields.Dict:
    kept: dict[str, object] = {"metadata": {"description": QUERY, "maxProperties": 20}, **options}
    return fields.Dict(
        keys=fields.String(validate=validate.Length(max=60)),
        values=Text(300),
        validate=validate.Length(max=20),
        **kept,  # type: ignore[arg-type]
    )


class WatchDraft(Draft):
    """What to watch, and how to hear of it."""

    kind = Slug("watch_kinds", required=True)
    name = Text(120, required=True, metadata={"description": "Yours; letters to a staff group do not name it."})
    proposal_id = described(Id, "The group's own proposal, for a watch on programmes.")
    programme_id = described(Id, "The funder's own programme, for a watch on proposals.")
    listing = fields.String(validate=validate.OneOf(LISTINGS), metadata={"description": "The list that is searched."})
    query = _query(load_default=dict)
    delivery = Slug("watch_deliveries", load_default="daily")
    paused = Flag(load_default=False)


class WatchChangeDraft(Draft):
    """What is to change of a watch."""

    name = Text(120)
    query = _query()
    delivery = Slug("watch_deliveries")
    paused = Flag()


class LettersDraft(Draft):
    """Whether the caller wants the watch's letters."""

    wanted = Flag(required=True)


class VisitDraft(Draft):
    """Up to which change the caller has seen the watch; all of them unless given."""

    latest_change = Count(0, 2**31 - 1, metadata={"description": "`latest_change` of the watch that was shown."})


class WatchView(View):
    """A watch, as a member of its organisation sees it."""

    id = fields.UUID(required=True)
    organisation_id = fields.UUID(required=True)
    kind = fields.String(required=True)
    proposal_id = fields.UUID(required=True, allow_none=True)
    programme_id = fields.UUID(required=True, allow_none=True)
    listing = fields.String(required=True, allow_none=True)
    query = fields.Dict(required=True, metadata={"description": QUERY})
    name = fields.String(required=True)
    delivery = fields.String(required=True)
    paused = fields.Boolean(required=True)
    watching_since = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Null until it has looked for the first time."}
    )
    ended_at = fields.DateTime(required=True, allow_none=True)
    ended_because = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "`proposal_withdrawn` or `programme_closed`: there is nothing left to watch for."},
    )
    latest_change = fields.Integer(required=True, metadata={"description": "How many changes were recorded so far."})
    letters_to_me = fields.Boolean(required=True)
    new_matches = fields.Integer(required=True, metadata={"description": "Matches since the caller's last visit."})
    created_at = fields.DateTime(required=True)


class SubjectView(View):
    """A programme or a proposal; nothing but its id where the caller may not see it now."""

    id = fields.UUID(required=True)
    available = fields.Boolean(required=True)
    path = fields.String()
    title = WordsField(200)
    pseudonym = fields.String()


class WatchMatchView(View):
    """What a watch finds."""

    subject = fields.Nested(SubjectView, required=True)
    result = fields.String(
        required=True, metadata={"description": "`eligible` or `needs_information`; `listed` for a saved search."}
    )
    window = fields.String(required=True, allow_none=True, metadata={"description": "Of a programme, today."})
    since = fields.DateTime(required=True)
    new = fields.Boolean(required=True, metadata={"description": "True: since the caller's last visit."})


class CriterionChangeView(View):
    """A criterion whose outcome changed; null for one that the other criteria did not have, or that was met."""

    code = fields.String(required=True)
    was = fields.String(required=True, allow_none=True)
    became = fields.String(required=True, allow_none=True)


class BecauseView(View):
    """Why something changed."""

    cause = fields.String(required=True, metadata={"description": "A slug of the codelist `watch_causes`."})
    criteria = fields.List(fields.Nested(CriterionChangeView), required=True)


class WatchChangeView(View):
    """One change. Of a subject that the caller may not see now, nothing but that it is listed no longer."""

    number = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    new = fields.Boolean(required=True, metadata={"description": "True: since the caller's last visit."})
    subject = fields.Nested(SubjectView, required=True)
    turn = fields.String(required=True, metadata={"description": "A slug of the codelist `watch_turns`."})
    was = fields.String(required=True, allow_none=True, metadata={"description": NEVER_BEFORE})
    became = fields.String(required=True, allow_none=True, metadata={"description": NEVER_BEFORE})
    window_was = fields.String(allow_none=True)
    window_became = fields.String(allow_none=True)
    because = fields.Nested(BecauseView)


class WatchQuery(PageQuery):
    """Which watches to list."""

    kind = Slug("watch_kinds")


class WatchMatchQuery(PageQuery):
    """Which matches to list."""

    result = fields.String(validate=validate.OneOf(["eligible", "needs_information", "listed"]))


class WatchChangeQuery(PageQuery):
    """Which changes to list."""

    since = Instant(metadata={"description": "Changes from that instant on."})


# The shortlist


class ShortlistDraft(Draft):
    """What one's organisation thinks of a proposal for a programme."""

    state = Slug("shortlist_states", required=True)
    reason = Slug("pass_reasons", metadata={"description": "Needed for, and only for, what is passed on."})
    words = Text(2000, metadata={"description": "The reason in words; private."})
    note = Text(4000, metadata={"description": "Private to the organisation."})


class ShortlistView(View):
    """An entry of a programme's shortlist; `none` where there is none. Private to the programme's organisation."""

    programme_id = fields.UUID(required=True)
    subject = fields.Nested(SubjectView, required=True)
    state = fields.String(required=True, metadata={"description": "A slug of `shortlist_states`, or `none`."})
    reason = fields.String(required=True, allow_none=True)
    words = fields.String(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)
    changed_at = fields.DateTime(required=True, allow_none=True)


class ShortlistQuery(PageQuery):
    """Which entries to list."""

    state = Slug("shortlist_states")


__all__ = [
    "LettersDraft",
    "ShortlistDraft",
    "ShortlistQuery",
    "ShortlistView",
    "VisitDraft",
    "WatchChangeDraft",
    "WatchChangeQuery",
    "WatchChangeView",
    "WatchDraft",
    "WatchMatchQuery",
    "WatchMatchView",
    "WatchQuery",
    "WatchView",
]
