"""What pledges do with money, in plain Python: what an act comes to, and what the books hold afterwards. Pure.

Written from the words of docs/ledger.md and the domain's life cycles, not from the code: an act answers None where it
is done, or the code of the refusal, and then nothing has changed.
"""

from collections import Counter
from dataclasses import dataclass, field

NO_STEP = "no-such-step"
ENDED = frozenset({"paid", "cancelled"})


@dataclass
class Tranche:
    """A tranche, on agreement; amounts in minor units."""

    amount: int
    state: str = "scheduled"
    held_from: str = ""
    returned: int = 0

    @property
    def unpaid(self) -> int:
        return 0 if self.state in ENDED else self.amount


@dataclass
class Pledge:
    """A pledge of one part."""

    programme: int
    tranches: list[Tranche]
    state: str = "draft"
    shown: bool = False
    over: bool = False
    """The offer's last day is past."""

    @property
    def amount(self) -> int:
        return sum(tranche.amount for tranche in self.tranches)


@dataclass
class Programme:
    """A programme's money, and its terms."""

    recycles: bool
    ticket: int | None = None
    funded: bool = False
    books: Counter[str] = field(default_factory=Counter)

    def move(self, source: str, target: str, amount: int) -> None:
        self.books[source] -= amount
        self.books[target] += amount


