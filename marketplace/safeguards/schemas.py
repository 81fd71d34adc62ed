"""The shapes of safeguards, stakes, statements and remarks on the wire. Shape only."""

from marshmallow import fields, validate

from marketplace.safeguards.rules import WHOLE
from marketplace.web.fields import Count, Draft, Flag, Id, Slug, Text, View, WordsField, described
from marketplace.web.paging import PageQuery
from marketplace.web.reason_views import ReasonView

MOST_SEATS = 1000
MOST_MONTHS = 600


def _share(words: str) -> Count:
    return Count(most=WHOLE, allow_none=True, metadata={"description": f"{words} Basis points; null: not said."})


def _seats(words: str) -> Count:
    return Count(most=MOST_SEATS, allow_none=True, metadata={"description": f"{words} Null: not said."})


# Safeguards


class SafeguardDraft(Draft):
    """A safeguard as the group claims it."""

    words = described(WordsField, "What exactly is promised.", 2000, required=True)
    limit_bp = Count(most=WHOLE, allow_none=True, metadata={"description": "Of `profit_cap` alone, basis points."})
    months = Count(
        least=1, most=MOST_MONTHS, allow_none=True, metadata={"description": "Of `tupe_terms` alone: the promise."}
    )
    evidence_id = described(Id, "An evidence of this proposal that is to show it.", allow_none=True)


class SafeguardView(View):
    """A safeguard of the checklist, and how well it is known today; `level` is null where it is not claimed.

    `by_law`: the legal form brings it. `reasons`: for the group, rules that the claim breaks as its draft
    stands.
    """

    safeguard = fields.String(required=True, attribute="kept.safeguard")
    version = fields.Integer(required=True, attribute="kept.version")
    claimed = fields.Function(lambda seen: seen.level is not None, required=True, metadata={"type": "boolean"})
    level = fields.String(required=True, allow_none=True)
    by_law = described(fields.Boolean, "Null for others than the group.", required=True, allow_none=True)
    words = WordsField(2000, required=True, allow_none=True, attribute="kept.words")
    limit_bp = fields.Integer(required=True, allow_none=True, attribute="kept.limit_bp")
    months = fields.Integer(required=True, allow_none=True, attribute="kept.months")
    evidence_id = fields.UUID(required=True, allow_none=True, attribute="kept.evidence_id")
    claimed_at = fields.DateTime(required=True, allow_none=True, attribute="kept.claimed_at")
    verified_by_organisation_id = fields.UUID(required=True, allow_none=True)
    verifier = WordsField(300, required=True, allow_none=True)
    verified_at = fields.DateTime(required=True, allow_none=True)
    reasons = fields.List(fields.Nested(ReasonView), required=True)


class SafeguardsView(View):
    """The whole checklist, in the order of the codelist `safeguards`."""

    data = fields.List(fields.Nested(SafeguardView), required=True)


class SafeguardCheckDraft(Draft):
    """Whether the accepted document shows the safeguard as it is claimed."""

    decision = fields.String(required=True, validate=validate.OneOf(["confirmed", "refused"]))
    reason = Text(2000, required=True)


class StakesDraft(Draft):
    """Who holds what of the organisation, or will."""

    private_stake_bp = _share("Of the capital, in the hands of private investors.")
    public_stake_bp = _share("Of the capital, in the hands of public bodies.")
    staff_votes_bp = _share("Of the votes, staff's.")
    community_votes_bp = _share("Of the votes, of people who use the service or live nearby.")
    board_seats = _seats("Seats on the board.")
    board_staff_seats = _seats("Of these, staff's.")
    board_private_seats = _seats("Of these, private investors'.")


