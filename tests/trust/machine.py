"""G10: Hypothesis walks the services and a pure model side by side; every answer and every balance must be the same.

Each example is one transaction that is rolled back; each step a savepoint, as a refused request leaves nothing behind.
After each step the programme's accounts, the ask, and all pledges and tranches are read from the database and compared.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.orm import Session

from marketplace.ledger.models import LedgerAccount
from marketplace.pledges import offers, tranches
from marketplace.pledges.models import Pledge, PledgePart, Tranche
from marketplace.programmes.budgets import set_budget
from marketplace.programmes.models import Programme
from marketplace.proposals.models import Ask
from marketplace.store.base import db
from marketplace.store.chain import write_pending
from marketplace.values.clock import today
from marketplace.values.money import Money
from marketplace.values.refusals import MarketplaceError
from tests.pledges.scene import Scene, a_funded_programme, a_scene
from tests.trust import model
from tests.trust.ground import Ground, program
from tests.trust.invariants import broken

ASK = 150
BUDGET = 100
TICKET = 70
WHY = {"en": "The walk goes on."}
RULES = (
    "budget", "draft", "offer", "accept", "withdraw", "decline", "expire", "record expired", "sign", "claim", "approve",
    "send back", "pay", "hold", "release", "cancel", "return", "terminate",
)  # fmt: skip
AMOUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=3)
REFERENCES = count(1)


def machine_on(engine: Engine, scene: Scene, programmes: list[Any], counted: Counter[tuple[str, str]]) -> type[Any]:
    """The machine, for a scene that is committed; `counted` keeps each rule's outcomes."""
    with engine.connect() as connection:
        session = Session(connection)
        actors = {name: getattr(scene, name).actor(session) for name in ("officer", "director", "nurse")}
        session.close()
    proposal_id = scene.proposal.id
    nurse, officer, director = actors["nurse"], actors["officer"], actors["director"]

    class MoneyMachine(RuleBasedStateMachine):
        """Services and model, step by step."""

        pledges: Bundle[int] = Bundle("pledges")

        def __init__(self) -> None:
            super().__init__()
            self.connection: Connection = engine.connect()
            self.outer = self.connection.begin()
            self.session = Session(self.connection, join_transaction_mode="create_savepoint", autoflush=False)
            self.ids: list[Any] = []
            self.model = model.Market(ASK, [model.Programme(True), model.Programme(False, TICKET)])
            self.model.budget(0, BUDGET)

        def teardown(self) -> None:
            self.session.flush()
            write_pending(self.session)
            self.connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            found = broken(self.session)
            self.session.close()
            self.outer.rollback()
            self.connection.close()
            assert found == []

        def step(self, name: str, expected: Any, act: Callable[[], Any]) -> None:
            """Do it as a request does, compare what came of it, and everything that is kept."""
            savepoint = self.session.begin_nested()
            try:
                act()
                self.session.flush()
                savepoint.commit()
                came = None
            except MarketplaceError as refusal:
                savepoint.rollback()
                came = refusal.code
            counted[name, came or "done"] += 1
            assert came == expected, (name, came, expected)
            self.session.expire_all()
            self.compare()

        def compare(self) -> None:
            session, market = self.session, self.model
            assert session.scalar(select(Ask.accepted).where(Ask.proposal_id == proposal_id)) == market.accepted
            accounts = select(LedgerAccount.owner_id, LedgerAccount.name, LedgerAccount.balance)
            held: dict[Any, dict[str, int]] = {programme: {} for programme in programmes}
            for owner, name, balance in session.execute(accounts.where(LedgerAccount.owner_id.in_(programmes))):
                if balance:
                    held[owner][name] = balance
            assert [held[each] for each in programmes] == [
                {name: kept for name, kept in programme.books.items() if kept} for programme in market.programmes
            ]
            kept = (
                select(Pledge.id, Pledge.state, Tranche.state, Tranche.amount, Tranche.returned)
                .join(PledgePart, PledgePart.pledge_id == Pledge.id)
                .join(Tranche, Tranche.part_id == PledgePart.id)
                .order_by(Pledge.id, Tranche.position)
            )
            assert [tuple(row) for row in session.execute(kept)] == [
                (self.ids[place], pledge.state, each.state, each.amount, each.returned)
                for place, pledge in sorted(enumerate(market.pledges), key=lambda entry: self.ids[entry[0]])
                for each in pledge.tranches
            ]

        def tranche(self, place: int, which: int) -> tuple[model.Pledge, model.Tranche, Any]:
            pledge = self.model.pledges[place]
            position = which % len(pledge.tranches)
            query = select(Tranche.id).join(PledgePart).where(PledgePart.pledge_id == self.ids[place])
            return pledge, pledge.tranches[position], self.session.scalar(query.where(Tranche.position == position))

        @rule(programme=st.integers(0, 1), amount=st.integers(0, 200))
        def budget(self, programme: int, amount: int) -> None:
            money = Money(amount, "GBP")
            self.step(
                "budget",
                self.model.budget(programme, amount),
                lambda: set_budget(self.session, director, programmes[programme], money, lambda _: None),
            )

        @initialize(target=pledges, amounts=AMOUNTS)
        def first_draft(self, amounts: list[int]) -> int:
            return self._draft(0, amounts)

        @rule(target=pledges, programme=st.integers(0, 1), amounts=AMOUNTS)
        def draft(self, programme: int, amounts: list[int]) -> int:
            return self._draft(programme, amounts)

        def _draft(self, programme: int, amounts: list[int]) -> int:
            given = [{"basis": "on_agreement", "amount": amount} for amount in amounts]
            part = {"instrument": "grant", "amount": sum(amounts), "tranches": given}
            draft = {"programme_id": programmes[programme], "proposal_id": proposal_id, "parts": [part]}
            self.model.draft(programme, amounts)
            self.step("draft", None, lambda: self.ids.append(offers.draft_pledge(self.session, officer, draft).id))
            return len(self.ids) - 1

        @rule(place=pledges)
        def offer(self, place: int) -> None:
            terms = {"expires_on": today() + timedelta(days=9)}
            self.of_pledge("offer", place, lambda each: offers.offer(self.session, officer, each, terms))

        @rule(place=pledges)
        def accept(self, place: int) -> None:
            self.of_pledge("accept", place, lambda each: offers.accept(self.session, nurse, each))

        @rule(place=pledges)
        def decline(self, place: int) -> None:
            self.of_pledge("decline", place, lambda each: offers.decline(self.session, nurse, each, WHY))

        @rule(place=pledges)
        def withdraw(self, place: int) -> None:
            self.of_pledge("withdraw", place, lambda each: offers.withdraw(self.session, officer, each, WHY))

        @rule(place=pledges)
        def sign(self, place: int) -> None:
            signed = {"signed_on": today()}
            self.of_pledge("sign", place, lambda each: offers.sign_agreement(self.session, officer, each, signed))

        @rule(place=pledges)
        def terminate(self, place: int) -> None:
            self.of_pledge("terminate", place, lambda each: offers.terminate(self.session, officer, each, WHY))

        @precondition(lambda self: any(each.state in {"contracted", "drawing"} for each in self.model.pledges))
        @rule()
        def end_a_signed_one(self) -> None:
            """Chance alone would seldom meet a pledge between its agreement and its last payment."""
            states = [each.state in {"contracted", "drawing"} for each in self.model.pledges]
            self.terminate(states.index(True))

        def offered(self) -> list[int]:
            return [place for place, each in enumerate(self.model.pledges) if each.state == "offered" and not each.over]

        def standing(self, state: str) -> list[tuple[int, int]]:
            """Pledges and places of the tranches that are in that state."""
            return [
                (place, which)
                for place, pledge in enumerate(self.model.pledges)
                for which, each in enumerate(pledge.tranches)
                if each.state == state
            ]

        @precondition(lambda self: self.offered())
        @rule()
        def decline_an_offer(self) -> None:
            self.decline(self.offered()[0])

        @rule(place=pledges)
        def let_an_offer_expire(self, place: int) -> None:
            if self.model.pledges[place].state == "draft":
                self.follow(place)
            self.expire(place)

        @rule(place=pledges)
        def send_a_claim_back(self, place: int) -> None:
            """From wherever the pledge is: a claim seldom waits for chance."""
            for _ in range(5):
                states = [each.state for each in self.model.pledges[place].tranches]
                if "claimed" in states:
                    self.send_back(place, states.index("claimed"))
                    return
                self.follow(place)

        @rule(place=pledges, which=st.integers(0, 2))
        def cancel_what_was_accepted(self, place: int, which: int) -> None:
            for _ in range(2):
                if self.model.pledges[place].state in {"draft", "offered"}:
                    self.follow(place)
            self.cancel(place, which)

        @precondition(lambda self: self.standing("held"))
        @rule()
        def release_what_is_held(self) -> None:
            self.release(*self.standing("held")[0])

        @precondition(lambda self: self.standing("paid"))
        @rule(amount=st.integers(1, 45))
        def return_of_what_was_paid(self, amount: int) -> None:
            place, which = self.standing("paid")[-1]
            paid = self.model.pledges[place].tranches[which]
            self.give_back(place, which, min(amount, paid.amount - paid.returned) or amount)

        def of_pledge(self, name: str, place: int, act: Callable[[Any], Any]) -> None:
            expected = getattr(self.model, name)(self.model.pledges[place])
            self.step(name, expected, lambda: act(self.ids[place]))

        @rule(place=pledges)
        def expire(self, place: int) -> None:
            """The clock passes the offer's last day."""
            if self.model.pledges[place].state != "offered":
                return
            self.model.pass_last_day(self.model.pledges[place])
            past = update(Pledge).where(Pledge.id == self.ids[place]).values(expires_on=today() - timedelta(days=1))
            self.step("expire", None, lambda: self.session.execute(past))

        @precondition(lambda self: any(pledge.over for pledge in self.model.pledges))
        @rule()
        def record_expired(self) -> None:
            """The job runs twice: the second time there is nothing to record."""
            lapsed, found = self.model.record_expired(), []

            def act() -> None:
                found.append(offers.record_expired_offers(self.session))
                found.append(offers.record_expired_offers(self.session))

            self.step("record expired", None, act)
            assert found == [lapsed, 0]

        @rule(place=pledges, which=st.integers(0, 2))
        def claim(self, place: int, which: int) -> None:
            pledge, tranche, found = self.tranche(place, which)
            expected = self.model.claim(pledge, tranche)
            self.step("claim", expected, lambda: tranches.claim(self.session, nurse, found, {}))

        @rule(place=pledges, which=st.integers(0, 2))
        def approve(self, place: int, which: int) -> None:
            _, tranche, found = self.tranche(place, which)
            expected = self.model.approve(tranche)
            self.step("approve", expected, lambda: tranches.approve(self.session, director, found))

        @rule(place=pledges, which=st.integers(0, 2))
        def send_back(self, place: int, which: int) -> None:
            _, tranche, found = self.tranche(place, which)
            expected = self.model.send_back(tranche)
            self.step("send back", expected, lambda: tranches.send_back(self.session, director, found, WHY))

        @rule(place=pledges, which=st.integers(0, 2))
        def pay(self, place: int, which: int) -> None:
            pledge, tranche, found = self.tranche(place, which)
            payment = {"paid_on": today(), "reference": "BACS"}
            expected = self.model.pay(pledge, tranche)
            self.step("pay", expected, lambda: tranches.pay(self.session, officer, found, payment))

        @rule(place=pledges, which=st.integers(0, 2))
        def hold(self, place: int, which: int) -> None:
            _, tranche, found = self.tranche(place, which)
            expected = self.model.hold(tranche)
            self.step("hold", expected, lambda: tranches.hold(self.session, officer, found, WHY))

        @rule(place=pledges, which=st.integers(0, 2))
        def release(self, place: int, which: int) -> None:
            _, tranche, found = self.tranche(place, which)
            expected = self.model.release(tranche)
            self.step("release", expected, lambda: tranches.release(self.session, officer, found))

        @rule(place=pledges, which=st.integers(0, 2))
        def cancel(self, place: int, which: int) -> None:
            pledge, tranche, found = self.tranche(place, which)
            expected = self.model.cancel(pledge, tranche)
            self.step("cancel", expected, lambda: tranches.cancel(self.session, officer, found, WHY))

        @rule(place=pledges, which=st.integers(0, 2), amount=st.integers(1, 45))
        def give_back(self, place: int, which: int, amount: int) -> None:
            pledge, tranche, found = self.tranche(place, which)
            body = {"amount": Money(amount, "GBP"), "reference": f"back {next(REFERENCES)}"}
            expected = self.model.give_back(pledge, tranche, amount)
            self.step("return", expected, lambda: tranches.return_money(self.session, officer, found, body))

        def follow(self, place: int) -> None:
            """The step that comes next for the pledge: chance alone would seldom pay anything."""
            pledge = self.model.pledges[place]
            following = {"draft": self.offer, "offered": self.accept, "accepted": self.sign}.get(pledge.state)
            if following is not None:
                following(place)
                return
            steps = {"scheduled": self.claim, "claimable": self.claim, "claimed": self.approve, "approved": self.pay}
            for which, tranche in enumerate(pledge.tranches):
                if pledge.state in {"contracted", "drawing"} and tranche.state in steps:
                    steps[tranche.state](place, which)
                    return

        @rule(place=pledges)
        def go_further(self, place: int) -> None:
            self.follow(place)

        @rule(place=pledges)
        def go_furthest(self, place: int) -> None:
            for _ in range(7):
                self.follow(place)

    return MoneyMachine


