"""Checks of procurement law, each condition as a reason with its law and section. Pure; told the day and the figures.

The law itself (name, section, nations, days in force) is the codelist `procurement_checks`; its figures are dated
parameters. What is not known is unknown, never a no. A check says which route stands open; it is no legal advice.
Must not know where the facts come from.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

from marketplace.reference import codelists
from marketplace.values.reasons import Outcome, Reason

CHECKS: tuple[str, ...] = codelists.slugs("procurement_checks")
"""Every check, in order."""
CURRENCY = "GBP"
THRESHOLDS: Mapping[str, str] = {
    "central_government": "procurement_threshold_central",
    "sub_central": "procurement_threshold_sub_central",
}
LIGHT_TOUCH_THRESHOLD = "procurement_threshold_light_touch"
REGULATIONS = "Procurement Regulations 2024 (SI 2024/692)"


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of an authority, a contract and who would be awarded it, on the day of the award.

    `contract_value` is the estimated value, VAT included, as {"amount", "currency"}; shares are basis points.
    `comparable_contract`: whether a contract for the same kind of services was reserved to this body by this authority
    before; `comparable_contract_on` the latest day. `others_influence`: somebody beside the authority decides.
    """

    nation: str | None = None
    authority: str | None = None
    contract_value: Mapping[str, Any] | None = None
    term_months: int | None = None
    light_touch: bool | None = None
    reservable: bool | None = None
    health_care: bool | None = None
    public_service_purpose: bool | None = None
    profits: str | None = None
    employee_control: bool | None = None
    participatory: bool | None = None
    comparable_contract: bool | None = None
    comparable_contract_on: date | None = None
    employment_purpose: bool | None = None
    supported_workforce_bp: int | None = None
    authority_control: bool | None = None
    others_influence: bool | None = None
    activity_for_authority_bp: int | None = None
    private_capital: bool | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a check, and where the law says it."""

    reason: Reason
    law: str
    section: str

    def as_json(self) -> dict[str, Any]:
        return {**self.reason.as_json(), "law": self.law, "section": self.section}


@dataclass(frozen=True, slots=True)
class Checked:
    """A check's outcome (all conditions met; one of them unmet; else unknown) with every condition."""

    slug: str
    outcome: Outcome
    conditions: tuple[Condition, ...]

    @property
    def law(self) -> Mapping[str, Any]:
        """Name, section, nations and days in force, as the codelist has them."""
        return codelists.entry("procurement_checks", self.slug)


@dataclass(slots=True)
class _Test:
    """One check being made on a day: collects its conditions."""

    entry: Mapping[str, Any]
    known: Situation
    day: date
    figures: Mapping[str, Any]
    conditions: list[Condition] = field(default_factory=list)

    def add(self, reason: Reason, part: str = "", law: str | None = None, section: str | None = None) -> None:
        self.conditions.append(Condition(reason, law or self.entry["law"], section or self.entry["section"] + part))

    def flag(self, code: str, fact: str, part: str, *, wanted: bool = True) -> None:
        """A fact that has to be true (or false)."""
        found = getattr(self.known, fact)
        outcome = Outcome.UNKNOWN if found is None else _outcome(found == wanted)
        self.add(Reason(code, outcome, "eq", fact, wanted, found), part)

    def at_most(self, code: str, fact: str, parameter: str, part: str) -> None:
        found, wanted = getattr(self.known, fact), self.figures[parameter]
        outcome = Outcome.UNKNOWN if found is None else _outcome(found <= wanted)
        self.add(Reason(code, outcome, "lte", fact, wanted, found), part)


def procurement_checks(
    known: Situation, day: date, figures: Mapping[str, Any], slugs: Iterable[str] = CHECKS
) -> list[Checked]:
    """Those checks on `day`, with the dated parameters of that day (`reference.parameters.figures_on`)."""
    return [_check(slug, known, day, figures) for slug in slugs]


def _check(slug: str, known: Situation, day: date, figures: Mapping[str, Any]) -> Checked:
    test = _Test(codelists.entry("procurement_checks", slug), known, day, figures)
    if _in_force(test) and _covered(test):
        _TESTS[slug](test)
    return Checked(slug, _whole(test.conditions), tuple(test.conditions))


def _in_force(test: _Test) -> bool:
    """A law that is not in force on the day opens no route: unmet, and nothing else is asked."""
    first, last = test.entry["from"], test.entry["until"]
    day = test.day.isoformat()
    if first <= day and (last is None or day <= last):
        return True
    test.add(Reason("NOT_IN_FORCE", Outcome.UNMET, "between", "as_of", [first, last], day))
    return False


