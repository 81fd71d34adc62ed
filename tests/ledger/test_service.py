"""Booking against a real PostgreSQL: balances, refusals, reversals and statements."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.ledger import rules, service
from marketplace.ledger.models import LedgerTransaction, Posting
from marketplace.ledger.queries import statement
from marketplace.ledger.reconciliation import reconcile
from marketplace.ledger.rules import (
    AccountKey,
    AccountsInAnotherCurrency,
    AlreadyBooked,
    BalanceTooLarge,
    Entry,
    InsufficientBalance,
    NoSuchTransaction,
)
from marketplace.store.base import new_id
from marketplace.store.constraints import refusal_for
from marketplace.values.actor import ANONYMOUS
from marketplace.values.clock import now
from marketplace.values.money import LARGEST_AMOUNT
from tests.builders import a_person
from tests.ledger.books import books


def test_a_pledge_moves_through_the_accounts_of_both_sides(session: Session) -> None:
    made = books(session, budget=1_000)

    made.move(rules.accept, 600)
    made.move(rules.pay, 250)
    made.move(rules.deliver, 50)
    made.move(rules.cancel, 100)
    made.move(rules.return_, 30, recycled=False)
    made.move(rules.return_, 20, recycled=True)

    assert made.of_programme == {
        "budget_source": -1_000,
        "available": 1_000 - 600 + 100 + 20,
        "committed": 600 - 250 - 50 - 100,
        "paid": 250 - 50,
        "delivered_in_kind": 50,
        "returned": 30,
    }
    assert made.of_pledge == {
        "promised": -600,
        "committed": 200,
        "paid": 200,
        "delivered_in_kind": 50,
        "cancelled": 100,
        "returned": 30,
        "recycled": 20,
    }
    assert reconcile(session) == []


def test_what_is_booked_says_what_it_is_and_who_booked_it(session: Session) -> None:
    made = books(session)
    person = a_person(session)

    made_id = service.post(
        session,
        kind="pledge.accepted",
        reference="first",
        entries=rules.accept(made.programme, made.pledge, 5),
        actor=person.actor(session),
        description="Accepted",
    )

    booked = session.get_one(LedgerTransaction, made_id)
    assert (booked.kind, booked.reference, booked.actor_user_id) == ("pledge.accepted", "first", person.id)
    assert [(posting.account.name, posting.amount) for posting in booked.postings] == [
        ("available", -5),
        ("committed", 5),
        ("promised", -5),
        ("committed", 5),
    ]


def test_an_account_that_would_fall_below_zero_is_named_with_what_it_holds(session: Session) -> None:
    made = books(session, budget=1_000)

    with pytest.raises(InsufficientBalance) as refused:
        made.move(rules.accept, 1_001)

    assert refused.value.facts == {
        "account": "available",
        "owner": "programme",
        "available": {"amount": 1_000, "currency": "GBP"},
        "needed": {"amount": 1_001, "currency": "GBP"},
    }


def test_a_balance_may_be_used_up_to_the_last_penny(session: Session) -> None:
    made = books(session, budget=1_000)

    made.move(rules.accept, 1_000)

    assert made.of_programme == {"budget_source": -1_000, "committed": 1_000}


def test_a_budget_is_not_lowered_below_what_is_committed(session: Session) -> None:
    made = books(session, budget=1_000)
    made.move(rules.accept, 600)

    with pytest.raises(InsufficientBalance):
        made.book("programme.budget", rules.change_budget(made.programme, -401))


def test_the_same_act_is_booked_once_whatever_its_amount(session: Session) -> None:
    made = books(session)
    made.book("tranche.paid", rules.accept(made.programme, made.pledge, 10), "tranche 1")
    held = made.of_programme

    with session.begin_nested() as savepoint:
        with pytest.raises(AlreadyBooked):
            made.book("tranche.paid", rules.accept(made.programme, made.pledge, 11), "tranche 1")
        savepoint.rollback()

    assert made.of_programme == held


def test_a_reference_belongs_to_its_kind(session: Session) -> None:
    made = books(session)
    made.book("pledge.accepted", rules.accept(made.programme, made.pledge, 10), "7")

    made.book("tranche.paid", rules.pay(made.programme, made.pledge, 10), "7")

    assert made.of_pledge == {"promised": -10, "paid": 10}


def test_a_reversal_undoes_a_transaction_and_names_it(session: Session) -> None:
    made = books(session, budget=1_000)
    accepted = made.move(rules.accept, 600)

    reversal = service.reverse(session, accepted, actor=ANONYMOUS, description="Booked in error")

    assert session.get_one(LedgerTransaction, reversal).reverses_id == accepted
    assert made.of_programme == {"budget_source": -1_000, "available": 1_000}
    assert made.of_pledge == {}
    assert reconcile(session) == []


def test_a_transaction_is_reversed_once(session: Session) -> None:
    made = books(session)
    accepted = made.move(rules.accept, 600)
    service.reverse(session, accepted, actor=ANONYMOUS, description="Booked in error")

    with pytest.raises(AlreadyBooked):
        service.reverse(session, accepted, actor=ANONYMOUS, description="Again")


def test_what_has_moved_on_cannot_be_reversed(session: Session) -> None:
    made = books(session)
    accepted = made.move(rules.accept, 600)
    made.move(rules.pay, 1)

    with pytest.raises(InsufficientBalance):
        service.reverse(session, accepted, actor=ANONYMOUS, description="Booked in error")


def test_there_is_nothing_to_reverse_where_nothing_was_booked(session: Session) -> None:
    with pytest.raises(NoSuchTransaction):
        service.reverse(session, uuid4(), actor=ANONYMOUS, description="Nothing")


def test_entries_that_do_not_balance_are_a_programming_error(session: Session) -> None:
    made = books(session)
    available = AccountKey("programme", made.programme, "available")

    with pytest.raises(ValueError, match="do not balance"):
        made.book("anything", [Entry(available, 5), Entry(available, -4)])


def test_currencies_are_never_mixed(session: Session) -> None:
    made = books(session)
    euros = books(session, currency="EUR")
    entries = [
        Entry(AccountKey("programme", made.programme, "available"), -5),
        Entry(AccountKey("programme", euros.programme, "available"), 5),
    ]

    with pytest.raises(ValueError, match="do not sum to zero"):
        made.book("exchange", entries)


def test_an_account_must_have_been_opened(session: Session) -> None:
    made = books(session)

    with pytest.raises(LookupError, match="no such accounts"):
        made.book("anything", rules.accept(made.programme, uuid4(), 5))


def test_opening_accounts_again_leaves_them_as_they_are(session: Session) -> None:
    made = books(session, budget=1_000)

    service.open_accounts(session, "programme", made.programme, "GBP")

    assert made.of_programme == {"budget_source": -1_000, "available": 1_000}


def test_accounts_keep_their_currency(session: Session) -> None:
    made = books(session)

    with pytest.raises(AccountsInAnotherCurrency):
        service.open_accounts(session, "programme", made.programme, "EUR")


def test_a_balance_past_the_largest_amount_is_a_refusal() -> None:
    assert isinstance(refusal_for("ck_ledger_account_within_limits"), BalanceTooLarge)


def test_there_are_no_balances_where_no_accounts_were_opened(session: Session) -> None:
    assert service.balances(session, "programme", uuid4()) == {}


def test_a_statement_carries_each_accounts_running_balance_and_the_totals(session: Session) -> None:
    made = books(session, budget=1_000)
    made.move(rules.accept, 600)
    made.move(rules.pay, 250)

    found = statement(session, "programme", [made.programme])

    assert [(line.kind, line.account, line.amount, line.balance) for line in found.lines] == [
        ("programme.budget", "budget_source", -1_000, -1_000),
        ("programme.budget", "available", 1_000, 1_000),
        ("accept", "available", -600, 400),
        ("accept", "committed", 600, 600),
        ("pay", "committed", -250, 350),
        ("pay", "paid", 250, 250),
    ]
    assert {total.account: total.balance for total in found.totals} == service.balances(
        session, "programme", made.programme
    )
    assert found.after is None


def test_a_statement_shows_nothing_of_other_owners(session: Session) -> None:
    made = books(session, budget=1_000)
    books(session, budget=9_999)

    found = statement(session, "programme", [made.programme])

    assert {line.owner_id for line in found.lines} == {total.owner_id for total in found.totals} == {made.programme}


def test_pages_of_a_statement_go_on_with_the_balances_before_them(session: Session) -> None:
    made = books(session, budget=1_000)
    made.move(rules.accept, 600)
    whole = statement(session, "programme", [made.programme])

    lines, place = [], None
    while True:
        page = statement(session, "programme", [made.programme], place=place, limit=3)
        assert page.totals == whole.totals
        lines += page.lines
        if page.after is None:
            break
        place = page.after

    assert lines == whole.lines


def test_a_statement_as_of_an_instant_leaves_out_what_was_booked_after_it(session: Session) -> None:
    made = books(session, budget=1_000)
    first = session.scalars(select(func.max(LedgerTransaction.booked_at))).one()
    made.move(rules.accept, 600)

    before = statement(session, "programme", [made.programme], as_of=first)
    after = statement(session, "programme", [made.programme], as_of=now() + timedelta(minutes=1))

    assert {total.account: total.balance for total in before.totals if total.balance} == {
        "budget_source": -1_000,
        "available": 1_000,
    }
    assert len(after.lines) == len(before.lines) + 2


def test_a_statement_of_owners_without_accounts_is_empty(session: Session) -> None:
    found = statement(session, "pledge", [uuid4()])

    assert (found.lines, found.totals, found.after) == ([], [], None)


@dataclass
class Model:
    """The books in ten lines: what each pile holds, and which way a movement goes."""

    budget: int
    piles: dict[str, int] = field(default_factory=dict)

    def move(self, source: str, target: str, amount: int) -> bool:
        if self.piles.get(source, 0) < amount:
            return False
        self.piles[source] -= amount
        self.piles[target] = self.piles.get(target, 0) + amount
        return True


WAYS: dict[str, tuple[str, str]] = {
    "accept": ("available", "committed"),
    "pay": ("committed", "paid"),
    "deliver": ("committed", "delivered_in_kind"),
    "cancel": ("committed", "available"),
    "return_": ("paid", "returned"),
    "recycle": ("paid", "available"),
    "write_off": ("paid", "written_off"),
}
BOOKED: dict[str, Callable[..., list[Entry]]] = {
    "accept": rules.accept,
    "pay": rules.pay,
    "deliver": rules.deliver,
    "cancel": rules.cancel,
    "return_": lambda *about: rules.return_(*about, recycled=False),
    "recycle": lambda *about: rules.return_(*about, recycled=True),
    "write_off": rules.write_off,
}


@given(st.lists(st.tuples(st.sampled_from(sorted(WAYS)), st.integers(1, 60)), max_size=25))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], print_blob=True)
def test_any_walk_of_movements_ends_where_a_plain_model_says(session: Session, walk: list[tuple[str, int]]) -> None:
    made = books(session, budget=100)
    model = Model(100, {"available": 100})
    for movement, amount in walk:
        expected = model.move(*WAYS[movement], amount)
        with session.begin_nested() as savepoint:
            try:
                made.book(movement, BOOKED[movement](made.programme, made.pledge, amount))
                booked = True
            except InsufficientBalance:
                savepoint.rollback()
                booked = False
        assert booked is expected

    held = made.of_programme
    assert held.pop("budget_source") == -100
    assert held == {name: amount for name, amount in model.piles.items() if amount}
    assert sum(service.balances(session, "pledge", made.pledge).values()) == 0


def test_the_largest_amount_is_booked_and_one_more_is_not(session: Session) -> None:
    made = books(session, budget=LARGEST_AMOUNT)
    made.move(rules.accept, LARGEST_AMOUNT)

    assert made.of_programme["committed"] == LARGEST_AMOUNT
    with pytest.raises(ValueError, match="cannot change by"):
        rules.change_budget(made.programme, LARGEST_AMOUNT + 1)


def test_a_refused_booking_leaves_no_trace_once_its_transaction_ends(session: Session) -> None:
    made = books(session, budget=10)
    counted = session.scalars(select(func.count()).select_from(Posting)).one()

    with pytest.raises(InsufficientBalance):
        made.book("pledge.accepted", rules.accept(made.programme, made.pledge, 11), str(new_id()))
    session.rollback()

    assert session.scalars(select(func.count()).select_from(Posting)).one() == counted
    assert made.of_programme == {"budget_source": -10, "available": 10}
