"""Records from before the chain: the migration seals them, and they verify like all others."""

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, select, text

from marketplace.app import create_app
from marketplace.cli import alembic_config
from marketplace.feeds.verification import verify
from marketplace.store.base import db, new_id
from marketplace.store.chain import MARKETPLACE
from marketplace.store.journal import AuditEntry
from tests.conftest import fresh_database, test_settings

EVENT = text(
    "INSERT INTO event (id, type, subject_kind, subject_id, subject_path, scope, organisation_ids, excluded_ids)"
    " VALUES (:id, 'thing.made', 'thing', :id, '/v1/things', 'organisations', ARRAY[:one, :other], '{}')"
)
ENTRY = text(
    "INSERT INTO audit_entry (id, organisation_id, event_id, type, subject_kind, subject_id, after)"
    " VALUES (:id, :whose, :event, 'thing.made', 'thing', :event, repeat('a', 64))"
)
ACCOUNT = text(
    "INSERT INTO ledger_account (id, owner_kind, owner_id, name, currency, balance, guarded)"
    " VALUES (:id, 'programme', :owner, :name, 'GBP', :balance, false)"
)
BOOKING = text(
    "INSERT INTO ledger_transaction (id, kind, reference, description, posting_count)"
    " VALUES (:id, 'budget', 'first', 'Set', 2)"
)
POSTING = text(
    "INSERT INTO posting (id, transaction_id, account_id, amount, position)"
    " VALUES (:id, :booking, :account, :amount, :at)"
)


@pytest.mark.slow
def test_what_was_written_before_is_sealed_by_the_migration(server_url: str, tmp_path: Path) -> None:
    one, other, owner, booking = (new_id() for _ in range(4))
    accounts = [new_id(), new_id()]
    with fresh_database(server_url, None) as url:
        command.upgrade(alembic_config(url), "0019")
        engine = create_engine(url)
        with engine.begin() as connection:
            for _ in range(3):
                event = new_id()
                connection.execute(EVENT, {"id": event, "one": one, "other": other})
                for whose in (one, other):
                    connection.execute(ENTRY, {"id": new_id(), "whose": whose, "event": event})
            for at, (account, name, amount) in enumerate(
                zip(accounts, ("budget_source", "available"), (-5, 5), strict=True)
            ):
                connection.execute(ACCOUNT, {"id": account, "owner": owner, "name": name, "balance": amount})
                if at == 0:
                    connection.execute(BOOKING, {"id": booking})
            for at, (account, amount) in enumerate(zip(accounts, (-5, 5), strict=True)):
                line = {"id": new_id(), "booking": booking, "account": account, "amount": amount, "at": at}
                connection.execute(POSTING, line)
        engine.dispose()
        command.upgrade(alembic_config(url), "head")

        app = create_app(test_settings(url, tmp_path))
        with app.app_context():
            report = verify(db.session())
            assert [str(each) for each in report.faults] == []
            assert (report.chains, report.entries, report.bound) == (3, 7, 1)
            adopted = db.session.scalars(select(AuditEntry.type).where(AuditEntry.organisation_id == MARKETPLACE)).all()
            assert adopted == ["row.adopted"]
            db.session.remove()
            db.engine.dispose()
        command.downgrade(alembic_config(url), "0019")
        command.upgrade(alembic_config(url), "head")
