"""Programmes, criteria versions, proposals and what they share.

Revision ID: 0003
Revises: 0002
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQL = Path(__file__).resolve().parents[1] / "sql"
IMMUTABLE = ("criteria_version", "proposal_version")
FUNCTIONS = (
    "shared_facts(uuid, uuid, date)",
    "own_facts(uuid, date)",
    "proposal_visible_to(uuid, uuid)",
    "proposal_excludes(uuid, uuid)",
    "criteria_evaluate(jsonb, jsonb, jsonb)",
    "criteria_soft_weights(jsonb, jsonb, jsonb)",
    "criteria_node_holds(jsonb, jsonb, jsonb)",
    "criteria_criterion_holds(jsonb, jsonb, jsonb)",
    "criteria_equal(jsonb, jsonb)",
    "criteria_measure(jsonb, jsonb)",
)


def append_only(table: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on a table."""
    act = "EXECUTE FUNCTION refuse_rewriting()"
    op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}")
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}")


def run_file(name: str) -> None:
    """Run the statements of a file in `migrations/sql`."""
    op.get_bind().exec_driver_sql((SQL / name).read_text().replace("%", "%%"))


def upgrade() -> None:
    op.create_table(
        "programme",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("title", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("summary", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("instruments", sa.ARRAY(sa.String(length=60)), server_default="{}", nullable=False),
        sa.Column("stages", sa.ARRAY(sa.String(length=60)), server_default="{}", nullable=False),
        sa.Column("ask_min", sa.BigInteger(), nullable=True),
        sa.Column("ask_max", sa.BigInteger(), nullable=True),
        sa.Column("criteria", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=True),
        sa.Column("closes_on", sa.Date(), nullable=True),
        sa.Column("paused", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ticket_max", sa.BigInteger(), nullable=True),
        sa.Column("has_budget", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("public_money", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("recycles", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("tranche_template", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("funded_by_programme_id", sa.Uuid(), nullable=True),
        sa.Column("current_criteria_version_id", sa.Uuid(), nullable=True),
        sa.Column("historical_example", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("provenance", sa.String(length=2000), nullable=True),
        sa.Column("sources", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("case_slug", sa.String(length=80), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("ask_max >= 0 AND ask_max <= 1000000000000000", name=op.f("ck_programme_ask_max")),
        sa.CheckConstraint("ask_min >= 0 AND ask_min <= 1000000000000000", name=op.f("ck_programme_ask_min")),
        sa.CheckConstraint(
            "ask_min IS NULL OR ask_max IS NULL OR ask_min <= ask_max", name=op.f("ck_programme_ask_range")
        ),
        sa.CheckConstraint(
            "opens_on IS NULL OR closes_on IS NULL OR opens_on <= closes_on", name=op.f("ck_programme_window")
        ),
        sa.CheckConstraint("ticket_max > 0 AND ticket_max <= 1000000000000000", name=op.f("ck_programme_ticket_max")),
        sa.ForeignKeyConstraint(
            ["funded_by_programme_id"], ["programme.id"], name=op.f("fk_programme_funded_by_programme_id")
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_programme_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
        sa.UniqueConstraint("case_slug", name=op.f("uq_programme_case_slug")),
    )
    op.create_index(op.f("ix_programme_funded_by_programme_id"), "programme", ["funded_by_programme_id"], unique=False)
    op.create_index(op.f("ix_programme_organisation_id"), "programme", ["organisation_id"], unique=False)
    op.create_table(
        "proposal",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("pseudonym", sa.String(length=40), nullable=False),
        sa.Column("title", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("visibility", sa.String(length=60), server_default="private", nullable=False),
        sa.Column("state", sa.String(length=60), server_default="active", nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parent_organisation_id", sa.Uuid(), nullable=True),
        sa.Column("parent_identifier", sa.String(length=101), nullable=True),
        sa.Column("parent_name", sa.String(length=200), nullable=True),
        sa.Column("exclude_parent", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("current_version_id", sa.Uuid(), nullable=True),
        sa.Column("first_published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("historical_example", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("case_slug", sa.String(length=80), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name=op.f("ck_proposal_withdrawn_at")),
        sa.CheckConstraint("state IN ('active', 'withdrawn')", name=op.f("ck_proposal_state")),
        sa.CheckConstraint(
            "visibility IN ('private', 'named', 'verified_funders', 'public')", name=op.f("ck_proposal_visibility")
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_proposal_organisation_id")),
        sa.ForeignKeyConstraint(
            ["parent_organisation_id"], ["organisation.id"], name=op.f("fk_proposal_parent_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
        sa.UniqueConstraint("case_slug", name=op.f("uq_proposal_case_slug")),
        sa.UniqueConstraint("pseudonym", name=op.f("uq_proposal_pseudonym")),
    )
    op.create_index(op.f("ix_proposal_organisation_id"), "proposal", ["organisation_id"], unique=False)
    op.create_table(
        "ask",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("instruments", sa.ARRAY(sa.String(length=60)), server_default="{}", nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=60), server_default="open", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_ask_state")),
        sa.CheckConstraint(
            "0 <= accepted AND accepted <= amount AND amount <= 1000000000000000", name=op.f("ck_ask_accepted")
        ),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_ask_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ask")),
    )
    op.create_index(op.f("ix_ask_proposal_id"), "ask", ["proposal_id"], unique=False)
    op.create_index(
        "uq_ask_open_stage", "ask", ["proposal_id", "stage"], unique=True, postgresql_where=sa.text("state = 'open'")
    )
    op.create_table(
        "criteria_version",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tree", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("columns", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("author_tree", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_criteria_version_programme_id")),
        sa.ForeignKeyConstraint(["published_by"], ["user_account.id"], name=op.f("fk_criteria_version_published_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_criteria_version")),
        sa.UniqueConstraint("programme_id", "number", name=op.f("uq_criteria_version_programme_id_number")),
    )
    op.create_table(
        "employer_consent",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("parent_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=60), server_default="invited", nullable=False),
        sa.Column("title", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("message", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("answer", sa.String(length=60), nullable=True),
        sa.Column("scope", sa.String(length=2000), nullable=True),
        sa.Column("authority", sa.String(length=500), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawal_reason", sa.String(length=2000), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("state = 'invited' OR answer IS NOT NULL", name=op.f("ck_employer_consent_answer")),
        sa.CheckConstraint("state IN ('invited', 'answered', 'withdrawn')", name=op.f("ck_employer_consent_state")),
        sa.ForeignKeyConstraint(["answered_by"], ["user_account.id"], name=op.f("fk_employer_consent_answered_by")),
        sa.ForeignKeyConstraint(["invited_by"], ["user_account.id"], name=op.f("fk_employer_consent_invited_by")),
        sa.ForeignKeyConstraint(
            ["parent_organisation_id"], ["organisation.id"], name=op.f("fk_employer_consent_parent_organisation_id")
        ),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_employer_consent_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employer_consent")),
    )
    op.create_index(
        op.f("ix_employer_consent_parent_organisation_id"), "employer_consent", ["parent_organisation_id"], unique=False
    )
    op.create_index("ix_employer_consent_proposal_id", "employer_consent", ["proposal_id"], unique=False)
    op.create_index(
        "uq_employer_consent_invited",
        "employer_consent",
        ["proposal_id", "parent_organisation_id"],
        unique=True,
        postgresql_where=sa.text("state = 'invited'"),
    )
    op.create_table(
        "fact_grant",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("facts", sa.ARRAY(sa.String(length=60)), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_fact_grant_organisation_id")),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_fact_grant_proposal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("proposal_id", "organisation_id", name=op.f("pk_fact_grant")),
    )
    op.create_index(op.f("ix_fact_grant_organisation_id"), "fact_grant", ["organisation_id"], unique=False)
    op.create_table(
        "fact_visibility",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("fact", sa.String(length=60), nullable=False),
        sa.Column("visibility", sa.String(length=60), nullable=False),
        sa.CheckConstraint("visibility IN ('open', 'confidential')", name=op.f("ck_fact_visibility_visibility")),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_fact_visibility_proposal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("proposal_id", "fact", name=op.f("pk_fact_visibility")),
    )
    op.create_table(
        "proposal_exclusion",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.CheckConstraint("source IN ('chosen', 'commissioner')", name=op.f("ck_proposal_exclusion_source")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_proposal_exclusion_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_exclusion_proposal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("proposal_id", "organisation_id", "source", name=op.f("pk_proposal_exclusion")),
    )
    op.create_index(
        op.f("ix_proposal_exclusion_organisation_id"), "proposal_exclusion", ["organisation_id"], unique=False
    )
    op.create_table(
        "proposal_named",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_proposal_named_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_named_proposal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("proposal_id", "organisation_id", name=op.f("pk_proposal_named")),
    )
    op.create_index(op.f("ix_proposal_named_organisation_id"), "proposal_named", ["organisation_id"], unique=False)
    op.create_table(
        "proposal_section",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_section_proposal_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["updated_by"], ["user_account.id"], name=op.f("fk_proposal_section_updated_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_section")),
        sa.UniqueConstraint("proposal_id", "name", name=op.f("uq_proposal_section_proposal_id_name")),
    )
    op.create_table(
        "proposal_share",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("facts", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("slugs", sa.ARRAY(sa.String(length=60)), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_proposal_share_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_share_proposal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("proposal_id", "organisation_id", name=op.f("pk_proposal_share")),
    )
    op.create_index(op.f("ix_proposal_share_organisation_id"), "proposal_share", ["organisation_id"], unique=False)
    op.create_table(
        "proposal_version",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("summary", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("facts", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("ask", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_version_proposal_id")),
        sa.ForeignKeyConstraint(["published_by"], ["user_account.id"], name=op.f("fk_proposal_version_published_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_version")),
        sa.UniqueConstraint("proposal_id", "number", name=op.f("uq_proposal_version_proposal_id_number")),
    )
    op.create_table(
        "ask_line",
        sa.Column("ask_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("description", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_ask_line_amount")),
        sa.ForeignKeyConstraint(["ask_id"], ["ask.id"], name=op.f("fk_ask_line_ask_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ask_line")),
        sa.UniqueConstraint("ask_id", "position", name=op.f("uq_ask_line_ask_id_position")),
    )
    op.create_table(
        "fact_assurance",
        sa.Column("proposal_version_id", sa.Uuid(), nullable=False),
        sa.Column("fact", sa.String(length=60), nullable=False),
        sa.Column("level", sa.String(length=60), nullable=False),
        sa.Column("by_user_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("level IN ('evidenced', 'verified')", name=op.f("ck_fact_assurance_level")),
        sa.ForeignKeyConstraint(
            ["proposal_version_id"], ["proposal_version.id"], name=op.f("fk_fact_assurance_proposal_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fact_assurance")),
        sa.UniqueConstraint("proposal_version_id", "fact", name=op.f("uq_fact_assurance_proposal_version_id_fact")),
    )
    op.create_table(
        "proposal_projection",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("title", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("stage", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("ask", sa.BigInteger(), nullable=False),
        sa.Column("sector", sa.String(length=60), nullable=True),
        sa.Column("nation", sa.String(length=60), nullable=True),
        sa.Column("region", sa.String(length=60), nullable=True),
        sa.Column("facts", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("open_facts", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("open_slugs", sa.ARRAY(sa.String(length=60)), nullable=False),
        sa.Column("consent_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_projection_proposal_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["proposal_version.id"], name=op.f("fk_proposal_projection_version_id")
        ),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_proposal_projection")),
    )
    op.create_index(op.f("ix_proposal_projection_sector"), "proposal_projection", ["sector"], unique=False)
    op.create_index(op.f("ix_proposal_projection_stage"), "proposal_projection", ["stage"], unique=False)
    op.create_foreign_key(
        "fk_programme_current_criteria_version_id",
        "programme",
        "criteria_version",
        ["current_criteria_version_id"],
        ["id"],
    )
    op.create_foreign_key(
        "fk_proposal_current_version_id", "proposal", "proposal_version", ["current_version_id"], ["id"]
    )
    for table in IMMUTABLE:
        append_only(table)
    run_file("criteria_evaluate.sql")
    run_file("proposal_sharing.sql")


def downgrade() -> None:
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.drop_constraint("fk_proposal_current_version_id", "proposal", type_="foreignkey")
    op.drop_constraint("fk_programme_current_criteria_version_id", "programme", type_="foreignkey")
    op.drop_index(op.f("ix_proposal_projection_stage"), table_name="proposal_projection")
    op.drop_index(op.f("ix_proposal_projection_sector"), table_name="proposal_projection")
    op.drop_table("proposal_projection")
    op.drop_table("fact_assurance")
    op.drop_table("ask_line")
    op.drop_table("proposal_version")
    op.drop_index(op.f("ix_proposal_share_organisation_id"), table_name="proposal_share")
    op.drop_table("proposal_share")
    op.drop_table("proposal_section")
    op.drop_index(op.f("ix_proposal_named_organisation_id"), table_name="proposal_named")
    op.drop_table("proposal_named")
    op.drop_index(op.f("ix_proposal_exclusion_organisation_id"), table_name="proposal_exclusion")
    op.drop_table("proposal_exclusion")
    op.drop_table("fact_visibility")
    op.drop_index(op.f("ix_fact_grant_organisation_id"), table_name="fact_grant")
    op.drop_table("fact_grant")
    op.drop_index(
        "uq_employer_consent_invited", table_name="employer_consent", postgresql_where=sa.text("state = 'invited'")
    )
    op.drop_index("ix_employer_consent_proposal_id", table_name="employer_consent")
    op.drop_index(op.f("ix_employer_consent_parent_organisation_id"), table_name="employer_consent")
    op.drop_table("employer_consent")
    op.drop_table("criteria_version")
    op.drop_index("uq_ask_open_stage", table_name="ask", postgresql_where=sa.text("state = 'open'"))
    op.drop_index(op.f("ix_ask_proposal_id"), table_name="ask")
    op.drop_table("ask")
    op.drop_index(op.f("ix_proposal_organisation_id"), table_name="proposal")
    op.drop_table("proposal")
    op.drop_index(op.f("ix_programme_organisation_id"), table_name="programme")
    op.drop_index(op.f("ix_programme_funded_by_programme_id"), table_name="programme")
    op.drop_table("programme")
