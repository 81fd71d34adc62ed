"""The shapes of learning, help and staff engagement on the wire. Shape only: contradictions are for the rules."""

from marshmallow import fields, validate

from marketplace.pipeline.schemas import LARGEST_ELECTORATE, BallotView
from marketplace.web.fields import (
    Count,
    Day,
    Draft,
    Flag,
    Id,
    Instant,
    Slug,
    Text,
    View,
    WordsField,
    described,
    different,
    slugs,
    web_address,
)
from marketplace.web.paging import PageQuery, QueryCount
from marketplace.web.reason_views import ReasonView

MOST_LIKE, MOST_ADVISERS = 50, 100
MOST_DOCUMENTS, MOST_CONSULTATIONS, MOST_INTERESTS = 20, 30, 100
UNTOLD = "Null where people outside are not told: fewer than five, or what others would give away."


class OrganisationCardView(View):
    """An organisation by name."""

    id = fields.UUID(required=True)
    name = WordsField(300, required=True)


# Learning notes


class LearningNoteChange(Draft):
    """A note as it is to read from now on."""

    kind = Slug("learning_note_kinds", required=True)
    stage = Slug("stages", required=True)
    sector = Slug("service_sectors", required=True)
    route = Slug("routes", allow_none=True)
    region = Slug("regions", allow_none=True)
    title = WordsField(200, required=True)
    body = WordsField(8000, required=True)
    anonymous = described(
        Flag, "Others are told stage, sector, route and region, and not whose it is.", load_default=False
    )
    embargo_until = described(Day, "Public from that day on; left out, at once.", allow_none=True)
    evidence_id = described(Id, "A report of the proposal that the note is drawn from. For the group.", allow_none=True)


class LearningNoteDraft(LearningNoteChange):
    """What a group learned at a stage of its proposal."""

    proposal_id = Id(required=True)


class LearningNoteView(View):
    """What a group learned. `organisation` is null where the note is anonymous; the members that only its group sees
    (`state`, `embargo_until`, `evidence_id`) are left out for others.
    """

    id = fields.UUID(required=True, attribute="note.id")
    version = fields.Integer(required=True, attribute="note.version")
    kind = fields.String(required=True, attribute="note.kind")
    stage = fields.String(required=True, attribute="note.stage")
    sector = fields.String(required=True, attribute="note.sector")
    route = fields.String(required=True, allow_none=True, attribute="note.route")
    region = fields.String(required=True, allow_none=True, attribute="note.region")
    title = WordsField(200, required=True, attribute="note.title")
    body = WordsField(8000, required=True, attribute="note.body")
    anonymous = fields.Boolean(required=True, attribute="note.anonymous")
    organisation = fields.Nested(OrganisationCardView, required=True, allow_none=True)
    proposal_id = described(
        fields.UUID, "Null where the reader does not see the proposal by name.", required=True, allow_none=True
    )
    updated_at = Instant(required=True, attribute="note.updated_at")
    state = fields.String()
    embargo_until = Day(allow_none=True)
    evidence_id = fields.UUID(allow_none=True)


class LikeNoteView(LearningNoteView):
    """A note, and what its setting has in common with the proposal's."""

    in_common = fields.List(fields.Nested(ReasonView), required=True, attribute="reasons")


class LikeNotesView(View):
    """What groups like this one learned, the most alike first."""

    data = fields.List(fields.Nested(LikeNoteView), required=True)


