"""Vehicles for the start-up phase: facilities with their draws and losses, employer matches with what was given.

The ledger gets two more kinds of owner. Going back is refused while accounts of theirs exist: what was booked stays.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLES = (
    "facility_loss",
    "employer_return",
    "employer_contribution",
    "facility_draw",
    "employer_match",
    "facility",
    "vehicle",
)
APPEND_ONLY = ("facility_loss", "employer_return")
OWNERS = "owner_kind IN ('programme', 'pledge'%s)"


def append_only(table: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on a table."""
    act = "EXECUTE FUNCTION refuse_rewriting()"
    op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}")
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}")


def owners(more: str) -> None:
    """Who may own accounts of the ledger."""
    op.drop_constraint(op.f("ck_ledger_account_owner_kind"), "ledger_account")
    op.create_check_constraint(op.f("ck_ledger_account_owner_kind"), "ledger_account", OWNERS % more)


def upgrade() -> None:
    owners(", 'facility', 'employer_match'")
    op.create_table(
        "vehicle",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("terms", pg.JSONB(none_as_null=True), nullable=False),
        sa.Column("forecast", pg.JSONB(none_as_null=True), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "kind IN ('success_repayable_pool', 'outcome_linked_conversion', 'employer_match', 'wholesale_facility')",
            name=op.f("ck_vehicle_kind"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_vehicle_organisation_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_vehicle_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicle")),
        sa.UniqueConstraint("programme_id", name=op.f("uq_vehicle_programme_id")),
    )
    op.create_index(op.f("ix_vehicle_organisation_id"), "vehicle", ["organisation_id"], unique=False)
    op.create_table(
        "facility",
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("intermediary_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("lender", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("first_loss", sa.BigInteger(), nullable=False),
        sa.Column("mezzanine", sa.BigInteger(), nullable=False),
        sa.Column("senior", sa.BigInteger(), nullable=False),
        sa.Column("loss_stop_bp", sa.Integer(), nullable=False),
        sa.Column("concentration_bp", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=60), server_default="offered", nullable=False),
        sa.Column("offered_by", sa.Uuid(), nullable=False),
        sa.Column("agreed_by", sa.Uuid(), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(state = 'open') = (agreed_by IS NOT NULL)", name=op.f("ck_facility_agreed")),
        sa.CheckConstraint("lender IN ('seed', 'proven')", name=op.f("ck_facility_lender")),
        sa.CheckConstraint(
            "mezzanine + senior <= first_loss * CASE lender WHEN 'seed' THEN 4 ELSE 19 END",
            name=op.f("ck_facility_leverage"),
        ),
        sa.CheckConstraint("state IN ('offered', 'open', 'withdrawn')", name=op.f("ck_facility_state")),
        sa.CheckConstraint(
            " AND ".join(f"{layer} BETWEEN 0 AND 1000000000000000" for layer in ("first_loss", "mezzanine", "senior")),
            name=op.f("ck_facility_layers"),
        ),
        sa.ForeignKeyConstraint(
            ["intermediary_organisation_id"], ["organisation.id"], name=op.f("fk_facility_intermediary_organisation_id")
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_facility_organisation_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_facility_programme_id")),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_facility_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility")),
    )
    op.create_index(
        op.f("ix_facility_intermediary_organisation_id"), "facility", ["intermediary_organisation_id"], unique=False
    )
    op.create_index(op.f("ix_facility_vehicle_id"), "facility", ["vehicle_id"], unique=False)
    op.create_index(
        "uq_facility_live", "facility", ["programme_id"], unique=True, postgresql_where=sa.text("state <> 'withdrawn'")
    )
    op.create_table(
        "employer_match",
        sa.Column("vehicle_id", sa.Uuid(), nullable=False),
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("group_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("employer_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=60), server_default="invited", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("cash", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("staff_time", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("message", pg.JSONB(none_as_null=True), nullable=True),
        sa.Column("later_commissioner", sa.Boolean(), nullable=True),
        sa.Column("conflict", pg.JSONB(none_as_null=True), nullable=True),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("launched_on", sa.Date(), nullable=True),
        sa.Column("saving", sa.BigInteger(), nullable=True),
        sa.Column("saving_from", sa.Date(), nullable=True),
        sa.Column("saving_evidence_version_id", sa.Uuid(), nullable=True),
        sa.Column("saving_recorded_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(state = 'invited') = (answered_by IS NULL)", name=op.f("ck_employer_match_answered")),
        sa.CheckConstraint(
            "state <> 'agreed' OR later_commissioner IS NOT NULL AND conflict IS NOT NULL",
            name=op.f("ck_employer_match_conflict"),
        ),
        sa.CheckConstraint("state IN ('invited', 'agreed', 'declined')", name=op.f("ck_employer_match_state")),
        sa.CheckConstraint(
            "cash BETWEEN 0 AND 1000000000000000 AND staff_time BETWEEN 0 AND 1000000000000000",
            name=op.f("ck_employer_match_committed"),
        ),
        sa.CheckConstraint(
            "saving IS NULL OR saving > 0 AND saving_from >= launched_on", name=op.f("ck_employer_match_saving")
        ),
        sa.ForeignKeyConstraint(["consent_id"], ["employer_consent.id"], name=op.f("fk_employer_match_consent_id")),
        sa.ForeignKeyConstraint(
            ["employer_organisation_id"], ["organisation.id"], name=op.f("fk_employer_match_employer_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["group_organisation_id"], ["organisation.id"], name=op.f("fk_employer_match_group_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_employer_match_organisation_id")
        ),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_employer_match_pledge_id")),
        sa.ForeignKeyConstraint(
            ["saving_evidence_version_id"],
            ["evidence_version.id"],
            name=op.f("fk_employer_match_saving_evidence_version_id"),
        ),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_employer_match_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employer_match")),
        sa.UniqueConstraint("pledge_id", name=op.f("uq_employer_match_pledge_id")),
    )
    op.create_index(
        op.f("ix_employer_match_employer_organisation_id"), "employer_match", ["employer_organisation_id"], unique=False
    )
    op.create_index(
        op.f("ix_employer_match_group_organisation_id"), "employer_match", ["group_organisation_id"], unique=False
    )
    op.create_index(op.f("ix_employer_match_organisation_id"), "employer_match", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_employer_match_vehicle_id"), "employer_match", ["vehicle_id"], unique=False)
    op.create_table(
        "facility_draw",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("group_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("group_key", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("small", sa.Boolean(), nullable=False),
        sa.Column("cancelled", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("repaid", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lost", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("recovered", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount BETWEEN 1 AND 1000000000000000", name=op.f("ck_facility_draw_amount")),
        sa.CheckConstraint("cancelled + repaid + lost <= amount", name=op.f("ck_facility_draw_never_more_than_drawn")),
        sa.CheckConstraint("cancelled >= 0 AND repaid >= 0 AND lost >= 0", name=op.f("ck_facility_draw_not_negative")),
        sa.CheckConstraint("recovered BETWEEN 0 AND lost", name=op.f("ck_facility_draw_recovered")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_facility_draw_facility_id")),
        sa.ForeignKeyConstraint(
            ["group_organisation_id"], ["organisation.id"], name=op.f("fk_facility_draw_group_organisation_id")
        ),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_facility_draw_pledge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility_draw")),
        sa.UniqueConstraint("pledge_id", name=op.f("uq_facility_draw_pledge_id")),
    )
    op.create_index(op.f("ix_facility_draw_facility_id"), "facility_draw", ["facility_id"], unique=False)
    op.create_index(
        op.f("ix_facility_draw_group_organisation_id"), "facility_draw", ["group_organisation_id"], unique=False
    )
    op.create_table(
        "employer_contribution",
        sa.Column("match_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("evidence_version_id", sa.Uuid(), nullable=True),
        sa.Column("payee_organisation_id", sa.Uuid(), nullable=True),
        sa.Column("fiscal_hosting_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(kind = 'cash') = (payee_organisation_id IS NOT NULL)", name=op.f("ck_employer_contribution_payee")
        ),
        sa.CheckConstraint(
            "(kind = 'staff_time') = (evidence_version_id IS NOT NULL)",
            name=op.f("ck_employer_contribution_timesheets"),
        ),
        sa.CheckConstraint("kind IN ('cash', 'staff_time')", name=op.f("ck_employer_contribution_kind")),
        sa.CheckConstraint("amount BETWEEN 1 AND 1000000000000000", name=op.f("ck_employer_contribution_amount")),
        sa.CheckConstraint("confirmed_by <> recorded_by", name=op.f("ck_employer_contribution_two_people")),
        sa.ForeignKeyConstraint(
            ["evidence_version_id"], ["evidence_version.id"], name=op.f("fk_employer_contribution_evidence_version_id")
        ),
        sa.ForeignKeyConstraint(
            ["fiscal_hosting_id"], ["fiscal_hosting.id"], name=op.f("fk_employer_contribution_fiscal_hosting_id")
        ),
        sa.ForeignKeyConstraint(["match_id"], ["employer_match.id"], name=op.f("fk_employer_contribution_match_id")),
        sa.ForeignKeyConstraint(
            ["payee_organisation_id"], ["organisation.id"], name=op.f("fk_employer_contribution_payee_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employer_contribution")),
        sa.UniqueConstraint("evidence_version_id", name=op.f("uq_employer_contribution_evidence_version_id")),
        sa.UniqueConstraint("match_id", "reference", name=op.f("uq_employer_contribution_match_id_reference")),
    )
    op.create_index(op.f("ix_employer_contribution_match_id"), "employer_contribution", ["match_id"], unique=False)
    op.create_table(
        "employer_return",
        sa.Column("match_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount BETWEEN 1 AND 1000000000000000", name=op.f("ck_employer_return_amount")),
        sa.ForeignKeyConstraint(["match_id"], ["employer_match.id"], name=op.f("fk_employer_return_match_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employer_return")),
        sa.UniqueConstraint("match_id", "reference", name=op.f("uq_employer_return_match_id_reference")),
    )
    op.create_index(op.f("ix_employer_return_match_id"), "employer_return", ["match_id"], unique=False)
    op.create_table(
        "facility_loss",
        sa.Column("facility_id", sa.Uuid(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("first_loss", sa.BigInteger(), nullable=False),
        sa.Column("mezzanine", sa.BigInteger(), nullable=False),
        sa.Column("senior", sa.BigInteger(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('loss', 'recovery')", name=op.f("ck_facility_loss_kind")),
        sa.CheckConstraint(
            "amount > 0 AND first_loss >= 0 AND mezzanine >= 0 AND senior >= 0", name=op.f("ck_facility_loss_amount")
        ),
        sa.CheckConstraint("first_loss + mezzanine + senior = amount", name=op.f("ck_facility_loss_conserved")),
        sa.ForeignKeyConstraint(["draw_id"], ["facility_draw.id"], name=op.f("fk_facility_loss_draw_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_facility_loss_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility_loss")),
        sa.UniqueConstraint("draw_id", "kind", "reference", name=op.f("uq_facility_loss_draw_id_kind_reference")),
    )
    op.create_index(op.f("ix_facility_loss_draw_id"), "facility_loss", ["draw_id"], unique=False)
    op.create_index(op.f("ix_facility_loss_facility_id"), "facility_loss", ["facility_id"], unique=False)
    for table in APPEND_ONLY:
        append_only(table)


def downgrade() -> None:
    owners("")
    for table in TABLES:
        op.drop_table(table)