class StakesView(View):
    """Who holds what; null where nothing was said."""

    private_stake_bp = fields.Integer(required=True, allow_none=True)
    public_stake_bp = fields.Integer(required=True, allow_none=True)
    staff_votes_bp = fields.Integer(required=True, allow_none=True)
    community_votes_bp = fields.Integer(required=True, allow_none=True)
    board_seats = fields.Integer(required=True, allow_none=True)
    board_staff_seats = fields.Integer(required=True, allow_none=True)
    board_private_seats = fields.Integer(required=True, allow_none=True)
    updated_at = fields.DateTime(required=True, allow_none=True)


# The public assurance statement


class AssuranceLineView(View):
    """One sentence, how well it was known when it was published, and how well its safeguard is known today."""

    code = fields.String(required=True)
    safeguard = fields.String(required=True, allow_none=True)
    words = WordsField(1000, required=True)
    level = fields.String(required=True)
    level_words = WordsField(1000, required=True)
    level_now = described(
        fields.String, "Of a safeguard, today; `not_said` where it was taken back. Null for other lines.",
        required=True, allow_none=True,
    )  # fmt: skip


class AssuranceStatementDraft(Draft):
    """A statement to be published: its sentences are made of what is known; see `assurance-statement-draft`."""

    introduction = WordsField(4000, allow_none=True)
    open_to_all = Flag(
        load_default=False,
        metadata={"description": "Shows it to everyone, with title and name of the group, though the proposal is not."},
    )


class AssuranceStatementView(View):
    """A version of a proposal's public assurance statement. Only `level_now` changes."""

    proposal_id = fields.UUID(required=True)
    number = described(fields.Integer, "Null: not published yet.", required=True, allow_none=True)
    title = WordsField(200, required=True)
    group_name = WordsField(300, required=True)
    introduction = WordsField(4000, required=True, allow_none=True)
    lines = fields.List(fields.Nested(AssuranceLineView), required=True)
    open_to_all = fields.Boolean(required=True)
    published_at = fields.DateTime(required=True, allow_none=True)


class AssuranceStatementSummaryView(View):
    """A version of a statement, without its lines."""

    number = fields.Integer(required=True)
    title = WordsField(200, required=True)
    open_to_all = fields.Boolean(required=True)
    published_at = fields.DateTime(required=True, attribute="created_at")


class AssuranceStatementsView(View):
    """Every version, the newest first."""

    data = fields.List(fields.Nested(AssuranceStatementSummaryView), required=True)


# Remarks


class AssuranceRemarkDraft(Draft):
    """A question or a position. Whoever sees the statement is shown the organisation's name and the declared role."""

    organisation_id = Id(required=True)
    role = Slug("remark_roles", required=True)
    kind = Slug("remark_kinds", required=True)
    words = WordsField(2000, required=True)


class AssuranceRemarkAnswer(Draft):
    """The group's answer."""

    answer = WordsField(4000, required=True)


class AssuranceRemarkHiding(Draft):
    """Why the operator hides a remark."""

    reason = Text(2000, required=True)


class AssuranceRemarkView(View):
    """A remark and its answer. Words that were withdrawn or hidden are shown to their organisation alone.

    `organisation_verified` says whether anybody has checked that the organisation is who it says; `days_open` how long
    the group has not answered.
    """

    id = fields.UUID(required=True)
    proposal_id = fields.UUID(required=True)
    statement_number = fields.Integer(required=True)
    organisation_id = fields.UUID(required=True)
    organisation_name = WordsField(300, required=True)
    organisation_verified = fields.Boolean(required=True)
    role = fields.String(required=True)
    kind = fields.String(required=True)
    words = WordsField(2000)
    state = fields.String(required=True)
    days_open = fields.Integer()
    answer = WordsField(4000)
    answered_at = fields.DateTime()
    withdrawn_at = fields.DateTime()
    hidden_at = fields.DateTime()
    hidden_reason = fields.String()
    created_at = fields.DateTime(required=True)


class AssuranceRemarkQuery(PageQuery):
    """Which remarks to list."""

    state = Slug("remark_states")
    kind = Slug("remark_kinds")
