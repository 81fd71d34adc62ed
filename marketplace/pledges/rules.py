"""What a pledge may promise, what an offer needs, and what a payment needs. Pure: facts in, all reasons out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from marketplace.instruments.loans import LoanTerms, faults_of
from marketplace.pledges.lifecycle import PAYABLE
from marketplace.values.money import LARGEST_AMOUNT, split_by_basis_points
from marketplace.values.reasons import Outcome, Reason, unmet
from marketplace.values.refusals import Conflict, Unprocessable

GUARANTEES = frozenset({"guarantee"})
"""Given like support in kind and never cash; unlike it they use no budget: memorandum entries."""
ALWAYS_IN_KIND = frozenset({"in_kind_support", "pro_bono"}) | GUARANTEES
SOMETIMES_IN_KIND = frozenset({"employer_support"})
NEVER_A_PART = frozenset({"blended"})
LOANS = frozenset({"loan_unsecured", "loan_secured"})
REPAYABLE = LOANS | {"working_capital_facility", "quasi_equity", "recoverable_grant"}
"""Instruments whose principal comes back; the rest is given, or held as shares."""
PARTS_OF_BLENDED = frozenset({"grant", "recoverable_grant", "loan_unsecured", "loan_secured"})
MOST_TRANCHES = 24


class PartsWrong(Unprocessable):
    """The parts or their tranches contradict each other; `errors` names each fault."""

    code = "parts-wrong"
    title = "The parts or tranches do not add up"


class OfferRefused(Conflict):
    """The offer cannot be made: `reasons` lists every criterion and limit that is not met or not known. Each names its
    `layer`: the programme's own rules, or those of the facility or the vehicle behind it."""

    code = "offer-refused"
    title = "This offer cannot be made"


class WholesaleOnly(Conflict):
    """A wholesale vehicle funds intermediaries only; `intermediaries` lists those that it funds."""

    code = "wholesale-only"
    title = "This programme funds intermediaries, not groups"


class ProgrammeUnpublished(Conflict):
    """An offer rests on published criteria; the programme has none yet."""

    code = "programme-unpublished"
    title = "The programme has not published its criteria"


class ProgrammeHasNoBudget(Conflict):
    """A programme without a budget can publish and match, not pledge."""

    code = "programme-has-no-budget"
    title = "The programme has no budget"


class AskAlreadyFunded(Conflict):
    """Accepting would promise more than the ask; `open_gap` says what is left."""

    code = "ask-already-funded"
    title = "The ask has no room for this pledge"


class AskChanged(Conflict):
    """The ask's currency, instruments or stage are not those that the offer was made for."""

    code = "ask-changed"
    title = "The ask has changed since the offer"


class FunderNotVerified(Conflict):
    """The funder was suspended, or its verification undone, since the offer."""

    code = "funder-not-verified"
    title = "The funder's verification does not stand"


class TicketExceeded(Conflict):
    """Together, the programme's pledges to this ask would pass its largest pledge."""

    code = "ticket-exceeded"
    title = "The programme gives no more to one ask"


class BothSides(Conflict):
    """One person may not make an offer and accept it."""

    code = "both-sides"
    title = "Somebody else has to accept"


class InTheFuture(Unprocessable):
    """What has not happened yet cannot be recorded as done."""

    code = "in-the-future"
    title = "That day has not come"


class BudgetExhausted(Conflict):
    """The programme's budget has no room for this pledge any more."""

    code = "budget-exhausted"
    title = "The programme's budget has no room for this pledge"


class ProposalGone(Conflict):
    """The proposal has been withdrawn, or its ask is closed."""

    code = "proposal-gone"
    title = "The proposal no longer takes pledges"


class NotClaimable(Conflict):
    """The tranche has not matured: its milestone, day or agreement is still missing."""

    code = "not-claimable"
    title = "The tranche cannot be claimed yet"


class NotApprovable(Conflict):
    """The claim cannot be approved; `reasons` says why."""

    code = "not-approvable"
    title = "The claim cannot be approved"


