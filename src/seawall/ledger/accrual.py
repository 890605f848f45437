"""P14 as pure functions: funding premium and rate, and what a debt grows to (borrow curves: ledger.rates).

Rates ppb (of the position's value per interval, or per year for borrowing), prices ticks, times ns. What is
owed rounds up, what is earned rounds down; a premium rounds towards minus infinity. Sources: Hyperliquid docs
(funding, portfolio margin), Binance FAQ (premium index).
"""

from __future__ import annotations

from fractions import Fraction

from seawall.errors import InputError, NumberError
from seawall.kernels.elementary import exp
from seawall.units import INT64_MAX, PPB

GROWTH_UNIT = 10**15
YEAR_NS = 365 * 86_400 * 1_000_000_000


def premium_ppb(*, index_ticks: int, bid_ticks: int, ask_ticks: int) -> int:
    """(max(0, bid - index) - max(0, index - ask)) / index, bid and ask being impact prices.

    InputError if the index is not positive.
    """
    if index_ticks <= 0:
        raise InputError.at("funding premium", f"index {index_ticks}", "Give an index price above zero.")
    gap = max(0, bid_ticks - index_ticks) - max(0, index_ticks - ask_ticks)
    return gap * PPB // index_ticks


def funding_rate_ppb(*, premium_ppb: int, interest_ppb: int, clamp_ppb: int, cap_ppb: int) -> int:
    """Rate of one interval: premium + clamp(interest - premium, +-clamp), then capped; cap 0 = none."""
    rate = premium_ppb + min(max(interest_ppb - premium_ppb, -clamp_ppb), clamp_ppb)
    return min(max(rate, -cap_ppb), cap_ppb) if cap_ppb else rate


def payment_rate_ppb(rate_ppb: int, *, payment_ns: int, interval_ns: int) -> int:
    """The part of an interval's rate that one payment carries, rounded towards minus infinity."""
    return rate_ppb * payment_ns // interval_ns


def margin_cap_ppm(*, factor_ppm: int, initial_ppm: int, fraction_ppm: int) -> int:
    """Largest funding rate: factor * (initial - maintenance margin rate), each rounded down. dYdX v4."""
    between = initial_ppm - initial_ppm * fraction_ppm // 10**6
    return factor_ppm * between // 10**6


def index_delta(*, rate_ppm: int, price: Fraction, elapsed: int, interval: int) -> int:
    """What an index of funding per base unit moves, in millionths of a quote unit, towards zero. dYdX v4.

    rate_ppm: of one interval; price: quote units per base unit; elapsed and interval in one unit of time.
    """
    return int(rate_ppm * price * Fraction(elapsed, interval))


def growth(rate_ppb: int, elapsed_ns: int) -> int:
    """What continuous compounding adds, 1e-15 of a debt, rounded up. NumberError beyond 64 bits."""
    added = float(exp(float(rate_ppb) / PPB * (float(elapsed_ns) / YEAR_NS)) - 1.0)
    if added >= INT64_MAX:
        raise NumberError("borrow interest: the debt passes 64 bits\n  Settle it, or use a lower rate.")
    return int(-(-added * GROWTH_UNIT // 1))


def interest_atoms(debt_atoms: int, growth_e15: int) -> int:
    """Interest on a debt, rounded up."""
    return -(-debt_atoms * growth_e15 // GROWTH_UNIT)


def grown_debt_atoms(debt_atoms: int, *, rate_ppb: int, elapsed_ns: int) -> int:
    """A debt after continuous compounding at a rate per year, rounded up; it never shrinks.

    The factor is a float from `kernels.elementary.exp` (the same bits on every CPU), rounded up to 1e-15
    before it meets the debt. NumberError beyond 64 bits, InputError for a negative debt, rate or time.
    """
    if debt_atoms < 0 or rate_ppb < 0 or elapsed_ns < 0:
        raise InputError.at(
            "borrow interest", f"debt {debt_atoms}, rate {rate_ppb} ppb, {elapsed_ns} ns", "Give values >= 0."
        )
    grown = debt_atoms + interest_atoms(debt_atoms, growth(rate_ppb, elapsed_ns))
    if grown > INT64_MAX:
        raise NumberError("borrow interest: the debt passes 64 bits\n  Settle it, or use a coarser unit.")
    return grown


def spread_rate(mark: int, oracle: int, *, payments: int, finer: int = 1) -> int:
    """Funding per unit of size and payment: (mark - oracle) / payments, towards zero. Drift v2.

    Both prices are averages in one unit; `finer` is how much finer the rate is kept.
    """
    top = (mark - oracle) * finer
    return top // payments if top >= 0 else -(-top // payments)


def pool_limit(pool: int, *, kept: int, share: int) -> int:
    """What a fee pool pays at most for one side's funding: one in `share` of what lies above `kept`."""
    return max(pool - kept, 0) // share


def limited_rate(rate: int, *, paying: int, receiving: int, limit: int, scale: int) -> tuple[int, int]:
    """(rate of the receiving side, paid out of the pool) where that side is larger than the one that pays.

    The payers pay in full, the pool adds at most `limit`, the receivers share both: a rate that does not pass
    what there is, by one unit. Sizes without sign, `scale`: rate * size / scale is money. Drift v2.
    """
    collected, due = abs(rate) * paying // scale, abs(rate) * receiving // scale
    if due - collected <= limit or not receiving:
        return rate, max(due - collected, 0)
    shared = (collected + limit - 1) * scale // receiving
    return (shared if rate > 0 else -shared), limit
