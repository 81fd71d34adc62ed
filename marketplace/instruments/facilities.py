"""A wholesale facility to one intermediary: what it may lend, when it stops, who bears a loss. Pure; minor units.

The capital is a first loss, a mezzanine and a senior layer (`waterfall`). A deal is checked in a fixed order: loss
stop, concentration, capacity. The simulation and the ledger ask the same functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from marketplace.instruments.amounts import BASIS_POINTS
from marketplace.instruments.waterfall import Layer, absorb, recover

LAYERS = ("first_loss", "mezzanine", "senior")
LOSS_STOP_BP = 8_000
"""The share of the first loss at which lending stops."""
CONCENTRATION_BP = 1_000
"""The share of the facility that one deal may be."""
LEVERAGE_CAP = {"seed": 4, "proven": 19}
"""(M + S) / L at most. The proven lender's is the Third Sector Loan Fund's: 1.5m under 28.5m, nineteen times."""


@dataclass(frozen=True, slots=True)
class FacilityTerms:
    """The layers' sizes, the loss stop (of the first loss) and the concentration cap (of the facility)."""

    first_loss: int
    mezzanine: int
    senior: int
    loss_stop_bp: int = LOSS_STOP_BP
    concentration_bp: int = CONCENTRATION_BP

    @property
    def total(self) -> int:
        return self.first_loss + self.mezzanine + self.senior

    @property
    def layers(self) -> list[Layer]:
        return [Layer(name, getattr(self, name)) for name in LAYERS]

    @property
    def largest_deal(self) -> int:
        """Rounded down: a cap is never rounded up."""
        return self.total * self.concentration_bp // BASIS_POINTS


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a facility stands: what is left to lend, and what was lost and not recovered."""

    undrawn: int
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a draw: its code, whether it holds, the most that is allowed and what was found."""

    code: str
    holds: bool
    wanted: int
    found: int


def leverage_holds(terms: FacilityTerms, lender: str) -> bool:
    """(M + S) <= cap x L, for a seed or a proven lender; nothing may be lent above no first loss."""
    return terms.mezzanine + terms.senior <= LEVERAGE_CAP[lender] * terms.first_loss


def leverage(terms: FacilityTerms) -> Decimal | None:
    """(M + S) / L; None without a first loss."""
    return Decimal(terms.mezzanine + terms.senior) / terms.first_loss if terms.first_loss else None


def draw_checks(terms: FacilityTerms, standing: Standing, amount: int, of_the_group: int = 0) -> list[Check]:
    """Whether `amount` may be drawn, every check in its order. `of_the_group`: what that group has outstanding here.

    The stop is reached at `loss_stop_bp` of the first loss exactly; what a deal adds to an earlier one of the same
    group counts together, since a deal that is cut in two is one concentration.
    """
    exposed = of_the_group + amount
    stopped = standing.lost * BASIS_POINTS >= terms.loss_stop_bp * terms.first_loss
    return [
        Check("LOSS_STOP", not stopped, terms.first_loss * terms.loss_stop_bp // BASIS_POINTS, standing.lost),
        Check("CONCENTRATION", exposed <= terms.largest_deal, terms.largest_deal, exposed),
        Check("CAPACITY", amount <= standing.undrawn, standing.undrawn, amount),
    ]


def shares_of_loss(layers: Sequence[Layer], loss: int) -> tuple[list[Layer], list[int], int]:
    """The layers after a loss, what each took in their order, the first loss first, and what nobody covers."""
    after, uncovered = absorb(layers, loss)
    return after, [now.lost - was.lost for was, now in zip(layers, after, strict=True)], uncovered


def shares_of_recovery(layers: Sequence[Layer], recovery: int) -> tuple[list[Layer], list[int], int]:
    """The layers after money came back, what each got in their order, and what is over once all are whole."""
    after, over = recover(layers, recovery)
    return after, [was.lost - now.lost for was, now in zip(layers, after, strict=True)], over


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal of a simulation: its amount and the share of it that is lost."""

    amount: int
    lost_bp: int = 0


@dataclass(frozen=True, slots=True)
class DealTold:
    """What became of a deal: the checks that refused it (none: it was lent), and the sums after it."""

    number: int
    amount: int
    refused: tuple[Check, ...]
    lent: int
    lost: int
    undrawn: int


@dataclass(frozen=True, slots=True)
class FacilityRun:
    """The deals in their order, the layers after them, and what is left to lend."""

    deals: list[DealTold]
    layers: list[Layer]
    lent: int
    lost: int
    undrawn: int


def run_facility(terms: FacilityTerms, deals: Sequence[Deal]) -> FacilityRun:
    """Lend the deals one after the other, each to another group; a loss is known before the next deal is checked."""
    told: list[DealTold] = []
    layers, undrawn, lent, lost = terms.layers, terms.total, 0, 0
    for number, deal in enumerate(deals, 1):
        checks = draw_checks(terms, Standing(undrawn, lost), deal.amount)
        refused = tuple(each for each in checks if not each.holds)
        if not refused:
            loss = (2 * deal.amount * deal.lost_bp + BASIS_POINTS) // (2 * BASIS_POINTS)
            undrawn, lent, lost = undrawn - deal.amount, lent + deal.amount, lost + loss
            layers, _, _ = shares_of_loss(layers, loss)
        told.append(DealTold(number, deal.amount, refused, lent, lost, undrawn))
    return FacilityRun(told, layers, lent, lost, undrawn)


def deals_until_stop(terms: FacilityTerms, lost: int, deal: int, loss_bp: int) -> int | None:
    """How many more deals of that size and loss until the loss stop is reached; None where nothing is lost."""
    a_deal = deal * loss_bp
    if a_deal <= 0:
        return None
    left = terms.first_loss * terms.loss_stop_bp - lost * BASIS_POINTS
    return max(0, -(-left // a_deal))


def pro_rata(amount: int, performing: Sequence[int], most_bp: int) -> list[int]:
    """`amount` of new capital shared in proportion to drawn and performing capital, each at most `most_bp` of it.

    What a cap cuts off goes to the others in their proportion, until nobody below the cap is left; the rest stays
    unallocated. Rounded down, so that no cap is passed and no more is given than there is.
    """
    cap = amount * most_bp // BASIS_POINTS
    given = [0] * len(performing)
    open_ = [place for place, each in enumerate(performing) if each > 0]
    left = amount
    while open_ and left > 0:
        weight = sum(performing[place] for place in open_)
        parts = {place: left * performing[place] // weight for place in open_}
        capped = [place for place in open_ if given[place] + parts[place] >= cap]
        if not capped:
            for place, part in parts.items():
                given[place] += part
            break
        for place in capped:
            left -= cap - given[place]
            given[place] = cap
        open_ = [place for place in open_ if place not in capped]
    return given
