"""Whatever is offered, accepted, withdrawn, declared and lapsed, in any order: P1, P3 and P10 hold, to the penny.

A model that knows nothing of the code says after each step what budgets, lines, pool and states have to be.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace.ledger import service as books
from marketplace.ledger.reconciliation import reconcile
from marketplace.pledges import commitments, offers, outside, pools
from marketplace.pledges.condition_models import PledgeCondition, ProgrammePool
from marketplace.pledges.models import Pledge
from marketplace.pledges.rules import AskAlreadyFunded
from marketplace.proposals.models import Ask, AskLine
from marketplace.values.clock import today
from marketplace.values.money import Money
from marketplace.values.refusals import MarketplaceError
from tests.builders import a_member, an_organisation
from tests.pledges.scene import a_funded_programme, a_scene
from tests.proposals.builders import seen

pytestmark = pytest.mark.slow

LINES = (40, 30, 30)
BUDGETS = (90, 70)
POOL = 50
AMOUNTS = st.integers(1, 45)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("accept"),
            st.integers(0, 1),
            AMOUNTS,
            st.one_of(st.none(), st.integers(1, 130)),
            st.booleans(),
        ),
        st.tuples(st.just("withdraw"), st.integers(0, 5)),
        st.tuples(st.just("declare"), AMOUNTS),
        st.tuples(st.just("take_back"), st.integers(0, 3)),
        st.tuples(st.just("day_over")),
    ),
    min_size=4,
    max_size=12,
)
NUMBERS = count(1)


@dataclass
class Promise:
    """What the model knows of an accepted pledge."""

    fund: int
    amount: int
    threshold: int | None
    pooled: bool
    day_over: bool = False
    alive: bool = True


@dataclass
class Model:
    """The deal by brute force: who counts is found by trying every set."""

    promises: list[Promise] = field(default_factory=list)
    awards: dict[int, int] = field(default_factory=dict)

    @property
    def live(self) -> list[Promise]:
        return [each for each in self.promises if each.alive]

    @property
    def filled(self) -> int:
        return sum(each.amount for each in self.live) + sum(self.awards.values())

    def committed(self, fund: int) -> int:
        return sum(each.amount for each in self.live if each.fund == fund)

    def pooled(self) -> int:
        return sum(each.amount for each in self.live if each.pooled)

    def has_room(self, promise: Promise) -> bool:
        in_pool = not promise.pooled or self.pooled() + promise.amount <= POOL
        in_budget = self.committed(promise.fund) + promise.amount <= BUDGETS[promise.fund]
        return self.filled + promise.amount <= sum(LINES) and in_budget and in_pool

    def waiting(self) -> list[Promise]:
        return [each for each in self.live if each.threshold is not None and not each.day_over]

    def unreached(self) -> list[Promise]:
        """The waiting ones in no set that carries itself, by trying all sets."""
        waiting = self.waiting()
        certain = self.filled - sum(each.amount for each in waiting)
        carried: set[int] = set()
        for mask in range(1 << len(waiting)):
            chosen = [place for place in range(len(waiting)) if mask >> place & 1]
            total = certain + sum(waiting[place].amount for place in chosen)
            if all(total >= (waiting[place].threshold or 0) for place in chosen):
                carried |= set(chosen)
        return [each for place, each in enumerate(waiting) if place not in carried]

    def day_passes(self) -> None:
        for each in self.unreached():
            each.alive = False
        for each in self.live:
            each.day_over = True


@dataclass
class Played:
    """The same steps by the services, each in a savepoint of its own."""

    session: Session
    scene: Any
    model: Model
    funds: list[Any]
    officers: list[Any]
    pool: ProgrammePool
    pledges: list[Pledge] = field(default_factory=list)
    awards: dict[int, Any] = field(default_factory=dict)

    @contextmanager
    def trying(self) -> Iterator[None]:
        with self.session.begin_nested():
            yield
            self.session.flush()

    def accept(self, fund: int, amount: int, threshold: int | None, pooled: bool) -> None:
        promise = Promise(fund, amount, threshold, pooled and fund == 0)
        later = today() + timedelta(days=9)
        conditions: list[dict[str, Any]] = []
        if threshold is not None:
            conditions.append({"kind": "threshold", "amount": threshold, "by": later})
        if promise.pooled:
            conditions.append({"kind": "pool", "pool_id": self.pool.id})
        draft = {
            "programme_id": self.funds[fund].id,
            "proposal_id": self.scene.proposal.id,
            "parts": [{"instrument": "grant", "amount": amount}],
            "conditions": conditions,
        }
        officer, nurse = self.officers[fund].actor(self.session), self.scene.nurse.actor(self.session)
        try:
            with self.trying():
                pledge = offers.draft_pledge(self.session, officer, draft)
                offers.offer(self.session, officer, pledge.id, {"expires_on": later})
                offers.accept(self.session, nurse, pledge.id)
        except MarketplaceError:
            assert not self.model.has_room(promise)
            return
        assert self.model.has_room(promise)
        self.model.promises.append(promise)
        self.pledges.append(pledge)

    def withdraw(self, place: int) -> None:
        if place >= len(self.pledges):
            return
        promise, pledge = self.model.promises[place], self.pledges[place]
        try:
            with self.trying():
                officer = self.officers[promise.fund].actor(self.session)
                offers.withdraw(self.session, officer, pledge.id, {"en": "No."})
        except MarketplaceError:
            assert not promise.alive
            return
        assert promise.alive
        promise.alive = False

    def declare(self, amount: int) -> None:
        draft = {
            "funder_name": "Lottery",
            "instrument": "grant",
            "amount": Money(amount, "GBP"),
            "awarded_on": today(),
            "is_subsidy": False,
        }
        try:
            with self.trying():
                actor = self.scene.nurse.actor(self.session)
                award = outside.declare_award(self.session, actor, self.scene.proposal.id, draft)
        except AskAlreadyFunded:
            assert self.model.filled + amount > sum(LINES)
            return
        number = len(self.awards)
        self.awards[number], self.model.awards[number] = award, amount

    def take_back(self, number: int) -> None:
        if number in self.model.awards:
            actor = self.scene.nurse.actor(self.session)
            outside.withdraw_award(self.session, actor, self.scene.proposal.id, self.awards[number].id, seen)
            del self.model.awards[number]

    def day_over(self) -> None:
        yesterday = today() - timedelta(days=1)
        over = PledgeCondition.pledge_id.in_(select(Pledge.id).where(Pledge.proposal_id == self.scene.proposal.id))
        self.session.execute(update(PledgeCondition).where(over, PledgeCondition.by.is_not(None)).values(by=yesterday))
        waiting = update(Pledge).where(Pledge.proposal_id == self.scene.proposal.id, Pledge.lapses_on.is_not(None))
        self.session.execute(waiting.values(lapses_on=yesterday))
        self.session.expire_all()
        lapsing = len(self.model.unreached())
        assert commitments.record_lapses(self.session) == lapsing
        assert commitments.record_lapses(self.session) == 0
        self.model.day_passes()

    def agrees(self) -> None:
        session, model = self.session, self.model
        session.expire_all()
        ask = session.scalars(select(Ask).where(Ask.proposal_id == self.scene.proposal.id)).one()
        lines = session.scalars(select(AskLine).where(AskLine.ask_id == ask.id)).all()
        assert ask.filled == model.filled <= ask.amount
        assert sum(line.filled for line in lines) == model.filled
        for fund, programme in enumerate(self.funds):
            kept = books.balances(session, "programme", programme.id)
            assert kept["committed"] == model.committed(fund)
            assert kept["available"] + kept["committed"] == BUDGETS[fund]
        assert session.get_one(ProgrammePool, self.pool.id).drawn == model.pooled()
        states = [pledge.state == "accepted" for pledge in self.pledges]
        assert states == [promise.alive for promise in model.promises]
        unreached = model.unreached()
        waits = [pledge.lapses_on is not None and pledge.state == "accepted" for pledge in self.pledges]
        assert waits == [any(promise is each for each in unreached) for promise in model.promises]


def played(session: Session, client: FlaskClient) -> Played:
    """A fresh deal: two funders with small budgets, a pool, an ask of three lines."""
    lines = [
        {"purpose": purpose, "description": None, "amount": amount}
        for purpose, amount in zip(("legal", "hr", "other"), LINES, strict=True)
    ]
    scene = a_scene(session, client, lines=lines, budget=BUDGETS[0], programme={"tranche_template": []})
    rival = an_organisation(session, kind="funder", name=f"Second Fund {next(NUMBERS)}")
    second = a_funded_programme(session, rival, BUDGETS[1], tranche_template=[])
    director = scene.director.actor(session)
    pool = pools.open_pool(session, director, scene.programme.id, {"name": "Pool", "amount": Money(POOL, "GBP")})
    officers = [scene.officer, a_member(session, rival, "editor")]
    session.commit()
    return Played(session, scene, Model(), [scene.programme, second], officers, pool)


def act(play: Played, steps: list[tuple[Any, ...]]) -> None:
    for name, *values in steps:
        getattr(play, name)(*values)
        play.session.flush()
        play.agrees()


@settings(max_examples=2, suppress_health_check=list(HealthCheck), print_blob=True)
@given(steps=STEPS)
def test_no_order_of_steps_breaks_the_sums(session: Session, client: FlaskClient, steps: list[tuple[Any, ...]]) -> None:
    play = played(session, client)
    act(play, steps)
    assert reconcile(session) == []


@pytest.mark.slow
@settings(max_examples=20, suppress_health_check=list(HealthCheck), print_blob=True)
@given(steps=STEPS)
def test_no_long_order_of_steps_breaks_the_sums(
    session: Session, client: FlaskClient, steps: list[tuple[Any, ...]]
) -> None:
    play = played(session, client)
    act(play, steps)
    assert reconcile(session) == []


@settings(max_examples=2, suppress_health_check=list(HealthCheck), print_blob=True)
@given(
    pledges=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 25), st.integers(1, 110)), min_size=2, max_size=4),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_acceptances_does_not_matter_for_who_lapses(
    session: Session, client: FlaskClient, pledges: list[tuple[int, int, int]], order: Any
) -> None:
    ends = []
    for _ in range(2):
        play = played(session, client)
        places = list(range(len(pledges)))
        order.shuffle(places)
        for place in places:
            fund, amount, threshold = pledges[place]
            play.accept(fund, amount, threshold, False)
        assert len(play.pledges) == len(pledges)
        play.day_over()
        play.agrees()
        ends.append({place: pledge.state for place, pledge in zip(places, play.pledges, strict=True)})

    assert ends[0] == ends[1]
