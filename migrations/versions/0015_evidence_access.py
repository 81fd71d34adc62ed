"""Documents that the database knows of, named access to evidence, who read it, expiry and reliance.

Evidence becomes confidential: what was opened before is seen, as all else, by the group and those who need it.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

GUARDS = """
CREATE FUNCTION stored_document_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.sha256 <> OLD.sha256 OR NEW.size <> OLD.size OR NEW.created_at <> OLD.created_at THEN
    RAISE EXCEPTION 'a stored document stays what it is' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF OLD.scan_state = 'infected' AND NEW.scan_state <> 'infected' THEN
    RAISE EXCEPTION 'an infected document stays infected' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER stored_document_stays BEFORE UPDATE ON stored_document
  FOR EACH ROW EXECUTE FUNCTION stored_document_stays();

CREATE FUNCTION reliance_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (to_jsonb(NEW) - ARRAY['state', 'answer_reason', 'answered_by', 'answered_at', 'ended_by', 'ended_at', 'version'])
     IS DISTINCT FROM
     (to_jsonb(OLD) - ARRAY['state', 'answer_reason', 'answered_by', 'answered_at', 'ended_by', 'ended_at', 'version'])
     OR (OLD.answered_at IS NOT NULL AND NEW.answered_at IS DISTINCT FROM OLD.answered_at)
     OR (OLD.ended_at IS NOT NULL AND NEW IS DISTINCT FROM OLD) THEN
    RAISE EXCEPTION 'what was consented to, and when, stays' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER reliance_stays BEFORE UPDATE ON reliance
  FOR EACH ROW EXECUTE FUNCTION reliance_stays();
CREATE TRIGGER reliance_no_delete BEFORE DELETE ON reliance
  FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER reliance_no_truncate BEFORE TRUNCATE ON reliance
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
"""


def append_only(table: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on a table."""
    act = "EXECUTE FUNCTION refuse_rewriting()"
    op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}")
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}")


def identified() -> list[sa.Column]:
    """The columns that most tables have."""
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    ]


