"""Who may act for an organisation, alone or with a second person. Pure: facts in, every Reason out.

Knows acts, limits, approvals and conflicts of interest. Must not know where they are kept, nor what a pledge is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from marketplace.values.actor import Actor, Role
from marketplace.values.canonical import canonical_json, sha256_of
from marketplace.values.money import Money
from marketplace.values.permissions import Action
from marketplace.values.reasons import Outcome, Reason
from marketplace.values.refusals import Conflict, Forbidden, Unprocessable

APPROVAL_LASTS = timedelta(days=30)
COUNTED_TOGETHER = timedelta(days=30)
"""What one person did alone for one proposal (or programme) in this time counts as one act: splitting gains nothing."""
MOST_DELEGATED_LIMITS = 200
MOST_OPEN_INTERESTS = 200
LIMITED_ROLES = (Role.OWNER, Role.APPROVER, Role.EDITOR)


class Act(StrEnum):
    """What limits, approvals and conflicts are about."""

    OFFER = "offer"
    BUDGET_CHANGE = "budget_change"
    TRANCHE_APPROVAL = "tranche_approval"
    PAYMENT = "payment"
    RETURN = "return"
    CLAWBACK = "clawback"
    WRITE_OFF = "write_off"
    REVERSAL = "reversal"
    TERMINATION = "termination"
    VERIFICATION = "verification"


@dataclass(frozen=True, slots=True)
class ActRule:
    """An act: the kind of thing it is done to, what its doer is permitted by, and whether it has an amount that limits
    can speak of."""

    subject: str
    action: Action
    has_amount: bool = True


ACTS: Mapping[Act, ActRule] = {
    Act.OFFER: ActRule("pledge", Action.ISSUE_OFFER),
    Act.BUDGET_CHANGE: ActRule("programme", Action.SET_BUDGET),
    Act.TRANCHE_APPROVAL: ActRule("tranche", Action.APPROVE_TRANCHE),
    Act.PAYMENT: ActRule("tranche", Action.PAY_TRANCHE),
    Act.RETURN: ActRule("tranche", Action.RECORD_RETURN),
    Act.CLAWBACK: ActRule("pledge", Action.END_PLEDGE),
    Act.WRITE_OFF: ActRule("pledge", Action.DECIDE_WRITE_OFF),
    Act.REVERSAL: ActRule("tranche", Action.APPROVE_TRANCHE),
    Act.TERMINATION: ActRule("pledge", Action.END_PLEDGE),
    Act.VERIFICATION: ActRule("evidence_version", Action.VERIFY_EVIDENCE, has_amount=False),
}
LIMITED_ACTS = tuple(act for act, rule in ACTS.items() if rule.has_amount)
DECLARED_KINDS = ("employment", "family", "financial", "adviser", "member_of_both")

VERSION_STATES = ("proposed", "in_force", "superseded", "rejected")
APPROVAL_STATES = ("requested", "approved", "rejected", "withdrawn", "consumed")
APPROVAL: Mapping[tuple[str, str], str] = {
    ("requested", "approve"): "approved",
    ("requested", "reject"): "rejected",
    ("requested", "withdraw"): "withdrawn",
    ("approved", "reject"): "rejected",
    ("approved", "withdraw"): "withdrawn",
    ("approved", "consume"): "consumed",
}
PLAN_STATES = ("proposed", "approved", "rejected", "ended")
PLAN: Mapping[tuple[str, str], str] = {
    ("proposed", "approve"): "approved",
    ("proposed", "reject"): "rejected",
    ("proposed", "end"): "ended",
    ("approved", "end"): "ended",
}


class ApprovalNeeded(Conflict):
    """A second person of the organisation has to approve this first: `approval` is what to ask for, at `ask_at`."""

    code = "approval-needed"
    title = "A second person has to approve this first"


class ConflictOfInterest(Conflict):
    """The caller has an interest on another side, which no approved plan of their organisation manages."""

    code = "conflict-of-interest"
    title = "You have a conflict of interest here"


class MayNotApprove(Conflict):
    """The caller may not be the second pair of eyes; `reasons` says all that stands against it."""

    code = "may-not-approve"
    title = "Somebody else has to approve this"


class NotTheRequester(Forbidden):
    """Only who asked for an approval withdraws it; others reject it."""

    code = "not-the-requester"
    title = "Somebody else asked for this"


class NoSuchAnswer(Conflict):
    """The approval, plan or version has been answered or used, or has expired."""

    code = "no-such-answer"
    title = "Its state does not allow this"


class AlreadyAsked(Conflict):
    """The same approval has been asked for and is open."""

    code = "approval-already-asked"
    title = "That approval is being asked for already"


class LimitsNotValid(Unprocessable):
    """The limits contradict each other; `errors` names each fault."""

    code = "limits-not-valid"
    title = "The limits cannot be set like this"


class ApprovalNotValid(Unprocessable):
    """What is asked for does not fit the act; `errors` names each fault."""

    code = "approval-not-valid"
    title = "This cannot be approved as it stands"


class AnotherOwnerNeeded(Conflict):
    """Whoever proposed it cannot confirm it too."""

    code = "another-owner-needed"
    title = "Another owner has to answer this"


class InterestNotValid(Unprocessable):
    """The declaration contradicts itself; `errors` names each fault."""

    code = "interest-not-valid"
    title = "The interest cannot be declared like this"


class TooManyInterests(Conflict):
    """A person keeps a bounded number of declarations."""

    code = "too-many-interests"
    title = "There are too many declarations"


class PlanNotValid(Unprocessable):
    """The plan is about nobody of the organisation's, or a proposal it may not see."""

    code = "conflict-plan-not-valid"
    title = "The plan cannot be recorded like this"


