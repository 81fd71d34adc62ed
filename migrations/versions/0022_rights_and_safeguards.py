"""Rights, routes and safeguards.

What an organisation checked, and what a group published, is never rewritten.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

NEVER_REWRITTEN = ("safeguard_verification", "assurance_statement")


def upgrade() -> None:
    op.create_table(
        "motives",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("motives", sa.ARRAY(sa.String(length=60)), nullable=False),
        sa.Column("statement", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("cardinality(motives) > 0", name=op.f("ck_motives_motives")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_motives_proposal_id")),
        sa.ForeignKeyConstraint(["updated_by"], ["user_account.id"], name=op.f("fk_motives_updated_by")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_motives")),
    )
    op.create_table(
        "right_claim",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("route", sa.String(length=60), nullable=False),
        sa.Column("authority_organisation_id", sa.Uuid(), nullable=True),
        sa.Column("authority_name", sa.String(length=200), nullable=True),
        sa.Column("claimant", sa.String(length=200), nullable=False),
        sa.Column("title", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("statement", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("submitted_on", sa.Date(), nullable=False),
        sa.Column("submitted_by", sa.Uuid(), nullable=False),
        sa.Column("answer_due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=60), server_default="submitted", nullable=False),
        sa.Column("outcome", sa.String(length=60), nullable=True),
        sa.Column("declared", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("modification", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("rejection_reason", sa.String(length=60), nullable=True),
        sa.Column("answer", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("source", sa.String(length=500), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("appeal", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("appealed_on", sa.Date(), nullable=True),
        sa.Column("appealed_by", sa.Uuid(), nullable=True),
        sa.Column("appeal_answer", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("appeal_source", sa.String(length=500), nullable=True),
        sa.Column("appeal_decided_on", sa.Date(), nullable=True),
        sa.Column("appeal_recorded_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawal_reason", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name=op.f("ck_right_claim_withdrawn")),
        sa.CheckConstraint(
            "(state IN ('upheld', 'dismissed')) = (appeal_decided_on IS NOT NULL)",
            name=op.f("ck_right_claim_appeal_decided"),
        ),
        sa.CheckConstraint("outcome IN ('accepted', 'modified', 'rejected')", name=op.f("ck_right_claim_outcome")),
        sa.CheckConstraint("state <> 'submitted' OR outcome IS NULL", name=op.f("ck_right_claim_submitted")),
        sa.CheckConstraint(
            "state IN ('submitted', 'accepted', 'modified', 'rejected', 'appealed', 'upheld', 'dismissed',"
            " 'withdrawn')",
            name=op.f("ck_right_claim_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('accepted', 'modified', 'rejected') OR outcome = state",
            name=op.f("ck_right_claim_outcome_is_the_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('appealed', 'upheld', 'dismissed') OR outcome = 'rejected' AND appealed_on IS NOT NULL",
            name=op.f("ck_right_claim_appealed"),
        ),
        sa.CheckConstraint("(outcome IS NULL) = (answered_by IS NULL)", name=op.f("ck_right_claim_answered_by")),
        sa.CheckConstraint("(outcome IS NULL) = (answered_on IS NULL)", name=op.f("ck_right_claim_answered_on")),
        sa.CheckConstraint(
            "NOT declared OR authority_organisation_id IS NULL", name=op.f("ck_right_claim_declared_for_the_absent")
        ),
        sa.CheckConstraint("NOT declared OR source IS NOT NULL", name=op.f("ck_right_claim_declared_with_source")),
        sa.CheckConstraint(
            "answered_on >= submitted_on AND appealed_on >= answered_on", name=op.f("ck_right_claim_days")
        ),
        sa.CheckConstraint(
            "num_nonnulls(authority_organisation_id, authority_name) = 1", name=op.f("ck_right_claim_one_authority")
        ),
        sa.ForeignKeyConstraint(["answered_by"], ["user_account.id"], name=op.f("fk_right_claim_answered_by")),
        sa.ForeignKeyConstraint(
            ["appeal_recorded_by"], ["user_account.id"], name=op.f("fk_right_claim_appeal_recorded_by")
        ),
        sa.ForeignKeyConstraint(["appealed_by"], ["user_account.id"], name=op.f("fk_right_claim_appealed_by")),
        sa.ForeignKeyConstraint(
            ["authority_organisation_id"], ["organisation.id"], name=op.f("fk_right_claim_authority_organisation_id")
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_right_claim_organisation_id")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_right_claim_proposal_id")),
        sa.ForeignKeyConstraint(["submitted_by"], ["user_account.id"], name=op.f("fk_right_claim_submitted_by")),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["user_account.id"], name=op.f("fk_right_claim_withdrawn_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_right_claim")),
    )
    op.create_index(
        "ix_right_claim_authority_organisation_id_id", "right_claim", ["authority_organisation_id", "id"], unique=False
    )
    op.create_index(op.f("ix_right_claim_organisation_id"), "right_claim", ["organisation_id"], unique=False)
    op.create_index("ix_right_claim_proposal_id_id", "right_claim", ["proposal_id", "id"], unique=False)
    op.create_index(
        "uq_right_claim_waiting",
        "right_claim",
        ["proposal_id", "route"],
        unique=True,
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.create_table(
        "safeguard",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("safeguard", sa.String(length=60), nullable=False),
        sa.Column("words", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("limit_bp", sa.Integer(), nullable=True),
        sa.Column("months", sa.Integer(), nullable=True),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.Column("retracted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("claimed_by", sa.Uuid(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("limit_bp BETWEEN 0 AND 10000", name=op.f("ck_safeguard_limit_bp")),
        sa.CheckConstraint("months BETWEEN 1 AND 600", name=op.f("ck_safeguard_months")),
        sa.ForeignKeyConstraint(["claimed_by"], ["user_account.id"], name=op.f("fk_safeguard_claimed_by")),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_safeguard_evidence_id")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_safeguard_proposal_id")),
        sa.PrimaryKeyConstraint("proposal_id", "safeguard", name=op.f("pk_safeguard")),
    )
    op.create_table(
        "stakes",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("private_stake_bp", sa.Integer(), nullable=True),
        sa.Column("public_stake_bp", sa.Integer(), nullable=True),
        sa.Column("staff_votes_bp", sa.Integer(), nullable=True),
        sa.Column("community_votes_bp", sa.Integer(), nullable=True),
        sa.Column("board_seats", sa.SmallInteger(), nullable=True),
        sa.Column("board_staff_seats", sa.SmallInteger(), nullable=True),
        sa.Column("board_private_seats", sa.SmallInteger(), nullable=True),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "board_staff_seats >= 0 AND board_private_seats >= 0 AND coalesce(board_staff_seats, 0) +"
            " coalesce(board_private_seats, 0) <= coalesce(board_seats, 0)",
            name=op.f("ck_stakes_seats"),
        ),
        sa.CheckConstraint(
            "private_stake_bp BETWEEN 0 AND 10000 AND public_stake_bp BETWEEN 0 AND 10000 AND"
            " coalesce(private_stake_bp, 0) + coalesce(public_stake_bp, 0) <= 10000",
            name=op.f("ck_stakes_capital"),
        ),
        sa.CheckConstraint(
            "staff_votes_bp BETWEEN 0 AND 10000 AND community_votes_bp BETWEEN 0 AND 10000 AND"
            " coalesce(staff_votes_bp, 0) + coalesce(community_votes_bp, 0) <= 10000",
            name=op.f("ck_stakes_votes"),
        ),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_stakes_proposal_id")),
        sa.ForeignKeyConstraint(["updated_by"], ["user_account.id"], name=op.f("fk_stakes_updated_by")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_stakes")),
    )
    op.create_table(
        "assurance_statement",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("proposal_version_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("group_name", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("introduction", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("lines", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("open_to_all", sa.Boolean(), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_assurance_statement_number")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_assurance_statement_proposal_id")),
        sa.ForeignKeyConstraint(
            ["proposal_version_id"], ["proposal_version.id"], name=op.f("fk_assurance_statement_proposal_version_id")
        ),
        sa.ForeignKeyConstraint(
            ["published_by"], ["user_account.id"], name=op.f("fk_assurance_statement_published_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assurance_statement")),
        sa.UniqueConstraint("proposal_id", "number", name=op.f("uq_assurance_statement_proposal_id_number")),
    )
    op.create_table(
        "safeguard_verification",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("safeguard", sa.String(length=60), nullable=False),
        sa.Column("safeguard_version", sa.Integer(), nullable=False),
        sa.Column("evidence_version_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("decision", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("verified_by", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("decision IN ('confirmed', 'refused')", name=op.f("ck_safeguard_verification_decision")),
        sa.ForeignKeyConstraint(
            ["evidence_version_id"], ["evidence_version.id"], name=op.f("fk_safeguard_verification_evidence_version_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_safeguard_verification_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id", "safeguard"],
            ["safeguard.proposal_id", "safeguard.safeguard"],
            name="fk_safeguard_verification_safeguard",
        ),
        sa.ForeignKeyConstraint(
            ["verified_by"], ["user_account.id"], name=op.f("fk_safeguard_verification_verified_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safeguard_verification")),
        sa.UniqueConstraint(
            "proposal_id",
            "safeguard",
            "safeguard_version",
            "evidence_version_id",
            "organisation_id",
            name="uq_safeguard_verification_once",
        ),
    )
    op.create_table(
        "assurance_remark",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("statement_number", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("words", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=60), server_default="open", nullable=False),
        sa.Column("answer", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hidden_reason", sa.String(length=2000), nullable=True),
        sa.Column("hidden_by", sa.Uuid(), nullable=True),
        sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(state <> 'answered' OR answered_at IS NOT NULL) AND (state <> 'open' OR answered_at IS NULL)",
            name=op.f("ck_assurance_remark_answered"),
        ),
        sa.CheckConstraint(
            "(state = 'hidden') = (hidden_at IS NOT NULL AND hidden_reason IS NOT NULL)",
            name=op.f("ck_assurance_remark_hidden"),
        ),
        sa.CheckConstraint(
            "(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name=op.f("ck_assurance_remark_withdrawn")
        ),
        sa.CheckConstraint(
            "kind IN ('question', 'support', 'concern', 'oppose')", name=op.f("ck_assurance_remark_kind")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'answered', 'withdrawn', 'hidden')", name=op.f("ck_assurance_remark_state")
        ),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name=op.f("ck_assurance_remark_answer")),
        sa.ForeignKeyConstraint(["answered_by"], ["user_account.id"], name=op.f("fk_assurance_remark_answered_by")),
        sa.ForeignKeyConstraint(["hidden_by"], ["user_account.id"], name=op.f("fk_assurance_remark_hidden_by")),
        sa.ForeignKeyConstraint(["made_by"], ["user_account.id"], name=op.f("fk_assurance_remark_made_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_assurance_remark_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id", "statement_number"],
            ["assurance_statement.proposal_id", "assurance_statement.number"],
            name="fk_assurance_remark_statement",
        ),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_assurance_remark_proposal_id")),
        sa.ForeignKeyConstraint(["withdrawn_by"], ["user_account.id"], name=op.f("fk_assurance_remark_withdrawn_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assurance_remark")),
    )
    op.create_index(op.f("ix_assurance_remark_organisation_id"), "assurance_remark", ["organisation_id"], unique=False)
    op.create_index("ix_assurance_remark_proposal_id_id", "assurance_remark", ["proposal_id", "id"], unique=False)
    for table in NEVER_REWRITTEN:
        act = "EXECUTE FUNCTION refuse_rewriting()"
        op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}")
        op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}")


def downgrade() -> None:
    for table in (
        "assurance_remark",
        "assurance_statement",
        "stakes",
        "safeguard_verification",
        "safeguard",
        "motives",
        "right_claim",
    ):
        op.drop_table(table)
