"""The gate as pure rules: each act, role and limit; approvals that count and those that do not; what loosens limits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.governance import rules
from marketplace.governance.rules import (
    ACTS,
    LIMITED_ACTS,
    LIMITED_ROLES,
    Act,
    ActFacts,
    ApprovalFacts,
    Declared,
    DelegatedLimit,
    Interested,
    Involved,
    Limits,
)
from marketplace.values.actor import Actor, Membership, Role
from marketplace.values.money import Money
from marketplace.values.permissions import GRANTS
from marketplace.values.reasons import Outcome, Reason, unmet

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADA, BEN, CAROL = (UUID(int=number) for number in (1, 2, 3))
FUNDER, GROUP, PARENT, HOST, OTHER, PROPOSAL = (UUID(int=number) for number in range(11, 17))
FAMILY = Interested("family", "group", declared=True)


def facts(amount: int = 100, **changed: object) -> ActFacts:
    """An offer of that many pence by Ada, an editor, without limits."""
    plain = ActFacts(
        act=Act.OFFER,
        doer=ADA,
        role=Role.EDITOR,
        amount=Money(amount, "GBP"),
        alone_before=0,
        limits=None,
        conflicts=(),
        managed=False,
        now=NOW,
    )
    return replace(plain, **changed)  # type: ignore[arg-type]


def by_ben(**changed: object) -> ApprovalFacts:
    """Asked by Ada, given by Ben, who still may."""
    plain = ApprovalFacts(
        requested_by=ADA,
        approved_by=BEN,
        expires_at=NOW + timedelta(days=1),
        approver_may=True,
        approver_conflicts=(),
        approver_limit=None,
    )
    return replace(plain, **changed)  # type: ignore[arg-type]


def wrong(told: ActFacts) -> list[str]:
    return [reason.code for reason in unmet(rules.authority_reasons(told))]


def over(**changed: object) -> ActFacts:
    return facts(limits=Limits("GBP", {Act.OFFER: 50}), **changed)


@pytest.mark.parametrize("act", LIMITED_ACTS)
@pytest.mark.parametrize("role", LIMITED_ROLES)
@pytest.mark.parametrize(
    ("approval", "delegated", "amount", "expected"),
    [
        (None, None, 10**15, []),
        (100, None, 100, []),
        (100, None, 101, ["APPROVAL_LIMIT"]),
        (None, 100, 100, []),
        (None, 100, 101, ["DELEGATED_LIMIT"]),
        (0, 0, 1, ["APPROVAL_LIMIT", "DELEGATED_LIMIT"]),
        (0, 0, 0, []),
        (50, 100, 101, ["APPROVAL_LIMIT", "DELEGATED_LIMIT"]),
        (100, 50, 75, ["DELEGATED_LIMIT"]),
    ],
)
def test_what_an_act_needs_by_act_role_and_limit(
    act: Act, role: Role, approval: int | None, delegated: int | None, amount: int, expected: list[str]
) -> None:
    limits = Limits(
        "GBP",
        {} if approval is None else {act: approval},
        () if delegated is None else (DelegatedLimit(delegated, role=role),),
    )
    told = facts(amount, act=act, role=role, limits=limits)

    assert wrong(told) == expected
    assert rules.needs_approval(told) == bool(expected)
    assert wrong(replace(told, approval=by_ben())) == []


def test_every_act_has_a_permission_and_a_kind_of_subject() -> None:
    assert set(ACTS) == set(Act)
    assert all(rule.action in GRANTS and rule.subject for rule in ACTS.values())


def test_a_limit_of_one_act_says_nothing_of_another() -> None:
    assert wrong(facts(limits=Limits("GBP", {Act.PAYMENT: 1}))) == []


def test_what_was_done_alone_before_counts_towards_both_limits() -> None:
    limits = Limits("GBP", {Act.OFFER: 150}, (DelegatedLimit(150, role=Role.EDITOR),))

    assert wrong(facts(100, limits=limits, alone_before=50)) == []
    assert wrong(facts(100, limits=limits, alone_before=51)) == ["APPROVAL_LIMIT", "DELEGATED_LIMIT"]


def test_an_amount_in_another_currency_is_always_over_a_limit() -> None:
    told = replace(over(), amount=Money(1, "EUR"))

    assert wrong(told) == ["APPROVAL_LIMIT"]
    assert wrong(replace(told, approval=by_ben(approver_limit=10**15))) == ["APPROVAL_LIMIT", "APPROVER_LIMIT"]


@pytest.mark.parametrize(
    ("approval", "code"),
    [
        (by_ben(requested_by=BEN), "APPROVER_NOT_THE_REQUESTER"),
        (by_ben(approved_by=ADA, requested_by=CAROL), "APPROVER_NOT_THE_DOER"),
        (by_ben(approver_may=False), "APPROVER_STILL_MAY"),
        (by_ben(approver_conflicts=(FAMILY,)), "APPROVER_INDEPENDENT"),
        (by_ben(approver_limit=99), "APPROVER_LIMIT"),
        (by_ben(approver_limit=100, approver_before=1), "APPROVER_LIMIT"),
        (by_ben(expires_at=NOW), "APPROVAL_LIVE"),
    ],
)
def test_an_approval_that_does_not_count_says_why(approval: ApprovalFacts, code: str) -> None:
    assert wrong(over(approval=approval)) == ["APPROVAL_LIMIT", code]


def test_an_unmanaged_conflict_is_met_by_no_approval() -> None:
    told = facts(conflicts=(FAMILY,), approval=by_ben())

    assert wrong(told) == ["CONFLICT_OF_INTEREST"]
    assert rules.authority_reasons(told)[0].found == {"kind": "family", "side": "group", "declared": True}


def test_a_managed_conflict_is_never_the_only_pair_of_eyes() -> None:
    told = facts(conflicts=(FAMILY,), managed=True)

    assert wrong(told) == ["CONFLICT_SECOND_PERSON"]
    assert wrong(replace(told, approval=by_ben())) == []
    assert wrong(replace(told, amount=None, act=Act.VERIFICATION)) == ["CONFLICT_SECOND_PERSON"]


def test_all_reasons_are_told_at_once() -> None:
    limits = Limits("GBP", {Act.OFFER: 1}, (DelegatedLimit(1, user_id=ADA),))
    told = facts(limits=limits, conflicts=(FAMILY,), approval=by_ben(approver_may=False, expires_at=NOW))

    assert wrong(told) == [
        "CONFLICT_OF_INTEREST", "APPROVAL_LIMIT", "DELEGATED_LIMIT", "APPROVER_STILL_MAY", "APPROVAL_LIVE",
    ]  # fmt: skip


PEOPLE = st.sampled_from([ADA, BEN, CAROL])
APPROVALS = st.none() | st.builds(
    ApprovalFacts,
    requested_by=PEOPLE,
    approved_by=PEOPLE,
    expires_at=st.sampled_from([NOW - timedelta(seconds=1), NOW, NOW + timedelta(seconds=1)]),
    approver_may=st.booleans(),
    approver_conflicts=st.sampled_from([(), (FAMILY,)]),
    approver_limit=st.none() | st.integers(0, 200),
    approver_before=st.integers(0, 100),
)
DELEGATED = st.lists(
    st.builds(
        DelegatedLimit,
        amount=st.integers(0, 200),
        role=st.sampled_from(LIMITED_ROLES),
        act=st.none() | st.sampled_from(LIMITED_ACTS),
    )
    | st.builds(
        DelegatedLimit, amount=st.integers(0, 200), user_id=PEOPLE, act=st.none() | st.sampled_from(LIMITED_ACTS)
    ),
    max_size=4,
    unique_by=lambda each: (each.role, each.user_id, each.act),
)
LIMITS = st.builds(
    Limits,
    currency=st.just("GBP"),
    approval=st.dictionaries(st.sampled_from(LIMITED_ACTS), st.integers(0, 200)),
    delegated=DELEGATED.map(tuple),
)
FACTS = st.builds(
    ActFacts,
    act=st.sampled_from(LIMITED_ACTS),
    doer=PEOPLE,
    role=st.sampled_from(LIMITED_ROLES),
    amount=st.builds(Money, st.integers(0, 200), st.sampled_from(["GBP", "EUR"])),
    alone_before=st.integers(0, 100),
    limits=st.none() | LIMITS,
    conflicts=st.sampled_from([(), (FAMILY,)]),
    managed=st.booleans(),
    now=st.just(NOW),
    approval=APPROVALS,
)


@given(FACTS)
def test_what_passes_over_a_limit_was_approved_by_another_who_still_may(told: ActFacts) -> None:
    """P7: over the limit the approver is neither the requester nor the doer, and a role lost voids the approval."""
    if wrong(told):
        return
    assert not told.conflicts or told.managed
    limit = None if told.limits is None else told.limits.approval.get(told.act)
    alone = None if told.limits is None else told.limits.alone(told.act, told.doer, told.role)
    assert told.amount is not None
    together = told.alone_before + told.amount.amount
    within = all(each is None or (told.amount.currency == "GBP" and together <= each) for each in (limit, alone))
    if within and not told.conflicts:
        return
    assert told.approval is not None
    assert told.approval.approved_by not in {told.doer, told.approval.requested_by}
    assert told.approval.approver_may
    assert not told.approval.approver_conflicts
    assert told.now < told.approval.expires_at


@given(FACTS)
def test_an_approval_by_an_independent_person_is_enough_but_for_unmanaged_conflicts(told: ActFacts) -> None:
    good = by_ben(requested_by=told.doer, approved_by=UUID(int=9))

    assert set(wrong(replace(told, approval=good))) <= {"CONFLICT_OF_INTEREST"}


@given(LIMITS, LIMITS, FACTS)
def test_limits_that_do_not_loosen_let_nothing_pass_that_did_not_before(
    before: Limits, after: Limits, told: ActFacts
) -> None:
    if not rules.loosens(before, after) and told.role in LIMITED_ROLES:
        was, now = (replace(told, limits=each, approval=None, conflicts=()) for each in (before, after))
        if wrong(was):
            assert wrong(now)


def test_raising_dropping_or_changing_the_currency_of_a_limit_loosens_it() -> None:
    before = Limits("GBP", {Act.OFFER: 100}, (DelegatedLimit(50, role=Role.EDITOR),))

    assert not rules.loosens(None, before)
    assert not rules.loosens(before, before)
    assert not rules.loosens(before, replace(before, approval={Act.OFFER: 99, Act.PAYMENT: 1}))
    assert rules.loosens(before, replace(before, approval={Act.OFFER: 101}))
    assert rules.loosens(before, replace(before, approval={}))
    assert rules.loosens(before, replace(before, delegated=()))
    assert rules.loosens(before, replace(before, currency="EUR"))
    personal = DelegatedLimit(51, user_id=ADA)
    assert rules.loosens(before, replace(before, delegated=(*before.delegated, personal)))


def test_the_nearest_limit_counts_a_person_s_before_a_role_s_and_an_act_s_before_all() -> None:
    limits = Limits(
        "GBP",
        {},
        (
            DelegatedLimit(1, role=Role.EDITOR),
            DelegatedLimit(2, role=Role.EDITOR, act=Act.OFFER),
            DelegatedLimit(3, user_id=ADA),
            DelegatedLimit(4, user_id=ADA, act=Act.OFFER),
        ),
    )

    assert limits.alone(Act.OFFER, ADA, Role.EDITOR) == 4
    assert limits.alone(Act.PAYMENT, ADA, Role.EDITOR) == 3
    assert limits.alone(Act.OFFER, BEN, Role.EDITOR) == 2
    assert limits.alone(Act.PAYMENT, BEN, Role.EDITOR) == 1
    assert limits.alone(Act.PAYMENT, BEN, Role.OWNER) is None


def test_limits_name_every_fault() -> None:
    limits = Limits(
        "GBP",
        {},
        (
            DelegatedLimit(1),
            DelegatedLimit(1, role=Role.EDITOR, user_id=ADA),
            DelegatedLimit(1, user_id=BEN),
            DelegatedLimit(2, user_id=BEN),
        ),
    )
    faults = rules.limit_faults(limits, [("#/approval_limits/0/limit/currency", "EUR")], frozenset({ADA}))

    assert [fault["pointer"] for fault in faults] == [
        "#/approval_limits/0/limit/currency",
        "#/delegated_limits/0",
        "#/delegated_limits/1",
        "#/delegated_limits/2/user_id",
        "#/delegated_limits/3/user_id",
        "#/delegated_limits/3",
    ]


# Conflicts


def member(organisation_id: UUID, role: Role = Role.EDITOR, **members: object) -> Membership:
    return Membership(organisation_id, role, "funder", "vouched", **members)  # type: ignore[arg-type]


INVOLVED = (Involved("group", GROUP), Involved("parent", PARENT), Involved("host", HOST))


def found(actor: Actor, *declared: Declared, involved: tuple[Involved, ...] = INVOLVED) -> list[tuple[str, str, bool]]:
    told = rules.conflicts(actor, FUNDER, PROPOSAL, involved, declared)
    return [(each.kind, each.side, each.declared) for each in told]


@pytest.mark.parametrize(("organisation", "side"), [(GROUP, "group"), (PARENT, "parent"), (HOST, "host")])
def test_belonging_to_another_side_is_a_conflict(organisation: UUID, side: str) -> None:
    actor = Actor(ADA, (member(FUNDER), member(organisation, Role.VIEWER)))

    assert found(actor) == [("member_of_both", side, False)]


def test_belonging_elsewhere_is_none_and_an_organisation_is_none_with_itself() -> None:
    assert found(Actor(ADA, (member(FUNDER), member(OTHER)))) == []
    assert found(Actor(ADA, (member(FUNDER),)), involved=(Involved("parent", FUNDER),)) == []
    own = Actor(ADA, (member(FUNDER, identifiers=("GB-COH-01234567",)),))
    assert found(own, involved=(Involved("parent", identifier="GB-COH-01234567"),)) == []


def test_a_parent_known_by_its_number_is_found_too() -> None:
    actor = Actor(ADA, (member(FUNDER), member(OTHER, identifiers=("GB-COH-01234567",))))

    assert found(actor, involved=(Involved("parent", identifier="GB-COH-01234567"),)) == [
        ("member_of_both", "parent", False)
    ]


def test_a_guest_of_the_proposal_advises_the_group() -> None:
    guest = member(GROUP, Role.GUEST, proposal_id=PROPOSAL)

    assert found(Actor(ADA, (member(FUNDER), guest))) == [("adviser", "group", False)]


def test_declared_interests_count_where_they_touch_the_proposal() -> None:
    actor = Actor(ADA, (member(FUNDER),))

    assert found(actor, Declared("family", organisation_id=GROUP)) == [("family", "group", True)]
    assert found(actor, Declared("financial", proposal_id=PROPOSAL)) == [("financial", "proposal", True)]
    assert found(actor, Declared("family", organisation_id=OTHER), Declared("family", proposal_id=OTHER)) == []


# Approvals


def test_the_digest_is_of_act_subject_amount_and_terms() -> None:
    digests = {
        rules.terms_digest(*each)
        for each in (
            (Act.OFFER, ADA, Money(1, "GBP"), {"a": "b"}),
            (Act.PAYMENT, ADA, Money(1, "GBP"), {"a": "b"}),
            (Act.OFFER, BEN, Money(1, "GBP"), {"a": "b"}),
            (Act.OFFER, ADA, Money(2, "GBP"), {"a": "b"}),
            (Act.OFFER, ADA, Money(1, "EUR"), {"a": "b"}),
            (Act.OFFER, ADA, None, {"a": "b"}),
            (Act.OFFER, ADA, Money(1, "GBP"), {"a": "c"}),
            (Act.OFFER, ADA, Money(1, "GBP"), {}),
        )
    }

    assert len(digests) == 8


@pytest.mark.parametrize("state", rules.APPROVAL_STATES)
@pytest.mark.parametrize("event", ["approve", "reject", "withdraw", "consume"])
def test_an_approval_takes_the_steps_of_its_table_and_no_other(state: str, event: str) -> None:
    if (state, event) in rules.APPROVAL:
        assert rules.next_approval_state(state, event) == rules.APPROVAL[state, event]
    else:
        with pytest.raises(rules.NoSuchAnswer):
            rules.next_approval_state(state, event)


def test_what_waits_expires_by_the_clock_and_what_is_done_does_not() -> None:
    assert rules.approval_state_at("approved", NOW, NOW) == "expired"
    assert rules.approval_state_at("approved", NOW + timedelta(seconds=1), NOW) == "approved"
    assert rules.approval_state_at("consumed", NOW, NOW) == "consumed"


def test_the_second_person_is_told_every_reason_against_them() -> None:
    reasons = rules.answer_reasons(approver=ADA, requested_by=ADA, interests=(FAMILY,), covered=False, wanted=5)

    assert [each.code for each in reasons] == ["APPROVER_NOT_THE_REQUESTER", "CONFLICT_OF_INTEREST", "APPROVER_LIMIT"]
    assert all(isinstance(each, Reason) and each.outcome is Outcome.UNMET for each in reasons)
