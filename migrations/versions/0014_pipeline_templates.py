"""The pipeline as versioned data: templates, stages entered, ballots and pensions.

A proposal that was published before is pinned to version 1 of the template, at the stage of its published ask, since
it passed that stage's gate.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

PINNED = """
CREATE FUNCTION proposal_pipeline_stays_pinned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.proposal_id, NEW.template, NEW.template_version)
     IS DISTINCT FROM (OLD.proposal_id, OLD.template, OLD.template_version) THEN
    RAISE EXCEPTION 'a proposal stays with the template version that it was pinned to'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER proposal_pipeline_stays_pinned BEFORE UPDATE ON proposal_pipeline
  FOR EACH ROW EXECUTE FUNCTION proposal_pipeline_stays_pinned();
"""

ENTERED = """
INSERT INTO proposal_pipeline (proposal_id, template, template_version, stage, entered_at, version)
SELECT p.id, 'public_service_mutual', 1, v.ask->>'stage', coalesce(g.passed_at, v.created_at), 1
FROM proposal p
JOIN proposal_version v ON v.id = p.current_version_id
LEFT JOIN gate_passage g ON g.proposal_id = p.id AND g.stage = v.ask->>'stage'
"""

FIRST_MOVES = """
INSERT INTO stage_move (id, proposal_id, number, kind, to_stage, conditions, by_user_id, created_at)
SELECT gen_random_uuid(), l.proposal_id, 1, 'entered', l.stage, '[]', v.published_by, l.entered_at
FROM proposal_pipeline l
JOIN proposal p ON p.id = l.proposal_id
JOIN proposal_version v ON v.id = p.current_version_id
"""


def append_only(table: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on a table."""
    act = "EXECUTE FUNCTION refuse_rewriting()"
    op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}")
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}")


def identified() -> list[sa.Column]:
    """The columns that most of these tables have."""
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    ]


def key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    """A foreign key under the house's name."""
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def upgrade() -> None:
    op.create_table(
        "proposal_pipeline",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.String(60), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(60), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("proposal_id", name="pk_proposal_pipeline"),
        key("proposal_pipeline", "proposal_id", "proposal.id"),
        sa.CheckConstraint("template_version >= 1", name=op.f("ck_proposal_pipeline_template_version")),
    )
    op.create_table(
        "stage_move",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("from_stage", sa.String(60), nullable=True),
        sa.Column("to_stage", sa.String(60), nullable=False),
        sa.Column("reason", pg.JSONB(none_as_null=True), nullable=True),
        sa.Column("conditions", pg.JSONB(none_as_null=True), nullable=False),
        sa.Column("by_user_id", sa.Uuid(), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name="pk_stage_move"),
        sa.UniqueConstraint("proposal_id", "number", name="uq_stage_move_proposal_id_number"),
        key("stage_move", "proposal_id", "proposal.id"),
        key("stage_move", "by_user_id", "user_account.id"),
        sa.CheckConstraint("kind IN ('entered', 'forward', 'back', 'ended')", name=op.f("ck_stage_move_kind")),
        sa.CheckConstraint("(kind = 'entered') = (from_stage IS NULL)", name=op.f("ck_stage_move_from_stage")),
        sa.CheckConstraint("kind NOT IN ('back', 'ended') OR reason IS NOT NULL", name=op.f("ck_stage_move_reason")),
    )
    create_ballots()
    create_pensions()
    op.execute(ENTERED)
    op.execute(FIRST_MOVES)
    op.execute(PINNED)
    append_only("stage_move")
    append_only("ballot")


def create_ballots() -> None:
    op.create_table(
        "ballot",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("question", pg.JSONB(none_as_null=True), nullable=False),
        sa.Column("electorate", sa.Integer(), nullable=False),
        sa.Column("votes_for", sa.Integer(), nullable=False),
        sa.Column("votes_against", sa.Integer(), nullable=False),
        sa.Column("spoiled", sa.Integer(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("scrutineer", sa.String(200), nullable=False),
        sa.Column("quorum_bp", sa.Integer(), nullable=False),
        sa.Column("threshold_bp", sa.Integer(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name="pk_ballot"),
        key("ballot", "proposal_id", "proposal.id"),
        key("ballot", "evidence_id", "evidence.id"),
        key("ballot", "recorded_by", "user_account.id"),
        sa.CheckConstraint(
            "electorate > 0 AND votes_for >= 0 AND votes_against >= 0 AND spoiled >= 0", name=op.f("ck_ballot_counts")
        ),
        sa.CheckConstraint("votes_for::bigint + votes_against + spoiled <= electorate", name=op.f("ck_ballot_papers")),
        sa.CheckConstraint(
            "quorum_bp BETWEEN 1 AND 10000 AND threshold_bp BETWEEN 1 AND 10000", name=op.f("ck_ballot_rules")
        ),
    )
    op.create_index("ix_ballot_proposal_id_id", "ballot", ["proposal_id", "id"])


def create_pensions() -> None:
    op.create_table(
        "pension_arrangement",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("arrangement", sa.String(60), nullable=False),
        sa.Column("currency", sa.String(3), nullable=True),
        sa.Column("bond", sa.BigInteger(), nullable=True),
        sa.Column("contribution_gap", sa.BigInteger(), nullable=True),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("proposal_id", name="pk_pension_arrangement"),
        key("pension_arrangement", "proposal_id", "proposal.id"),
        key("pension_arrangement", "evidence_id", "evidence.id"),
        key("pension_arrangement", "updated_by", "user_account.id"),
        sa.CheckConstraint(
            "bond BETWEEN 0 AND 1000000000000000 AND contribution_gap BETWEEN 0 AND 1000000000000000",
            name=op.f("ck_pension_arrangement_amounts"),
        ),
        sa.CheckConstraint(
            "(currency IS NULL) = (bond IS NULL AND contribution_gap IS NULL)",
            name=op.f("ck_pension_arrangement_currency"),
        ),
    )


def downgrade() -> None:
    for table in ("pension_arrangement", "ballot", "stage_move", "proposal_pipeline"):
        op.drop_table(table)
    op.execute("DROP FUNCTION proposal_pipeline_stays_pinned()")