class NotPayable(Conflict):
    """The tranche cannot be paid; `reasons` lists everything that is missing."""

    code = "not-payable"
    title = "The tranche cannot be paid"


class WrongKind(Conflict):
    """In-kind support is delivered and money is paid, never the other way round."""

    code = "wrong-kind"
    title = "In-kind support is delivered, money is paid"


class ReturnTooLarge(Unprocessable):
    """More cannot be returned than was paid and not returned yet."""

    code = "return-too-large"
    title = "More cannot be returned than was paid"


@dataclass(frozen=True, slots=True)
class TranchePlan:
    """A tranche to be. `amount` in minor units."""

    basis: str
    amount: int
    milestone: str | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class PartPlan:
    """A part to be, with its tranches, which sum to it."""

    instrument: str
    amount: int
    in_kind: bool
    terms: dict[str, str] | None
    financial_terms: dict[str, Any] | None
    tranches: tuple[TranchePlan, ...]


def plan_parts(parts: Sequence[Mapping[str, Any]], template: Sequence[Mapping[str, Any]]) -> tuple[PartPlan, ...]:
    """The parts as they will be kept; PartsWrong naming every fault by pointer.

    A part without tranches takes the programme's template; without one, a single tranche on agreement, because a
    group that is still publicly employed cannot prefinance anything.
    """
    faults: list[dict[str, str]] = []
    if sum(part["amount"] for part in parts) > LARGEST_AMOUNT:
        faults.append({"pointer": "#/parts", "detail": f"Together the parts may be {LARGEST_AMOUNT} at most."})
    plans = tuple(_plan_part(part, f"#/parts/{place}", template, faults) for place, part in enumerate(parts))
    if faults:
        raise PartsWrong("The parts or their tranches contradict each other.", errors=faults)
    return plans


def _plan_part(
    part: Mapping[str, Any], at: str, template: Sequence[Mapping[str, Any]], faults: list[dict[str, str]]
) -> PartPlan:
    instrument, amount = part["instrument"], part["amount"]

    def fault(pointer: str, detail: str) -> None:
        faults.append({"pointer": f"{at}{pointer}", "detail": detail})

    if instrument in NEVER_A_PART:
        fault("/instrument", "A blended offer is made of parts: give the grant and the loan as two parts.")
    in_kind = part.get("in_kind", instrument in ALWAYS_IN_KIND)
    if in_kind and instrument not in ALWAYS_IN_KIND | SOMETIMES_IN_KIND:
        fault("/in_kind", "Only support instruments are given in kind.")
    if not in_kind and instrument in ALWAYS_IN_KIND:
        fault("/in_kind", "This instrument is always in kind.")
    tranches = plan_tranches(part, amount, template, fault)
    financial_terms = part.get("financial_terms")
    for name, detail in financial_faults(instrument, amount, financial_terms).items():
        fault(f"/financial_terms{name}", detail)
    return PartPlan(instrument, amount, in_kind, part.get("terms"), financial_terms, tranches)


def financial_faults(instrument: str, amount: int, terms: Mapping[str, Any] | None) -> dict[str, str]:
    """What contradicts itself, the part's `amount` or the instrument in its financial terms, by pointer below them."""
    if terms is None:
        needed = "A guarantee says what it covers, for whom and until when."
        return {"": needed} if instrument in GUARANTEES else {}
    if instrument in LOANS:
        found = faults_of(loan_terms(terms))
        return {f"/{name}": detail for name, detail in found.items()}
    if instrument == "working_capital_facility" and terms["limit"] < amount:
        return {"/limit": f"The facility's limit is at least the {amount} that the part promises."}
    if instrument == "match_trading" and terms["cap"] > amount:
        return {"/cap": f"The cap is at most the {amount} that the part promises."}
    return {}


def loan_terms(terms: Mapping[str, Any]) -> LoanTerms:
    """A loan's financial terms as the arithmetic takes them."""
    return LoanTerms(**{name: terms[name] for name in ("rate_bp", "months", "holiday_months", "fee_bp", "in_advance")})