class PlanThere(Conflict):
    """One plan at a time is open for a person and a proposal."""

    code = "conflict-plan-there"
    title = "There is a plan for this person and proposal"


# Limits


@dataclass(frozen=True, slots=True)
class DelegatedLimit:
    """How much a role, or a person, may do alone: `amount` minor units, of one act or (None) of each."""

    amount: int
    role: Role | None = None
    user_id: UUID | None = None
    act: Act | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """An organisation's limits, in minor units of one currency. What is not named has no limit."""

    currency: str
    approval: Mapping[Act, int]
    delegated: tuple[DelegatedLimit, ...] = ()

    def alone(self, act: Act, user_id: UUID, role: Role) -> int | None:
        """The most that person may do of that act without a second one: a person's own limit before their role's,
        an act's before that of all; None without a limit."""
        said = {(each.user_id, each.role, each.act): each.amount for each in self.delegated}
        for key in ((user_id, None, act), (user_id, None, None), (None, role, act), (None, role, None)):
            if key in said:
                return said[key]
        return None


def limit_faults(
    limits: Limits, currencies: Sequence[tuple[str, str]], members: frozenset[UUID]
) -> list[dict[str, str]]:
    """What is wrong with limits to be: another currency, a person who is no member, the same thing said twice.

    `currencies` are (pointer, currency) of every amount given.
    """
    faults = [
        {"pointer": pointer, "detail": f"Every limit is in {limits.currency}."}
        for pointer, currency in currencies
        if currency != limits.currency
    ]
    seen = set()
    for place, each in enumerate(limits.delegated):
        at = f"#/delegated_limits/{place}"
        if (each.role is None) == (each.user_id is None):
            faults.append({"pointer": at, "detail": "Name a role or a person, and not both."})
        if each.user_id is not None and each.user_id not in members:
            faults.append({"pointer": f"{at}/user_id", "detail": "Nobody of that id belongs to the organisation."})
        key = (each.role, each.user_id, each.act)
        if key in seen:
            faults.append({"pointer": at, "detail": "Says the same thing twice."})
        seen.add(key)
    return faults


def loosens(before: Limits | None, after: Limits) -> bool:
    """True where somebody could do more alone, or more with no second person, than before."""
    if before is None:
        return False
    if before.currency != after.currency:
        return bool(before.approval or before.delegated)
    return any(was is not None and (now is None or now > was) for was, now in _compared(before, after))


def _compared(before: Limits, after: Limits) -> Iterator[tuple[int | None, int | None]]:
    """Each limit that either speaks of, before and after: of every act, and of every role and named person."""
    named = {each.user_id for each in (*before.delegated, *after.delegated) if each.user_id is not None}
    nobody = UUID(int=0)
    for act in LIMITED_ACTS:
        yield before.approval.get(act), after.approval.get(act)
        for role in LIMITED_ROLES:
            for person in (nobody, *sorted(named)):
                yield before.alone(act, person, role), after.alone(act, person, role)


