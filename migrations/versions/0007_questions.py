"""Funders' own questions, and the section of a draft in which groups answer them.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FIXED = """
CREATE FUNCTION question_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF to_jsonb(NEW) - 'retired_at' - 'version' IS DISTINCT FROM to_jsonb(OLD) - 'retired_at' - 'version' THEN
    RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
      MESSAGE = 'a question that was asked never changes';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER question_is_fixed BEFORE UPDATE ON question FOR EACH ROW EXECUTE FUNCTION question_is_fixed();
"""

ANSWERS = """
INSERT INTO proposal_section (id, proposal_id, name, content)
SELECT gen_random_uuid(), id, 'questions', '{"facts": {}}' FROM proposal
"""


def upgrade() -> None:
    op.create_table(
        "question",
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("question", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("help", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("unit", sa.String(length=60), nullable=True),
        sa.Column("scale", sa.Integer(), nullable=True),
        sa.Column("options", postgresql.JSONB(none_as_null=True), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "type IN ('boolean', 'choice', 'choices', 'money', 'integer', 'percentage', 'decimal', 'date')",
            name=op.f("ck_question_type"),
        ),
        sa.CheckConstraint("slug ~ '^x_[a-z0-9_]{2,50}$'", name=op.f("ck_question_slug")),
        sa.CheckConstraint(
            "(type IN ('choice', 'choices')) = (jsonb_array_length(options) > 0)", name=op.f("ck_question_options")
        ),
        sa.CheckConstraint("(type = 'decimal') = (scale IS NOT NULL)", name=op.f("ck_question_scale")),
        sa.ForeignKeyConstraint(["asked_by"], ["user_account.id"], name=op.f("fk_question_asked_by")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_question_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        sa.UniqueConstraint("slug", name=op.f("uq_question_slug")),
    )
    op.create_index(op.f("ix_question_organisation_id"), "question", ["organisation_id"])
    op.execute(FIXED)
    op.execute(ANSWERS)


def downgrade() -> None:
    op.execute("DELETE FROM proposal_section WHERE name = 'questions'")
    op.drop_table("question")
    op.execute("DROP FUNCTION question_is_fixed()")
