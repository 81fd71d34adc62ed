"""Gates, moves between stages, and ballots. Pure: told the facts, returns every condition with its outcome.

Knows a template version and what it is told; must not know where the facts are kept, nor what the time is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from marketplace.instruments.amounts import share_of
from marketplace.reference.pipelines import Gate, GateTest, RequiredEvidence, TemplateVersion
from marketplace.values.money import Money
from marketplace.values.reasons import Outcome, Reason
from marketplace.values.refusals import Conflict, Unprocessable

WHOLE = 10_000
"""100% in basis points."""
MOST_BALLOTS = 50
FIRST_END = 90
"""In the codelist `stages`, those from this order on are ends."""


class StageMoveRefused(Conflict):
    """The proposal cannot go there; `reasons` holds every condition that is not met."""

    code = "stage-move-refused"
    title = "The proposal cannot move to that stage"


class PipelineNotEntered(Conflict):
    """The proposal was never published: it is at no stage."""

    code = "pipeline-not-entered"
    title = "The proposal is at no stage yet"


class PipelineEnded(Conflict):
    """The proposal's pipeline has ended."""

    code = "pipeline-ended"
    title = "The proposal's pipeline has ended"


class AskAtAnotherStage(Conflict):
    """An ask is published for the stage that the proposal is at, and for no other."""

    code = "ask-at-another-stage"
    title = "The proposal is at another stage"


class NotAStageToAskAt(Unprocessable):
    """The stage is an end: nothing is asked for there."""

    code = "not-a-stage-to-ask-at"
    title = "Nothing is asked for at that stage"


class BallotFaults(Unprocessable):
    """The ballot contradicts itself or the rules it has to be held under; `errors` names each fault."""

    code = "ballot-faults"
    title = "The ballot contradicts itself or its rules"


class BallotEvidenceDecided(Conflict):
    """The document was decided on before the votes were entered: nobody has compared the two."""

    code = "ballot-evidence-decided"
    title = "The document was decided on already"


class TooManyBallots(Conflict):
    """The proposal has as many ballots as it may have."""

    code = "too-many-ballots"
    title = "No more ballots fit here"


class PensionFaults(Unprocessable):
    """The pension arrangement contradicts itself; `errors` names each fault."""

    code = "pension-arrangement-faults"
    title = "The pension arrangement contradicts itself"


# What a gate is told


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Somebody has accepted a document: which parties to the proposal they are, and when."""

    parties: frozenset[str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of the documents of one kind: one waits for a decision, one was rejected, some were accepted."""

    submitted: bool = False
    rejected: bool = False
    accepted: tuple[Acceptance, ...] = ()

    def accepted_by(self, parties: Iterable[str]) -> datetime | None:
        """When one of those parties last accepted a document; None where none has."""
        return max((each.at for each in self.accepted if each.parties & set(parties)), default=None)


NOTHING_SHOWN = Shown()


@dataclass(frozen=True, slots=True)
class EmployerWord:
    """The employer's last word: its answer (None: none, or it has expired), or that it took its answer back."""

    answer: str | None = None
    said_at: datetime | None = None
    withdrawn: bool = False
    expired: bool = False
    invited: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """A ballot's votes, and the rules it was held under in basis points."""

    electorate: int
    votes_for: int
    votes_against: int
    spoiled: int
    quorum_bp: int
    threshold_bp: int


@dataclass(frozen=True, slots=True)
class BallotFacts:
    """The ballot that stands, and what became of the document that shows it."""

    counts: Counts
    shown: Shown


@dataclass(frozen=True, slots=True)
class RegisterFacts:
    """The benefits register: how many benefits stand, each with its baseline, and of how many nobody is the owner."""

    standing: int = 0
    without_owner: int = 0


@dataclass(frozen=True, slots=True)
class GateFacts:
    """Everything that gates ask, by kind of evidence and by milestone; None is unknown."""

    evidence: Mapping[str, Shown]
    milestones: Mapping[str, Shown]
    employer: EmployerWord
    ballot: BallotFacts | None
    pension: str | None
    register: RegisterFacts


# Ballots


@dataclass(frozen=True, slots=True)
class BallotResult:
    """How a ballot came out. `votes` are valid ones; turnout and votes for are in basis points, rounded down."""

    votes: int
    turnout_bp: int
    for_bp: int
    quorum_met: bool
    threshold_met: bool

    @property
    def passed(self) -> bool:
        return self.quorum_met and self.threshold_met


