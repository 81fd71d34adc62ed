"""Delegated limits, approvals by two people, declarations of conflicts.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ACTS = (
    "'offer', 'budget_change', 'tranche_approval', 'payment', 'return', 'clawback', 'write_off', 'reversal', "
    "'termination', 'verification'"
)
AMOUNT = "(amount IS NULL) = (currency IS NULL) AND (amount IS NULL OR amount BETWEEN 0 AND 1000000000000000)"
FIXED = {
    "approval": (
        "organisation_id, act, subject_id, proposal_id, amount, currency, terms, terms_sha256, expires_at, "
        "requested_by, created_at",
        "state, answered_by, answered_at, consumed_by, consumed_at",
        "'consumed', 'rejected', 'withdrawn'",
    ),
    "governance_version": (
        "organisation_id, number, currency, approval_limits, delegated_limits, proposed_by, created_at",
        "state, answered_by, in_force_at",
        "'superseded', 'rejected'",
    ),
}
"""By table: what never changes, what does not change any more in a last state, the last states. Words may be erased."""


def upgrade() -> None:
    words = postgresql.JSONB(none_as_null=True)
    op.create_table(
        "governance",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_governance_organisation_id")),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_governance")),
    )
    op.create_table(
        "governance_version",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("approval_limits", words, nullable=False),
        sa.Column("delegated_limits", words, nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("in_force_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'in_force', 'superseded', 'rejected')", name=op.f("ck_governance_version_state")
        ),
        sa.CheckConstraint("answered_by <> proposed_by", name=op.f("ck_governance_version_two_owners")),
        sa.CheckConstraint(
            "state <> 'in_force' OR in_force_at IS NOT NULL", name=op.f("ck_governance_version_in_force_at")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_governance_version_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_governance_version")),
        sa.UniqueConstraint("organisation_id", "number", name=op.f("uq_governance_version_organisation_id_number")),
    )
    for state in ("in_force", "proposed"):
        op.create_index(
            f"uq_governance_version_{state}",
            "governance_version",
            ["organisation_id"],
            unique=True,
            postgresql_where=sa.text(f"state = '{state}'"),
        )
    op.create_table(
        "approval",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.String(length=60), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("terms", words, nullable=False),
        sa.Column("terms_sha256", sa.String(length=64), nullable=False),
        sa.Column("words", words, nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", words, nullable=True),
        sa.Column("consumed_by", sa.Uuid(), nullable=True),
        sa.Column("consumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(f"act IN ({ACTS})", name=op.f("ck_approval_act")),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'rejected', 'withdrawn', 'consumed')", name=op.f("ck_approval_state")
        ),
        sa.CheckConstraint(AMOUNT, name=op.f("ck_approval_amount")),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'consumed') OR answered_by IS NOT NULL", name=op.f("ck_approval_answered")
        ),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'consumed') OR answered_by <> requested_by",
            name=op.f("ck_approval_approver_not_requester"),
        ),
        sa.CheckConstraint("(state = 'consumed') = (consumed_by IS NOT NULL)", name=op.f("ck_approval_consumed")),
        sa.CheckConstraint("consumed_by <> answered_by", name=op.f("ck_approval_approver_not_doer")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_approval_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_index("ix_approval_organisation_id_id", "approval", ["organisation_id", "id"], unique=False)
    op.create_index("ix_approval_terms_sha256", "approval", ["organisation_id", "terms_sha256"], unique=False)
    op.create_table(
        "authorised_act",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.String(length=60), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("terms_sha256", sa.String(length=64), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(f"act IN ({ACTS})", name=op.f("ck_authorised_act_act")),
        sa.CheckConstraint(AMOUNT, name=op.f("ck_authorised_act_amount")),
        sa.CheckConstraint("(approval_id IS NULL) = (approved_by IS NULL)", name=op.f("ck_authorised_act_approved_by")),
        sa.CheckConstraint("approved_by <> user_id", name=op.f("ck_authorised_act_two_people")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_authorised_act_organisation_id")
        ),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_authorised_act_approval_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorised_act")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_authorised_act_approval_id")),
    )
    op.create_index(
        "ix_authorised_act_scope", "authorised_act", ["organisation_id", "scope_id", "act", "done_at"], unique=False
    )
    op.create_table(
        "interest",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("proposal_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("words", words, nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "kind IN ('employment', 'family', 'financial', 'adviser', 'member_of_both')",
            name=op.f("ck_interest_kind"),
        ),
        sa.CheckConstraint("(organisation_id IS NULL) <> (proposal_id IS NULL)", name=op.f("ck_interest_one_subject")),
        sa.CheckConstraint("to_on >= from_on", name=op.f("ck_interest_days")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_interest_organisation_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_interest_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interest")),
    )
    op.create_index(op.f("ix_interest_user_id"), "interest", ["user_id"], unique=False)
    op.create_table(
        "conflict_plan",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("words", words, nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'approved', 'rejected', 'ended')", name=op.f("ck_conflict_plan_state")
        ),
        sa.CheckConstraint("state <> 'approved' OR answered_by IS NOT NULL", name=op.f("ck_conflict_plan_answered")),
        sa.CheckConstraint(
            "state <> 'approved' OR answered_by NOT IN (proposed_by, user_id)",
            name=op.f("ck_conflict_plan_another_owner"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_conflict_plan_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_conflict_plan_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflict_plan")),
    )
    op.create_index("ix_conflict_plan_organisation_id_id", "conflict_plan", ["organisation_id", "id"], unique=False)
    op.create_index(op.f("ix_conflict_plan_user_id"), "conflict_plan", ["user_id"], unique=False)
    op.create_index(
        "uq_conflict_plan_open",
        "conflict_plan",
        ["organisation_id", "user_id", "proposal_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('proposed', 'approved')"),
    )
    append_only("authorised_act")
    for table, (always, at_last, last_states) in FIXED.items():
        fixed(table, always, at_last, last_states)
    op.drop_column("organisation", "approval_limit")


def append_only(table: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on a table."""
    act = "EXECUTE FUNCTION refuse_rewriting()"
    op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}")
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}")


def fixed(table: str, always: str, at_last: str, last_states: str) -> None:
    """Refuse DELETE, any change of what was asked for, and of how it ended."""
    act = "EXECUTE FUNCTION refuse_rewriting()"
    op.execute(f"CREATE TRIGGER {table}_kept BEFORE DELETE ON {table} FOR EACH ROW {act}")
    op.execute(
        f"CREATE TRIGGER {table}_fixed BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({changed(always)}"
        f" OR OLD.state IN ({last_states}) AND {changed(at_last)}) {act}"
    )


def changed(columns: str) -> str:
    """That one of the columns has another value than before."""
    old, new = (", ".join(f"{row}.{name}" for name in columns.split(", ")) for row in ("OLD", "NEW"))
    return f"({old}) IS DISTINCT FROM ({new})"


def downgrade() -> None:
    op.add_column("organisation", sa.Column("approval_limit", sa.BigInteger(), nullable=True))
    for table in (
        "conflict_plan", "interest", "authorised_act", "approval", "governance_version", "governance",
    ):  # fmt: skip
        op.drop_table(table)
