"""A programme with a budget and a pledge to it, as the ledger knows them."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from marketplace.ledger import rules, service
from marketplace.ledger.rules import Entry
from marketplace.store.base import new_id
from marketplace.values.actor import ANONYMOUS


@dataclass
class Books:
    """The owners of two sets of accounts, and a way to book between them."""

    session: Session
    programme: UUID = field(default_factory=new_id)
    pledge: UUID = field(default_factory=new_id)

    def book(self, kind: str, entries: list[Entry], reference: str | None = None) -> UUID:
        return service.post(
            self.session,
            kind=kind,
            reference=reference or str(new_id()),
            entries=entries,
            actor=ANONYMOUS,
            description="booked by a test",
        )

    def move(self, movement: Any, amount: int, **terms: Any) -> UUID:
        return self.book(movement.__name__, movement(self.programme, self.pledge, amount, **terms))

    @property
    def of_programme(self) -> dict[str, int]:
        return {
            name: held for name, held in service.balances(self.session, "programme", self.programme).items() if held
        }

    @property
    def of_pledge(self) -> dict[str, int]:
        return {name: held for name, held in service.balances(self.session, "pledge", self.pledge).items() if held}


def books(session: Session, *, budget: int = 100_000_00, currency: str = "GBP") -> Books:
    """Open accounts; `budget` minor units are available to the programme."""
    made = Books(session)
    service.open_accounts(session, "programme", made.programme, currency)
    service.open_accounts(session, "pledge", made.pledge, currency)
    made.book("programme.budget", rules.set_budget(made.programme, budget))
    session.commit()
    return made
