"""What a pool's money does beyond one award: recycling, pay-back out of a saving. Pure; amounts in minor units."""

from decimal import Decimal, localcontext

from marketplace.instruments.amounts import PRECISION


def recycling_multiple(rate: Decimal, rounds: int) -> Decimal:
    """How often the first money is awarded over `rounds` when `rate` of each round comes back: sum of r^k, k < n."""
    with localcontext() as context:
        context.prec = PRECISION
        total, awarded = Decimal(0), Decimal(1)
        for _ in range(rounds):
            total += awarded
            awarded *= rate
        return total


def recycling_limit(rate: Decimal) -> Decimal:
    """1 / (1 - r), the multiple over endless rounds; ValueError where everything or more comes back."""
    if not 0 <= rate < 1:
        raise ValueError(f"a pool that gets {rate} of its money back has no limit")
    with localcontext() as context:
        context.prec = PRECISION
        return 1 / (1 - rate)


def payback_days(setup: int, saving_a_year: int) -> Decimal:
    """Days of 365 in a year until a yearly saving has paid for setting up; ValueError without a saving.

    Figures in the tests are Suffolk's libraries, as published:
    https://www.edp24.co.uk/news/suffolk-county-council-reveals-how-it-will-keep-every-library-493386
    """
    return _over(setup * 365, saving_a_year)


def months_to_repay(fund_share: int, saving_a_year: int, share_bp: int) -> Decimal:
    """Months until `share_bp` of a yearly saving has repaid `fund_share`: fund / (share x saving / 12)."""
    return _over(fund_share * 12 * 10_000, saving_a_year * share_bp)


def _over(amount: int, saving: int) -> Decimal:
    if saving <= 0:
        raise ValueError("nothing is saved, so that nothing is ever paid back")
    with localcontext() as context:
        context.prec = PRECISION
        return Decimal(amount) / saving
