"""Which cells of a table are hidden, so that no small number can be worked out, by subtraction or by knowing the rule.

A cell below five is hidden, none included. The total of a table may be told; so that nobody subtracts what is told
from it, cells are hidden in fixed blocks of neighbours in the table's own order: a block with a small cell is hidden
whole, and further blocks after it until at least five things lie in what is hidden. Which block a cell is in never
depends on what it holds: a companion that was chosen by its size would tell something of the cell that it protects.
All hidden cells look the same. A property test enumerates every table that looks alike, for one who knows the rule.
"""

from collections.abc import Hashable, Mapping, Sequence
from itertools import chain
from typing import TypeVar

from marketplace.values.counts import SMALL

Key = TypeVar("Key", bound=Hashable)


def hidden(counts: Mapping[Key, int]) -> frozenset[Key]:
    """The keys whose counts are not told, of a table whose total is told from five on (see `total_hidden`).

    `counts` has every key that there is, zeros included, in the table's fixed order, which must not depend on them.
    """
    blocks = blocks_of(list(counts))
    kept_back = [any(counts[key] < SMALL for key in block) for block in blocks]
    if not any(kept_back):
        return frozenset()
    first = kept_back.index(True)
    for step in range(1, len(blocks)):
        if sum(counts[key] for block, back in zip(blocks, kept_back, strict=True) if back for key in block) >= SMALL:
            break
        kept_back[(first + step) % len(blocks)] = True
    return frozenset(chain.from_iterable(block for block, back in zip(blocks, kept_back, strict=True) if back))


def blocks_of(keys: Sequence[Key]) -> list[Sequence[Key]]:
    """The fixed blocks: pairs of neighbours, the last one of three where the number is odd."""
    pairs: list[Sequence[Key]] = [keys[at : at + 2] for at in range(0, len(keys), 2)]
    if len(pairs) > 1 and len(pairs[-1]) == 1:
        last = pairs.pop()
        pairs[-1] = [*pairs[-1], *last]
    return pairs


def total_hidden(counts: Mapping[Key, int]) -> bool:
    """Whether the total itself is too small to tell; every cell is then hidden with it."""
    return sum(counts.values()) < SMALL


def told(counts: Mapping[Key, int]) -> dict[Key, int | None]:
    """Each count, or None where it is hidden."""
    kept_back = hidden(counts)
    return {key: None if key in kept_back else count for key, count in counts.items()}
