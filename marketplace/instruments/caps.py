"""What a community interest company may pay out: the dividend cap and the performance-related interest cap. Pure.

Community Interest Company Regulations 2005 (SI 2005/1788), regulations 17 to 23, with the limits that the Regulator has
set: 35% of distributable profits for dividends in all, 20% of the average debt for performance-related interest (from
1 October 2014). https://www.legislation.gov.uk/uksi/2005/1788
"""

from marketplace.instruments.amounts import BASIS_POINTS

DIVIDEND_CAP_BP = 3_500
INTEREST_CAP_BP = 2_000


def dividend_cap(distributable_profits: int, rate_bp: int = DIVIDEND_CAP_BP) -> int:
    """The most that may be paid in capped dividends, in minor units, rounded down: a cap is never rounded up."""
    return max(0, distributable_profits) * rate_bp // BASIS_POINTS


def interest_cap(average_debt: int, rate_bp: int = INTEREST_CAP_BP) -> int:
    """The most performance-related interest on that average debt over twelve months, in minor units, rounded down."""
    return max(0, average_debt) * rate_bp // BASIS_POINTS
