"""What a vehicle's figures warn of, and what stands in the way of a vehicle. Pure: figures in, all reasons out.

The arithmetic is `instruments`'; here it is put into reasons and refusals. Amounts are integer minor units.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from marketplace.instruments.facilities import LEVERAGE_CAP, Check, FacilityTerms, leverage_holds
from marketplace.instruments.start_up_pools import Runway
from marketplace.values.reasons import Level, Outcome, Reason
from marketplace.values.refusals import Conflict, Unprocessable

KINDS = ("success_repayable_pool", "outcome_linked_conversion", "employer_match", "wholesale_facility")
POOL_SHARE_BP = 500
"""The share of a success-repayable pool that one award may be."""
AWARD_CAP = 50_000_00
DEAR_CHARGE_BP = 15_000
"""A charge from which on a success-repayable award costs its group more than half of it again."""


class TermsWrong(Unprocessable):
    """The vehicle's terms contradict themselves; `errors` names each place."""

    code = "vehicle-terms-wrong"
    title = "The vehicle's terms contradict themselves"


class VehicleExists(Conflict):
    """A programme runs one vehicle at most."""

    code = "vehicle-exists"
    title = "The programme runs a vehicle"


class WrongVehicle(Conflict):
    """That belongs to a vehicle of another kind, or the programme's organisation cannot run this one."""

    code = "wrong-vehicle"
    title = "The vehicle is of another kind"


class FacilityExists(Conflict):
    """An intermediary's programme draws on one facility at most."""

    code = "facility-exists"
    title = "The programme has a facility"


class FacilityNotOffered(Conflict):
    """The facility was agreed or withdrawn already."""

    code = "facility-not-offered"
    title = "The facility is not offered any more"


class FacilityNotFunded(Conflict):
    """The vehicle's programme has less available than the facility needs."""

    code = "facility-not-funded"
    title = "The vehicle has too little available for the facility"


class DrawRefused(Conflict):
    """The money behind the programme does not allow this pledge: `reasons` names each rule and its `layer`."""

    code = "draw-refused"
    title = "The facility behind this programme does not allow it"


class FacilityRecoveryTooLarge(Unprocessable):
    """More than what was lost and not recovered; `lost` says how much that is."""

    code = "facility-recovery-too-large"
    title = "So much was not lost"


class RecoveryExists(Conflict):
    """A recovery of that reference was recorded."""

    code = "recovery-exists"
    title = "That recovery was recorded before"


class MatchExists(Conflict):
    """A pledge has one employer match at most."""

    code = "employer-match-exists"
    title = "The pledge has an employer match"


class MatchRefused(Conflict):
    """What the match needs is missing; `reasons` names all of it."""

    code = "employer-match-refused"
    title = "The employer match lacks what it needs"


class ContributionExists(Conflict):
    """A contribution of that reference, or by those timesheets, was recorded."""

    code = "contribution-exists"
    title = "That contribution was recorded before"


class ReturnExists(Conflict):
    """A return of that reference was recorded."""

    code = "employer-return-exists"
    title = "That return was recorded before"


class AmountWrong(Unprocessable):
    """More than what is committed or due, or in another currency; `most` says how much it may be."""

    code = "match-amount-wrong"
    title = "The amount does not fit the match"


def warning(code: str, *, wanted: Any = None, found: Any = None) -> Reason:
    """A soft reason that is not met: what a plan has to be read with."""
    return Reason(code, Outcome.UNMET, op="lte", wanted=wanted, found=found, level=Level.SOFT)


def pool_warnings(carried: Runway, years: int, needed: int | None, gap: int) -> list[Reason]:
    """What every pool that gives money out has to be read with: its runway, and the money that it needs besides."""
    told = [warning("EXPECTED_VALUES", wanted="what happens", found="what is expected")]
    if carried.first_short is not None:
        told.append(warning("RUNWAY_ENDS", wanted=years, found=carried.full_years))
    if carried.last_award is not None:
        told.append(warning("AWARDS_END", wanted=years, found=carried.last_award))
    if carried.costs_unmet:
        told.append(warning("COSTS_UNMET", wanted=0, found=carried.costs_unmet))
    if needed is None or needed > 0:
        told.append(warning("NEEDS_TOPUP", wanted=0, found=needed))
    if gap > 0:
        told.append(warning("NEEDS_SPONSOR", wanted=0, found=gap))
    return told


def charge_warnings(charge_bp: int, break_even: Fraction | None) -> list[Reason]:
    """That a charge is a poor bargain for the group: above one and a half, or as high as break-even asks."""
    enough = break_even is not None and charge_bp >= break_even * 10_000
    if charge_bp > DEAR_CHARGE_BP or enough:
        return [warning("POOR_BARGAIN", wanted=DEAR_CHARGE_BP, found=charge_bp)]
    return []


def leverage_faults(terms: FacilityTerms, lender: str) -> list[dict[str, str]]:
    """What is wrong with a facility's layers: more than the lender's leverage cap above the first loss."""
    if leverage_holds(terms, lender):
        return []
    most = LEVERAGE_CAP[lender]
    return [
        {
            "pointer": "#/first_loss",
            "detail": f"Mezzanine and senior are at most {most} times the first loss of a {lender} lender.",
        }
    ]


def check_reason(check: Check) -> Reason:
    """A check of a draw as a Reason, with its figures."""
    op = "lt" if check.code == "LOSS_STOP" else "lte"
    return Reason(check.code, _outcome(check.holds), op=op, wanted=check.wanted, found=check.found)


def without_figures(reasons: Iterable[Reason]) -> list[Reason]:
    """The same reasons as codes alone, for those who are not party to the facility's terms."""
    return [Reason(each.code, each.outcome, op=each.op) for each in reasons]


def layered(layer: str, reasons: Sequence[Reason]) -> list[tuple[str, Reason]]:
    """Each reason with the rule set that it belongs to: vehicle, facility or programme."""
    return [(layer, each) for each in reasons]


def allocation_reasons(
    most_bp: int, shares: Sequence[int], total: int, small_bp: int, small: int, drawn: int
) -> list[Reason]:
    """Whether no intermediary has more than `most_bp` of the capital, and small asks had `small_bp` of the draws."""
    largest = max(shares, default=0)
    return [
        Reason(
            "INTERMEDIARY_SHARE",
            _outcome(largest * 10_000 <= most_bp * total),
            op="lte",
            wanted=most_bp,
            found=largest * 10_000 // total if total else 0,
        ),
        Reason(
            "SMALL_ASKS",
            Outcome.UNKNOWN if not drawn else _outcome(small * 10_000 >= small_bp * drawn),
            op="gte",
            wanted=small_bp,
            found=small * 10_000 // drawn if drawn else None,
        ),
    ]


def _outcome(holds: bool) -> Outcome:
    return Outcome.MET if holds else Outcome.UNMET
