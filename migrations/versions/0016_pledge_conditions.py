"""Conditions of pledges, the lines they pay, awards declared from outside, pools, and what counts as a subsidy.

What was accepted before is laid over the lines of its ask in order, the earliest acceptance first.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MONEY = "BETWEEN 1 AND 1000000000000000"
FILL_LINES = """
    WITH line AS (
        SELECT id, sum(amount) OVER (PARTITION BY ask_id ORDER BY position) - amount AS start, amount, ask_id
        FROM ask_line
    )
    UPDATE ask_line SET accepted = least(line.amount, greatest(0, ask.accepted - line.start))
    FROM line JOIN ask ON ask.id = line.ask_id
    WHERE ask_line.id = line.id AND ask.accepted > line.start
"""
LAY_PLEDGES = """
    WITH line AS (
        SELECT id, ask_id, amount, sum(amount) OVER (PARTITION BY ask_id ORDER BY position) AS stop FROM ask_line
    ), net AS (
        SELECT p.id, p.ask_id, p.answered_at, sum(part.amount - part.cancelled) AS amount
        FROM pledge p JOIN pledge_part part ON part.pledge_id = p.id
        WHERE p.state IN ('accepted', 'contracted', 'drawing', 'completed', 'terminated', 'clawed_back')
        GROUP BY p.id
    ), promise AS (
        SELECT id, ask_id, amount, sum(amount) OVER (PARTITION BY ask_id ORDER BY answered_at, id) AS stop FROM net
    )
    INSERT INTO pledge_line (pledge_id, ask_line_id, amount, freed)
    SELECT promise.id, line.id,
           least(line.stop, promise.stop) - greatest(line.stop - line.amount, promise.stop - promise.amount), 0
    FROM promise JOIN line ON line.ask_id = promise.ask_id
    WHERE least(line.stop, promise.stop) > greatest(line.stop - line.amount, promise.stop - promise.amount)
