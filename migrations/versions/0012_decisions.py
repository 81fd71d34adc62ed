"""The evaluation behind an offer, kept whole.

What offers kept so far in `pledge.evaluation` becomes a decision, with the digests that `eligibility.decisions` makes.

Revision ID: 0012
Revises: 0011
"""

import hashlib
import json
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BATCH = 500
PARTS = ("facts", "shared", "assurance", "parameters")


def append_only(table: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on a table."""
    act = "EXECUTE FUNCTION refuse_rewriting()"
    op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}")
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}")


def canonical(value: object) -> str:
    """Members sorted, no spaces, nothing escaped that need not be."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def upgrade() -> None:
    decision = op.create_table(
        "decision",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("criteria_version_id", sa.Uuid(), nullable=False),
        sa.Column("proposal_version_id", sa.Uuid(), nullable=False),
        sa.Column("evaluator", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("tree_sha256", sa.String(length=64), nullable=False),
        sa.Column("facts", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("shared", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("assurance", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("waived", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("parameters", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("basis_sha256", sa.String(length=64), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("result_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["criteria_version_id"], ["criteria_version.id"], name=op.f("fk_decision_criteria_version_id")
        ),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_decision_pledge_id")),
        sa.ForeignKeyConstraint(
            ["proposal_version_id"], ["proposal_version.id"], name=op.f("fk_decision_proposal_version_id")
        ),
        sa.PrimaryKeyConstraint("pledge_id", name=op.f("pk_decision")),
    )
    kept = sa.text(
        "SELECT p.id, p.offered_at, p.evaluation, p.waivers, v.tree FROM pledge p"
        " JOIN criteria_version v ON v.id = (p.evaluation->>'criteria_version_id')::uuid"
        " WHERE p.evaluation IS NOT NULL AND p.offered_at IS NOT NULL"
    )
    for rows in op.get_bind().execute(kept.execution_options(yield_per=BATCH)).partitions():
        op.bulk_insert(decision, [decided(row) for row in rows])
    append_only("decision")
    op.drop_column("pledge", "evaluation")


def decided(row: sa.Row) -> dict[str, object]:
    """The decision row of a pledge that kept its evaluation in itself."""
    kept = row.evaluation
    told = kept["evaluation"]
    told["reasons"] = [{"assurance_wanted": None, **reason} for reason in told["reasons"]]
    tree_sha256, result = digest(canonical(row.tree)), canonical(told)
    waived = sorted(waiver["code"] for waiver in row.waivers)
    ids = {name: kept[name] for name in ("criteria_version_id", "proposal_version_id")}
    same = {"evaluator": 1, "tree_sha256": tree_sha256, "waived": waived, **{name: kept[name] for name in PARTS}}
    return {
        "pledge_id": row.id,
        **same,
        **{name: UUID(value) for name, value in ids.items()},
        "as_of": date.fromisoformat(kept["as_of"]),
        "basis_sha256": digest(canonical({**same, **ids, "as_of": kept["as_of"]})),
        "result": result,
        "result_sha256": digest(result),
        "created_at": row.offered_at,
    }


def downgrade() -> None:
    op.add_column("pledge", sa.Column("evaluation", postgresql.JSONB(none_as_null=True), nullable=True))
    op.execute(
        """
        UPDATE pledge SET evaluation = jsonb_build_object(
            'criteria_version_id', d.criteria_version_id, 'proposal_version_id', d.proposal_version_id,
            'as_of', d.as_of, 'facts', d.facts, 'shared', d.shared, 'assurance', d.assurance,
            'parameters', d.parameters, 'evaluation', d.result::jsonb)
        FROM decision d WHERE d.pledge_id = pledge.id
        """
    )
    op.drop_table("decision")