class LearningNoteVersionView(View):
    """A note as it was written once; `content` is what its PUT took."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    content = fields.Dict(required=True)
    created_at = Instant(required=True)


class LearningNoteQuery(PageQuery):
    """Which notes."""

    kind = Slug("learning_note_kinds")
    stage = Slug("stages")
    sector = Slug("service_sectors")
    route = Slug("routes")
    region = Slug("regions")


class LikeNotesQuery(Draft):
    """How many."""

    limit = QueryCount(load_default=10, validate=validate.Range(min=1, max=MOST_LIKE))


# Support products


class SupportProductChange(Draft):
    """A product as it is to be found from now on: by a link, or as open evidence."""

    kind = Slug("support_product_kinds", required=True)
    licence = Slug("licences", required=True)
    title = WordsField(200, required=True)
    summary = WordsField(2000, required=True)
    link = web_address(500, allow_none=True)
    evidence_id = described(Id, "Open evidence of the publisher's own public proposal.", allow_none=True)
    programme_id = described(Id, "The publisher's programme that paid for it.", allow_none=True)
    sectors = slugs("service_sectors", load_default=list)
    stages = slugs("stages", load_default=list)


class SupportProductDraft(SupportProductChange):
    """Something made for one group that others may use again."""

    organisation_id = Id(required=True)


class SupportProductView(View):
    """Something made for one group that others may use again. Without sectors or stages it is for each."""

    id = fields.UUID(required=True)
    organisation = fields.Nested(OrganisationCardView, required=True)
    state = fields.String(required=True)
    kind = fields.String(required=True)
    licence = fields.String(required=True)
    title = WordsField(200, required=True)
    summary = WordsField(2000, required=True)
    link = fields.String(required=True, allow_none=True)
    evidence_id = fields.UUID(required=True, allow_none=True)
    programme_id = fields.UUID(required=True, allow_none=True)
    sectors = fields.List(fields.String(), required=True)
    stages = fields.List(fields.String(), required=True)
    updated_at = Instant(required=True)


class SupportProductQuery(PageQuery):
    """Which products."""

    kind = Slug("support_product_kinds")
    licence = Slug("licences")
    sector = Slug("service_sectors")
    stage = Slug("stages")


# Advisers


class AdviserListingDraft(Draft):
    """What an organisation offers to groups. Its conflicts are stated, and its interests named: "none" is a word."""

    listed = described(Flag, "False takes it out of the directory.", load_default=True)
    services = slugs("adviser_services", least=1, required=True)
    sectors = slugs("service_sectors", load_default=list)
    nations = slugs("nations", load_default=list)
    words = WordsField(2000, required=True)
    link = web_address(500, allow_none=True)
    conflicts = WordsField(2000, required=True)
    interests = fields.List(
        Id(),
        load_default=list,
        validate=[validate.Length(max=MOST_INTERESTS), different],
        metadata={"description": "Organisations in which it has an interest; all that its own register names."},
    )


class AdviserListingView(View):
    """An entry in the directory of advisers. Without sectors or nations it serves each."""

    organisation = fields.Nested(OrganisationCardView, required=True)
    listed = fields.Boolean(required=True, attribute="listing.listed")
    services = fields.List(fields.String(), required=True, attribute="listing.services")
    sectors = fields.List(fields.String(), required=True, attribute="listing.sectors")
    nations = fields.List(fields.String(), required=True, attribute="listing.nations")
    words = WordsField(2000, required=True, allow_none=True, attribute="listing.words")
    link = fields.String(required=True, allow_none=True, attribute="listing.link")
    conflicts = WordsField(2000, required=True, allow_none=True, attribute="listing.conflicts")
    interests = fields.List(fields.Nested(OrganisationCardView), required=True)
    updated_at = Instant(required=True, allow_none=True, attribute="listing.updated_at")


class AdviserForProposalView(AdviserListingView):
    """A listing, and where it meets the proposal's own employer or commissioners."""

    conflicts_here = described(
        fields.List,
        "The employer or commissioners of the proposal that the adviser is, or has an interest in.",
        fields.UUID(),
        required=True,
    )


class AdvisersForProposalView(View):
    """Advisers, those without a conflict here first."""

    data = fields.List(fields.Nested(AdviserForProposalView), required=True)


class AdviserQuery(PageQuery):
    """Which advisers."""

    service = Slug("adviser_services")
    sector = Slug("service_sectors")
    nation = Slug("nations")


class AdvisersForProposalQuery(Draft):
    """Which advisers, and how many."""

    service = Slug("adviser_services")
    sector = Slug("service_sectors")
    nation = Slug("nations")
    limit = QueryCount(load_default=20, validate=validate.Range(min=1, max=MOST_ADVISERS))


# Resources


class ResourceQuery(Draft):
    """Which resources."""

    stage = Slug("stages")
    topic = Slug("resource_topics")


class ResourceView(View):
    """Something public that helps at a stage, kept by others; `checked_on` is when it was last read."""

    slug = fields.String(required=True)
    title = WordsField(200, required=True)
    publisher = fields.String(required=True)
    link = fields.String(required=True)
    topics = fields.List(fields.String(), required=True)
    stages = described(fields.List, "None: for each.", fields.String(), required=True)
    historical = described(fields.Boolean, "About what was: a closed programme, a repealed law.", required=True)
    checked_on = Day(required=True)
    read = described(fields.String, "How far it was read: `part`, or the `address` alone.", required=True)