def ballot_result(counts: Counts) -> BallotResult:
    """Passed when votes / electorate >= quorum and for / votes >= threshold, in whole numbers.

    Votes are those for and against: a spoiled paper helps neither side, nor the quorum. Without votes nothing passes.
    """
    votes = counts.votes_for + counts.votes_against
    return BallotResult(
        votes=votes,
        turnout_bp=votes * WHOLE // counts.electorate,
        for_bp=counts.votes_for * WHOLE // votes if votes else 0,
        quorum_met=votes > 0 and votes * WHOLE >= counts.quorum_bp * counts.electorate,
        threshold_met=votes > 0 and counts.votes_for * WHOLE >= counts.threshold_bp * votes,
    )


def ballot_faults(counts: Counts, held_on: date, today: date, least: GateTest) -> list[dict[str, str]]:
    """Every fault of a ballot: more papers than electors, a day to come, rules laxer than the template's."""
    faults: list[dict[str, str]] = []
    papers = counts.votes_for + counts.votes_against + counts.spoiled
    if papers > counts.electorate:
        words = f"At most one paper for each elector: {papers} papers were counted for an electorate of"
        faults.append({"pointer": "#/electorate", "detail": f"{words} {counts.electorate}."})
    if held_on > today:
        faults.append({"pointer": "#/held_on", "detail": "Lies in the future."})
    for name in ("quorum_bp", "threshold_bp"):
        if getattr(counts, name) < getattr(least, name):
            detail = f"The proposal's pipeline asks for {getattr(least, name)} basis points at least."
            faults.append({"pointer": f"#/{name}", "detail": detail})
    return faults


def ballot_test(template: TemplateVersion) -> GateTest | None:
    """The rules that the template lays down for ballots; None where it asks for none."""
    return _test_named("staff_ballot", template)


def register_test(template: TemplateVersion) -> GateTest | None:
    """What the template asks of the benefits register; None where it asks for none."""
    return _test_named("benefits_register", template)


def _test_named(name: str, template: TemplateVersion) -> GateTest | None:
    gates = [stage.gate for stage in template.stages if stage.gate is not None]
    return next((test for gate in gates for test in gate.tests if test.test == name), None)


# Pensions


@dataclass(frozen=True, slots=True)
class GapBasis:
    """What a yearly gap is computed from: staff, their pensionable pay a year, and two employer's contribution rates.

    Rates are basis points of that pay: what the arrangement needs, and what the plan (or the contract) pays for.
    """

    staff: int
    pensionable_pay: Money
    rate_needed_bp: int
    rate_planned_bp: int


def contribution_gap(basis: GapBasis) -> Money:
    """What the yearly contributions fall short by: pay x (rate needed - rate planned), half up; never below nothing."""
    short = max(0, basis.rate_needed_bp - basis.rate_planned_bp)
    return Money(share_of(basis.pensionable_pay.amount, short), basis.pensionable_pay.currency)


def two_tiers(arrangement: str | None) -> bool:
    """Whether new starters fall behind those who transferred: they are enrolled automatically, and no more."""
    return arrangement == "auto_enrolment_only"


def gap_faults(basis: GapBasis | None, bond: Money | None, gap: Money | None) -> list[dict[str, str]]:
    """Every fault of what a gap is computed from: another currency than the bond, a stated gap that is another sum."""
    faults: list[dict[str, str]] = []
    if basis is None:
        return faults
    if bond is not None and bond.currency != basis.pensionable_pay.currency:
        detail = f"The bond is in {bond.currency}: give both in one currency."
        faults.append({"pointer": "#/gap_basis/pensionable_pay/currency", "detail": detail})
    computed = contribution_gap(basis)
    if gap is not None and gap != computed:
        detail = f"The basis comes to {computed.amount} {computed.currency} a year: leave the gap out, or give that."
        faults.append({"pointer": "#/contribution_gap", "detail": detail})
    return faults


def pension_faults(bond: Money | None, gap: Money | None, *, named: Any, kind: str | None) -> list[dict[str, str]]:
    """Every fault of a pension arrangement. `kind` is that of the evidence it names, None where it is not its own."""
    faults: list[dict[str, str]] = []
    if bond is not None and gap is not None and bond.currency != gap.currency:
        detail = f"The bond is in {bond.currency}: give both in one currency."
        faults.append({"pointer": "#/contribution_gap/currency", "detail": detail})
    if named is not None and kind not in PENSION_EVIDENCE:
        detail = f"Name an evidence of this proposal of one of the kinds {', '.join(PENSION_EVIDENCE)}."
        faults.append({"pointer": "#/evidence_id", "detail": detail})
    return faults


PENSION_EVIDENCE = ("pension_assessment", "pension_agreement")
"""The kinds of evidence that show how pensions will be kept up."""


