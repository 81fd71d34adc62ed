"""Match trading grants: a grant for each pound by which trading income grows, up to a cap. Pure; minor units.

"Match Trading" is grant funding that pound-for-pound matches an increase in income from trading; the School for Social
Entrepreneurs' programme (https://matchtrading.com).
"""

from marketplace.instruments.amounts import share_of


def grant_due(income: int, baseline: int, cap: int, rate_bp: int = 10_000) -> int:
    """min(cap, rate x max(0, income - baseline)), half-up."""
    return min(cap, share_of(max(0, income - baseline), rate_bp))
