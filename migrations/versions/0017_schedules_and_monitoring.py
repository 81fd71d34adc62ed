"""Schedules of tranches as versions; money that comes back; reports, spend and changes of use after the money.

Pledges that were accepted before get their offer's own schedule as version 1; those that were signed, an open
monitoring without duties and version 1 of the agreed use.

Revision ID: 0017
Revises: 0016
"""

import json
from collections.abc import Iterator

import sqlalchemy as sa
import uuid_utils
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = (
    "schedule",
    "payment_reversal",
    "demand",
    "demand_line",
    "reporting_template",
    "reporting_terms",
    "monitoring",
    "duty",
    "report",
    "report_spend",
    "duty_reminder",
    "change_request",
    "agreed_use",
)
APPEND_ONLY = ("report_spend", "duty_reminder", "agreed_use")
DECIDED = "state,version,decided_by,decided_at"
SAID = {
    "schedule": ("proposed", "state,version,number,in_force,answered_by,answered_for,answered_at,answer"),
    "payment_reversal": ("requested", f"{DECIDED},decision_reason,ledger_transaction_id"),
    "demand": ("open", "state,version,ended_by,ended_at,ending_reason"),
    "demand_line": ("", "recovered"),
    "duty": ("", "state,version,due_on,reason"),
    "report": ("submitted,accepted", f"{DECIDED},reason"),
    "change_request": ("requested", f"{DECIDED},answer"),
}
"""Table -> in which states a row may still change, and which of its columns may."""
SIGNED = "('contracted', 'drawing', 'completed', 'terminated', 'clawed_back')"
TRANCHE_STATES = "'scheduled', 'claimable', 'claimed', 'approved', 'paid', 'held', 'cancelled'"


