"""A liquidation cascade in one pool: seized collateral is sold, the price falls, the oracle may follow.

Collateral in units, debt and prices in money; doubles, because it is a scenario. The oracle is a mix of the
price outside and the pool's, the share of the pool (`feedback`) being the dial that matters most. Loans go in
the order of their health, the worst first, at equal health in the order given.
Source: rules of Aave's fixed-spread liquidation; the loop is derived, its golden paths are published vectors.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seawall.errors import InputError

MAX_STEPS = 100_000
DUST = 1e-9  # of its first debt: what is left of a loan after so many halvings is no loan


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Rules of the market. With `profit_gate` nobody liquidates at a loss, and bad debt stays latent."""

    threshold: float
    bonus: float
    close_factor: float = 1.0
    feedback: float = 0.0
    profit_gate: bool = False

    def __post_init__(self) -> None:
        if not (0 < self.threshold < 1 and self.bonus >= 0 and 0 < self.close_factor <= 1):
            raise InputError.at("terms", f"{self}", "Give threshold in (0, 1), bonus >= 0, factor in (0, 1].")
        if not 0 <= self.feedback <= 1:
            raise InputError.at("feedback", f"is {self.feedback}", "Give a share from 0 to 1.")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One liquidation."""

    account: int
    oracle: float
    seized: float
    repaid: float
    sale_proceeds: float
    liquidator_pnl: float
    pool_price: float
    bad_debt: float


class Cascade(msgspec.Struct, frozen=True, kw_only=True):
    """A run. Latent bad debt is what open loans would leave at the pool's last price."""

    steps: tuple[Step, ...]
    left_unliquidated: tuple[int, ...]
    latent_bad_debt: float
    external_price: float
    final_pool_price: float
    amplification: float


def run_cascade(
    loans: Sequence[tuple[float, float]], pool: tuple[float, float], terms: Terms, *, shock: float
) -> Cascade:
    """Shock the price by a share, move the pool there with its money side kept, and liquidate to the end.

    `loans` are (collateral, debt). Amplification is the pool's fall over that of the shock, 1 without one.
    InputError for negative loans, an empty pool, or a shock outside [0, 1).
    """
    if min(pool) <= 0 or not 0 <= shock < 1 or any(min(loan) < 0 for loan in loans):
        raise InputError.at(
            "cascade", f"pool {pool}, shock {shock}", "Give amounts above 0, shock in [0, 1)."
        )
    start = pool[1] / pool[0]
    outside = start * (1 - shock)
    base, money = pool[1] / outside, pool[1]
    held, owed = [loan[0] for loan in loans], [loan[1] for loan in loans]
    steps: list[Step] = []
    while len(steps) < MAX_STEPS:
        oracle = (1 - terms.feedback) * outside + terms.feedback * money / base
        step = _next(held, owed, loans, base, money, oracle, terms)
        if step is None:
            break
        steps.append(step)
        base, money = base + step.seized, money - step.sale_proceeds
        held[step.account] -= step.seized
        owed[step.account] -= step.repaid + step.bad_debt
    price = money / base
    left = _unhealthy(held, owed, loans, oracle, terms)
    return Cascade(
        steps=tuple(steps),
        left_unliquidated=tuple(sorted(left)),
        latent_bad_debt=sum(max(0.0, debt - units * price) for units, debt in zip(held, owed)),
        external_price=outside,
        final_pool_price=price,
        amplification=(start - price) / (start - outside) if start > outside else 1.0,
    )


def _unhealthy(
    held: list[float], owed: list[float], loans: Sequence[tuple[float, float]], oracle: float, terms: Terms
) -> list[int]:
    """Loans below one, the worst first."""
    open_ = [n for n, debt in enumerate(owed) if debt > DUST * loans[n][1] and held[n] > 0]
    health = {n: terms.threshold * held[n] * oracle / owed[n] for n in open_}
    return sorted((n for n in open_ if health[n] < 1), key=lambda n: (health[n], n))


def _next(
    held: list[float],
    owed: list[float],
    loans: Sequence[tuple[float, float]],
    base: float,
    money: float,
    oracle: float,
    terms: Terms,
) -> Step | None:
    """The next liquidation, None when there is none, or none that pays where that is asked."""
    for account in _unhealthy(held, owed, loans, oracle, terms):
        repaid = terms.close_factor * owed[account]
        seized = repaid * (1 + terms.bonus) / oracle
        emptied = seized >= held[account]
        if emptied:
            seized = held[account]
            repaid = seized * oracle / (1 + terms.bonus)
        proceeds = money * seized / (base + seized)
        if terms.profit_gate and proceeds < repaid:
            continue
        return Step(
            account=account,
            oracle=oracle,
            seized=seized,
            repaid=repaid,
            sale_proceeds=proceeds,
            liquidator_pnl=proceeds - repaid,
            pool_price=(money - proceeds) / (base + seized),
            bad_debt=owed[account] - repaid if emptied else 0.0,
        )
    return None


def liquidation_prices(loans: Sequence[tuple[float, float]], threshold: float) -> list[float]:
    """By loan the price below which it may be liquidated: debt / (threshold * collateral)."""
    if threshold <= 0 or any(units <= 0 for units, _ in loans):
        raise InputError.at("loans", "without collateral or threshold", "Give both above zero.")
    return [debt / (threshold * units) for units, debt in loans]


def at_risk(
    loans: Sequence[tuple[float, float]], threshold: float, price: float
) -> tuple[float, float, float]:
    """(debt, collateral, bad debt) of the loans that may be liquidated at a price, without feedback."""
    kill = liquidation_prices(loans, threshold)
    struck = [loan for loan, limit in zip(loans, kill) if price < limit]
    return (
        sum(debt for _, debt in struck),
        sum(units for units, _ in struck),
        sum(max(0.0, debt - units * price) for units, debt in struck),
    )