# Gates


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whom the next step waits on: the group, the employer, a funder, or a verifier who is one of `parties`."""

    on: str
    parties: tuple[str, ...]
    code: str
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition with its outcome, and whom it waits on while it is not met."""

    reason: Reason
    waiting: Waiting | None


def gate_conditions(gate: Gate, facts: GateFacts) -> list[Condition]:
    """Every condition of a gate: its evidence first, then its tests, in the template's order."""
    shown = [_evidence(required, facts.evidence.get(required.kind, NOTHING_SHOWN)) for required in gate.evidence]
    return [*shown, *(TESTS[test.test](test, facts) for test in gate.tests)]


def report_conditions(reports: Sequence[RequiredEvidence], facts: GateFacts) -> list[Condition]:
    """The reports that an end asks for, each with its outcome."""
    return [_evidence(report, facts.evidence.get(report.kind, NOTHING_SHOWN)) for report in reports]


def _evidence(required: RequiredEvidence, shown: Shown) -> Condition:
    wanted = {"kind": required.kind, "verified_by": list(required.verified_by)}
    return _documented("EVIDENCE", required.kind, wanted, required.verified_by, shown)


def _documented(code: str, about: str, wanted: Any, verified_by: Sequence[str], shown: Shown) -> Condition:
    """A condition that an accepted document meets: met, unmet (rejected or accepted by others), or not known yet."""
    if shown.accepted_by(verified_by) is not None:
        outcome = Outcome.MET
    elif shown.submitted or not (shown.rejected or shown.accepted):
        outcome = Outcome.UNKNOWN
    else:
        outcome = Outcome.UNMET
    waiting = None if outcome is Outcome.MET else _for_document(code, about, verified_by, shown)
    return Condition(Reason(code, outcome, "accepted", wanted=wanted, found=_found(shown)), waiting)


def _for_document(code: str, about: str, verified_by: Sequence[str], shown: Shown) -> Waiting:
    if shown.submitted:
        return Waiting("verifier", tuple(verified_by), code, about)
    return Waiting("group", (), code, about)


def _found(shown: Shown) -> dict[str, Any]:
    if shown.accepted:
        state = "accepted"
    elif shown.submitted:
        state = "submitted"
    else:
        state = "rejected" if shown.rejected else "missing"
    parties = {party for each in shown.accepted for party in each.parties}
    return {"state": state, "accepted_by": sorted(parties)}


def _employer_approval(test: GateTest, facts: GateFacts) -> Condition:
    """The employer's own standing answer, or an accepted document; whatever it said last counts.

    An answer taken back, or a refusal, stands against every document that was accepted before it.
    """
    word, kind = facts.employer, test.kind or ""
    shown = facts.evidence.get(kind, NOTHING_SHOWN)
    accepted_at = shown.accepted_by(test.verified_by)
    said_no = word.withdrawn or word.answer == "refused"
    shown_since = accepted_at is not None and not (said_no and word.said_at is not None and accepted_at <= word.said_at)
    if word.answer in test.answers or shown_since:
        outcome, waiting = Outcome.MET, None
    elif said_no or word.answer is not None:
        outcome = Outcome.UNMET
        waiting = Waiting("employer", ("employer",), "EMPLOYER_APPROVAL", kind)
    else:
        outcome = Outcome.UNKNOWN
        waiting = _for_document("EMPLOYER_APPROVAL", kind, test.verified_by, shown)
        if word.invited:
            waiting = Waiting("employer", ("employer",), "EMPLOYER_APPROVAL", kind)
    standing = "withdrawn" if word.withdrawn else "expired" if word.expired else word.answer
    wanted = {"answers": list(test.answers), "kind": kind, "verified_by": list(test.verified_by)}
    found = {"answer": standing, **_found(shown)}
    return Condition(Reason("EMPLOYER_APPROVAL", outcome, "approved", wanted=wanted, found=found), waiting)


def _staff_ballot(test: GateTest, facts: GateFacts) -> Condition:
    """The latest ballot passed under its own rules and the template's, and its document was accepted."""
    wanted = {
        "quorum_bp": test.quorum_bp,
        "threshold_bp": test.threshold_bp,
        "kind": test.kind,
        "verified_by": list(test.verified_by),
    }
    if facts.ballot is None:
        reason = Reason("STAFF_BALLOT", Outcome.UNKNOWN, "passed", wanted=wanted)
        return Condition(reason, Waiting("group", (), "STAFF_BALLOT", test.kind))
    result = ballot_result(_strictest(facts.ballot.counts, test))
    told = _documented("STAFF_BALLOT", test.kind or "", wanted, test.verified_by, facts.ballot.shown)
    found = {
        "passed": result.passed,
        "turnout_bp": result.turnout_bp,
        "for_bp": result.for_bp,
        **_found(facts.ballot.shown),
    }
    outcome = told.reason.outcome if result.passed else Outcome.UNMET
    waiting = told.waiting if result.passed else Waiting("group", (), "STAFF_BALLOT", test.kind)
    return Condition(Reason("STAFF_BALLOT", outcome, "passed", wanted=wanted, found=found), waiting)