def upgrade() -> None:
    say_tranche_states(f"{TRANCHE_STATES}, 'replaced'")
    op.add_column("tranche", sa.Column("demanded", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("tranche", sa.Column("reversals", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "schedule",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("parts", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("replaces", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("in_force", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("reason", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_for", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_for", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(state = 'proposed') = (answered_at IS NULL)", name=op.f("ck_schedule_answered")),
        sa.CheckConstraint(
            "number >= 1 AND (number IS NOT NULL) = (state = 'accepted')", name=op.f("ck_schedule_number")
        ),
        sa.CheckConstraint(
            "state <> 'accepted' OR answered_by <> proposed_by AND answered_for <> proposed_for",
            name=op.f("ck_schedule_two_sides"),
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'accepted', 'rejected', 'withdrawn')", name=op.f("ck_schedule_state")
        ),
        sa.ForeignKeyConstraint(["answered_for"], ["organisation.id"], name=op.f("fk_schedule_answered_for")),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_schedule_pledge_id")),
        sa.ForeignKeyConstraint(["proposed_for"], ["organisation.id"], name=op.f("fk_schedule_proposed_for")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("pledge_id", "number", name=op.f("uq_schedule_pledge_id_number")),
    )
    op.create_index("ix_schedule_pledge_id_id", "schedule", ["pledge_id", "id"], unique=False)
    op.create_index(
        "uq_schedule_open", "schedule", ["pledge_id"], unique=True, postgresql_where=sa.text("state = 'proposed'")
    )
    op.create_table(
        "payment_reversal",
        sa.Column("tranche_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("paid_by", sa.Uuid(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("payment_reference", sa.String(length=140), nullable=True),
        sa.Column("payee_organisation_id", sa.Uuid(), nullable=True),
        sa.Column("reason", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("ledger_transaction_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(state = 'approved') = (ledger_transaction_id IS NOT NULL)", name=op.f("ck_payment_reversal_booked")
        ),
        sa.CheckConstraint("(state = 'requested') = (decided_by IS NULL)", name=op.f("ck_payment_reversal_decided")),
        sa.CheckConstraint(
            "state <> 'approved' OR decided_by <> requested_by", name=op.f("ck_payment_reversal_two_people")
        ),
        sa.CheckConstraint("state IN ('requested', 'approved', 'rejected')", name=op.f("ck_payment_reversal_state")),
        sa.ForeignKeyConstraint(
            ["ledger_transaction_id"], ["ledger_transaction.id"], name=op.f("fk_payment_reversal_ledger_transaction_id")
        ),
        sa.ForeignKeyConstraint(["tranche_id"], ["tranche.id"], name=op.f("fk_payment_reversal_tranche_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_reversal")),
        sa.UniqueConstraint("ledger_transaction_id", name=op.f("uq_payment_reversal_ledger_transaction_id")),
    )
    op.create_index(op.f("ix_payment_reversal_tranche_id"), "payment_reversal", ["tranche_id"], unique=False)
    op.create_index(
        "uq_payment_reversal_open",
        "payment_reversal",
        ["tranche_id"],
        unique=True,
        postgresql_where=sa.text("state = 'requested'"),
    )
    op.create_table(
        "demand",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("reason", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("demanded_by", sa.Uuid(), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ending_reason", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name=op.f("ck_demand_ended")),
        sa.CheckConstraint("state IN ('open', 'recovered', 'withdrawn')", name=op.f("ck_demand_state")),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_demand_pledge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demand")),
    )
    op.create_index("ix_demand_pledge_id_id", "demand", ["pledge_id", "id"], unique=False)
    op.create_table(
        "demand_line",
        sa.Column("demand_id", sa.Uuid(), nullable=False),
        sa.Column("tranche_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("recovered", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount BETWEEN 1 AND 1000000000000000", name=op.f("ck_demand_line_amount")),
        sa.CheckConstraint("recovered BETWEEN 0 AND amount", name=op.f("ck_demand_line_recovered")),
        sa.ForeignKeyConstraint(["demand_id"], ["demand.id"], name=op.f("fk_demand_line_demand_id")),
        sa.ForeignKeyConstraint(["tranche_id"], ["tranche.id"], name=op.f("fk_demand_line_tranche_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_demand_line")),
        sa.UniqueConstraint("demand_id", "tranche_id", name=op.f("uq_demand_line_demand_id_tranche_id")),
    )
    op.create_index(op.f("ix_demand_line_tranche_id"), "demand_line", ["tranche_id"], unique=False)
    op.create_table(
        "reporting_template",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("duties", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_reporting_template_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_reporting_template")),
    )
    op.create_table(
        "reporting_terms",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("duties", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_reporting_terms_pledge_id")),
        sa.PrimaryKeyConstraint("pledge_id", name=op.f("pk_reporting_terms")),
    )
    op.create_table(
        "monitoring",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("underspend", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_monitoring_closed")),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_monitoring_state")),
        sa.CheckConstraint("spent BETWEEN 0 AND 1000000000000000", name=op.f("ck_monitoring_spent")),
        sa.CheckConstraint("underspend >= 0", name=op.f("ck_monitoring_underspend")),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_monitoring_pledge_id")),
        sa.PrimaryKeyConstraint("pledge_id", name=op.f("pk_monitoring")),
    )
    op.create_table(
        "duty",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("months", sa.SmallInteger(), nullable=True),
        sa.Column("counted_from", sa.String(length=20), nullable=True),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("reason", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("counted_from IN ('agreement', 'first_payment')", name=op.f("ck_duty_counted_from")),
        sa.CheckConstraint("kind IN ('progress', 'spend', 'closing')", name=op.f("ck_duty_kind")),
        sa.CheckConstraint("state IN ('open', 'submitted', 'accepted', 'waived')", name=op.f("ck_duty_state")),
        sa.CheckConstraint("(months IS NULL) = (counted_from IS NULL)", name=op.f("ck_duty_months")),
        sa.CheckConstraint("due_on IS NOT NULL OR counted_from IS NOT NULL", name=op.f("ck_duty_due_on")),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_duty_pledge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty")),
        sa.UniqueConstraint("pledge_id", "position", name=op.f("uq_duty_pledge_id_position")),
    )
    op.create_index("ix_duty_due_on", "duty", ["due_on"], unique=False, postgresql_where=sa.text("state = 'open'"))
    op.create_index("uq_duty_closing", "duty", ["pledge_id"], unique=True, postgresql_where=sa.text("kind = 'closing'"))
    op.create_table(
        "report",
        sa.Column("duty_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("words", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("evidence_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("outcome", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("lessons", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("additionality", sa.String(length=60), nullable=True),
        sa.Column("underspend", sa.BigInteger(), nullable=True),
        sa.Column("submitted_by", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(state = 'submitted') = (decided_by IS NULL)", name=op.f("ck_report_decided")),
        sa.CheckConstraint("state IN ('submitted', 'accepted', 'sent_back')", name=op.f("ck_report_state")),
        sa.CheckConstraint("decided_by <> submitted_by", name=op.f("ck_report_two_people")),
        sa.CheckConstraint("underspend >= 0", name=op.f("ck_report_underspend")),
        sa.ForeignKeyConstraint(["duty_id"], ["duty.id"], name=op.f("fk_report_duty_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("duty_id", "number", name=op.f("uq_report_duty_id_number")),
    )
    op.create_index(
        "uq_report_live", "report", ["duty_id"], unique=True, postgresql_where=sa.text("state <> 'sent_back'")
    )
    op.create_table(
        "report_spend",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount BETWEEN 1 AND 1000000000000000", name=op.f("ck_report_spend_amount")),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_spend_report_id")),
        sa.PrimaryKeyConstraint("report_id", "purpose", name=op.f("pk_report_spend")),
    )
    op.create_table(
        "duty_reminder",
        sa.Column("duty_id", sa.Uuid(), nullable=False),
        sa.Column("occasion", sa.String(length=60), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("occasion IN ('ahead', 'on_day', 'overdue')", name=op.f("ck_duty_reminder_occasion")),
        sa.ForeignKeyConstraint(["duty_id"], ["duty.id"], name=op.f("fk_duty_reminder_duty_id")),
        sa.PrimaryKeyConstraint("duty_id", "occasion", "due_on", name=op.f("pk_duty_reminder")),
    )
    op.create_table(
        "change_request",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("purpose", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("lines", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("decreases", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("reason", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(state = 'requested') = (decided_by IS NULL)", name=op.f("ck_change_request_decided")),
        sa.CheckConstraint(
            "state <> 'accepted' OR decided_by <> requested_by", name=op.f("ck_change_request_two_people")
        ),
        sa.CheckConstraint(
            "state IN ('requested', 'accepted', 'rejected', 'withdrawn')", name=op.f("ck_change_request_state")
        ),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_change_request_pledge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_request")),
    )
    op.create_index("ix_change_request_pledge_id_id", "change_request", ["pledge_id", "id"], unique=False)
    op.create_index(
        "uq_change_request_open",
        "change_request",
        ["pledge_id"],
        unique=True,
        postgresql_where=sa.text("state = 'requested'"),
    )
    op.create_table(
        "agreed_use",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("purpose", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("lines", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("change_request_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount BETWEEN 0 AND 1000000000000000", name=op.f("ck_agreed_use_amount")),
        sa.CheckConstraint(
            "number >= 1 AND (number = 1) = (change_request_id IS NULL)", name=op.f("ck_agreed_use_number")
        ),
        sa.ForeignKeyConstraint(
            ["change_request_id"], ["change_request.id"], name=op.f("fk_agreed_use_change_request_id")
        ),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_agreed_use_pledge_id")),
        sa.PrimaryKeyConstraint("pledge_id", "number", name=op.f("pk_agreed_use")),
        sa.UniqueConstraint("change_request_id", name=op.f("uq_agreed_use_change_request_id")),
    )
    op.create_check_constraint(
        op.f("ck_tranche_demanded"), "tranche", "demanded >= 0 AND returned + demanded <= amount"
    )
    op.create_check_constraint(
        op.f("ck_tranche_only_paid_money_returns"), "tranche", "state = 'paid' OR returned = 0 AND demanded = 0"
    )
    keep_first_schedules()
    open_monitorings()
    keep_what_was_said()


def say_tranche_states(states: str) -> None:
    """The states that a tranche may have."""
    op.drop_constraint(op.f("ck_tranche_state"), "tranche", type_="check")
    op.create_check_constraint(op.f("ck_tranche_state"), "tranche", f"state IN ({states})")


def keep_first_schedules() -> None:
    """Version 1 of the schedules: what the tranches of each accepted pledge are."""
    connection = op.get_bind()
    for values in first_schedules(connection):
        connection.execute(
            sa.text(
                "INSERT INTO schedule (id, version, pledge_id, state, number, parts, replaces, in_force, proposed_by,"
                " proposed_for, proposed_at, answered_by, answered_for, answered_at)"
                " SELECT CAST(:id AS uuid), 1, id, 'accepted', 1, CAST(:parts AS jsonb), '[]',"
                " CAST(:in_force AS jsonb), coalesce(offered_by, drafted_by), organisation_id,"
                " coalesce(offered_at, answered_at), answered_by, group_organisation_id, answered_at"
                " FROM pledge WHERE id = :pledge_id"
            ),
            values,
        )


def first_schedules(connection: sa.Connection) -> Iterator[dict[str, object]]:
    """Pledge by pledge, its parts and tranches as JSON."""
    rows = connection.execute(
        sa.text(
            "SELECT pledge.id AS pledge_id, part.id AS part_id, t.id, t.basis, t.amount, t.milestone, t.due_on"
            " FROM pledge JOIN pledge_part part ON part.pledge_id = pledge.id JOIN tranche t ON t.part_id = part.id"
            " WHERE pledge.answered_by IS NOT NULL AND pledge.state <> 'declined'"
            " ORDER BY pledge.id, part.position, t.position"
        )
    ).all()
    pledges: dict[object, dict[str, list[dict[str, object]]]] = {}
    for row in rows:
        tranche = {
            "id": str(row.id),
            "basis": row.basis,
            "amount": row.amount,
            "milestone": row.milestone,
            "due_on": row.due_on.isoformat() if row.due_on else None,
        }
        pledges.setdefault(row.pledge_id, {}).setdefault(str(row.part_id), []).append(tranche)
    for pledge_id, parts in pledges.items():
        in_force = [tranche.pop("id") for tranches in parts.values() for tranche in tranches]
        kept = [{"part_id": part_id, "tranches": tranches} for part_id, tranches in parts.items()]
        yield {
            "id": str(uuid_utils.uuid7()),
            "pledge_id": pledge_id,
            "parts": json.dumps(kept),
            "in_force": json.dumps(in_force),
        }


def open_monitorings() -> None:
    """Signed pledges have an account of what became of their money."""
    op.execute(
        "INSERT INTO monitoring (pledge_id, version, state, spent)"
        f" SELECT id, 1, 'open', 0 FROM pledge WHERE state IN {SIGNED}"
    )
    op.execute(
        "INSERT INTO agreed_use (pledge_id, number, amount)"
        " SELECT pledge.id, 1, sum(part.amount - part.cancelled) FROM pledge"
        f" JOIN pledge_part part ON part.pledge_id = pledge.id WHERE pledge.state IN {SIGNED} GROUP BY pledge.id"
    )


def keep_what_was_said() -> None:
    """Refuse to rewrite what was said, whoever asks."""
    op.execute(
        """
        CREATE FUNCTION refuse_changing_what_was_said() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            changing text[] := string_to_array(TG_ARGV[1], ',');
        BEGIN
            IF TG_OP = 'DELETE' THEN
                RAISE EXCEPTION '% keeps what was said', TG_TABLE_NAME
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF TG_ARGV[0] <> '' AND NOT to_jsonb(OLD) ->> 'state' = ANY (string_to_array(TG_ARGV[0], ',')) THEN
                RAISE EXCEPTION '% was answered and does not change', TG_TABLE_NAME
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF to_jsonb(OLD) - changing IS DISTINCT FROM to_jsonb(NEW) - changing THEN
                RAISE EXCEPTION '% keeps what was said', TG_TABLE_NAME
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END
        $$
        """
    )
    for table, (live, changing) in SAID.items():
        act = f"EXECUTE FUNCTION refuse_changing_what_was_said('{live}', '{changing}')"
        op.execute(f"CREATE TRIGGER {table}_said BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}")
    for table in APPEND_ONLY:
        act = "EXECUTE FUNCTION refuse_rewriting()"
        op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}")
    for table in (*SAID, *APPEND_ONLY):
        act = "EXECUTE FUNCTION refuse_rewriting()"
        op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}")


def downgrade() -> None:
    """Schedules, reports and demands go; a tranche that was replaced has no place without them."""
    op.execute("DELETE FROM tranche WHERE state = 'replaced'")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_changing_what_was_said()")
    for name in ("demanded", "only_paid_money_returns"):
        op.drop_constraint(op.f(f"ck_tranche_{name}"), "tranche", type_="check")
    op.drop_column("tranche", "reversals")
    op.drop_column("tranche", "demanded")
    say_tranche_states(TRANCHE_STATES)
