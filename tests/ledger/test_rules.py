"""The movements as data: what each takes from where, and that nothing is made or lost on the way."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.ledger import rules
from marketplace.ledger.rules import CHART, AccountKey, Entry
from marketplace.values.money import LARGEST_AMOUNT

PROGRAMME, PLEDGE = UUID(int=1), UUID(int=2)
MOVEMENTS: dict[str, Callable[[int], list[Entry]]] = {
    "accept": lambda amount: rules.accept(PROGRAMME, PLEDGE, amount),
    "pay": lambda amount: rules.pay(PROGRAMME, PLEDGE, amount),
    "deliver": lambda amount: rules.deliver(PROGRAMME, PLEDGE, amount),
    "cancel": lambda amount: rules.cancel(PROGRAMME, PLEDGE, amount),
    "return": lambda amount: rules.return_(PROGRAMME, PLEDGE, amount, recycled=False),
    "return, recycled": lambda amount: rules.return_(PROGRAMME, PLEDGE, amount, recycled=True),
    "repay": lambda amount: rules.repay(PROGRAMME, PLEDGE, amount, recycled=False),
    "repay, recycled": lambda amount: rules.repay(PROGRAMME, PLEDGE, amount, recycled=True),
    "write off": lambda amount: rules.write_off(PROGRAMME, PLEDGE, amount),
}


def moved(entries: list[Entry], owner: UUID) -> dict[str, int]:
    change: Counter[str] = Counter()
    for entry in entries:
        change[entry.account.name] += entry.amount if entry.account.owner_id == owner else 0
    return {name: amount for name, amount in change.items() if amount}


@pytest.mark.parametrize(
    ("movement", "programme", "pledge"),
    [
        ("accept", {"available": -5, "committed": 5}, {"promised": -5, "committed": 5}),
        ("pay", {"committed": -5, "paid": 5}, {"committed": -5, "paid": 5}),
        ("deliver", {"committed": -5, "delivered_in_kind": 5}, {"committed": -5, "delivered_in_kind": 5}),
        ("cancel", {"committed": -5, "available": 5}, {"committed": -5, "cancelled": 5}),
        ("return", {"paid": -5, "returned": 5}, {"paid": -5, "returned": 5}),
        ("return, recycled", {"paid": -5, "available": 5}, {"paid": -5, "recycled": 5}),
        ("repay", {"paid": -5, "repaid": 5}, {"paid": -5, "repaid": 5}),
        ("repay, recycled", {"paid": -5, "available": 5}, {"paid": -5, "recycled": 5}),
        ("write off", {"paid": -5, "written_off": 5}, {"paid": -5, "written_off": 5}),
    ],
)
def test_a_movement_moves_the_programme_and_the_pledge_alike(
    movement: str, programme: dict[str, int], pledge: dict[str, int]
) -> None:
    entries = MOVEMENTS[movement](5)

    assert (moved(entries, PROGRAMME), moved(entries, PLEDGE)) == (programme, pledge)


@given(st.sampled_from(sorted(MOVEMENTS)), st.integers(1, LARGEST_AMOUNT))
def test_every_movement_sums_to_zero_for_each_owner_and_names_accounts_of_the_chart(movement: str, amount: int) -> None:
    entries = MOVEMENTS[movement](amount)

    assert rules.balanced(entries)
    assert rules.balanced(rules.opposite(entries))
    for owner in (PROGRAMME, PLEDGE):
        assert sum(entry.amount for entry in entries if entry.account.owner_id == owner) == 0
    assert all(entry.account.name in CHART[entry.account.owner_kind] for entry in entries)


@pytest.mark.parametrize("movement", sorted(MOVEMENTS))
@pytest.mark.parametrize("amount", [0, -1, LARGEST_AMOUNT + 1])
def test_an_amount_that_is_not_positive_or_too_large_moves_nothing(movement: str, amount: int) -> None:
    with pytest.raises(ValueError, match="an amount to move"):
        MOVEMENTS[movement](amount)


@pytest.mark.parametrize(
    ("difference", "changes"),
    [
        pytest.param(7, {"budget_source": -7, "available": 7}, id="a larger budget is available"),
        pytest.param(-7, {"budget_source": 7, "available": -7}, id="a smaller one comes out of what is available"),
    ],
)
def test_a_budget_changes_by_its_difference(difference: int, changes: dict[str, int]) -> None:
    assert moved(rules.change_budget(PROGRAMME, difference), PROGRAMME) == changes


def test_a_budget_that_does_not_change_is_nothing_to_book() -> None:
    with pytest.raises(ValueError, match="cannot change by 0"):
        rules.change_budget(PROGRAMME, 0)


def entry(amount: int) -> Entry:
    return Entry(AccountKey("programme", PROGRAMME, "available"), amount)


@pytest.mark.parametrize(
    ("amounts", "fits"),
    [
        pytest.param([1, -1], True, id="two that cancel out"),
        pytest.param([2, -1, -1], True, id="three that cancel out"),
        pytest.param([], False, id="none"),
        pytest.param([0], False, id="one"),
        pytest.param([1, -1, 0], False, id="an empty one"),
        pytest.param([1, -2], False, id="a sum that is not zero"),
        pytest.param([LARGEST_AMOUNT + 1, -LARGEST_AMOUNT - 1], False, id="too large"),
    ],
)
def test_entries_balance_or_do_not(amounts: list[int], fits: bool) -> None:
    assert rules.balanced([entry(amount) for amount in amounts]) is fits


def test_only_the_sources_may_be_negative() -> None:
    unguarded = {name for accounts in CHART.values() for name, guarded in accounts.items() if not guarded}

    assert unguarded == {"budget_source", "promised", "capital_source", "layers_source"}


def test_the_document_lists_every_account_of_the_chart() -> None:
    words = (Path(__file__).resolve().parents[2] / "docs" / "ledger.md").read_text()
    listed = set(re.findall(r"^\| `(\w+)` \| (source|guarded) \|", words, re.MULTILINE))

    assert listed == {
        (name, "guarded" if guarded else "source") for accounts in CHART.values() for name, guarded in accounts.items()
    }


def test_the_worked_example_of_the_document_is_what_the_movements_do() -> None:
    words = (Path(__file__).resolve().parents[2] / "docs" / "ledger.md").read_text()
    table = words.split("## A worked example")[1].split("## What keeps it right")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    names = [name.strip("`") for name in rows[0][1:]]
    steps = [
        rules.set_budget(PROGRAMME, 1000),
        MOVEMENTS["accept"](600),
        MOVEMENTS["pay"](250),
        MOVEMENTS["deliver"](50),
        MOVEMENTS["cancel"](100),
        MOVEMENTS["return, recycled"](20),
    ]
    held = dict.fromkeys(names, 0)
    balances = []
    for step in steps:
        held = {name: amount + moved(step, PROGRAMME).get(name, 0) for name, amount in held.items()}
        balances.append([str(held[name]) for name in names])

    assert balances == [row[1:] for row in rows[2:]]
