"""How many criteria stand between a proposal and a programme.

Revision ID: 0010
Revises: 0009
"""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SQL = Path(__file__).resolve().parents[1] / "sql"


def upgrade() -> None:
    op.get_bind().exec_driver_sql((SQL / "criteria_distance.sql").read_text().replace("%", "%%"))


def downgrade() -> None:
    op.execute("DROP FUNCTION criteria_distance(jsonb, jsonb, jsonb)")
    op.execute("DROP FUNCTION criteria_node_distance(jsonb, jsonb, jsonb, boolean)")