class ResourcesView(View):
    """Resources, in the order of their list."""

    version = fields.String(required=True)
    data = fields.List(fields.Nested(ResourceView), required=True)


# Engagement


class InformationSessionDraft(Draft):
    """A session that was held: counts, never names and never shares."""

    kind = Slug("information_session_kinds", required=True)
    held_on = Day(required=True)
    invited = Count(least=1, most=LARGEST_ELECTORATE, required=True)
    attended = Count(most=LARGEST_ELECTORATE, required=True)
    evidence_ids = fields.List(
        Id(),
        load_default=list,
        validate=[validate.Length(max=MOST_DOCUMENTS), different],
        metadata={"description": "Evidence of the proposal that was shown."},
    )


class InformationSessionView(View):
    """A session; of its documents those that the reader may open."""

    id = fields.UUID(required=True, attribute="session.id")
    version = fields.Integer(required=True, attribute="session.version")
    kind = fields.String(required=True, attribute="session.kind")
    held_on = Day(required=True, attribute="session.held_on")
    invited = described(fields.Integer, UNTOLD, required=True, allow_none=True, attribute="told.invited")
    attended = described(fields.Integer, UNTOLD, required=True, allow_none=True, attribute="told.attended")
    documents = fields.List(fields.UUID(), required=True)


class AttendanceView(View):
    """Sums over all sessions: somebody who came twice counts twice."""

    invited = described(fields.Integer, UNTOLD, required=True, allow_none=True)
    attended = described(fields.Integer, UNTOLD, required=True, allow_none=True)


class EngagementView(View):
    """How the staff were told and asked: sessions, questions, ballots."""

    sessions = fields.List(fields.Nested(InformationSessionView), required=True)
    totals = fields.Nested(AttendanceView, required=True)
    questions = described(fields.Integer, "How many were asked.", required=True)
    answered = fields.Integer(required=True)
    ballots = described(
        fields.List,
        "The newest first; null for who does not see the proposal's workings.",
        fields.Nested(BallotView),
        required=True,
        allow_none=True,
    )


class StaffQuestionDraft(Draft):
    """What somebody of the staff asked. Name nobody."""

    question = WordsField(2000, required=True)
    asked_on = Day(required=True)
    session_id = Id(allow_none=True)
    answer = WordsField(4000, allow_none=True)


class StaffAnswerDraft(Draft):
    """What they are answered."""

    answer = WordsField(4000, required=True)


class StaffQuestionView(View):
    """A question of the staff and its answer."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    question = WordsField(2000, required=True)
    asked_on = Day(required=True)
    session_id = fields.UUID(required=True, allow_none=True)
    answer = WordsField(4000, required=True, allow_none=True)
    answered_on = Day(required=True, allow_none=True)


# Transfer


class ConsultationDraft(Draft):
    """A consultation of a union, or of other representatives of the staff."""

    representatives = Text(200, required=True)
    began_on = Day(required=True)
    ended_on = Day(allow_none=True)
    evidence_id = Id(allow_none=True)


class ConsultationView(View):
    """A consultation of a union, or of other representatives of the staff."""

    representatives = fields.String(required=True)
    began_on = fields.String(required=True)
    ended_on = fields.String(required=True, allow_none=True)
    evidence_id = fields.String(required=True, allow_none=True)


class StaffTransferDraft(Draft):
    """How the staff go over: the whole of what is said."""

    transfer_on = Day(allow_none=True)
    staff = Count(least=1, most=LARGEST_ELECTORATE, allow_none=True)
    promise_months = described(
        Count, "How long terms and conditions are promised beyond what the law keeps.", most=600, allow_none=True
    )
    measures = described(WordsField, "What will change for them.", 4000, allow_none=True)
    consultations = fields.List(
        fields.Nested(ConsultationDraft), load_default=list, validate=validate.Length(max=MOST_CONSULTATIONS)
    )


class StaffTransferView(View):
    """The transfer of the staff, and what the law asks of it, each with its section. Not legal advice."""

    transfer_on = Day(required=True, allow_none=True)
    staff = fields.Integer(required=True, allow_none=True)
    promise_months = fields.Integer(required=True, allow_none=True)
    measures = WordsField(4000, required=True, allow_none=True)
    consultations = fields.List(fields.Nested(ConsultationView), required=True)
    conditions = fields.List(fields.Nested(ReasonView), required=True)
    updated_at = Instant(required=True, allow_none=True)
