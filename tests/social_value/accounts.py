"""The examples that the engine has to reproduce, by id, and accounts for tests as the API takes them."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

EXAMPLES: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("worked_examples.json").read_text())


def given(name: str) -> Any:
    return EXAMPLES[name]["inputs"]


def expected(name: str) -> Any:
    return EXAMPLES[name]["expected"]


def pence(amount: str) -> int:
    """Pounds as a decimal string, in minor units."""
    exact = Decimal(amount) * 100
    assert exact == int(exact)
    return int(exact)


def basis_points(fraction: str) -> int:
    return int(Decimal(fraction) * 10_000)


def pounds(amount: str) -> dict[str, Any]:
    return {"amount": pence(amount), "currency": "GBP"}


def an_outcome(**members: Any) -> dict[str, Any]:
    """Sixty people in work, as the public example has it."""
    made = {
        "beneficiary": "People out of work",
        "change": "They are in work",
        "quantity": "60",
        "proxy": {"name": "A job", "value": pounds("8500"), "source": "Council's unit costs", "year": 2024},
        "deadweight_bp": 4000,
        "displacement_bp": 0,
        "attribution_bp": 3000,
        "drop_off_bp": 3000,
        "duration_years": 2,
    }
    return made | members


def an_account(*outcomes: dict[str, Any], **members: Any) -> dict[str, Any]:
    """An account at 3.5%, of the public example's outcome unless others are given."""
    made: dict[str, Any] = {
        "convention": "start_of_year",
        "as_of": "2026-11-22",
        "inputs": [{"contributor": "The council", "kind": "money", "amount": pounds("250000")}],
        "outcomes": list(outcomes) or [an_outcome()],
    }
    return made | members


def example_account(name: str) -> dict[str, Any]:
    """The account of that example. Its names are the beneficiaries, since it says no other."""
    told = given(name)
    outcomes = [
        an_outcome(
            beneficiary=each["name"],
            quantity=each["quantity"],
            proxy={
                "name": each["name"],
                "value": pounds(each["proxy"]),
                "source": EXAMPLES[name]["title"],
                "year": 2024,
            },
            **{f"{share}_bp": basis_points(each[share]) for share in ("deadweight", "displacement", "attribution")},
            drop_off_bp=basis_points(each["drop_off"]),
            duration_years=each["duration"],
            start_year=each["start"],
        )
        for each in told["outcomes"]
    ]
    assert told["rate"] == "0.035"
    paid = {"contributor": "The funder", "kind": "money", "amount": pounds(told["inputs"])}
    return an_account(*outcomes, convention=told["convention"], inputs=[paid])
