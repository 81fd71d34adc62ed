"""Financial terms of parts, repayment schedules, repayments, write-offs.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

APPEND_ONLY = ("repayment_schedule", "repayment", "reduction", "success_event")
BACK = {"pledge_part": ("returned", "paid"), "tranche": ("returned + demanded", "amount")}
"""What came back otherwise, and the column that it stays within together with what was repaid and written off."""


def upgrade() -> None:
    for table, (back, most) in BACK.items():
        for column in ("repaid", "written_off"):
            op.add_column(table, sa.Column(column, sa.BigInteger(), server_default="0", nullable=False))
        op.create_check_constraint(
            op.f(f"ck_{table}_repaid_and_written_off"),
            table,
            f"repaid >= 0 AND written_off >= 0 AND {back} + repaid + written_off <= {most}",
        )
    op.add_column("pledge_part", sa.Column("financial_terms", pg.JSONB(none_as_null=True), nullable=True))
    create_proposed_and_reported()
    create_kept()


def identified() -> list[sa.Column]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    ]


def belongs_to(table: str, *columns: str) -> list[sa.ForeignKeyConstraint]:
    others = {"part_id": "pledge_part", "evidence_version_id": "evidence_version"}
    return [
        sa.ForeignKeyConstraint(
            [column],
            [f"{others.get(column, column.removesuffix('_id'))}.id"],
            name=op.f(f"fk_{table}_{column}"),
        )
        for column in columns
    ]


def create_proposed_and_reported() -> None:
    op.create_table(
        "reschedule",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("tranche_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(60), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("holiday_months", sa.Integer(), nullable=False),
        sa.Column("reason", pg.JSONB(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(60), server_default="proposed", nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reschedule")),
        *belongs_to("reschedule", "pledge_id", "tranche_id"),
        sa.CheckConstraint("side IN ('funder', 'group')", name=op.f("ck_reschedule_side")),
        sa.CheckConstraint(
            "state IN ('proposed', 'accepted', 'declined', 'withdrawn')", name=op.f("ck_reschedule_state")
        ),
        sa.CheckConstraint("(state = 'proposed') = (answered_by IS NULL)", name=op.f("ck_reschedule_answered")),
        sa.CheckConstraint("state <> 'accepted' OR answered_by <> proposed_by", name=op.f("ck_reschedule_two_people")),
        sa.CheckConstraint(
            "months BETWEEN 1 AND 600 AND holiday_months BETWEEN 0 AND months - 1", name=op.f("ck_reschedule_term")
        ),
    )
    op.create_index(op.f("ix_reschedule_pledge_id"), "reschedule", ["pledge_id"])
    op.create_index(
        "uq_reschedule_proposed",
        "reschedule",
        ["tranche_id"],
        unique=True,
        postgresql_where=sa.text("state = 'proposed'"),
    )
    op.create_table(
        "write_off",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("ground", sa.String(60), nullable=False),
        sa.Column("reason", pg.JSONB(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(60), server_default="requested", nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_off")),
        *belongs_to("write_off", "pledge_id", "part_id"),
        sa.CheckConstraint("amount > 0", name=op.f("ck_write_off_amount")),
        sa.CheckConstraint("ground IN ('uncollectable', 'forgiven')", name=op.f("ck_write_off_ground")),
        sa.CheckConstraint("state IN ('requested', 'approved', 'refused')", name=op.f("ck_write_off_state")),
        sa.CheckConstraint("(state = 'requested') = (decided_by IS NULL)", name=op.f("ck_write_off_decided")),
        sa.CheckConstraint("decided_by <> requested_by", name=op.f("ck_write_off_two_people")),
    )
    op.create_index(op.f("ix_write_off_pledge_id"), "write_off", ["pledge_id"])
    op.create_index(
        "uq_write_off_requested", "write_off", ["part_id"], unique=True, postgresql_where=sa.text("state = 'requested'")
    )
    op.create_table(
        "revenue_report",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("year_ended_on", sa.Date(), nullable=False),
        sa.Column("revenue", sa.BigInteger(), nullable=False),
        sa.Column("free_cash_was_negative", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(60), server_default="reported", nullable=False),
        sa.Column("reported_by", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("reason", pg.JSONB(none_as_null=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revenue_report")),
        *belongs_to("revenue_report", "pledge_id", "part_id"),
        sa.CheckConstraint("revenue BETWEEN 0 AND 1000000000000000", name=op.f("ck_revenue_report_revenue")),
        sa.CheckConstraint("state IN ('reported', 'confirmed', 'rejected')", name=op.f("ck_revenue_report_state")),
        sa.CheckConstraint("(state = 'reported') = (decided_by IS NULL)", name=op.f("ck_revenue_report_decided")),
    )
    op.create_index(op.f("ix_revenue_report_pledge_id"), "revenue_report", ["pledge_id"])
    op.create_index(
        "uq_revenue_report_year",
        "revenue_report",
        ["part_id", "year_ended_on"],
        unique=True,
        postgresql_where=sa.text("state <> 'rejected'"),
    )


def create_kept() -> None:
    """What is never rewritten."""
    op.create_table(
        "repayment_schedule",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("tranche_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reschedule_id", sa.Uuid(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("principal", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("brought_interest", sa.BigInteger(), nullable=False),
        sa.Column("terms", pg.JSONB(none_as_null=True), nullable=False),
        sa.Column("instalments", pg.JSONB(none_as_null=True), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repayment_schedule")),
        *belongs_to("repayment_schedule", "pledge_id", "tranche_id", "reschedule_id"),
        sa.UniqueConstraint("tranche_id", "number", name=op.f("uq_repayment_schedule_tranche_id_number")),
        sa.UniqueConstraint("reschedule_id", name=op.f("uq_repayment_schedule_reschedule_id")),
        sa.CheckConstraint(
            "number >= 1 AND (number = 1) = (reschedule_id IS NULL)", name=op.f("ck_repayment_schedule_number")
        ),
        sa.CheckConstraint("principal >= 0 AND fee >= 0", name=op.f("ck_repayment_schedule_not_negative")),
    )
    op.create_index(op.f("ix_repayment_schedule_pledge_id"), "repayment_schedule", ["pledge_id"])
    op.create_table(
        "repayment",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(100), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("fee", "interest", "principal", "premium")),
        sa.Column("recycled", sa.Boolean(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repayment")),
        *belongs_to("repayment", "pledge_id", "part_id"),
        sa.UniqueConstraint("pledge_id", "reference", name=op.f("uq_repayment_pledge_id_reference")),
        sa.CheckConstraint(
            "amount > 0 AND amount = fee + interest + principal + premium", name=op.f("ck_repayment_amount")
        ),
        sa.CheckConstraint(
            "fee >= 0 AND interest >= 0 AND principal >= 0 AND premium >= 0", name=op.f("ck_repayment_not_negative")
        ),
    )
    op.create_index(op.f("ix_repayment_part_id"), "repayment", ["part_id"])
    op.create_table(
        "reduction",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("tranche_id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=True),
        sa.Column("repayment_id", sa.Uuid(), nullable=True),
        sa.Column("write_off_id", sa.Uuid(), nullable=True),
        sa.Column("cause", sa.String(60), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("fee", "interest", "principal", "premium")),
        *identified(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reduction")),
        *belongs_to("reduction", "pledge_id", "tranche_id", "repayment_id", "write_off_id"),
        sa.ForeignKeyConstraint(["schedule_id"], ["repayment_schedule.id"], name=op.f("fk_reduction_schedule_id")),
        sa.CheckConstraint("cause IN ('repaid', 'returned', 'written_off')", name=op.f("ck_reduction_cause")),
        sa.CheckConstraint("(cause = 'repaid') = (repayment_id IS NOT NULL)", name=op.f("ck_reduction_repaid")),
        sa.CheckConstraint(
            "(cause = 'written_off') = (write_off_id IS NOT NULL)", name=op.f("ck_reduction_written_off")
        ),
        sa.CheckConstraint(
            "fee >= 0 AND interest >= 0 AND principal >= 0 AND premium >= 0", name=op.f("ck_reduction_not_negative")
        ),
        sa.CheckConstraint("fee + interest + principal + premium > 0", name=op.f("ck_reduction_something")),
        sa.CheckConstraint(
            "cause = 'repaid' OR interest = 0 AND premium = 0", name=op.f("ck_reduction_income_is_received")
        ),
    )
    for column in ("pledge_id", "tranche_id", "schedule_id", "repayment_id", "write_off_id"):
        op.create_index(op.f(f"ix_reduction_{column}"), "reduction", [column])
    op.create_table(
        "success_event",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("evidence_version_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_success_event")),
        *belongs_to("success_event", "pledge_id", "part_id", "evidence_version_id"),
        sa.UniqueConstraint("part_id", name=op.f("uq_success_event_part_id")),
    )
    op.create_index(op.f("ix_success_event_pledge_id"), "success_event", ["pledge_id"])
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()"
        )


def downgrade() -> None:
    for table in (
        "success_event",
        "reduction",
        "repayment",
        "repayment_schedule",
        "revenue_report",
        "write_off",
        "reschedule",
    ):
        op.drop_table(table)
    op.drop_column("pledge_part", "financial_terms")
    for table in BACK:
        op.drop_constraint(op.f(f"ck_{table}_repaid_and_written_off"), table, type_="check")
        op.drop_column(table, "written_off")
        op.drop_column(table, "repaid")
