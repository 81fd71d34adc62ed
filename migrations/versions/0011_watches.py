"""Watches, shortlists and what changed for whom.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shortlist_entry",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=True),
        sa.Column("words", sa.String(length=2000), nullable=True),
        sa.Column("note", sa.String(length=4000), nullable=True),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(state = 'passed') = (reason IS NOT NULL)", name=op.f("ck_shortlist_entry_reason")),
        sa.CheckConstraint("state IN ('shortlisted', 'passed')", name=op.f("ck_shortlist_entry_state")),
        sa.ForeignKeyConstraint(["changed_by"], ["user_account.id"], name=op.f("fk_shortlist_entry_changed_by")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_shortlist_entry_programme_id")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_shortlist_entry_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shortlist_entry")),
        sa.UniqueConstraint("programme_id", "proposal_id", name=op.f("uq_shortlist_entry_programme_id_proposal_id")),
    )
    op.create_index(op.f("ix_shortlist_entry_proposal_id"), "shortlist_entry", ["proposal_id"], unique=False)
    op.create_table(
        "watch",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=True),
        sa.Column("programme_id", sa.Uuid(), nullable=True),
        sa.Column("listing", sa.String(length=20), nullable=True),
        sa.Column("query", postgresql.JSONB(none_as_null=True), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("delivery", sa.String(length=60), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("watching_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("computed_on", sa.Date(), nullable=True),
        sa.Column("changes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_letter_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_because", sa.String(length=60), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(kind = 'programmes') = (proposal_id IS NOT NULL) AND (kind = 'proposals') = (programme_id IS NOT NULL)"
            " AND (kind = 'search') = (listing IS NOT NULL) AND kind IN ('programmes', 'proposals', 'search')",
            name=op.f("ck_watch_kind"),
        ),
        sa.CheckConstraint("delivery IN ('at_once', 'daily', 'weekly', 'none')", name=op.f("ck_watch_delivery")),
        sa.CheckConstraint("listing IN ('programmes', 'proposals')", name=op.f("ck_watch_listing")),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name=op.f("ck_watch_ended")),
        sa.ForeignKeyConstraint(["made_by"], ["user_account.id"], name=op.f("fk_watch_made_by")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_watch_organisation_id")),
        sa.ForeignKeyConstraint(["programme_id"], ["programme.id"], name=op.f("fk_watch_programme_id")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_watch_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch")),
    )
    op.create_index(
        "ix_watch_computed_on",
        "watch",
        ["computed_on"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL AND NOT paused"),
    )
    op.create_index(op.f("ix_watch_organisation_id"), "watch", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_watch_programme_id"), "watch", ["programme_id"], unique=False)
    op.create_index(op.f("ix_watch_proposal_id"), "watch", ["proposal_id"], unique=False)
    op.create_table(
        "watch_change",
        sa.Column("watch_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("was", sa.String(length=60), nullable=True),
        sa.Column("became", sa.String(length=60), nullable=True),
        sa.Column("window_was", sa.String(length=10), nullable=True),
        sa.Column("window_became", sa.String(length=10), nullable=True),
        sa.Column("cause", sa.String(length=60), nullable=False),
        sa.Column("criteria", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("awaits_letter", sa.Boolean(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "NOT (awaits_letter AND delivered_at IS NOT NULL)", name=op.f("ck_watch_change_delivered_once")
        ),
        sa.ForeignKeyConstraint(["watch_id"], ["watch.id"], name=op.f("fk_watch_change_watch_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_change")),
        sa.UniqueConstraint("watch_id", "number", name=op.f("uq_watch_change_watch_id_number")),
    )
    op.create_index(
        "ix_watch_change_awaits_letter",
        "watch_change",
        ["watch_id"],
        unique=False,
        postgresql_where=sa.text("awaits_letter"),
    )
    op.create_table(
        "watch_match",
        sa.Column("watch_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("result", sa.String(length=60), nullable=False),
        sa.Column("window", sa.String(length=10), nullable=True),
        sa.Column("open_criteria", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["watch_id"], ["watch.id"], name=op.f("fk_watch_match_watch_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("watch_id", "subject_id", name=op.f("pk_watch_match")),
    )
    op.create_index("ix_watch_match_watch_id_number", "watch_match", ["watch_id", "number", "subject_id"], unique=False)
    op.create_table(
        "watch_recipient",
        sa.Column("watch_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_watch_recipient_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["watch_id"], ["watch.id"], name=op.f("fk_watch_recipient_watch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("watch_id", "user_id", name=op.f("pk_watch_recipient")),
    )
    op.create_index(op.f("ix_watch_recipient_user_id"), "watch_recipient", ["user_id"], unique=False)
    op.create_table(
        "watch_visit",
        sa.Column("watch_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("visited_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_watch_visit_user_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["watch_id"], ["watch.id"], name=op.f("fk_watch_visit_watch_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("watch_id", "user_id", name=op.f("pk_watch_visit")),
    )
    op.create_index(op.f("ix_watch_visit_user_id"), "watch_visit", ["user_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_watch_visit_user_id"), table_name="watch_visit")
    op.drop_table("watch_visit")
    op.drop_index(op.f("ix_watch_recipient_user_id"), table_name="watch_recipient")
    op.drop_table("watch_recipient")
    op.drop_index("ix_watch_match_watch_id_number", table_name="watch_match")
    op.drop_table("watch_match")
    op.drop_index("ix_watch_change_awaits_letter", table_name="watch_change", postgresql_where=sa.text("awaits_letter"))
    op.drop_table("watch_change")
    op.drop_index(op.f("ix_watch_proposal_id"), table_name="watch")
    op.drop_index(op.f("ix_watch_programme_id"), table_name="watch")
    op.drop_index(op.f("ix_watch_organisation_id"), table_name="watch")
    op.drop_index(
        "ix_watch_computed_on", table_name="watch", postgresql_where=sa.text("ended_at IS NULL AND NOT paused")
    )
    op.drop_table("watch")
    op.drop_index(op.f("ix_shortlist_entry_proposal_id"), table_name="shortlist_entry")
    op.drop_table("shortlist_entry")
