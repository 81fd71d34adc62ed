"""Procurement: opinions, bids with the surety demanded in them, and the fair-competition record.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

APPEND_ONLY = ("procurement_opinion", "fair_competition_entry", "contract_end_alert")


def append_only(table: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on a table."""
    act = "EXECUTE FUNCTION refuse_rewriting()"
    op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}")
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}")


def upgrade() -> None:
    words = postgresql.JSONB(none_as_null=True)
    op.create_table(
        "bid",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("title", words, nullable=False),
        sa.Column("authority_name", sa.String(length=200), nullable=False),
        sa.Column("route", sa.String(length=60), nullable=False),
        sa.Column("occasion", sa.String(length=60), nullable=False),
        sa.Column("incumbent", sa.Boolean(), nullable=False),
        sa.Column("submitted_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("contract_value", sa.BigInteger(), nullable=False),
        sa.Column("term_months", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=60), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("lost_on", sa.ARRAY(sa.String(length=60)), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("words", words, nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(outcome IS NOT DISTINCT FROM 'lost') = (lost_on <> '{}')", name=op.f("ck_bid_lost_on")),
        sa.CheckConstraint(
            "(outcome IS NOT DISTINCT FROM 'won') = (ends_on IS NOT NULL)"
            " AND (starts_on IS NULL) = (ends_on IS NULL) AND starts_on <= ends_on",
            name=op.f("ck_bid_contract_days"),
        ),
        sa.CheckConstraint("outcome IN ('won', 'lost', 'withdrawn')", name=op.f("ck_bid_outcome")),
        sa.CheckConstraint("(outcome IS NULL) = (decided_on IS NULL)", name=op.f("ck_bid_decided_on")),
        sa.CheckConstraint(
            "contract_value BETWEEN 0 AND 1000000000000000 AND term_months BETWEEN 1 AND 1200",
            name=op.f("ck_bid_contract"),
        ),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name="fk_bid_proposal_id"),
        sa.ForeignKeyConstraint(["recorded_by"], ["user_account.id"], name="fk_bid_recorded_by"),
        sa.ForeignKeyConstraint(["updated_by"], ["user_account.id"], name="fk_bid_updated_by"),
        sa.PrimaryKeyConstraint("id", name="pk_bid"),
    )
    op.create_index("ix_bid_ends_on", "bid", ["ends_on"], unique=False, postgresql_where=sa.text("ends_on IS NOT NULL"))
    op.create_index("ix_bid_proposal_id_id", "bid", ["proposal_id", "id"], unique=False)
    op.create_table(
        "contract_end_alert",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name="fk_contract_end_alert_proposal_id"),
        sa.PrimaryKeyConstraint("id", name="pk_contract_end_alert"),
        sa.UniqueConstraint("proposal_id", "ends_on", name="uq_contract_end_alert_proposal_id_ends_on"),
    )
    op.create_table(
        "fair_competition_entry",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("organisation_name", sa.String(length=200), nullable=True),
        sa.Column("person_name", sa.String(length=200), nullable=True),
        sa.Column("role", sa.String(length=200), nullable=True),
        sa.Column("words", words, nullable=True),
        sa.Column("public", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("taken_back", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(
            "NOT taken_back OR corrects_id IS NOT NULL", name=op.f("ck_fair_competition_entry_taken_back")
        ),
        sa.CheckConstraint("corrects_id <> id", name=op.f("ck_fair_competition_entry_corrects_another")),
        sa.ForeignKeyConstraint(
            ["corrects_id"], ["fair_competition_entry.id"], name="fk_fair_competition_entry_corrects_id"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_fair_competition_entry_organisation_id"
        ),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name="fk_fair_competition_entry_proposal_id"),
        sa.ForeignKeyConstraint(["recorded_by"], ["user_account.id"], name="fk_fair_competition_entry_recorded_by"),
        sa.PrimaryKeyConstraint("id", name="pk_fair_competition_entry"),
        sa.UniqueConstraint("corrects_id", name="uq_fair_competition_entry_corrects_id"),
        sa.UniqueConstraint("proposal_id", "number", name="uq_fair_competition_entry_proposal_id_number"),
    )
    op.create_index(
        "ix_fair_competition_entry_proposal_id_id", "fair_competition_entry", ["proposal_id", "id"], unique=False
    )
    op.create_table(
        "fair_competition_record",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(published_at IS NULL) = (published_by IS NULL)", name=op.f("ck_fair_competition_record_published")
        ),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name="fk_fair_competition_record_proposal_id"),
        sa.ForeignKeyConstraint(["published_by"], ["user_account.id"], name="fk_fair_competition_record_published_by"),
        sa.PrimaryKeyConstraint("proposal_id", name="pk_fair_competition_record"),
    )
    op.create_table(
        "procurement_opinion",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("route", sa.String(length=60), nullable=False),
        sa.Column("author_name", sa.String(length=200), nullable=False),
        sa.Column("author_organisation", sa.String(length=200), nullable=False),
        sa.Column("client", sa.String(length=60), nullable=False),
        sa.Column("challenge_risk", sa.Integer(), nullable=False),
        sa.Column("risk_appetite", sa.String(length=60), nullable=True),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("summary", words, nullable=False),
        sa.Column("confidential", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("counts_as_precedent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.Column("supersedes_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("challenge_risk BETWEEN 1 AND 5", name=op.f("ck_procurement_opinion_challenge_risk")),
        sa.CheckConstraint("supersedes_id <> id", name=op.f("ck_procurement_opinion_supersedes_another")),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name="fk_procurement_opinion_evidence_id"),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name="fk_procurement_opinion_proposal_id"),
        sa.ForeignKeyConstraint(["recorded_by"], ["user_account.id"], name="fk_procurement_opinion_recorded_by"),
        sa.ForeignKeyConstraint(
            ["supersedes_id"], ["procurement_opinion.id"], name="fk_procurement_opinion_supersedes_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_procurement_opinion"),
        sa.UniqueConstraint("supersedes_id", name="uq_procurement_opinion_supersedes_id"),
    )
    op.create_index(
        "ix_procurement_opinion_precedents",
        "procurement_opinion",
        ["route"],
        unique=False,
        postgresql_where=sa.text("counts_as_precedent"),
    )
    op.create_index("ix_procurement_opinion_proposal_id_id", "procurement_opinion", ["proposal_id", "id"], unique=False)
    op.create_table(
        "fair_competition_reader",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name="fk_fair_competition_reader_organisation_id"
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["fair_competition_record.proposal_id"], name="fk_fair_competition_reader_proposal_id"
        ),
        sa.PrimaryKeyConstraint("proposal_id", "organisation_id", name="pk_fair_competition_reader"),
    )
    op.create_table(
        "surety_demand",
        sa.Column("bid_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("covered_by", sa.String(length=60), nullable=False),
        sa.Column("pledge_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("(covered_by = 'pledge') = (pledge_id IS NOT NULL)", name=op.f("ck_surety_demand_pledge")),
        sa.CheckConstraint("amount BETWEEN 1 AND 1000000000000000", name=op.f("ck_surety_demand_amount")),
        sa.ForeignKeyConstraint(["bid_id"], ["bid.id"], name="fk_surety_demand_bid_id"),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name="fk_surety_demand_pledge_id"),
        sa.PrimaryKeyConstraint("id", name="pk_surety_demand"),
    )
    op.create_index("ix_surety_demand_bid_id", "surety_demand", ["bid_id"], unique=False)
    op.create_index("ix_surety_demand_pledge_id", "surety_demand", ["pledge_id"], unique=False)
    for table in APPEND_ONLY:
        append_only(table)


def downgrade() -> None:
    for table in (
        "surety_demand",
        "bid",
        "contract_end_alert",
        "fair_competition_reader",
        "fair_competition_entry",
        "fair_competition_record",
        "procurement_opinion",
    ):
        op.drop_table(table)
