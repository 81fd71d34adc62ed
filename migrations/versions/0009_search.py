"""Full text and filters over programmes and proposals.

Revision ID: 0009
Revises: 0008
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from marketplace.search.labels import label_rows

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SQL = Path(__file__).resolve().parents[1] / "sql"
TRIGGERS = {
    "organisation_searched": "organisation",
    "proposal_projection_searched": "proposal_projection",
    "proposal_searched": "proposal",
    "programme_searched": "programme",
}
FUNCTIONS = (
    "search_write_all()",
    "search_organisation_renamed()",
    "search_projection_changed()",
    "search_proposal_changed()",
    "search_programme_changed()",
    "search_write_proposal(uuid)",
    "search_write_programme(uuid)",
    "search_words_of_proposal(uuid)",
    "search_words_of_programme(uuid)",
    "search_labels_asked(jsonb)",
    "search_labels(jsonb)",
    "search_texts(jsonb)",
    "search_query(text)",
    'search_vector(text, "char")',
    "search_folded(text)",
)


def upgrade() -> None:
    labels = op.create_table(
        "search_label",
        sa.Column("fact", sa.String(length=60), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("words", sa.String(length=400), nullable=False),
        sa.PrimaryKeyConstraint("fact", "slug", name=op.f("pk_search_label")),
    )
    op.create_table(
        "programme_text",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_programme_text_programme_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_programme_text")),
    )
    op.create_index("ix_programme_text_words", "programme_text", ["words"], postgresql_using="gin")
    op.create_table(
        "proposal_text",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("own", postgresql.TSVECTOR(), nullable=False),
        sa.Column("plain", postgresql.TSVECTOR(), nullable=False),
        sa.Column("coarse", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_text_proposal_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_proposal_text")),
    )
    for tier in ("own", "plain", "coarse"):
        op.create_index(f"ix_proposal_text_{tier}", "proposal_text", [tier], postgresql_using="gin")
    op.bulk_insert(labels, label_rows())
    op.get_bind().exec_driver_sql((SQL / "search_texts.sql").read_text().replace("%", "%%"))
    op.execute("SELECT search_write_all()")


def downgrade() -> None:
    for trigger, table in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    for tier in ("own", "plain", "coarse"):
        op.drop_index(f"ix_proposal_text_{tier}", table_name="proposal_text")
    op.drop_table("proposal_text")
    op.drop_index("ix_programme_text_words", table_name="programme_text")
    op.drop_table("programme_text")
    op.drop_table("search_label")
