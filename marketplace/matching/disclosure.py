"""How counts of proposals are told to a funder, so that no number below five can be had from them. Pure.

Every count is told as a band of five, `{"at_least": 30, "at_most": 34}`, or as `{"fewer_than": 5}`; the same count is
always told in the same way. The difference of two bands leaves at least five numbers open, so that neither a
subtraction nor a second preview after one edit tells how many the edit concerned. Where the rest of a whole is small,
what is told beside it loses its upper end. What this holds against, and what not, stands in the decision record.
"""

from marketplace.values.counts import SMALL, SOME, Told, band, guarded_counts


def told_part(count: int, whole: int) -> Told:
    """A count of some of `whole`: without its upper end where the others are few."""
    return dict(SOME) if count >= SMALL > whole - count else band(count)


def told_toll(unmet: int, unknown: int, only_this: int, whole: int) -> dict[str, Told]:
    """What one criterion costs of `whole` proposals: closer than five or more only where it lets enough pass."""
    passing = whole - unmet - unknown
    open_ended = {"unmet": unmet, "unknown": unknown, "passing": passing}
    told = guarded_counts(open_ended) if passing < SMALL else {name: band(n) for name, n in open_ended.items()}
    return {"unmet": told["unmet"], "unknown": told["unknown"], "only_this": told_part(only_this, whole)}
