"""Subject access and erasure.

Rows that never change may lose a person's name and address while that person is erased, all but those that seals and
digests cover. Only words may change then: amounts, days, states and who did what stay as they are.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

GUARDS = ("refuse_rewriting", "refuse_changing_what_was_said", "reliance_stays", "question_is_fixed")
"""The functions of the triggers that keep rows as they were written."""

ONLY_WORDS_CHANGE = """
CREATE FUNCTION only_words_change(kept oid, was jsonb, becomes jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT was - words.names = becomes - words.names
  FROM (
    SELECT coalesce(array_agg(attname::text), '{}') AS names FROM pg_attribute
    WHERE attrelid = kept AND attnum > 0 AND NOT attisdropped
      AND (atttypid IN ('text'::regtype, 'jsonb'::regtype)
           OR atttypid = 'varchar'::regtype AND (atttypmod < 0 OR atttypmod - 4 >= 100))
  ) words
$$;
"""
"""Whether a row differs in nothing but words: a column for fewer signs than 100 holds a slug, a state or a digest."""

WHILE_ERASING = """BEGIN
  IF TG_OP = 'UPDATE' AND current_setting('marketplace.erasing', true) = 'on'
      AND TG_TABLE_NAME NOT IN ('event', 'audit_entry', 'published_heads', 'ledger_account', 'ledger_transaction',
                                'posting', 'decision', 'criteria_version', 'evidence_version') THEN
    IF only_words_change(TG_RELID, to_jsonb(OLD), to_jsonb(NEW)) THEN
      RETURN NEW;
    END IF;
  END IF;
"""


def upgrade() -> None:
    op.add_column("user_account", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(ONLY_WORDS_CHANGE)
    for guard in GUARDS:
        rewrite(guard, "BEGIN\n", WHILE_ERASING)


def rewrite(function: str, was: str, becomes: str) -> None:
    """Replace that part of a function, which has to be there."""
    defined = op.get_bind().scalar(sa.text("SELECT pg_get_functiondef(CAST(:name AS regproc))"), {"name": function})
    before, found, after = str(defined).partition(was)
    if not found:
        raise RuntimeError(f"{function} is not as this revision knows it")
    op.execute(before + becomes + after)


def downgrade() -> None:
    for guard in GUARDS:
        rewrite(guard, WHILE_ERASING, "BEGIN\n")
    op.execute("DROP FUNCTION only_words_change(oid, jsonb, jsonb)")
    op.drop_column("user_account", "erased_at")
