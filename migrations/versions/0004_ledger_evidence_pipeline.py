"""The ledger, evidence and the pipeline's gates and milestones.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LEDGER_GUARDS = """
CREATE FUNCTION ledger_account_keeps_all_but_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (to_jsonb(NEW) - 'balance') IS DISTINCT FROM (to_jsonb(OLD) - 'balance') THEN
    RAISE EXCEPTION 'of a ledger account only the balance changes' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION ledger_transaction_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  booked ledger_transaction;
  postings integer;
BEGIN
  IF TG_TABLE_NAME = 'posting' THEN
    SELECT * INTO STRICT booked FROM ledger_transaction WHERE id = NEW.transaction_id;
  ELSE
    booked := NEW;
  END IF;
  SELECT count(*) INTO postings FROM posting WHERE transaction_id = booked.id;
  IF postings <> booked.posting_count THEN
    RAISE EXCEPTION 'ledger transaction % has % postings instead of %', booked.id, postings, booked.posting_count
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_transaction_whole';
  END IF;
  IF EXISTS (
    SELECT 1 FROM posting JOIN ledger_account ON ledger_account.id = posting.account_id
    WHERE posting.transaction_id = booked.id GROUP BY ledger_account.currency HAVING sum(posting.amount) <> 0
  ) THEN
    RAISE EXCEPTION 'ledger transaction % does not balance', booked.id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_transaction_balanced';
  END IF;
  IF booked.reverses_id IS NOT NULL AND EXISTS (
    SELECT 1 FROM posting WHERE transaction_id IN (booked.id, booked.reverses_id)
    GROUP BY account_id HAVING sum(amount) <> 0
  ) THEN
    RAISE EXCEPTION 'ledger transaction % does not undo %', booked.id, booked.reverses_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_transaction_undoes';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER ledger_account_columns BEFORE UPDATE ON ledger_account
  FOR EACH ROW EXECUTE FUNCTION ledger_account_keeps_all_but_balance();
CREATE TRIGGER ledger_account_no_delete BEFORE DELETE ON ledger_account
  FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER ledger_account_no_truncate BEFORE TRUNCATE ON ledger_account
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
CREATE CONSTRAINT TRIGGER ledger_transaction_balanced AFTER INSERT ON ledger_transaction
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_transaction_balances();
CREATE CONSTRAINT TRIGGER posting_balanced AFTER INSERT ON posting
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_transaction_balances();
"""

EVIDENCE_GUARDS = """
CREATE FUNCTION evidence_version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (to_jsonb(NEW) - 'state') IS DISTINCT FROM (to_jsonb(OLD) - 'state') THEN
    RAISE EXCEPTION 'the content of an evidence version never changes' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF NEW.state <> OLD.state AND OLD.state <> 'submitted' THEN
    RAISE EXCEPTION 'a decided evidence version stays %', OLD.state USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER evidence_version_stays BEFORE UPDATE ON evidence_version
  FOR EACH ROW EXECUTE FUNCTION evidence_version_stays();
CREATE TRIGGER evidence_version_no_delete BEFORE DELETE ON evidence_version
  FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER evidence_version_no_truncate BEFORE TRUNCATE ON evidence_version
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
"""


def append_only(table: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on a table."""
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()"
    )


def identified() -> list[sa.Column]:
    """The columns that every one of these tables has."""
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    ]


def upgrade() -> None:
    create_ledger()
    create_evidence()
    create_pipeline()