def _covered(test: _Test) -> bool:
    """Whether the law is that of the nation. Another nation's is not judged: unknown, and nothing else is asked."""
    nation, nations = test.known.nation, list(test.entry["nations"])
    if nation is not None and nation not in nations:
        test.add(Reason("NATION_NOT_COVERED", Outcome.UNKNOWN, "in", "nation", nations, nation))
        return False
    outcome = Outcome.UNKNOWN if nation is None else Outcome.MET
    test.add(Reason("NATION", outcome, "in", "nation", nations, nation))
    return True


def _reserved_s33(test: _Test) -> None:
    """Procurement Act 2023, section 33: who a contract may be reserved to."""
    test.flag("SERVICE_KIND", "reservable", "(1)(a)")
    _not_health_care(test)
    test.at_most("TERM", "term_months", "reserved_contract_max_months", "(1)(b)")
    test.flag("PURPOSE", "public_service_purpose", "(6)(a)")
    _profits(test, "(6)(b)")
    test.flag("EMPLOYEE_CONTROL", "employee_control", "(6)(c)")
    _no_comparable_contract(test, "(5)")


def _reserved_reg77(test: _Test) -> None:
    """Public Contracts Regulations 2015, regulation 77."""
    test.flag("SERVICE_KIND", "reservable", "(2)")
    test.at_most("TERM", "term_months", "reserved_contract_max_months", "(4)")
    test.flag("PURPOSE", "public_service_purpose", "(3)(a)")
    _profits(test, "(3)(b)")
    either = _any_of(test.known.employee_control, test.known.participatory)
    outcome = Outcome.UNKNOWN if either is None else _outcome(either)
    test.add(Reason("PARTICIPATION", outcome, "eq", "participatory", True, either), "(3)(c)")
    _no_comparable_contract(test, "(3)(d)")


def _supported_employment(test: _Test) -> None:
    """Procurement Act 2023, section 32(4)."""
    test.flag("EMPLOYMENT_PURPOSE", "employment_purpose", "(4)")
    found, wanted = test.known.supported_workforce_bp, test.figures["supported_workforce_share"]
    outcome = Outcome.UNKNOWN if found is None else _outcome(found >= wanted)
    test.add(Reason("SUPPORTED_WORKFORCE", outcome, "gte", "supported_workforce_bp", wanted, found), "(4)(a)")


def _vertical(test: _Test) -> None:
    """Procurement Act 2023, Schedule 2, paragraph 2.

    Private capital is read as a decisive influence of others: the careful reading of an exemption.
    """
    test.flag("AUTHORITY_CONTROL", "authority_control", "(2)(a)")
    test.flag("OTHERS_INFLUENCE", "others_influence", "(2)(b)", wanted=False)
    _activities(test, "(2)(c)")
    test.flag("PRIVATE_CAPITAL", "private_capital", "(2)(b)", wanted=False)


def _vertical_reg12(test: _Test) -> None:
    """Public Contracts Regulations 2015, regulation 12(1)."""
    test.flag("AUTHORITY_CONTROL", "authority_control", "(1)(a)")
    _activities(test, "(1)(b)")
    test.flag("PRIVATE_CAPITAL", "private_capital", "(1)(c)", wanted=False)


def _light_touch(test: _Test) -> None:
    """Procurement Act 2023, section 9, with the services of Schedule 1 to the Procurement Regulations 2024."""
    test.flag("SERVICE_KIND", "light_touch", "(1)")
    _not_health_care(test)


def _below_threshold(test: _Test) -> None:
    """Procurement Act 2023, section 3 and Schedule 1: what is no public contract, for its value.

    Where it is not known which threshold it is, each that it may be is asked: agreeing, they are enough.
    """
    value = test.known.contract_value
    asked = [test.figures[name] for name in _thresholds(test.known)]
    wanted = asked[0] if len(asked) == 1 else asked
    outcome = Outcome.UNKNOWN
    if value is not None and value["currency"] == CURRENCY:
        below = {value["amount"] < each["amount"] for each in asked}
        outcome = _outcome(below.pop()) if len(below) == 1 else Outcome.UNKNOWN
    found = None if value is None else dict(value)
    test.add(Reason("BELOW_THRESHOLD", outcome, "lt", "contract_value", wanted, found))