def plan_tranches(
    part: Mapping[str, Any], amount: int, template: Sequence[Mapping[str, Any]], fault: Any
) -> tuple[TranchePlan, ...]:
    """The tranches of a part, or of its unpaid rest, as they will be kept; `fault` is told (pointer, words) of each."""
    given = part.get("tranches")
    if not given:
        return from_template(template, amount)
    for place, each in enumerate(given):
        if (each["basis"] == "on_milestone") != ("milestone" in each):
            fault(f"/tranches/{place}/milestone", "A tranche on milestone names one, and no other does.")
        if (each["basis"] == "in_advance") != ("due_on" in each):
            fault(f"/tranches/{place}/due_on", "A tranche in advance has a day, and no other has.")
    if sum(each["amount"] for each in given) != amount:
        fault("/tranches", f"The tranches must sum to the part's {amount}.")
    return tuple(
        TranchePlan(each["basis"], each["amount"], each.get("milestone"), each.get("due_on")) for each in given
    )


def from_template(template: Sequence[Mapping[str, Any]], amount: int) -> tuple[TranchePlan, ...]:
    """Tranches by a programme's template (`share_bp` in basis points), to the penny by largest remainder."""
    if not template or amount < len(template):
        return (TranchePlan("on_agreement", amount),)
    amounts = split_by_basis_points(amount, [each["share_bp"] for each in template])
    if not all(amounts):
        return (TranchePlan("on_agreement", amount),)
    return tuple(
        TranchePlan(each["basis"], share, each.get("milestone")) for each, share in zip(template, amounts, strict=True)
    )


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """What an offer is judged by. Amounts in minor units of `currency`."""

    amount: int
    currency: str
    instruments: tuple[str, ...]
    programme_status: str
    programme_instruments: frozenset[str]
    ticket_max: int | None
    promised_before: int
    budget_left: int
    ask_currency: str
    open_gap: int
    sought: frozenset[str]
    expires_on: date
    today: date
    guaranteed: int = 0
    """What of the amount is guarantees, which fill the ask and use no budget."""


def offer_limits(facts: OfferFacts) -> list[Reason]:
    """Every limit on an offer as a Reason, met or not: status, currency, instruments, ticket, gap, budget, expiry."""
    offered = allowed_parts(facts.programme_instruments)
    sought = allowed_parts(facts.sought)

    def check(code: str, holds: bool, wanted: Any, found: Any, op: str = "lte") -> Reason:
        return Reason(code, Outcome.MET if holds else Outcome.UNMET, op=op, wanted=wanted, found=found)

    def money(amount: int) -> dict[str, Any]:
        return {"amount": amount, "currency": facts.currency}

    instruments = list(facts.instruments)
    from_budget = facts.amount - facts.guaranteed
    reasons = [
        check(
            "PROGRAMME_STATUS",
            facts.programme_status in {"open", "closed"},
            ["open", "closed"],
            facts.programme_status,
            "in",
        ),
        check("CURRENCY", facts.currency == facts.ask_currency, facts.ask_currency, facts.currency, "eq"),
        check("PART_INSTRUMENT", set(instruments) <= offered, sorted(offered), instruments, "in"),
        check("PART_SOUGHT", set(instruments) <= sought, sorted(sought), instruments, "in"),
        check("OPEN_GAP", facts.amount <= facts.open_gap, money(facts.open_gap), money(facts.amount)),
        check("BUDGET_LEFT", from_budget <= facts.budget_left, money(facts.budget_left), money(from_budget)),
        check(
            "EXPIRES_ON", facts.expires_on >= facts.today, facts.today.isoformat(), facts.expires_on.isoformat(), "gte"
        ),
    ]
    if facts.ticket_max is not None:
        together = facts.promised_before + facts.amount
        ticket = money(facts.ticket_max)
        reasons.append(check("TICKET_MAX", together <= facts.ticket_max, ticket, money(together)))
    return reasons


