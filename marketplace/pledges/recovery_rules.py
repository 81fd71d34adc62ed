"""What may be undone of a payment, and what may be demanded back. Pure: all reasons and faults, not the first."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from marketplace.values.reasons import Outcome, Reason
from marketplace.values.refusals import Conflict, Unprocessable


class ReversalOpen(Conflict):
    """A tranche has one open reversal at most."""

    code = "reversal-open"
    title = "A reversal is waiting for its decision"


class NotReversible(Conflict):
    """The payment cannot be undone; `reasons` lists everything that stands in the way."""

    code = "not-reversible"
    title = "The payment cannot be undone"


class DemandWrong(Unprocessable):
    """The demand asks for what cannot be demanded; `errors` names each fault."""

    code = "demand-wrong"
    title = "The demand does not fit what was paid"


class RecoveryTooLarge(Unprocessable):
    """More cannot come back against a demand than it asks for; `outstanding` says what is left."""

    code = "recovery-too-large"
    title = "More than was demanded"


def reversal_reasons(
    *, state: str, returned: int, demanded: int, requested_by: UUID | None, approver: UUID | None, of_the_group: bool
) -> list[Reason]:
    """Every condition of a reversal as a Reason, met or not; people are given when it is decided."""

    def check(code: str, holds: bool, wanted: Any, found: Any = None) -> Reason:
        return Reason(code, Outcome.MET if holds else Outcome.UNMET, wanted=wanted, found=found)

    reasons = [
        check("TRANCHE_PAID", state == "paid", "paid", state),
        check("NOTHING_RETURNED", returned == 0, 0, returned),
        check("NOTHING_DEMANDED", demanded == 0, 0, demanded),
    ]
    if approver is not None:
        reasons += [
            check("NOT_THE_REQUESTER", approver != requested_by, "another person than asked for it"),
            check("NOT_OF_THE_GROUP", not of_the_group, "nobody of the group"),
        ]
    return reasons


def demand_faults(
    lines: Sequence[Mapping[str, Any]], demandable: Mapping[UUID, int], currency: str
) -> list[dict[str, str]]:
    """The faults of {tranche_id, amount} lines, by pointer; `demandable` is what each tranche still has to give.

    That is: paid in cash, not returned, not demanded already (minor units).
    """
    faults = []
    named = [line["tranche_id"] for line in lines]
    for place, line in enumerate(lines):
        at, tranche_id, asked = f"#/tranches/{place}", line["tranche_id"], line["amount"]
        if tranche_id in named[:place]:
            faults.append({"pointer": f"{at}/tranche_id", "detail": "Name each tranche once."})
        elif tranche_id not in demandable:
            faults.append({"pointer": f"{at}/tranche_id", "detail": "The pledge has no such tranche."})
        elif asked.currency != currency:
            faults.append({"pointer": f"{at}/amount/currency", "detail": f"The pledge's currency is {currency}."})
        elif asked.amount > demandable[tranche_id]:
            words = f"At most {demandable[tranche_id]} of it was paid in cash and neither returned nor demanded yet."
            faults.append({"pointer": f"{at}/amount", "detail": words})
    return faults