def create_ledger() -> None:
    op.create_table(
        "ledger_account",
        sa.Column("owner_kind", sa.String(20), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("balance", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("guarded", sa.Boolean(), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_account"),
        sa.UniqueConstraint("owner_kind", "owner_id", "name", name="uq_ledger_account_owner_kind_owner_id_name"),
        sa.CheckConstraint("owner_kind IN ('programme', 'pledge')", name=op.f("ck_ledger_account_owner_kind")),
        sa.CheckConstraint("NOT guarded OR balance >= 0", name=op.f("ck_ledger_account_never_below_zero")),
        sa.CheckConstraint("abs(balance) <= 1000000000000000", name=op.f("ck_ledger_account_within_limits")),
    )
    op.create_table(
        "ledger_transaction",
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("description", sa.String(500), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        sa.Column("actor_user_id", sa.Uuid(), nullable=True),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("posting_count", sa.SmallInteger(), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_transaction"),
        sa.UniqueConstraint("kind", "reference", name="uq_ledger_transaction_kind_reference"),
        sa.UniqueConstraint("reverses_id", name="uq_ledger_transaction_reverses_id"),
        sa.ForeignKeyConstraint(["reverses_id"], ["ledger_transaction.id"], name="fk_ledger_transaction_reverses_id"),
        sa.CheckConstraint("posting_count >= 2", name=op.f("ck_ledger_transaction_two_postings")),
    )
    op.create_index("ix_ledger_transaction_booked_at", "ledger_transaction", ["booked_at"])
    op.create_table(
        "posting",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name="pk_posting"),
        sa.UniqueConstraint("seq", name="uq_posting_seq"),
        sa.UniqueConstraint("transaction_id", "position", name="uq_posting_transaction_id_position"),
        sa.ForeignKeyConstraint(["transaction_id"], ["ledger_transaction.id"], name="fk_posting_transaction_id"),
        sa.ForeignKeyConstraint(["account_id"], ["ledger_account.id"], name="fk_posting_account_id"),
        sa.CheckConstraint("amount <> 0 AND abs(amount) <= 1000000000000000", name=op.f("ck_posting_amount")),
    )
    op.create_index("ix_posting_account_id_seq", "posting", ["account_id", "seq"])
    append_only("ledger_transaction")
    append_only("posting")
    op.execute(LEDGER_GUARDS)


def create_evidence() -> None:
    op.create_table(
        "evidence",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("milestone", sa.String(60), nullable=True),
        sa.Column("fact", sa.String(60), nullable=True),
        sa.Column("title", pg.JSONB(none_as_null=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name="fk_evidence_organisation_id"),
    )
    op.create_index("ix_evidence_organisation_id", "evidence", ["organisation_id"])
    op.create_index("ix_evidence_proposal_id_id", "evidence", ["proposal_id", "id"])
    op.create_table(
        "evidence_version",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("proposal_version_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(60), server_default="submitted", nullable=False),
        sa.Column("submitted_by", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name="pk_evidence_version"),
        sa.UniqueConstraint("evidence_id", "number", name="uq_evidence_version_evidence_id_number"),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name="fk_evidence_version_evidence_id"),
        sa.ForeignKeyConstraint(["submitted_by"], ["user_account.id"], name="fk_evidence_version_submitted_by"),
        sa.CheckConstraint(
            "state IN ('submitted', 'accepted', 'rejected', 'superseded')", name=op.f("ck_evidence_version_state")
        ),
        sa.CheckConstraint("size > 0", name=op.f("ck_evidence_version_size")),
    )
    op.create_table(
        "verification",
        sa.Column("evidence_version_id", sa.Uuid(), nullable=False),
        sa.Column("verifier_user_id", sa.Uuid(), nullable=False),
        sa.Column("verifier_organisation_id", sa.Uuid(), nullable=False),
        sa.Column("decision", sa.String(60), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name="pk_verification"),
        sa.UniqueConstraint("evidence_version_id", name="uq_verification_evidence_version_id"),
        sa.ForeignKeyConstraint(
            ["evidence_version_id"], ["evidence_version.id"], name="fk_verification_evidence_version_id"
        ),
        sa.ForeignKeyConstraint(["verifier_user_id"], ["user_account.id"], name="fk_verification_verifier_user_id"),
        sa.ForeignKeyConstraint(
            ["verifier_organisation_id"], ["organisation.id"], name="fk_verification_verifier_organisation_id"
        ),
        sa.CheckConstraint("decision IN ('accepted', 'rejected')", name=op.f("ck_verification_decision")),
    )
    append_only("verification")
    op.execute(EVIDENCE_GUARDS)


def create_pipeline() -> None:
    op.create_table(
        "gate_passage",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.String(60), nullable=False),
        sa.Column("basis", sa.String(60), nullable=False),
        sa.Column("passed_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("evidenced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by_user_id", sa.Uuid(), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name="pk_gate_passage"),
        sa.UniqueConstraint("proposal_id", "stage", name="uq_gate_passage_proposal_id_stage"),
        sa.ForeignKeyConstraint(["by_user_id"], ["user_account.id"], name="fk_gate_passage_by_user_id"),
        sa.CheckConstraint("basis IN ('declared', 'evidenced')", name=op.f("ck_gate_passage_basis")),
        sa.CheckConstraint(
            "(basis = 'evidenced') = (evidenced_at IS NOT NULL)", name=op.f("ck_gate_passage_evidenced_at")
        ),
    )
    op.create_table(
        "milestone_record",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("milestone", sa.String(60), nullable=False),
        sa.Column("state", sa.String(60), server_default="open", nullable=False),
        sa.Column("evidence_version_id", sa.Uuid(), nullable=True),
        sa.Column("verified_by_user_id", sa.Uuid(), nullable=True),
        sa.Column("verified_by_organisation_id", sa.Uuid(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        *identified(),
        sa.PrimaryKeyConstraint("id", name="pk_milestone_record"),
        sa.UniqueConstraint("proposal_id", "milestone", name="uq_milestone_record_proposal_id_milestone"),
        sa.ForeignKeyConstraint(
            ["evidence_version_id"], ["evidence_version.id"], name="fk_milestone_record_evidence_version_id"
        ),
        sa.ForeignKeyConstraint(
            ["verified_by_user_id"], ["user_account.id"], name="fk_milestone_record_verified_by_user_id"
        ),
        sa.ForeignKeyConstraint(
            ["verified_by_organisation_id"],
            ["organisation.id"],
            name="fk_milestone_record_verified_by_organisation_id",
        ),
        sa.CheckConstraint("state IN ('open', 'verified')", name=op.f("ck_milestone_record_state")),
        sa.CheckConstraint(
            "(state = 'verified') = (evidence_version_id IS NOT NULL AND verified_by_user_id IS NOT NULL"
            " AND verified_by_organisation_id IS NOT NULL AND verified_at IS NOT NULL)",
            name=op.f("ck_milestone_record_verified_by_evidence"),
        ),
    )


def downgrade() -> None:
    for table in (
        "milestone_record",
        "gate_passage",
        "verification",
        "evidence_version",
        "evidence",
        "posting",
        "ledger_transaction",
        "ledger_account",
    ):
        op.drop_table(table)
    for function in (
        "evidence_version_stays()",
        "ledger_transaction_balances()",
        "ledger_account_keeps_all_but_balance()",
    ):
        op.execute(f"DROP FUNCTION {function}")
