"""Programmes listed from a public source before their funder joins.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listing",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("listed_by_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("funder_name", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("funder_identifier", sa.String(length=101), nullable=True),
        sa.Column("source_url", sa.String(length=500), nullable=False),
        sa.Column("checked_on", sa.Date(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["listed_by_organisation_id"], ["organisation.id"], name=op.f("fk_listing_listed_by_organisation_id")
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_listing_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_listing")),
    )
    op.create_index(op.f("ix_listing_listed_by_organisation_id"), "listing", ["listed_by_organisation_id"])
    op.create_table(
        "listing_claim",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("statement", sa.String(length=2000), nullable=False),
        sa.Column("state", sa.String(length=60), server_default="open", nullable=False),
        sa.Column("claimed_by", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'accepted', 'refused', 'withdrawn')", name=op.f("ck_listing_claim_state")
        ),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f("ck_listing_claim_decided_at")),
        sa.ForeignKeyConstraint(["claimed_by"], ["user_account.id"], name=op.f("fk_listing_claim_claimed_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["user_account.id"], name=op.f("fk_listing_claim_decided_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_listing_claim_organisation_id")
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["listing.programme_id"], name=op.f("fk_listing_claim_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_claim")),
    )
    op.create_index(op.f("ix_listing_claim_organisation_id"), "listing_claim", ["organisation_id"])
    op.create_index(
        "uq_listing_claim_open",
        "listing_claim",
        ["programme_id", "organisation_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "uq_listing_claim_accepted",
        "listing_claim",
        ["programme_id"],
        unique=True,
        postgresql_where=sa.text("state = 'accepted'"),
    )
    op.create_table(
        "error_report",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.String(length=200), nullable=True),
        sa.Column("statement", sa.String(length=2000), nullable=False),
        sa.Column("source_url", sa.String(length=500), nullable=True),
        sa.Column("reported_by", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=60), server_default="open", nullable=False),
        sa.Column("answer", sa.String(length=2000), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("state IN ('open', 'corrected', 'no_error')", name=op.f("ck_error_report_state")),
        sa.CheckConstraint("(state = 'open') = (answered_at IS NULL)", name=op.f("ck_error_report_answered_at")),
        sa.ForeignKeyConstraint(["answered_by"], ["user_account.id"], name=op.f("fk_error_report_answered_by")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_error_report_programme_id")),
        sa.ForeignKeyConstraint(["reported_by"], ["user_account.id"], name=op.f("fk_error_report_reported_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_error_report")),
    )
    op.create_index(op.f("ix_error_report_programme_id"), "error_report", ["programme_id"])


def downgrade() -> None:
    op.drop_table("error_report")
    op.drop_table("listing_claim")
    op.drop_table("listing")