def _strictest(counts: Counts, test: GateTest) -> Counts:
    return Counts(
        counts.electorate,
        counts.votes_for,
        counts.votes_against,
        counts.spoiled,
        quorum_bp=max(counts.quorum_bp, test.quorum_bp or 0),
        threshold_bp=max(counts.threshold_bp, test.threshold_bp or 0),
    )


def _pension_decided(_test: GateTest, facts: GateFacts) -> Condition:
    """How pensions are kept up is decided: any arrangement but `undecided`."""
    outcome = Outcome.UNKNOWN if facts.pension is None else Outcome.MET
    if facts.pension == "undecided":
        outcome = Outcome.UNMET
    waiting = None if outcome is Outcome.MET else Waiting("group", (), "PENSION_DECIDED")
    return Condition(Reason("PENSION_DECIDED", outcome, "ne", wanted="undecided", found=facts.pension), waiting)


def register_reason(least: int, register: RegisterFacts) -> Reason:
    """Whether so many benefits stand with a baseline and somebody who answers for them.

    The National Audit Office found in 2011 that the Right to Request had set no measurable objectives and did not
    contract the benefits it was for. Nothing stands without a baseline: none can be entered without one.
    """
    owned = register.standing - register.without_owner
    wanted = {"least": least, "with": ["baseline", "owner"]}
    found = {"standing": register.standing, "without_owner": register.without_owner}
    return Reason("BENEFITS_REGISTER", _holds(owned >= least), "gte", wanted=wanted, found=found)


def _benefits_register(test: GateTest, facts: GateFacts) -> Condition:
    """So many benefits as the template says stand in the register, with baseline and owner."""
    reason = register_reason(test.least or 1, facts.register)
    waiting = None if reason.outcome is Outcome.MET else Waiting("group", (), "BENEFITS_REGISTER")
    return Condition(reason, waiting)


def _staff_transferred(test: GateTest, facts: GateFacts) -> Condition:
    """The milestone is verified by somebody whom the gate names."""
    milestone = test.milestone or ""
    wanted = {"milestone": milestone, "verified_by": list(test.verified_by)}
    shown = facts.milestones.get(milestone, NOTHING_SHOWN)
    return _documented("STAFF_TRANSFERRED", milestone, wanted, test.verified_by, shown)


TESTS: Mapping[str, Callable[[GateTest, GateFacts], Condition]] = {
    "employer_approval": _employer_approval,
    "staff_ballot": _staff_ballot,
    "pension_decided": _pension_decided,
    "staff_transferred": _staff_transferred,
    "benefits_register": _benefits_register,
}
"""The tests that a template may name."""


# Moves


def kind_of_move(template: TemplateVersion, at: str, to: str) -> str:
    """What going from `at` to `to` would be: forward, back or ended."""
    if template.end(to) is not None:
        return "ended"
    order = template.order
    earlier = at in order and to in order and order.index(to) < order.index(at)
    return "back" if earlier else "forward"


def next_stage(template: TemplateVersion, at: str) -> str | None:
    """The stage after `at`; None for the last one and for ends."""
    order = template.order
    place = order.index(at) + 1 if at in order else len(order)
    return order[place] if place < len(order) else None


def move_conditions(
    template: TemplateVersion, at: str, to: str, *, reason_given: bool, gate: Sequence[Condition]
) -> list[Reason]:
    """Every condition of a move, each with its outcome. `gate` are those of the gate that leads out of `at`.

    Forward goes one stage at a time, through its gate. Back and into an end need a reason. Nothing leads out of ends.
    """
    if template.end(at) is not None:
        return [Reason("NOT_ENDED", Outcome.UNMET, found=at)]
    kind, end = kind_of_move(template, at, to), template.end(to)
    if kind == "forward":
        following = next_stage(template, at)
        step = Reason("NEXT_STAGE", _holds(to == following), "eq", wanted=following, found=to)
        return [step, *(each.reason for each in gate)]
    reasons = [Reason("REASON_GIVEN", _holds(reason_given))]
    if end is not None:
        outcome = _holds(at in end.entered_from)
        reasons.append(Reason("STAGE_ENDS_SO", outcome, "in", wanted=list(end.entered_from), found=at))
    return reasons


def _holds(true: bool) -> Outcome:
    return Outcome.MET if true else Outcome.UNMET
