"""P4 over random lives: whatever is amended, paid, undone, cancelled, returned, demanded, every penny has one place."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from marketplace.identity.authentication import memberships_of
from marketplace.ledger.reconciliation import reconcile
from marketplace.pledges import demands, reversals, schedules, tranches
from marketplace.pledges.models import Pledge
from marketplace.proposals.models import Ask
from marketplace.values.actor import Actor
from marketplace.values.clock import today
from marketplace.values.money import Money
from marketplace.values.refusals import MarketplaceError
from tests.pledges.scene import Scene, a_scene

pytestmark = pytest.mark.slow

ACTS = ("amend", "claim", "pay", "undo", "cancel", "hold", "return", "demand", "recover", "give_up", "cut")
LIVES = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 7), st.integers(1, 400_000)), min_size=6, max_size=14)
WHY = {"en": "So it was drawn."}
AMOUNT = 1_000_000


class Life:
    """One pledge, lived by the services themselves; a refusal is undone and lived on from."""

    def __init__(self, scene: Scene, pledge_id: str) -> None:
        self.scene, self.session, self.pledge_id = scene, scene.session, UUID(pledge_id)
        self.done: list[str] = []

    def actor(self, who: str) -> Actor:
        person = getattr(self.scene, who).id
        return Actor(person, memberships_of(self.session, person, fresh=True))

    def act(self, name: str, place: int, amount: int) -> None:
        pledge = self.session.get_one(Pledge, self.pledge_id, populate_existing=True)
        every = [each for part in pledge.parts for each in part.tranches]
        tranche = every[place % len(every)].id
        with self.session.begin_nested() as step:
            try:
                getattr(self, name)(pledge, tranche, amount)
                self.done.append(name)
            except MarketplaceError:
                step.rollback()
        self.session.expire_all()

    def amend(self, pledge: Pledge, _tranche: UUID, amount: int) -> None:
        part = pledge.parts[0]
        rest = sum(each.amount for each in schedules.standing_of(pledge)[part.id] if each.replaceable)
        shares = [amount, rest - amount] if 0 < amount < rest else [rest]
        planned = [{"basis": "on_agreement", "amount": each} for each in shares]
        draft = {"parts": [{"part_id": part.id, "tranches": planned}], "reason": WHY}
        made = schedules.propose(self.session, self.actor("nurse"), pledge.id, draft)
        schedules.accept(self.session, self.actor("officer"), made.id)

    def claim(self, _pledge: Pledge, tranche: UUID, _amount: int) -> None:
        tranches.claim(self.session, self.actor("nurse"), tranche, {})

    def pay(self, _pledge: Pledge, tranche: UUID, _amount: int) -> None:
        if self.session.get_one(tranches.Tranche, tranche).state == "scheduled":
            tranches.claim(self.session, self.actor("nurse"), tranche, {})
        tranches.approve(self.session, self.actor("director"), tranche)
        tranches.pay(self.session, self.actor("officer"), tranche, {"paid_on": today(), "reference": "B"})

    def undo(self, _pledge: Pledge, tranche: UUID, _amount: int) -> None:
        reversals.ask_reversal(self.session, self.actor("officer"), tranche, WHY)
        reversals.approve_reversal(self.session, self.actor("director"), tranche)

    def cancel(self, _pledge: Pledge, tranche: UUID, _amount: int) -> None:
        tranches.cancel(self.session, self.actor("officer"), tranche, WHY)

    def hold(self, _pledge: Pledge, tranche: UUID, amount: int) -> None:
        if amount % 2:
            tranches.hold(self.session, self.actor("officer"), tranche, WHY)
        else:
            tranches.release(self.session, self.actor("officer"), tranche)

    def give_back(self, amount: int) -> dict[str, Any]:
        return {"amount": Money(amount, "GBP"), "reference": f"R{len(self.done)}-{amount}"}

    def cut(self, pledge: Pledge, _tranche: UUID, amount: int) -> None:
        held, _, _ = schedules.hold_pledge(
            self.session, self.actor("officer"), pledge.id, schedules.Action.MANAGE_TRANCHE
        )
        schedules.cut_rest(self.session, self.actor("officer"), held, [(pledge.parts[0].id, amount)], WHY)

    def demand(self, pledge: Pledge, tranche: UUID, amount: int) -> None:
        line = {"tranche_id": tranche, "amount": Money(amount, "GBP")}
        draft = {"due_on": today(), "reason": WHY, "tranches": [line]}
        demands.claw_back(self.session, self.actor("officer"), pledge.id, draft)

    def recover(self, pledge: Pledge, tranche: UUID, amount: int) -> None:
        for made in demands.demands_of(self.session, self.actor("officer"), pledge.id, None, 1):
            body = {"tranche_id": made.lines[0].tranche_id} | self.give_back(amount)
            demands.record_recovery(self.session, self.actor("officer"), made.id, body)

    def give_up(self, pledge: Pledge, _tranche: UUID, _amount: int) -> None:
        for made in demands.demands_of(self.session, self.actor("officer"), pledge.id, None, 1):
            demands.withdraw_demand(self.session, self.actor("officer"), made.id, WHY)

    def holds(self) -> None:
        """P4 in the part, in its tranches, in the ledger and in the ask."""
        pledge = self.session.get_one(Pledge, self.pledge_id, populate_existing=True)
        for part in pledge.parts:
            live = [each for each in part.tranches if each.state != "replaced"]
            assert part.amount == sum(each.amount for each in live) == part.unpaid + part.paid + part.cancelled
            assert 0 <= part.returned <= part.paid
            assert all(each.returned + each.demanded <= each.amount for each in live)
        ask = self.session.get_one(Ask, pledge.ask_id, populate_existing=True)
        assert ask.accepted == AMOUNT - sum(part.cancelled for part in pledge.parts)
        assert reconcile(self.session) == []


setattr(Life, "return", lambda self, _pledge, tranche, amount: tranches.return_money(
    self.session, self.actor("officer"), tranche, self.give_back(amount)
))  # fmt: skip


def live(session: Session, client: FlaskClient, lives: int) -> set[str]:
    """Live so many random lives; which acts succeeded in any of them."""
    fired: set[str] = set()
    scene = a_scene(session, client)
    whole = {"tranches": [{"basis": "on_agreement", "amount": AMOUNT // 4}] * 4}
    pledge = scene.signed(parts=[{"instrument": "grant", "amount": AMOUNT} | whole])

    @settings(
        max_examples=lives,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(acts=LIVES)
    def one(acts: list[tuple[str, int, int]]) -> None:
        with session.begin_nested() as whole_life:
            life = Life(scene, pledge)
            for name, place, amount in [("pay", 0, 1), *acts]:
                life.act(name, place, amount)
                life.holds()
            fired.update(life.done)
            whole_life.rollback()
        session.expire_all()

    one()
    return fired


def test_a_few_random_lives_conserve_every_penny(session: Session, client: FlaskClient) -> None:
    assert {"pay", "amend"} <= live(session, client, 6)


@pytest.mark.slow
def test_many_random_lives_conserve_every_penny_and_every_act_is_among_them(
    session: Session, client: FlaskClient
) -> None:
    assert live(session, client, 60) == set(ACTS)
