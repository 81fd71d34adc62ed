"""The pipeline over HTTP: how far a proposal has come, for those who work on it and the parties to it."""

from uuid import UUID

from marshmallow import fields

from marketplace.pipeline import service
from marketplace.store.base import session
from marketplace.web.fields import Instant, View
from marketplace.web.guard import current_actor
from marketplace.web.openapi import MarketBlueprint

pipeline = MarketBlueprint("pipeline", __name__, description="Stages, gates and milestones of a proposal")


class ExitEvidenceView(View):
    """A kind of evidence that shows a stage is finished, and whether a document of it was accepted."""

    kind = fields.String(required=True)
    accepted = fields.Boolean(required=True)


class StageProgressView(View):
    """One stage: was its entry gate passed, as declared by the group or by evidence, and what it has to show."""

    stage = fields.String(required=True)
    entry_passed = fields.Boolean(required=True)
    basis = fields.String(allow_none=True, required=True)
    passed_at = Instant(allow_none=True, required=True)
    evidenced_at = Instant(allow_none=True, required=True)
    exit_evidence = fields.List(fields.Nested(ExitEvidenceView), required=True)


class MilestoneRecordView(View):
    """A milestone that is worked towards (`open`) or reached (`verified`, by that evidence)."""

    milestone = fields.String(required=True)
    state = fields.String(required=True)
    evidence_version_id = fields.UUID(allow_none=True, required=True)
    verified_by_organisation_id = fields.UUID(allow_none=True, required=True)
    verified_at = Instant(allow_none=True, required=True)


class ProgressView(View):
    """A proposal's stages in order, and its milestones."""

    stages = fields.List(fields.Nested(StageProgressView), required=True)
    milestones = fields.List(fields.Nested(MilestoneRecordView), required=True)


@pipeline.get("/proposals/<uuid:proposal_id>/pipeline")
@pipeline.response(200, ProgressView)
def get_pipeline(proposal_id: UUID) -> service.Progress:
    """Read how far a proposal has come: gates passed and milestones verified."""
    return service.progress_of(session(), current_actor(), proposal_id)
