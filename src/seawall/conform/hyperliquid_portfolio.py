"""Hyperliquid portfolio margin: borrowing against collateral, its interest, the carry trade, the ratio.

Weights follow from the LTV by `margin.lending`, rates by `ledger.accrual`; accounts are put together on the
bench. Source: the venue's documentation of portfolio margin (alpha).
"""

from __future__ import annotations

from fractions import Fraction

from seawall.conform.bench import level
from seawall.conform.grid import Grid
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, number, numbers, rate_ppb
from seawall.conform.wallet import MONEY, Coin, Contract, Wallet, wallet_grid
from seawall.ledger.rates import KinkedRate
from seawall.margin.lending import LtvCollateral, needs_over_haves
from seawall.units import PPB

STABLE_BORROW = KinkedRate(
    base_ppb=50_000_000, kink_ppb=800_000_000, steep_slope_ppb=4_750_000_000, kept_ppb=100_000_000
)
LIQUIDATED_ABOVE_PPB = 950_000_000
BORROW, JUDGED = "borrow", "liquidation"


def _coin(name: str, held: Fraction, price: Fraction, rule: LtvCollateral) -> Coin:
    weights = {BORROW: rule.borrow_weight(), JUDGED: rule.liquidation_weight()}
    return Coin(name=name, price=price, held=held, weights=weights)


def _levels(grid: Grid, flat: Fraction = Fraction(0)) -> tuple:
    return (
        level(BORROW, schedule="none", weights=BORROW),
        level(JUDGED, schedule="maintenance", weights=JUDGED, flat_atoms=grid.atoms_up(flat)),
    )


def _rule(vector: Vector, **caps: int) -> LtvCollateral:
    return LtvCollateral(ltv_ppb=int(number(vector.inputs, "ltv") * PPB), **caps)


def borrowable(vector: Vector) -> Answer:
    """What a balance counts for when something is borrowed."""
    given = vector.inputs
    coin = _coin("COIN", number(given, "balance"), number(given, "price"), _rule(vector))
    grid = wallet_grid((coin,))
    wallet = Wallet((coin,), grid=grid, levels=_levels(grid))
    return {"borrowable_usd": wallet.counted(BORROW, "COIN")}


def threshold(vector: Vector) -> Answer:
    """What one unit at price one counts for when the account is judged."""
    coin = _coin("COIN", Fraction(1), Fraction(1), _rule(vector))
    grid = wallet_grid((coin,))
    return {"threshold": Wallet((coin,), grid=grid, levels=_levels(grid)).counted(JUDGED, "COIN")}


def interest(vector: Vector) -> Answer:
    """Borrow and supply rate per year at a utilisation."""
    used = rate_ppb(number(vector.inputs, "utilisation", "utilization", "u"))
    return {
        "borrow_apy": Fraction(STABLE_BORROW.borrow_ppb(used), PPB),
        "supply_apy": Fraction(STABLE_BORROW.supply_ppb(used), PPB),
    }


def carry(vector: Vector) -> Answer:
    """Spot held against a short perpetual: the short's loss is borrowed, until there is no room left."""
    given = vector.inputs
    answer: Answer = {"borrow_usd": [], "ltv_capacity": [], "must_reduce": []}
    for price in numbers(given, "prices"):
        coin = _coin("COIN", number(given, "spot_btc", "spot"), price, _rule(vector))
        short = Contract(
            name="PERP", size=-number(given, "short_btc", "short"), entry=number(given, "entry"), mark=price
        )
        grid = wallet_grid((coin,), (short,))
        wallet = Wallet((coin,), (short,), grid=grid, levels=_levels(grid))
        answer["borrow_usd"].append(max(-wallet.counted(BORROW, MONEY), Fraction(0)))
        answer["ltv_capacity"].append(wallet.counted(BORROW, "COIN"))
        room = wallet.bench.statement(wallet.pot, BORROW).equity_atoms
        answer["must_reduce"].append(room <= 0)
    return answer


def ratio(vector: Vector) -> Answer:
    """Offset, maintenance and debt over what the capped collateral counts for; the debt is its own coin."""
    given = vector.inputs
    coin = Coin(name="COIN", price=number(given, "price"), held=number(given, "collateral"))
    debt = Coin(name="DEBT", owed=number(given, "debt"))
    cross = Contract(
        name="PERP",
        size=Fraction(1),
        entry=Fraction(1),
        mark=Fraction(1),
        floor=number(given, "cross_maintenance", default=0),
    )
    money = number(given, "quote_balance", default=0)
    caps = [number(given, name, default=0) for name in ("supply_cap", "borrow_cap")]
    grid = wallet_grid((coin, debt), (cross,), max(money, *caps))
    rule = _rule(
        vector,
        cap_atoms=grid.atoms(caps[0]),
        cap_value_atoms=grid.atoms(caps[1]),
    )
    coins = (_coin("COIN", coin.held, coin.price, rule), debt)
    levels = _levels(grid, number(given, "min_borrow_offset", default=0))
    wallet = Wallet(coins, (cross,), grid=grid, levels=levels, money=money)
    found = needs_over_haves(wallet.bench.statement(wallet.pot, JUDGED))
    return {
        "ratio": Fraction(found.needs_atoms, max(found.haves_atoms, 1)),
        "liquidatable": found.above(LIQUIDATED_ABOVE_PPB),
    }


ADAPTERS = (
    Adapter("hyperliquid-pm", ("utilisation|utilization|u",), interest),
    Adapter("hyperliquid-pm", ("prices", "ltv", "entry", "spot_btc|spot", "short_btc|short"), carry),
    Adapter("hyperliquid-pm", ("collateral", "debt", "ltv", "price"), ratio),
    Adapter("hyperliquid-pm", ("balance", "price", "ltv"), borrowable),
    Adapter("hyperliquid-pm-threshold", ("ltv",), threshold),
)
