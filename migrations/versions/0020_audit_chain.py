"""The audit chain of each organisation, and its published heads.

Entries that were written before are numbered in the order of their ids and sealed with this program's key, bookings and
decisions bound in the marketplace's own chain: from here on, none of them changes unseen.

Revision ID: 0020
Revises: 0019
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.dialects import postgresql

from marketplace.settings import settings_from_environment
from marketplace.store.base import new_id

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

GENESIS = "0" * 64
MARKETPLACE = UUID(int=0)
ENTRIES = """
SELECT a.id, a.created_at, a.organisation_id, a.event_id, a.type, a.actor_user_id, a.subject_kind, a.subject_id,
       a.before, a.after, e.id AS said_id, e.created_at AS said_at, e.seq AS said_seq,
       e.xid::text AS xid, e.subject_path, e.scope, e.organisation_ids, e.excluded_ids, e.owner_id
FROM audit_entry a LEFT JOIN event e ON e.id = a.event_id ORDER BY a.organisation_id, a.id
"""
BOOKINGS = """
SELECT t.id, t.kind, t.reference, t.description, t.booked_at, t.actor_user_id, t.reverses_id, t.posting_count,
       array_agg(jsonb_build_array(p.id, p.seq, p.position, p.account_id, a.owner_kind, a.owner_id, a.name,
                                   a.currency, p.amount) ORDER BY p.position) AS postings
FROM ledger_transaction t JOIN posting p ON p.transaction_id = t.id JOIN ledger_account a ON a.id = p.account_id
GROUP BY t.id ORDER BY t.id
"""
DECISIONS = "SELECT pledge_id, basis_sha256, result_sha256 FROM decision ORDER BY pledge_id"
SEALED = """
UPDATE audit_entry SET seq = :seq, insider = false, sealed_with = :sealed_with, prev_hash = :prev_hash, hash = :hash
WHERE id = :id
"""
ADOPTED = """
INSERT INTO audit_entry (id, created_at, organisation_id, seq, type, insider, subject_kind, subject_id, content,
                         sealed_with, prev_hash, hash)
VALUES (:id, :created_at, :organisation_id, :seq, :type, :insider, :subject_kind, :subject_id,
        CAST(:content AS jsonb), :sealed_with, :prev_hash, :hash)
"""


def append_only(table: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on a table."""
    act = "EXECUTE FUNCTION refuse_rewriting()"
    op.execute(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}")
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}")


def upgrade() -> None:
    op.create_table(
        "audit_head",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", name="pk_audit_head"),
    )
    for column in (
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("insider", sa.Boolean(), nullable=True),
        sa.Column("content", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("sealed_with", sa.String(length=16), nullable=True),
        sa.Column("prev_hash", sa.String(length=64), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=True),
    ):
        op.add_column("audit_entry", column)
    op.alter_column("audit_entry", "event_id", nullable=True)
    chain_what_is_there()
    for column in ("seq", "insider", "sealed_with", "prev_hash", "hash"):
        op.alter_column("audit_entry", column, nullable=False)
    op.drop_index("ix_audit_entry_organisation_id", table_name="audit_entry")
    op.create_unique_constraint("uq_audit_entry_organisation_id_seq", "audit_entry", ["organisation_id", "seq"])
    op.create_index("ix_audit_entry_actor_user_id", "audit_entry", ["actor_user_id"])
    op.create_table(
        "published_heads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("heads", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_published_heads"),
        sa.UniqueConstraint("day", name="uq_published_heads_day"),
    )
    append_only("published_heads")
    op.create_table(
        "noted_refusal",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "organisation_id", "operation", "code", "hour", name="pk_noted_refusal"),
    )
    op.create_index("ix_noted_refusal_hour", "noted_refusal", ["hour"])


