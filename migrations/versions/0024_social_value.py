"""Social value: assessments in versions, benefits and what was measured.

Versions and measurements are append only; a benefit's baseline and target stay as they were set.

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

PLAN_STAYS = """
CREATE FUNCTION benefit_plan_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.proposal_id, NEW.baseline, NEW.baseline_on, NEW.target, NEW.target_on, NEW.made_by, NEW.created_at)
     IS DISTINCT FROM
     (OLD.id, OLD.proposal_id, OLD.baseline, OLD.baseline_on, OLD.target, OLD.target_on, OLD.made_by, OLD.created_at)
     OR OLD.state = 'retired' AND NEW.state <> 'retired' THEN
    RAISE EXCEPTION 'a benefit keeps the baseline and the target that were set'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER benefit_plan_stays BEFORE UPDATE ON benefit FOR EACH ROW EXECUTE FUNCTION benefit_plan_stays();
"""


def append_only(table: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on a table."""
    act = "EXECUTE FUNCTION refuse_rewriting()"
    op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}")
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}")


def identified(table: str) -> list[sa.schema.SchemaItem]:
    """The columns that each of these tables has, and its key."""
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    ]


def key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    """A foreign key under the house's name."""
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    """A check under the house's name."""
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    create_assessments()
    create_benefits()
    op.execute(PLAN_STAYS)
    append_only("social_value_version")
    append_only("benefit_measurement")


def create_assessments() -> None:
    op.create_table(
        "social_value_assessment",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("title", pg.JSONB(none_as_null=True), nullable=False),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *identified("social_value_assessment"),
        key("social_value_assessment", "proposal_id", "proposal.id"),
        key("social_value_assessment", "made_by", "user_account.id"),
    )
    op.create_index("ix_social_value_assessment_proposal_id_id", "social_value_assessment", ["proposal_id", "id"])
    op.create_table(
        "social_value_version",
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("convention", sa.String(60), nullable=False),
        sa.Column("method", sa.Integer(), nullable=False),
        sa.Column("content", pg.JSONB(none_as_null=True), nullable=False),
        sa.Column("result", pg.JSONB(none_as_null=True), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        *identified("social_value_version"),
        sa.UniqueConstraint("assessment_id", "number", name="uq_social_value_version_assessment_id_number"),
        key("social_value_version", "assessment_id", "social_value_assessment.id"),
        key("social_value_version", "made_by", "user_account.id"),
        check("social_value_version", "kind", "kind IN ('forecast', 'evaluated')"),
        check("social_value_version", "convention", "convention IN ('end_of_year', 'start_of_year')"),
        check("social_value_version", "numbers", "number >= 1 AND method >= 1"),
    )


def create_benefits() -> None:
    op.create_table(
        "benefit",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("title", pg.JSONB(none_as_null=True), nullable=False),
        sa.Column("beneficiary", sa.String(200), nullable=False),
        sa.Column("unit", sa.String(100), nullable=False),
        sa.Column("baseline", sa.Numeric(20, 4), nullable=False),
        sa.Column("baseline_on", sa.Date(), nullable=False),
        sa.Column("baseline_source", sa.String(500), nullable=False),
        sa.Column("target", sa.Numeric(20, 4), nullable=False),
        sa.Column("target_on", sa.Date(), nullable=False),
        sa.Column("owner_name", sa.String(200), nullable=False),
        sa.Column("owner_role", sa.String(200), nullable=False),
        sa.Column("measurement_days", pg.JSONB(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(60), server_default="active", nullable=False),
        sa.Column("retirement_reason", pg.JSONB(none_as_null=True), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *identified("benefit"),
        key("benefit", "proposal_id", "proposal.id"),
        key("benefit", "made_by", "user_account.id"),
        key("benefit", "changed_by", "user_account.id"),
        check("benefit", "state", "state IN ('active', 'retired')"),
        check("benefit", "retirement_reason", "(state = 'retired') = (retirement_reason IS NOT NULL)"),
        check("benefit", "target", "target <> baseline AND target_on > baseline_on"),
    )
    op.create_index("ix_benefit_proposal_id_id", "benefit", ["proposal_id", "id"])
    op.create_table(
        "benefit_measurement",
        sa.Column("benefit_id", sa.Uuid(), nullable=False),
        sa.Column("measured_on", sa.Date(), nullable=False),
        sa.Column("value", sa.Numeric(20, 4), nullable=False),
        sa.Column("source", sa.String(500), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("measured_by", sa.Uuid(), nullable=False),
        *identified("benefit_measurement"),
        key("benefit_measurement", "benefit_id", "benefit.id"),
        key("benefit_measurement", "measured_by", "user_account.id"),
    )
    op.create_index("ix_benefit_measurement_benefit_id_id", "benefit_measurement", ["benefit_id", "id"])


def downgrade() -> None:
    for table in ("benefit_measurement", "benefit", "social_value_version", "social_value_assessment"):
        op.drop_table(table)
    op.execute("DROP FUNCTION benefit_plan_stays()")
