"""How many groups a programme takes on at a time, and its terms for first movers.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cohort_limit",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=True),
        sa.Column("per_sector", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("learning_note_required", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint('"limit" BETWEEN 1 AND 10000', name=op.f("ck_cohort_limit_limit")),
        sa.CheckConstraint(
            '"limit" IS NOT NULL OR NOT (per_sector OR learning_note_required)',
            name=op.f("ck_cohort_limit_of_a_limit"),
        ),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_cohort_limit_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_cohort_limit")),
    )
    op.create_table(
        "first_mover_terms",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("words", pg.JSONB(none_as_null=True), nullable=True),
        sa.Column("up_to_rank", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("up_to_rank BETWEEN 1 AND 10000", name=op.f("ck_first_mover_terms_up_to_rank")),
        sa.CheckConstraint("num_nonnulls(words, up_to_rank) <> 1", name=op.f("ck_first_mover_terms_both")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_first_mover_terms_programme_id")),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_first_mover_terms")),
    )


def downgrade() -> None:
    op.drop_table("first_mover_terms")
    op.drop_table("cohort_limit")