def chain_what_is_there() -> None:
    """Number and seal the entries of each organisation; bind the bookings and decisions that no entry binds yet."""
    connection = op.get_bind()
    kept = connection.execute(sa.text(ENTRIES)).mappings().all()
    bound = list(bindings(connection))
    if not kept and not bound:
        return
    name, key = audit_key()
    heads: dict[UUID, tuple[int, str]] = {}
    connection.execute(sa.text("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only"))
    for each in kept:
        row = {column: each[column] for column in list(each)[:10]} | {"insider": False, "content": None}
        row = linked(row, heads, name, key, told(each))
        connection.execute(
            sa.text(SEALED), {column: row[column] for column in ("id", "seq", "sealed_with", "prev_hash", "hash")}
        )
    connection.execute(sa.text("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_append_only"))
    moment = datetime.now(UTC)
    for each in bound:
        row = {
            "id": new_id(),
            "created_at": moment,
            "organisation_id": MARKETPLACE,
            "event_id": None,
            "type": "row.adopted",
            "actor_user_id": None,
            "insider": False,
            "subject_kind": each["kind"],
            "subject_id": UUID(each["id"]),
            "before": None,
            "after": None,
            "content": {"binds": [each]},
        }
        row = linked(row, heads, name, key, None)
        connection.execute(sa.text(ADOPTED), row | {"content": json.dumps(row["content"])})
    for organisation_id, (seq, hash_) in heads.items():
        connection.execute(
            sa.text("INSERT INTO audit_head VALUES (:organisation_id, :seq, :hash)"),
            {"organisation_id": organisation_id, "seq": seq, "hash": hash_},
        )


def linked(
    row: dict[str, Any], heads: dict[UUID, tuple[int, str]], name: str, key: bytes, event: dict[str, Any] | None
) -> dict[str, Any]:
    """The row with its number, what it follows on, and its seal."""
    seq, before = heads.get(row["organisation_id"], (0, GENESIS))
    row = row | {"seq": seq + 1, "sealed_with": name, "prev_hash": before}
    written = canonical({column: plain(value) for column, value in row.items()} | {"event": event})
    row["hash"] = hmac.new(key, written.encode(), hashlib.sha256).hexdigest()
    heads[row["organisation_id"]] = (seq + 1, row["hash"])
    return row


def told(row: Any) -> dict[str, Any] | None:
    """What the entry's event says, as the seal covers it."""
    if row["said_id"] is None:
        return None
    return {
        "id": str(row["said_id"]),
        "at": plain(row["said_at"]),
        "seq": row["said_seq"],
        "xid": row["xid"],
        "path": row["subject_path"],
        "scope": row["scope"],
        "organisations": sorted(str(each) for each in row["organisation_ids"]),
        "excluded": sorted(str(each) for each in row["excluded_ids"]),
        "owner": plain(row["owner_id"]),
    }


def bindings(connection: sa.Connection) -> Iterator[dict[str, str]]:
    """Every booking and decision, by digest."""
    for row in connection.execute(sa.text(BOOKINGS)).mappings():
        written = {column: plain(value) for column, value in row.items()}
        yield {"kind": "ledger_transaction", "id": str(row["id"]), "sha256": sha256(canonical(written))}
    for row in connection.execute(sa.text(DECISIONS)):
        digest = sha256(f"{row.basis_sha256} {row.result_sha256}")
        yield {"kind": "decision", "id": str(row.pledge_id), "sha256": digest}


def audit_key() -> tuple[str, bytes]:
    """The sealing key and its name, derived from the settings."""
    settings = settings_from_environment()
    given = (settings.audit_keys or (settings.secret_key,))[0]
    key = HKDF(hashes.SHA256(), 32, None, b"marketplace audit").derive(given.encode())
    return hashlib.sha256(key).hexdigest()[:16], key


def plain(value: Any) -> Any:
    """Ids and moments as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value


def canonical(value: Any) -> str:
    """Members sorted, no spaces, nothing escaped that need not be."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256(text: str) -> str:
    """The digest of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def downgrade() -> None:
    op.drop_table("noted_refusal")
    op.drop_table("published_heads")
    op.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only")
    op.execute("DELETE FROM audit_entry WHERE event_id IS NULL")
    op.execute("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_append_only")
    op.drop_index("ix_audit_entry_actor_user_id", table_name="audit_entry")
    op.drop_constraint("uq_audit_entry_organisation_id_seq", "audit_entry")
    op.create_index("ix_audit_entry_organisation_id", "audit_entry", ["organisation_id"])
    op.alter_column("audit_entry", "event_id", nullable=False)
    for column in ("hash", "prev_hash", "sealed_with", "content", "insider", "seq"):
        op.drop_column("audit_entry", column)
    op.drop_table("audit_head")