def upgrade() -> None:
    know_documents()
    op.add_column("evidence", sa.Column("confidential", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column("verification", sa.Column("expires_on", sa.Date(), nullable=True))
    op.create_index("ix_verification_expires_on", "verification", ["expires_on"])
    create_grants_and_accesses()
    create_lapses_and_reliance()
    append_only("evidence_access")
    append_only("acceptance_lapse")
    op.execute(GUARDS)


def know_documents() -> None:
    """A row for each document that a version names, so that no version's bytes can be swept away."""
    op.create_table(
        "stored_document",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("scan_state", sa.String(60), server_default="not_scanned", nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finding", sa.String(200), nullable=True),
        sa.Column("damaged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_stored_document")),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_stored_document_sha256")),
        sa.CheckConstraint("size > 0", name=op.f("ck_stored_document_size")),
        sa.CheckConstraint(
            "scan_state IN ('not_scanned', 'scan_pending', 'clean', 'infected')",
            name=op.f("ck_stored_document_scan_state"),
        ),
        sa.CheckConstraint(
            "(scan_state IN ('clean', 'infected')) = (scanned_at IS NOT NULL)",
            name=op.f("ck_stored_document_scanned_at"),
        ),
        sa.CheckConstraint("finding IS NULL OR scan_state = 'infected'", name=op.f("ck_stored_document_finding")),
    )
    op.create_index("ix_stored_document_touched_at", "stored_document", ["touched_at"])
    op.execute(
        "INSERT INTO stored_document (sha256, size, touched_at)"
        " SELECT sha256, max(size), max(submitted_at) FROM evidence_version GROUP BY sha256"
    )
    op.create_foreign_key(
        op.f("fk_evidence_version_sha256"), "evidence_version", "stored_document", ["sha256"], ["sha256"]
    )
    op.create_index("ix_evidence_version_sha256", "evidence_version", ["sha256"])


def create_grants_and_accesses() -> None:
    op.create_table(
        "evidence_access_grant",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("granted_by", sa.Uuid(), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_access_grant")),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_evidence_access_grant_evidence_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_evidence_access_grant_organisation_id")
        ),
        sa.ForeignKeyConstraint(["granted_by"], ["user_account.id"], name=op.f("fk_evidence_access_grant_granted_by")),
        sa.UniqueConstraint(
            "evidence_id", "organisation_id", name=op.f("uq_evidence_access_grant_evidence_id_organisation_id")
        ),
        sa.UniqueConstraint("evidence_id", "email", name=op.f("uq_evidence_access_grant_evidence_id_email")),
        sa.CheckConstraint("num_nonnulls(organisation_id, email) = 1", name=op.f("ck_evidence_access_grant_names_one")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_evidence_access_grant_email")),
    )
    op.create_index("ix_evidence_access_grant_organisation_id", "evidence_access_grant", ["organisation_id"])
    op.create_index("ix_evidence_access_grant_email", "evidence_access_grant", ["email"])
    op.create_table(
        "evidence_access",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_version_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("standing", sa.String(60), nullable=False),
        sa.Column("what", sa.String(60), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_access")),
        sa.ForeignKeyConstraint(["evidence_id"], ["evidence.id"], name=op.f("fk_evidence_access_evidence_id")),
        sa.ForeignKeyConstraint(
            ["evidence_version_id"], ["evidence_version.id"], name=op.f("fk_evidence_access_evidence_version_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_evidence_access_user_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_evidence_access_organisation_id")
        ),
        sa.CheckConstraint("what IN ('metadata', 'content')", name=op.f("ck_evidence_access_what")),
        sa.CheckConstraint(
            "standing IN ('guest', 'verifier', 'party', 'granted', 'onlooker')",
            name=op.f("ck_evidence_access_standing"),
        ),
        sa.CheckConstraint(
            "what = 'metadata' OR evidence_version_id IS NOT NULL",
            name=op.f("ck_evidence_access_content_of_a_version"),
        ),
    )
    op.create_index("ix_evidence_access_evidence_id_id", "evidence_access", ["evidence_id", "id"])


def create_lapses_and_reliance() -> None:
    op.create_table(
        "acceptance_lapse",
        sa.Column("verification_id", sa.Uuid(), nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acceptance_lapse")),
        sa.UniqueConstraint("verification_id", name=op.f("uq_acceptance_lapse_verification_id")),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["verification.id"], name=op.f("fk_acceptance_lapse_verification_id")
        ),
    )
    op.create_table(
        "reliance",
        sa.Column("evidence_version_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(60), server_default="requested", nullable=False),
        sa.Column("message", sa.String(2000), nullable=True),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("answer_reason", sa.String(2000), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *identified(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reliance")),
        sa.ForeignKeyConstraint(
            ["evidence_version_id"], ["evidence_version.id"], name=op.f("fk_reliance_evidence_version_id")
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_reliance_organisation_id")),
        sa.ForeignKeyConstraint(["requested_by"], ["user_account.id"], name=op.f("fk_reliance_requested_by")),
        sa.ForeignKeyConstraint(["answered_by"], ["user_account.id"], name=op.f("fk_reliance_answered_by")),
        sa.ForeignKeyConstraint(["ended_by"], ["user_account.id"], name=op.f("fk_reliance_ended_by")),
        sa.CheckConstraint(
            "state IN ('requested', 'consented', 'refused', 'withdrawn')", name=op.f("ck_reliance_state")
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answered_by IS NULL) AND (ended_at IS NULL) = (ended_by IS NULL)",
            name=op.f("ck_reliance_by_somebody"),
        ),
        sa.CheckConstraint(
            "(state IN ('consented', 'refused')) <= (answered_at IS NOT NULL)"
            " AND (state = 'withdrawn') = (ended_at IS NOT NULL)",
            name=op.f("ck_reliance_answered"),
        ),
    )
    op.create_index(
        "uq_reliance_live",
        "reliance",
        ["evidence_version_id", "organisation_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('requested', 'consented')"),
    )
    op.create_index("ix_reliance_organisation_id", "reliance", ["organisation_id"])


def downgrade() -> None:
    op.drop_table("reliance")
    op.drop_table("acceptance_lapse")
    op.drop_table("evidence_access")
    op.drop_table("evidence_access_grant")
    op.drop_index("ix_verification_expires_on", "verification")
    op.drop_column("verification", "expires_on")
    op.drop_column("evidence", "confidential")
    op.drop_index("ix_evidence_version_sha256", "evidence_version")
    op.drop_constraint("fk_evidence_version_sha256", "evidence_version")
    op.drop_table("stored_document")
    op.execute("DROP FUNCTION reliance_stays()")
    op.execute("DROP FUNCTION stored_document_stays()")
