"""The shapes of procurement on the wire. Shape only: what contradicts itself is for the rules."""

from typing import Any

from marshmallow import Schema, fields, validate

from marketplace.procurement.record_rules import MOST_READERS, MOST_SURETIES
from marketplace.procurement.rules import CHECKS
from marketplace.reference.facts import WHOLE
from marketplace.values.counts import SMALL
from marketplace.values.reasons import Outcome
from marketplace.web.fields import (
    Count,
    Day,
    Draft,
    Flag,
    Id,
    Instant,
    MoneyView,
    Slug,
    Text,
    View,
    WordsField,
    described,
    different,
    money,
    slugs,
)
from marketplace.web.paging import PageQuery
from marketplace.web.query_fields import slugs_of
from marketplace.web.reason_views import ReasonView

LONGEST_TERM = 1200
"""Months."""


# Checks


class ProcurementCheckDraft(Draft):
    """What is known of an authority, a contract and who would be awarded it; what is left out is unknown."""

    as_of = Day(metadata={"description": "The day of the award; today unless given."})
    checks = slugs("procurement_checks", least=1, metadata={"description": "Which checks; all unless given."})
    nation = Slug("nations", allow_none=True)
    authority = Slug("contracting_authorities", allow_none=True)
    contract_value = money(
        least=0, allow_none=True, metadata={"description": "The whole term's estimated value, VAT included."}
    )
    term_months = Count(least=1, most=LONGEST_TERM, allow_none=True)
    light_touch = described(Flag, "The services are light touch services.", allow_none=True)
    reservable = described(Flag, "They are of a kind that may be reserved.", allow_none=True)
    health_care = described(Flag, "Health care under the Provider Selection Regime.", allow_none=True)
    public_service_purpose = described(Flag, "The body exists mainly to deliver such services.", allow_none=True)
    profits = Slug("profit_uses", allow_none=True)
    employee_control = described(Flag, "Under the management and control of its employees.", allow_none=True)
    participatory = described(Flag, "Management or ownership by participatory principles.", allow_none=True)
    comparable_contract = described(
        Flag, "The same authority reserved a contract for such services to it before.", allow_none=True
    )
    comparable_contract_on = described(Day, "The latest day of such a contract.", allow_none=True)
    employment_purpose = described(Flag, "It employs or supports disabled or disadvantaged people.", allow_none=True)
    supported_workforce_bp = described(Count, "Their share, in basis points.", most=WHOLE, allow_none=True)
    authority_control = described(Flag, "The authority controls it.", allow_none=True)
    others_influence = described(Flag, "Somebody else has a decisive influence.", allow_none=True)
    activity_for_authority_bp = described(
        Count, "Share of its activities for its controllers, in basis points.", most=WHOLE, allow_none=True
    )
    private_capital = described(Flag, "Private capital takes part.", allow_none=True)


class ProcurementCheckQuery(Schema):
    """Which checks, and on which day."""

    as_of = Day(metadata={"description": "The day of the award; today unless given."})
    checks = slugs_of("procurement_checks", "Which checks; all unless given.")


class LawConditionView(ReasonView):
    """One condition of a law, as a reason, and where the law says it."""

    law = fields.String(required=True)
    section = fields.String(required=True)


class ProcurementCheckView(View):
    """One check: met where every condition is, unmet where one is unmet, else unknown. No legal advice."""

    check = fields.String(required=True, attribute="slug", validate=validate.OneOf(CHECKS))
    route = fields.String(required=True, attribute="law.route")
    law = fields.String(required=True, attribute="law.law")
    section = fields.String(required=True, attribute="law.section")
    source = fields.String(required=True, attribute="law.source")
    nations = described(
        fields.List, "The nations whose law this is.", fields.String(), required=True, attribute="law.nations"
    )
    in_force_from = Day(required=True)
    in_force_until = described(Day, "Its last day; null: still in force.", required=True, allow_none=True)
    outcome = fields.String(required=True, validate=validate.OneOf([each.value for each in Outcome]))
    conditions = fields.List(fields.Nested(LawConditionView), required=True)


class ProcurementChecksView(View):
    """The checks on a day."""

    as_of = Day(required=True)
    data = fields.List(fields.Nested(ProcurementCheckView), required=True)


# Opinions


class OpinionDraft(Draft):
    """What somebody advised on the procurement. Confidential unless it is said not to be."""

    route = Slug("procurement_routes", required=True)
    author_name = Text(200, required=True)
    author_organisation = Text(200, required=True)
    client = Slug("opinion_clients", required=True, metadata={"description": "Whom the author advises."})
    challenge_risk = described(Count, "How likely a challenge is, 1 (hardly) to 5.", least=1, most=5, required=True)
    risk_appetite = Slug("risk_appetites", allow_none=True, metadata={"description": "Of the authority."})
    given_on = Day(required=True)
    summary = WordsField(4000, required=True)
    confidential = Flag(load_default=True)
    counts_as_precedent = described(
        Flag, "Let it count, without names, among the precedents of five cases and more.", load_default=False
    )
    evidence_id = described(Id, "A document of the kind `procurement_opinion`.", allow_none=True)
    supersedes_id = described(Id, "The opinion that it takes the place of.", allow_none=True)