# Conflicts of interest


@dataclass(frozen=True, slots=True)
class Involved:
    """An organisation that a proposal involves (`side`: group, parent or host), by its id, or by its identifier."""

    side: str
    organisation_id: UUID | None = None
    identifier: str | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """An interest that a person declared, in an organisation or in a proposal, and that is live."""

    kind: str
    organisation_id: UUID | None = None
    proposal_id: UUID | None = None


@dataclass(frozen=True, slots=True, order=True)
class Interested:
    """One conflict: its kind, the side that it is on (group, parent, host or the proposal itself), and whether the
    person declared it or it was found."""

    kind: str
    side: str
    declared: bool

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "side": self.side, "declared": self.declared}


def conflicts(
    actor: Actor,
    organisation_id: UUID,
    proposal_id: UUID,
    involved: Iterable[Involved],
    declared: Iterable[Declared],
) -> tuple[Interested, ...]:
    """Every conflict of one who acts for `organisation_id` about that proposal, each once and in order.

    An organisation is no conflict with itself: a parent that funds its own group acts through its own people.
    """
    sides = [each for each in involved if not _is(each, organisation_id, actor)]
    interests = list(declared)
    found = set()
    if actor.guest_of(proposal_id) is not None:
        found.add(Interested("adviser", "group", declared=False))
    for each in sides:
        if _belongs(actor, each):
            found.add(Interested("member_of_both", each.side, declared=False))
        for interest in interests:
            if interest.organisation_id is not None and interest.organisation_id == each.organisation_id:
                found.add(Interested(interest.kind, each.side, declared=True))
    for interest in interests:
        if interest.proposal_id == proposal_id:
            found.add(Interested(interest.kind, "proposal", declared=True))
    return tuple(sorted(found))


def _is(involved: Involved, organisation_id: UUID, actor: Actor) -> bool:
    if involved.organisation_id is not None:
        return involved.organisation_id == organisation_id
    acting = actor.membership_in(organisation_id)
    return acting is not None and involved.identifier in acting.identifiers


def _belongs(actor: Actor, involved: Involved) -> bool:
    return any(
        membership.organisation_id == involved.organisation_id
        or (involved.identifier is not None and involved.identifier in membership.identifiers)
        for membership in actor.memberships
        if membership.role is not Role.GUEST
    )


# The gate


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """An approval of exactly this act on these terms, and how its approver stands now."""

    requested_by: UUID
    approved_by: UUID
    expires_at: datetime
    approver_may: bool
    approver_conflicts: tuple[Interested, ...]
    approver_limit: int | None
    approver_before: int = 0
    """What the approver did alone, and approved, of the same act for the same proposal, in minor units."""


@dataclass(frozen=True, slots=True)
class ActFacts:
    """Everything that an act depends on, read inside the transaction that does it. `alone_before` in minor units."""

    act: Act
    doer: UUID
    role: Role
    amount: Money | None
    alone_before: int
    limits: Limits | None
    conflicts: tuple[Interested, ...]
    managed: bool
    now: datetime
    approval: ApprovalFacts | None = None


def authority_reasons(facts: ActFacts) -> list[Reason]:
    """Every condition of the act as a Reason, met or not. Nothing for an act without limits and conflicts.

    A conflict that no plan manages is met by nothing. A managed one, and what is over a limit, is met by a valid
    approval alone; why one that there is does not count is said too.
    """
    against = [] if facts.approval is None else approval_reasons(facts, facts.approval)
    seconded = facts.approval is not None and all(each.outcome is Outcome.MET for each in against)
    reasons = [
        Reason("CONFLICT_OF_INTEREST", Outcome.UNMET, wanted="an approved management plan", found=each.as_json())
        for each in facts.conflicts
        if not facts.managed
    ]
    needs = list(_needs(facts, seconded=seconded))
    return [*reasons, *needs, *(against if needs else [])]


def needs_approval(facts: ActFacts) -> bool:
    """Whether this act, by this person, counts only with an approval."""
    return any(True for each in _needs(facts, seconded=False) if each.outcome is not Outcome.MET)