def run_machine(ground: Ground, *, examples: int = 300, steps: int = 40) -> None:
    """The walks, and their line: how often each rule was done and refused."""
    counted: Counter[tuple[str, str]] = Counter()
    divergence = ""
    with ground.clone() as url, program(url) as app, app.app_context():
        scene = a_scene(db.session(), app.test_client(), budget=BUDGET, ask=ASK, programme={"recycles": True})
        second = a_funded_programme(db.session(), scene.funder, None, recycles=False, ticket_max=TICKET)
        programmes = [scene.programme.id, second.id]
        tickets = update(Programme).where(Programme.id == programmes[0]).values(ticket_max=None)
        db.session().execute(tickets)
        db.session().commit()
        made = machine_on(db.engine, scene, programmes, counted)
        db.session.remove()
        chosen = settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None, print_blob=True,
            suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
        )  # fmt: skip
        try:
            run_state_machine_as_test(seed(ground.seed)(made), settings=chosen)
        except Exception as error:
            notes = "\n".join(getattr(error, "__notes__", []))
            divergence = f"{type(error).__name__}: {error}\n{notes}"
    done = {name: counted[name, "done"] for name in RULES}
    refused = Counter(
        {name: sum(n for (of, came), n in counted.items() if of == name and came != "done") for name in RULES}
    )
    told = ", ".join(f"{name} {done[name]}+{refused[name]}" for name in RULES)
    silent = [name for name in RULES if not done[name]]
    if divergence:
        print(divergence[:3000], flush=True)
    words = (
        f"{examples} examples x {steps}: {sum(counted.values())} steps (done+refused: {told});"
        f" {1 if divergence else 0} divergences; never done: {silent or 'none'}"
    )
    ground.tell("G10", words, not divergence and not silent)