class OpinionView(View):
    """An opinion, and whether it stands."""

    id = fields.UUID(required=True, attribute="opinion.id")
    proposal_id = fields.UUID(required=True, attribute="opinion.proposal_id")
    route = fields.String(required=True, attribute="opinion.route")
    author_name = fields.String(required=True, attribute="opinion.author_name")
    author_organisation = fields.String(required=True, attribute="opinion.author_organisation")
    client = fields.String(required=True, attribute="opinion.client")
    challenge_risk = fields.Integer(required=True, attribute="opinion.challenge_risk")
    risk_appetite = fields.String(required=True, allow_none=True, attribute="opinion.risk_appetite")
    given_on = Day(required=True, attribute="opinion.given_on")
    summary = WordsField(4000, required=True, attribute="opinion.summary")
    confidential = fields.Boolean(required=True, attribute="opinion.confidential")
    counts_as_precedent = fields.Boolean(required=True, attribute="opinion.counts_as_precedent")
    evidence_id = fields.UUID(required=True, allow_none=True, attribute="opinion.evidence_id")
    supersedes_id = fields.UUID(required=True, allow_none=True, attribute="opinion.supersedes_id")
    superseded_by_id = described(
        fields.UUID, "Null also where you may not see which.", required=True, allow_none=True, attribute="superseded_by"
    )
    stands = fields.Boolean(required=True)
    recorded_at = Instant(required=True, attribute="opinion.created_at")


class OpinionsView(View):
    """Opinions on one proposal, the newest first."""

    data = fields.List(fields.Nested(OpinionView), required=True)


# Precedents


class PrecedentQuery(Schema):
    """Which cell of the precedents."""

    sector = Slug("service_sectors", required=True)
    route = Slug("procurement_routes", required=True)


class ToldCountView(View):
    """A count: a band of five, `fewer_than` five, or `at_least` five and no closer."""

    fewer_than = fields.Integer(validate=validate.OneOf([SMALL]))
    at_least = fields.Integer()
    at_most = fields.Integer()


def _counts(words: str) -> Any:
    return described(
        fields.Dict, words, keys=fields.String(), values=fields.Nested(ToldCountView), required=True, allow_none=True
    )


class PrecedentsView(View):
    """Like cases, one of each group, without names; the last members are null where they are fewer than five."""

    sector = fields.String(required=True)
    route = fields.String(required=True)
    cases = fields.Nested(ToldCountView, required=True)
    challenge_risks = _counts("low (1, 2), middling (3) and high (4, 5)")
    outcomes = _counts("won, lost, withdrawn and undecided")
    nations = _counts("By nation, and unknown")


# Bids


class BidDraft(Draft):
    """A tender that the group has bid in."""

    title = WordsField(200, required=True)
    authority_name = Text(200, required=True)
    route = Slug("procurement_routes", required=True)
    occasion = Slug("bid_occasions", required=True)
    incumbent = described(Flag, "The group holds the contract now.", required=True)
    submitted_on = Day(required=True)
    contract_value = money(least=0, required=True, metadata={"description": "Of the whole term, VAT included."})
    term_months = Count(least=1, most=LONGEST_TERM, required=True)


class BidOutcomeDraft(Draft):
    """What became of it. A loss has grounds; a contract that was won has its first and last day."""

    outcome = Slug("bid_outcomes", required=True)
    decided_on = Day(required=True)
    lost_on = slugs("bid_loss_grounds", load_default=list)
    words = WordsField(2000, allow_none=True)
    starts_on = Day(allow_none=True)
    ends_on = Day(allow_none=True)


class SuretyDraft(Draft):
    """Security that the authority demands, in minor units of the bid's currency, and what stands behind it."""

    kind = Slug("surety_kinds", required=True)
    amount = Count(least=1, required=True)
    covered_by = Slug("surety_covers", required=True)
    pledge_id = described(Id, "Where a pledge covers it: one with a guarantee.", allow_none=True, load_default=None)


class SuretiesDraft(Draft):
    """Every surety that is demanded in the bid."""

    sureties = fields.List(fields.Nested(SuretyDraft), required=True, validate=[validate.Length(max=MOST_SURETIES)])


class SuretyView(View):
    """A surety that is demanded, and whether it is covered now: a pledge that has ended covers nothing."""

    kind = fields.String(required=True, attribute="surety.kind")
    amount = fields.Integer(required=True, attribute="surety.amount")
    covered_by = fields.String(required=True, attribute="surety.covered_by")
    pledge_id = fields.UUID(required=True, allow_none=True, attribute="surety.pledge_id")
    covered = fields.Boolean(required=True)