"""


def upgrade() -> None:
    op.add_column("ask", sa.Column("outside", sa.BigInteger(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_ask_outside"), "ask", "outside >= 0 AND accepted + outside <= amount")
    for name in ("accepted", "outside"):
        op.add_column("ask_line", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.execute(FILL_LINES)
    op.create_check_constraint(
        op.f("ck_ask_line_room"), "ask_line", "accepted >= 0 AND outside >= 0 AND accepted + outside <= amount"
    )
    op.add_column("pledge", sa.Column("lines_named", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("pledge", sa.Column("lapses_on", sa.Date(), nullable=True))
    op.create_index(
        "ix_pledge_lapses_on",
        "pledge",
        ["lapses_on"],
        postgresql_where=sa.text("lapses_on IS NOT NULL"),
    )
    create_lines()
    op.execute(LAY_PLEDGES)
    create_conditions()
    create_awards()
    create_subsidies()


def create_lines() -> None:
    op.create_table(
        "pledge_line",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("ask_line_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("freed", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(f"amount {MONEY}", name=op.f("ck_pledge_line_amount")),
        sa.CheckConstraint("freed BETWEEN 0 AND amount", name=op.f("ck_pledge_line_freed")),
        sa.ForeignKeyConstraint(
            ["ask_line_id"], ["ask_line.id"], name=op.f("fk_pledge_line_ask_line_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["pledge_id"], ["pledge.id"], name=op.f("fk_pledge_line_pledge_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pledge_id", "ask_line_id", name=op.f("pk_pledge_line")),
    )
    op.create_index(op.f("ix_pledge_line_ask_line_id"), "pledge_line", ["ask_line_id"])


def create_conditions() -> None:
    op.create_table(
        "programme_pool",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("drawn", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(f"amount {MONEY}", name=op.f("ck_programme_pool_amount")),
        sa.CheckConstraint("drawn BETWEEN 0 AND amount", name=op.f("ck_programme_pool_drawn")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_programme_pool_programme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme_pool")),
        sa.UniqueConstraint("programme_id", "name", name=op.f("uq_programme_pool_programme_id_name")),
    )
    op.create_table(
        "pledge_condition",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.Date(), nullable=True),
        sa.Column("ratio_bp", sa.Integer(), nullable=True),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        sa.Column("in_kind_bp", sa.Integer(), nullable=True),
        sa.Column("counts", sa.String(length=60), nullable=True),
        sa.Column("pool_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('threshold', 'match_ratio', 'cofunding_before_release', 'beside_loan', 'loan_share', 'pool')",
            name=op.f("ck_pledge_condition_kind"),
        ),
        sa.CheckConstraint(
            "(kind = 'threshold') = (by IS NOT NULL)"
            " AND (kind IN ('threshold', 'cofunding_before_release')) = (amount IS NOT NULL)"
            " AND (kind IN ('match_ratio', 'loan_share')) = (ratio_bp IS NOT NULL)"
            " AND (kind = 'match_ratio') = (in_kind_bp IS NOT NULL)"
            " AND (kind = 'match_ratio' OR cap IS NULL)"
            " AND (kind = 'cofunding_before_release') = (counts IS NOT NULL)"
            " AND (kind = 'pool') = (pool_id IS NOT NULL)",
            name=op.f("ck_pledge_condition_members"),
        ),
        sa.CheckConstraint(
            f"amount {MONEY} AND cap {MONEY} AND ratio_bp BETWEEN 1 AND 1000000 AND in_kind_bp BETWEEN 0 AND 10000"
            " AND counts IN ('accepted', 'paid')",
            name=op.f("ck_pledge_condition_bounds"),
        ),
        sa.ForeignKeyConstraint(
            ["pledge_id"], ["pledge.id"], name=op.f("fk_pledge_condition_pledge_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["pool_id"], ["programme_pool.id"], name=op.f("fk_pledge_condition_pool_id")),
        sa.PrimaryKeyConstraint("pledge_id", "kind", name=op.f("pk_pledge_condition")),
    )
    op.create_index(op.f("ix_pledge_condition_pool_id"), "pledge_condition", ["pool_id"])


def create_awards() -> None:
    op.create_table(
        "outside_award",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("ask_id", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("funder_name", sa.String(length=200), nullable=False),
        sa.Column("programme_name", sa.String(length=200), nullable=True),
        sa.Column("instrument", sa.String(length=60), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("awarded_on", sa.Date(), nullable=False),
        sa.Column("is_subsidy", sa.Boolean(), nullable=False),
        sa.Column("benefit", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(length=140), nullable=True),
        sa.Column("declared_by", sa.Uuid(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(f"amount {MONEY}", name=op.f("ck_outside_award_amount")),
        sa.CheckConstraint("benefit BETWEEN 0 AND amount", name=op.f("ck_outside_award_benefit")),
        sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name=op.f("ck_outside_award_withdrawn")),
        sa.ForeignKeyConstraint(["ask_id"], ["ask.id"], name=op.f("fk_outside_award_ask_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_outside_award_organisation_id")
        ),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_outside_award_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outside_award")),
    )
    for name in ("proposal_id", "ask_id", "organisation_id"):
        op.create_index(op.f(f"ix_outside_award_{name}"), "outside_award", [name])
    op.create_table(
        "outside_award_line",
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("ask_line_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(f"amount {MONEY}", name=op.f("ck_outside_award_line_amount")),
        sa.ForeignKeyConstraint(
            ["ask_line_id"], ["ask_line.id"], name=op.f("fk_outside_award_line_ask_line_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["award_id"], ["outside_award.id"], name=op.f("fk_outside_award_line_award_id")),
        sa.PrimaryKeyConstraint("award_id", "ask_line_id", name=op.f("pk_outside_award_line")),
    )
    op.create_index(op.f("ix_outside_award_line_ask_line_id"), "outside_award_line", ["ask_line_id"])


def create_subsidies() -> None:
    op.create_table(
        "programme_subsidy_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_money", sa.Boolean(), nullable=False),
        sa.Column("mfa_only", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("public_money OR NOT mfa_only", name=op.f("ck_programme_subsidy_terms_mfa_only")),
        sa.ForeignKeyConstraint(["id"], ["programme.id"], name=op.f("fk_programme_subsidy_terms_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme_subsidy_terms")),
    )
    op.create_table(
        "pledge_subsidy",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("route", sa.String(length=60), nullable=False),
        sa.Column("benefit", sa.BigInteger(), nullable=False),
        sa.Column("window_from", sa.Date(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.Column("mfa_limit", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("statement", sa.String(length=2000), nullable=True),
        sa.CheckConstraint(f"benefit {MONEY}", name=op.f("ck_pledge_subsidy_benefit")),
        sa.CheckConstraint(
            "route IN ('mfa', 'spei', 'streamlined_scheme', 'assessed', 'exempt')", name=op.f("ck_pledge_subsidy_route")
        ),
        sa.CheckConstraint("(confirmed_at IS NULL) = (confirmed_by IS NULL)", name=op.f("ck_pledge_subsidy_confirmed")),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_pledge_subsidy_pledge_id")),
        sa.PrimaryKeyConstraint("pledge_id", name=op.f("pk_pledge_subsidy")),
    )


def downgrade() -> None:
    for table in (
        "pledge_subsidy",
        "programme_subsidy_terms",
        "outside_award_line",
        "outside_award",
        "pledge_condition",
        "programme_pool",
        "pledge_line",
    ):
        op.drop_table(table)
    op.drop_index("ix_pledge_lapses_on", "pledge")
    op.drop_column("pledge", "lapses_on")
    op.drop_column("pledge", "lines_named")
    op.drop_constraint(op.f("ck_ask_line_room"), "ask_line")
    for name in ("outside", "accepted"):
        op.drop_column("ask_line", name)
    op.drop_constraint(op.f("ck_ask_outside"), "ask")
    op.drop_column("ask", "outside")
