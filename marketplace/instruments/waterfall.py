"""Loss waterfalls: layers of a fund that absorb losses in order, and are made whole in the opposite one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.instruments.amounts import in_order


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer: its name, its size and what it has lost, in minor units. The first layer loses first."""

    name: str
    size: int
    lost: int = 0

    @property
    def left(self) -> int:
        return self.size - self.lost


def absorb(layers: Sequence[Layer], loss: int) -> tuple[list[Layer], int]:
    """The layers after a `loss`, each taking min(what remains, what it has left), and the loss that nobody covers.

    Structure of the Third Sector Loan Fund: repayable grant first, then mezzanine, then senior
    (http://www.thirdsector.co.uk/santander-uk-provides-almost-half-new-30m-loan-fund-third-sector/finance/article/1320728).
    """
    taken = in_order(loss, [layer.left for layer in layers])
    after = [Layer(each.name, each.size, each.lost + took) for each, took in zip(layers, taken, strict=True)]
    return after, loss - sum(taken)


def recover(layers: Sequence[Layer], recovery: int) -> tuple[list[Layer], int]:
    """The layers after money came back, the most senior made whole first, and what is over once all are."""
    backwards = list(reversed(layers))
    given = in_order(recovery, [layer.lost for layer in backwards])
    after = [Layer(each.name, each.size, each.lost - back) for each, back in zip(backwards, given, strict=True)]
    return after[::-1], recovery - sum(given)