def allowed_parts(instruments: Iterable[str]) -> frozenset[str]:
    """The part instruments that a list of instruments stands for: `blended` stands for its loan and grant parts."""
    named = frozenset(instruments)
    return (named | PARTS_OF_BLENDED if "blended" in named else named) - NEVER_A_PART


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """Everything a payment depends on, read inside the paying transaction (model: ten conditions, none optional)."""

    tranche_state: str
    pledge_state: str
    in_kind: bool
    proposal_withdrawn: bool
    stage: str
    entry_gate_passed: bool
    milestone: str | None
    milestone_verified: bool
    claimed_by: UUID | None
    verified_by: UUID | None
    approved_by: UUID | None
    approver_still_may: bool
    approver_independent: bool
    incorporated: bool | None
    host_agreed: bool
    """An agreed fiscal host whose verification stands."""
    conditions: tuple[Reason, ...] = ()
    """What the pledge's own conditions ask, each met or not."""


def payment_reasons(facts: PaymentFacts) -> list[Reason]:
    """Every condition of a payment as a Reason, met or not."""

    def check(code: str, holds: bool | None, wanted: Any = None, found: Any = None) -> Reason:
        outcome = Outcome.UNKNOWN if holds is None else Outcome.MET if holds else Outcome.UNMET
        return Reason(code, outcome, wanted=wanted, found=found)

    people = [each for each in (facts.claimed_by, facts.verified_by, facts.approved_by) if each is not None]
    reasons = [
        check("TRANCHE_APPROVED", facts.tranche_state == "approved", "approved", facts.tranche_state),
        check("PLEDGE_LIVE", facts.pledge_state in PAYABLE, sorted(PAYABLE), facts.pledge_state),
        check(
            "PROPOSAL_NOT_WITHDRAWN",
            not facts.proposal_withdrawn,
            "active",
            "withdrawn" if facts.proposal_withdrawn else "active",
        ),
        check("ENTRY_GATE", facts.entry_gate_passed, facts.stage, facts.stage if facts.entry_gate_passed else None),
        check("DIFFERENT_PEOPLE", len(people) == len(set(people)), "claimant, verifier and approver are three people"),
        check("APPROVER_STILL_MAY", facts.approver_still_may, "approver"),
        check("APPROVER_INDEPENDENT", facts.approver_independent, "not a member of the group"),
    ]
    if facts.milestone is not None:
        found = facts.milestone if facts.milestone_verified else None
        reasons.append(check("MILESTONE", facts.milestone_verified, facts.milestone, found))
    if not facts.in_kind:
        can_hold_money = facts.incorporated is True or facts.host_agreed
        reasons.append(
            check(
                "CAN_HOLD_MONEY",
                can_hold_money,
                "a legal form, or an agreed fiscal host",
                "neither" if not can_hold_money else None,
            )
        )
    return [*reasons, *facts.conditions]


def check_payable(facts: PaymentFacts, others: Sequence[Reason] = ()) -> None:
    """NotPayable carrying every reason that is not met; `others` are those of the features above."""
    missing = unmet([*payment_reasons(facts), *others])
    if missing:
        raise NotPayable("The payment lacks what `reasons` names.", reasons=[reason.as_json() for reason in missing])


def approval_reasons(
    claimed_by: UUID | None, verified_by: UUID | None, approver: UUID, *, of_the_group: bool
) -> list[Reason]:
    """Why this person may not approve this claim; nothing where they may."""
    reasons = []
    if approver == claimed_by:
        reasons.append(Reason("NOT_THE_CLAIMANT", Outcome.UNMET, wanted="another person than the claimant"))
    if approver == verified_by:
        reasons.append(Reason("NOT_THE_VERIFIER", Outcome.UNMET, wanted="another person than the verifier"))
    if of_the_group:
        reasons.append(Reason("NOT_OF_THE_GROUP", Outcome.UNMET, wanted="nobody of the group"))
    return reasons


def refuse_future(day: date, today: date, pointer: str) -> None:
    """InTheFuture for a day that has not come."""
    if day > today:
        raise InTheFuture("Record it once it has happened.", pointer=pointer)
