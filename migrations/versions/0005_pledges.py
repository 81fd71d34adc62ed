"""Fiscal hosting, pledges, their parts and tranches.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fiscal_hosting",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("group_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("host_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("fee", sa.Integer(), nullable=False),
        sa.Column("terms", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("signatories", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'agreed', 'declined', 'ended')", name=op.f("ck_fiscal_hosting_state")
        ),
        sa.CheckConstraint("fee BETWEEN 0 AND 10000", name=op.f("ck_fiscal_hosting_fee")),
        sa.ForeignKeyConstraint(
            ["group_organisation_id"], ["organisation.id"], name=op.f("fk_fiscal_hosting_group_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["host_organisation_id"], ["organisation.id"], name=op.f("fk_fiscal_hosting_host_organisation_id")
        ),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_fiscal_hosting_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fiscal_hosting")),
    )
    op.create_index(
        op.f("ix_fiscal_hosting_host_organisation_id"), "fiscal_hosting", ["host_organisation_id"], unique=False
    )
    op.create_index(op.f("ix_fiscal_hosting_proposal_id"), "fiscal_hosting", ["proposal_id"], unique=False)
    op.create_index(
        "uq_fiscal_hosting_agreed",
        "fiscal_hosting",
        ["proposal_id"],
        unique=True,
        postgresql_where=sa.text("state = 'agreed'"),
    )
    op.create_table(
        "pledge",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("ask_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("group_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("message", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("waivers", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("evaluation", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("verifier_organisation_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("drafted_by", sa.Uuid(), nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offered_by", sa.Uuid(), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("agreement_reference", sa.String(length=200), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("state <> 'offered' OR expires_on IS NOT NULL", name=op.f("ck_pledge_offer_expires")),
        sa.CheckConstraint(
            "state IN ('draft', 'indicated', 'offered', 'accepted', 'contracted', 'drawing', 'completed', 'wi"
            "thdrawn', 'declined', 'expired', 'terminated', 'clawed_back')",
            name=op.f("ck_pledge_state"),
        ),
        sa.CheckConstraint("amount BETWEEN 1 AND 1000000000000000", name=op.f("ck_pledge_amount")),
        sa.ForeignKeyConstraint(["ask_id"], ["ask.id"], name=op.f("fk_pledge_ask_id")),
        sa.ForeignKeyConstraint(
            ["group_organisation_id"], ["organisation.id"], name=op.f("fk_pledge_group_organisation_id")
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_pledge_organisation_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_pledge_programme_id")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_pledge_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge")),
    )
    op.create_index(op.f("ix_pledge_ask_id"), "pledge", ["ask_id"], unique=False)
    op.create_index(op.f("ix_pledge_group_organisation_id"), "pledge", ["group_organisation_id"], unique=False)
    op.create_index(op.f("ix_pledge_organisation_id"), "pledge", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_pledge_programme_id"), "pledge", ["programme_id"], unique=False)
    op.create_index(op.f("ix_pledge_proposal_id"), "pledge", ["proposal_id"], unique=False)
    op.create_table(
        "pledge_part",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("instrument", sa.String(length=60), nullable=False),
        sa.Column("in_kind", sa.Boolean(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("cancelled", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("terms", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount BETWEEN 1 AND 1000000000000000", name=op.f("ck_pledge_part_amount")),
        sa.CheckConstraint("in_kind AND paid = 0 OR NOT in_kind AND delivered = 0", name=op.f("ck_pledge_part_kind")),
        sa.CheckConstraint(
            "paid + delivered + cancelled <= amount", name=op.f("ck_pledge_part_never_more_than_pledged")
        ),
        sa.CheckConstraint("paid >= 0 AND delivered >= 0 AND cancelled >= 0", name=op.f("ck_pledge_part_not_negative")),
        sa.CheckConstraint("returned BETWEEN 0 AND paid", name=op.f("ck_pledge_part_returned")),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_pledge_part_pledge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge_part")),
        sa.UniqueConstraint("pledge_id", "position", name=op.f("uq_pledge_part_pledge_id_position")),
    )
    op.create_index(op.f("ix_pledge_part_pledge_id"), "pledge_part", ["pledge_id"], unique=False)
    op.create_table(
        "tranche",
        sa.Column("part_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("basis", sa.String(length=60), nullable=False),
        sa.Column("milestone", sa.String(length=60), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("held_from", sa.String(length=20), nullable=True),
        sa.Column("reason", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("claim_note", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_by", sa.Uuid(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("payment_reference", sa.String(length=140), nullable=True),
        sa.Column("payee_organisation_id", sa.Uuid(), nullable=True),
        sa.Column("fiscal_hosting_id", sa.Uuid(), nullable=True),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(basis = 'in_advance') = (due_on IS NOT NULL)", name=op.f("ck_tranche_due_on")),
        sa.CheckConstraint("(basis = 'on_milestone') = (milestone IS NOT NULL)", name=op.f("ck_tranche_milestone")),
        sa.CheckConstraint(
            "state <> 'held' OR held_from IS NOT NULL AND reason IS NOT NULL", name=op.f("ck_tranche_held")
        ),
        sa.CheckConstraint(
            "state <> 'paid' OR paid_by IS NOT NULL AND approved_by IS NOT NULL", name=op.f("ck_tranche_paid")
        ),
        sa.CheckConstraint(
            "state IN ('scheduled', 'claimable', 'claimed', 'approved', 'paid', 'held', 'cancelled')",
            name=op.f("ck_tranche_state"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_tranche_amount")),
        sa.CheckConstraint("claimed_by <> approved_by", name=op.f("ck_tranche_two_people")),
        sa.CheckConstraint("returned BETWEEN 0 AND amount", name=op.f("ck_tranche_returned")),
        sa.ForeignKeyConstraint(
            ["fiscal_hosting_id"], ["fiscal_hosting.id"], name=op.f("fk_tranche_fiscal_hosting_id")
        ),
        sa.ForeignKeyConstraint(["part_id"], ["pledge_part.id"], name=op.f("fk_tranche_part_id")),
        sa.ForeignKeyConstraint(
            ["payee_organisation_id"], ["organisation.id"], name=op.f("fk_tranche_payee_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tranche")),
        sa.UniqueConstraint("part_id", "position", name=op.f("uq_tranche_part_id_position")),
    )
    op.create_index(op.f("ix_tranche_part_id"), "tranche", ["part_id"], unique=False)
    op.create_index(op.f("ix_tranche_payee_organisation_id"), "tranche", ["payee_organisation_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_tranche_payee_organisation_id"), table_name="tranche")
    op.drop_index(op.f("ix_tranche_part_id"), table_name="tranche")
    op.drop_table("tranche")
    op.drop_index(op.f("ix_pledge_part_pledge_id"), table_name="pledge_part")
    op.drop_table("pledge_part")
    op.drop_index(op.f("ix_pledge_proposal_id"), table_name="pledge")
    op.drop_index(op.f("ix_pledge_programme_id"), table_name="pledge")
    op.drop_index(op.f("ix_pledge_organisation_id"), table_name="pledge")
    op.drop_index(op.f("ix_pledge_group_organisation_id"), table_name="pledge")
    op.drop_index(op.f("ix_pledge_ask_id"), table_name="pledge")
    op.drop_table("pledge")
    op.drop_index("uq_fiscal_hosting_agreed", table_name="fiscal_hosting", postgresql_where=sa.text("state = 'agreed'"))
    op.drop_index(op.f("ix_fiscal_hosting_proposal_id"), table_name="fiscal_hosting")
    op.drop_index(op.f("ix_fiscal_hosting_host_organisation_id"), table_name="fiscal_hosting")
    op.drop_table("fiscal_hosting")