def _needs(facts: ActFacts, *, seconded: bool) -> Iterator[Reason]:
    if facts.conflicts and facts.managed:
        outcome = Outcome.MET if seconded else Outcome.UNMET
        found = [each.as_json() for each in facts.conflicts]
        yield Reason("CONFLICT_SECOND_PERSON", outcome, wanted="never the only pair of eyes", found=found)
    if facts.limits is None or facts.amount is None:
        return
    limits = {
        "APPROVAL_LIMIT": facts.limits.approval.get(facts.act),
        "DELEGATED_LIMIT": facts.limits.alone(facts.act, facts.doer, facts.role),
    }
    together = facts.alone_before + facts.amount.amount
    for code, limit in limits.items():
        if limit is None:
            continue
        comparable = facts.amount.currency == facts.limits.currency
        met = (comparable and together <= limit) or seconded
        yield Reason(
            code,
            Outcome.MET if met else Outcome.UNMET,
            op="lte",
            wanted={"amount": limit, "currency": facts.limits.currency},
            found={"amount": together, "currency": facts.amount.currency},
        )


def approval_reasons(facts: ActFacts, approval: ApprovalFacts) -> list[Reason]:
    """Every condition of an approval that is to be used, met or not."""

    def check(code: str, holds: bool, wanted: Any, found: Any = None) -> Reason:
        return Reason(code, Outcome.MET if holds else Outcome.UNMET, wanted=wanted, found=found)

    covered = covers(facts.limits, facts.amount, approval.approver_limit, approval.approver_before)
    return [
        check("APPROVER_NOT_THE_REQUESTER", approval.approved_by != approval.requested_by, "another person"),
        check("APPROVER_NOT_THE_DOER", approval.approved_by != facts.doer, "another person"),
        check("APPROVER_STILL_MAY", approval.approver_may, "approver"),
        check(
            "APPROVER_INDEPENDENT",
            not approval.approver_conflicts,
            "nobody with an interest",
            [each.as_json() for each in approval.approver_conflicts] or None,
        ),
        check("APPROVER_LIMIT", covered, "an approver who may do as much alone"),
        check("APPROVAL_LIVE", facts.now < approval.expires_at, approval.expires_at.isoformat()),
    ]


def covers(limits: Limits | None, amount: Money | None, limit: int | None, before: int) -> bool:
    """Whether a person's own limit reaches an amount on top of what they have used of it; another currency never."""
    if limits is None or amount is None or limit is None:
        return True
    return amount.currency == limits.currency and before + amount.amount <= limit


def answer_reasons(
    *, approver: UUID, requested_by: UUID, interests: Sequence[Interested], covered: bool, wanted: int | None
) -> list[Reason]:
    """Why this person may not give this approval; nothing where they may. `wanted` is their own limit."""
    reasons = []
    if approver == requested_by:
        reasons.append(Reason("APPROVER_NOT_THE_REQUESTER", Outcome.UNMET, wanted="another person"))
    for each in interests:
        found = each.as_json()
        reasons.append(Reason("CONFLICT_OF_INTEREST", Outcome.UNMET, wanted="nobody with an interest", found=found))
    if not covered:
        reasons.append(Reason("APPROVER_LIMIT", Outcome.UNMET, op="lte", wanted=wanted))
    return reasons


def terms_digest(act: Act, subject_id: UUID, amount: Money | None, terms: Mapping[str, str]) -> str:
    """SHA-256 of what is approved: the act, its subject, its amount and its terms, as canonical JSON."""
    content = {
        "act": str(act),
        "subject_id": str(subject_id),
        "amount": None if amount is None else [amount.amount, amount.currency],
        "terms": dict(terms),
    }
    return sha256_of(canonical_json(content))


def approval_state_at(state: str, expires_at: datetime, now: datetime) -> str:
    """The state by the clock: what was not used in time is expired, recorded or not."""
    return "expired" if state in {"requested", "approved"} and now >= expires_at else state


def next_approval_state(state: str, event: str) -> str:
    """The approval's state after `event`; NoSuchAnswer where there is no such step."""
    return _step(APPROVAL, state, event)


def next_plan_state(state: str, event: str) -> str:
    """The plan's state after `event`; NoSuchAnswer where there is no such step."""
    return _step(PLAN, state, event)


def _step(table: Mapping[tuple[str, str], str], state: str, event: str) -> str:
    following = table.get((state, event))
    if following is None:
        raise NoSuchAnswer(f"It is {state}: it cannot be answered so.", state=state)
    return following