def _thresholds(known: Situation) -> list[str]:
    """The parameters that may be the threshold of this contract."""
    by_authority = [THRESHOLDS[known.authority]] if known.authority is not None else list(THRESHOLDS.values())
    if known.light_touch is None:
        return [LIGHT_TOUCH_THRESHOLD, *by_authority]
    return [LIGHT_TOUCH_THRESHOLD] if known.light_touch else by_authority


def _not_health_care(test: _Test) -> None:
    """Health care services of relevant authorities in England are for the Provider Selection Regime."""
    if test.known.nation in {None, "england"}:
        found = test.known.health_care
        outcome = Outcome.UNKNOWN if found is None else _outcome(not found)
        reason = Reason("NOT_HEALTH_CARE", outcome, "eq", "health_care", wanted=False, found=found)
        test.add(reason, law=REGULATIONS, section="regulation 43")


def _profits(test: _Test, part: str) -> None:
    wanted, found = ["not_for_profit", "members_only"], test.known.profits
    outcome = Outcome.UNKNOWN if found is None else _outcome(found in wanted)
    test.add(Reason("PROFITS", outcome, "in", "profits", wanted, found), part)


def _activities(test: _Test, part: str) -> None:
    found, wanted = test.known.activity_for_authority_bp, test.figures["vertical_activity_share"]
    outcome = Outcome.UNKNOWN if found is None else _outcome(found > wanted)
    test.add(Reason("ACTIVITIES", outcome, "gt", "activity_for_authority_bp", wanted, found), part)


def _no_comparable_contract(test: _Test, part: str) -> None:
    """None in the years that end with the day of the award: one on the same day, years ago, is outside of them."""
    years = test.figures["reserved_contract_interval_years"]
    since, last = years_before(test.day, years), test.known.comparable_contract_on
    outcome, found = Outcome.UNKNOWN, None if last is None else last.isoformat()
    if test.known.comparable_contract is False:
        outcome = Outcome.MET
    elif last is not None:
        outcome = _outcome(not since < last <= test.day)
    wanted = {"none_after": since.isoformat()}
    test.add(Reason("COMPARABLE_CONTRACT", outcome, "none_after", "comparable_contract_on", wanted, found), part)


_TESTS: Mapping[str, Callable[[_Test], None]] = MappingProxyType(
    {
        "reserved_s33": _reserved_s33,
        "reserved_reg77": _reserved_reg77,
        "supported_employment_s32": _supported_employment,
        "vertical_teckal": _vertical,
        "vertical_reg12": _vertical_reg12,
        "light_touch_competition": _light_touch,
        "direct_award_below_threshold": _below_threshold,
    }
)


def years_before(day: date, years: int) -> date:
    """The same day so many years earlier; 28 February for a 29th that is not there."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def situation_of(facts: Mapping[str, Any], bid: Mapping[str, Any] | None = None) -> Situation:
    """What a proposal's facts, and its open bid where there is one, tell of it. Everything else stays unknown.

    `bid`: term_months and contract_value ({"amount", "currency"}), each None where it is not known. A high degree of
    staff control is read as control by the employees; a sector tells the kind of service only where all of it is so;
    a legal form tells where profits go only where the law of that form does.
    """
    told = bid or {}
    sector = codelists.entry("service_sectors", facts["sector"]) if "sector" in facts else {}
    form = codelists.entry("legal_forms", facts["legal_form"]) if "legal_form" in facts else {}
    reservable = sector.get("reservable_light_touch")
    parent = facts.get("parent_kind")
    return Situation(
        nation=facts.get("beneficiary_nation"),
        authority={"local_authority": "sub_central", "central_government": "central_government"}.get(parent or ""),
        contract_value=told.get("contract_value"),
        term_months=told.get("term_months"),
        light_touch=reservable,
        reservable=reservable,
        health_care=None if sector.get("health_care", True) else False,
        public_service_purpose=facts.get("delivers_public_service"),
        profits=form.get("profits"),
        employee_control=facts.get("staff_control"),
    )


def _any_of(*answers: bool | None) -> bool | None:
    """Kleene's or."""
    if any(answers):
        return True
    return None if None in answers else False


def _outcome(holds: bool) -> Outcome:
    return Outcome.MET if holds else Outcome.UNMET


def _whole(conditions: Iterable[Condition]) -> Outcome:
    found = {condition.reason.outcome for condition in conditions}
    if Outcome.UNMET in found:
        return Outcome.UNMET
    return Outcome.UNKNOWN if Outcome.UNKNOWN in found else Outcome.MET