@dataclass
class Market:
    """Programmes, one ask, and the pledges between them."""

    ask: int
    programmes: list[Programme]
    pledges: list[Pledge] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """What is taken of the ask: all that accepted pledges promise, less what was cancelled."""
        promised = [pledge for pledge in self.pledges if self.was_accepted(pledge)]
        return sum(each.amount for pledge in promised for each in pledge.tranches if each.state != "cancelled")

    def was_accepted(self, pledge: Pledge) -> bool:
        return pledge.state in {"accepted", "contracted", "drawing", "completed", "terminated"} or (
            pledge.state == "withdrawn" and all(each.state == "cancelled" for each in pledge.tranches)
        )

    def _promised(self, programme: int) -> int:
        binding = {"accepted", "contracted", "drawing", "completed"}
        return sum(each.amount for each in self.pledges if each.programme == programme and each.state in binding)

    def _ticket_allows(self, pledge: Pledge) -> bool:
        ticket = self.programmes[pledge.programme].ticket
        return ticket is None or self._promised(pledge.programme) + pledge.amount <= ticket

    def budget(self, place: int, amount: int) -> str | None:
        programme = self.programmes[place]
        difference = amount + programme.books["budget_source"]
        if programme.books["available"] + difference < 0:
            return "insufficient-balance"
        programme.funded = True
        programme.move("budget_source", "available", difference)
        return None

    def draft(self, programme: int, amounts: list[int]) -> None:
        self.pledges.append(Pledge(programme, [Tranche(amount) for amount in amounts]))

    def offer(self, pledge: Pledge) -> str | None:
        programme = self.programmes[pledge.programme]
        if pledge.state != "draft":
            return NO_STEP
        if not programme.funded:
            return "programme-has-no-budget"
        room = min(self.ask - self.accepted, programme.books["available"])
        if pledge.amount > room or not self._ticket_allows(pledge):
            return "offer-refused"
        pledge.state, pledge.shown = "offered", True
        return None

    def accept(self, pledge: Pledge) -> str | None:
        if not pledge.shown:
            return "not-found"
        if pledge.state == "offered" and pledge.over:
            return "offer-expired"
        if pledge.state != "offered":
            return NO_STEP
        if not self._ticket_allows(pledge):
            return "ticket-exceeded"
        if self.accepted + pledge.amount > self.ask:
            return "ask-already-funded"
        programme = self.programmes[pledge.programme]
        if programme.books["available"] < pledge.amount:
            return "budget-exhausted"
        programme.move("available", "committed", pledge.amount)
        pledge.state = "accepted"
        return None

    def decline(self, pledge: Pledge) -> str | None:
        if not pledge.shown:
            return "not-found"
        if pledge.state == "offered" and pledge.over:
            return "offer-expired"
        if pledge.state != "offered":
            return NO_STEP
        pledge.state = "declined"
        return None

    def withdraw(self, pledge: Pledge) -> str | None:
        if pledge.state not in {"draft", "offered", "accepted"}:
            return NO_STEP
        if pledge.state == "accepted":
            self._free_all(pledge)
        pledge.state = "withdrawn"
        return None

    def pass_last_day(self, pledge: Pledge) -> None:
        pledge.over = True

    def record_expired(self) -> int:
        lapsed = [pledge for pledge in self.pledges if pledge.state == "offered" and pledge.over]
        for pledge in lapsed:
            pledge.state = "expired"
        return len(lapsed)

    def sign(self, pledge: Pledge) -> str | None:
        if pledge.state != "accepted":
            return NO_STEP
        pledge.state = "contracted"
        return None

    def terminate(self, pledge: Pledge) -> str | None:
        if pledge.state not in {"contracted", "drawing"}:
            return NO_STEP
        self._free_all(pledge)
        pledge.state = "terminated"
        return None

    def claim(self, pledge: Pledge, tranche: Tranche) -> str | None:
        if not pledge.shown:
            return "not-found"
        signed = pledge.state in {"contracted", "drawing"}
        if tranche.state == "scheduled" and not signed:
            return "not-claimable"
        if tranche.state not in {"scheduled", "claimable"}:
            return NO_STEP
        tranche.state = "claimed"
        return None

    def approve(self, tranche: Tranche) -> str | None:
        return self._step(tranche, {"claimed"}, "approved")

    def send_back(self, tranche: Tranche) -> str | None:
        return self._step(tranche, {"claimed"}, "claimable")

    def pay(self, pledge: Pledge, tranche: Tranche) -> str | None:
        if tranche.state != "approved" or pledge.state not in {"contracted", "drawing"}:
            return "not-payable"
        self.programmes[pledge.programme].move("committed", "paid", tranche.amount)
        tranche.state, pledge.state = "paid", "drawing"
        self._settle(pledge)
        return None

    def hold(self, tranche: Tranche) -> str | None:
        held_from = tranche.state
        refusal = self._step(tranche, {"scheduled", "claimable", "claimed", "approved"}, "held")
        if refusal is None:
            tranche.held_from = held_from
        return refusal

    def release(self, tranche: Tranche) -> str | None:
        return self._step(tranche, {"held"}, tranche.held_from)

    def cancel(self, pledge: Pledge, tranche: Tranche) -> str | None:
        if pledge.state not in {"accepted", "contracted", "drawing"} or tranche.state in ENDED:
            return NO_STEP
        self.programmes[pledge.programme].move("committed", "available", tranche.amount)
        tranche.state = "cancelled"
        self._settle(pledge)
        return None

    def give_back(self, pledge: Pledge, tranche: Tranche, amount: int) -> str | None:
        left = tranche.amount - tranche.returned if tranche.state == "paid" else 0
        if amount > left:
            return "return-too-large"
        programme = self.programmes[pledge.programme]
        programme.move("paid", "available" if programme.recycles else "returned", amount)
        tranche.returned += amount
        return None

    def _step(self, tranche: Tranche, origins: set[str], target: str) -> str | None:
        if tranche.state not in origins:
            return NO_STEP
        tranche.state = target
        return None

    def _settle(self, pledge: Pledge) -> None:
        if all(each.state in ENDED for each in pledge.tranches):
            pledge.state = "withdrawn" if pledge.state == "accepted" else "completed"

    def _free_all(self, pledge: Pledge) -> None:
        for tranche in pledge.tranches:
            self.programmes[pledge.programme].move("committed", "available", tranche.unpaid)
            tranche.state = "paid" if tranche.state == "paid" else "cancelled"