class BidView(View):
    """A bid: what for, what surety, what it came to."""

    id = fields.UUID(required=True)
    proposal_id = fields.UUID(required=True)
    title = WordsField(200, required=True)
    authority_name = fields.String(required=True)
    route = fields.String(required=True)
    occasion = fields.String(required=True)
    incumbent = fields.Boolean(required=True)
    submitted_on = Day(required=True)
    contract_value = fields.Nested(MoneyView, required=True)
    term_months = fields.Integer(required=True)
    sureties = fields.List(fields.Nested(SuretyView), required=True)
    outcome = described(fields.String, "Null: not known yet.", required=True, allow_none=True)
    decided_on = Day(required=True, allow_none=True)
    lost_on = fields.List(fields.String(), required=True)
    words = WordsField(2000, required=True, allow_none=True)
    starts_on = Day(required=True, allow_none=True)
    ends_on = Day(required=True, allow_none=True)
    recorded_at = Instant(required=True)


class BidsQuery(PageQuery):
    """How much of a proposal's bids, and from where."""


# The fair-competition record


class FairCompetitionEntryDraft(Draft):
    """Something to keep on record. To correct an entry, name it; to take it back, say so and why in words."""

    kind = Slug("fair_competition_kinds", required=True)
    happened_on = Day(required=True)
    organisation_name = Text(200, allow_none=True)
    person_name = Text(200, allow_none=True)
    role = Text(200, allow_none=True)
    words = WordsField(4000, allow_none=True)
    public = described(
        Flag, "Part of what is read once the record is published, but for the person.", load_default=False
    )
    corrects_id = Id(allow_none=True)
    taken_back = Flag(load_default=False)


class FairCompetitionLineView(View):
    """A line of the record: an `entry` that somebody made, or the `reading` of a document. Members of the other kind,
    and what the caller may not know, are null."""

    id = fields.UUID(required=True)
    type = fields.String(required=True, validate=validate.OneOf(["entry", "reading"]))
    recorded_at = Instant(required=True)
    number = fields.Integer(required=True, allow_none=True)
    kind = fields.String(required=True, allow_none=True)
    happened_on = Day(required=True, allow_none=True)
    organisation_name = fields.String(required=True, allow_none=True)
    person_name = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, allow_none=True)
    words = WordsField(4000, required=True, allow_none=True)
    public = fields.Boolean(required=True, allow_none=True)
    taken_back = fields.Boolean(required=True, allow_none=True)
    corrects_id = fields.UUID(required=True, allow_none=True)
    corrected_by_id = fields.UUID(required=True, allow_none=True)
    evidence_id = fields.UUID(required=True, allow_none=True)
    evidence_kind = fields.String(required=True, allow_none=True)
    evidence_title = WordsField(200, required=True, allow_none=True)
    evidence_version = fields.Integer(required=True, allow_none=True)
    what = described(fields.String, "metadata or content", required=True, allow_none=True)
    reader_standing = fields.String(required=True, allow_none=True)
    reader_name = WordsField(200, required=True, allow_none=True)


class FairCompetitionLinesQuery(PageQuery):
    """How much of the record, and from where."""


class FairCompetitionEntryView(View):
    """An entry as it was made."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    kind = fields.String(required=True)
    happened_on = Day(required=True)
    organisation_name = fields.String(required=True, allow_none=True)
    person_name = fields.String(required=True, allow_none=True)
    role = fields.String(required=True, allow_none=True)
    words = WordsField(4000, required=True, allow_none=True)
    public = fields.Boolean(required=True)
    corrects_id = fields.UUID(required=True, allow_none=True)
    taken_back = fields.Boolean(required=True)
    recorded_at = Instant(required=True, attribute="created_at")


class FairCompetitionConflictView(View):
    """A conflict of somebody of the group or of the authority, without their name and words."""

    side = fields.String(required=True, validate=validate.OneOf(["group", "authority"]))
    kind = fields.String(required=True)
    about = described(fields.String, "The side that the interest is in.", required=True)
    declared = fields.Boolean(required=True)
    managed = fields.Boolean(required=True)


class FairCompetitionRecordView(View):
    """The head of a record; its lines are a list of their own. The public is told only since when it is published."""

    standing = fields.String(
        required=True,
        validate=validate.OneOf(["group", "authority", "reader", "public"]),
        metadata={"description": "As what you read it."},
    )
    published_at = Instant(required=True, allow_none=True)
    readers = described(
        fields.List, "Whom the group has named; told to the group.", fields.UUID(), required=True, allow_none=True
    )
    entries = fields.Integer(required=True, allow_none=True)
    conflicts = fields.List(fields.Nested(FairCompetitionConflictView), required=True, allow_none=True)


class FairCompetitionReadersDraft(Draft):
    """Every organisation that may read the whole record beside the group and the authority."""

    organisations = fields.List(Id(), required=True, validate=[validate.Length(max=MOST_READERS), different])
