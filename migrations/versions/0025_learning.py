"""Learning and help; staff told, asked and transferred; what a pension gap is computed from.

A version of a note is kept as it was written: only an erasure goes through its words.

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

BASIS = ("rate_planned_bp", "rate_needed_bp", "pensionable_pay", "staff")
GAP_BASIS = (
    "num_nonnulls(staff, pensionable_pay, rate_needed_bp, rate_planned_bp) IN (0, 4)"
    " AND staff > 0 AND pensionable_pay BETWEEN 0 AND 1000000000000000"
    " AND rate_needed_bp BETWEEN 0 AND 10000 AND rate_planned_bp BETWEEN 0 AND 10000"
    " AND (staff IS NULL OR contribution_gap IS NOT NULL)"
)


def upgrade() -> None:
    op.create_table(
        "learning_note",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=60), server_default="standing", nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("stage", sa.String(length=60), nullable=False),
        sa.Column("sector", sa.String(length=60), nullable=False),
        sa.Column("route", sa.String(length=60), nullable=True),
        sa.Column("region", sa.String(length=60), nullable=True),
        sa.Column("title", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("body", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("embargo_until", sa.Date(), nullable=True),
        sa.Column("written_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("state IN ('standing', 'withdrawn')", name=op.f("ck_learning_note_state")),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_learning_note_evidence_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_learning_note_organisation_id")
        ),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_learning_note_proposal_id")),
        sa.ForeignKeyConstraint(["written_by"], ["user_account.id"], name=op.f("fk_learning_note_written_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learning_note")),
    )
    op.create_index("ix_learning_note_organisation_id_id", "learning_note", ["organisation_id", "id"], unique=False)
    op.create_index(op.f("ix_learning_note_proposal_id"), "learning_note", ["proposal_id"], unique=False)
    op.create_index("ix_learning_note_sector_stage", "learning_note", ["sector", "stage"], unique=False)
    op.create_table(
        "learning_note_version",
        sa.Column("learning_note_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("written_by", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["learning_note_id"], ["learning_note.id"], name=op.f("fk_learning_note_version_learning_note_id")
        ),
        sa.ForeignKeyConstraint(["written_by"], ["user_account.id"], name=op.f("fk_learning_note_version_written_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learning_note_version")),
        sa.UniqueConstraint(
            "learning_note_id", "number", name=op.f("uq_learning_note_version_learning_note_id_number")
        ),
    )
    op.create_table(
        "support_product",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=True),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=60), server_default="standing", nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("licence", sa.String(length=60), nullable=False),
        sa.Column("title", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("summary", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("link", sa.String(length=500), nullable=True),
        sa.Column("sectors", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("stages", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("state IN ('standing', 'withdrawn')", name=op.f("ck_support_product_state")),
        sa.CheckConstraint("num_nonnulls(link, evidence_id) = 1", name=op.f("ck_support_product_one_place")),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_support_product_evidence_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_support_product_organisation_id")
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_support_product_programme_id")),
        sa.ForeignKeyConstraint(["published_by"], ["user_account.id"], name=op.f("fk_support_product_published_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_product")),
    )
    op.create_index(op.f("ix_support_product_organisation_id"), "support_product", ["organisation_id"], unique=False)
    op.create_table(
        "adviser_listing",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("services", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("sectors", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("nations", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("words", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("link", sa.String(length=500), nullable=True),
        sa.Column("conflicts", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("interests", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_adviser_listing_organisation_id")
        ),
        sa.ForeignKeyConstraint(["updated_by"], ["user_account.id"], name=op.f("fk_adviser_listing_updated_by")),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_adviser_listing")),
    )
    op.create_table(
        "information_session",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("invited", sa.Integer(), nullable=False),
        sa.Column("attended", sa.Integer(), nullable=False),
        sa.Column("evidence_ids", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "invited > 0 AND attended BETWEEN 0 AND invited", name=op.f("ck_information_session_counts")
        ),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_information_session_proposal_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["user_account.id"], name=op.f("fk_information_session_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_information_session")),
    )
    op.create_index("ix_information_session_proposal_id_id", "information_session", ["proposal_id", "id"], unique=False)
    op.create_table(
        "staff_question",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("question", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("answer", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("answered_on >= asked_on", name=op.f("ck_staff_question_days")),
        sa.CheckConstraint(
            "num_nonnulls(answer, answered_on, answered_by) IN (0, 3)", name=op.f("ck_staff_question_answered")
        ),
        sa.ForeignKeyConstraint(["answered_by"], ["user_account.id"], name=op.f("fk_staff_question_answered_by")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_staff_question_proposal_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["user_account.id"], name=op.f("fk_staff_question_recorded_by")),
        sa.ForeignKeyConstraint(["session_id"], ["information_session.id"], name=op.f("fk_staff_question_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_question")),
    )
    op.create_index("ix_staff_question_proposal_id_id", "staff_question", ["proposal_id", "id"], unique=False)
    op.create_table(
        "staff_transfer",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("transfer_on", sa.Date(), nullable=True),
        sa.Column("staff", sa.Integer(), nullable=True),
        sa.Column("promise_months", sa.Integer(), nullable=True),
        sa.Column("measures", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("consultations", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("staff > 0 AND promise_months BETWEEN 0 AND 600", name=op.f("ck_staff_transfer_counts")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_staff_transfer_proposal_id")),
        sa.ForeignKeyConstraint(["updated_by"], ["user_account.id"], name=op.f("fk_staff_transfer_updated_by")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_staff_transfer")),
    )

    act = "EXECUTE FUNCTION refuse_rewriting()"
    table = "learning_note_version"
    op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}")
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}")
    for name in ("staff", "rate_needed_bp", "rate_planned_bp"):
        op.add_column("pension_arrangement", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("pension_arrangement", sa.Column("pensionable_pay", sa.BigInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_pension_arrangement_gap_basis"), "pension_arrangement", GAP_BASIS)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_pension_arrangement_gap_basis"), "pension_arrangement", type_="check")
    for name in BASIS:
        op.drop_column("pension_arrangement", name)
    for table in (
        "staff_transfer",
        "staff_question",
        "information_session",
        "adviser_listing",
        "support_product",
        "learning_note_version",
        "learning_note",
    ):
        op.drop_table(table)
