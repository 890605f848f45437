"""Bybit: isolated and inverse liquidation prices, margins, and the two deleveraging triggers.

Maintenance is on the value at entry; where a taker fee is given, the fee to close at the bankruptcy price is
part of it. Displayed prices are on the contract's tick, rounded to the safe side: a printed price that lies
on that tick is read there. Options are in bybit_options, portfolio margin comes later.
"""

from __future__ import annotations

from fractions import Fraction

from seawall.conform.answers import BANKRUPTCY, LIQUIDATION, answer_all, asks, on_grid, printed
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, find, maybe, number, rate_ppb, side_of
from seawall.conform.single import Case, Single
from seawall.errors import Unsupported
from seawall.liquidation.adl import adl_trigger_drawdown, adl_trigger_pool
from seawall.liquidation.tiers import DrawdownTrigger

INVERSE_TICK = "0.5"  # BTCUSD, as displayed in the help centre's examples
LIVE_TICK = "0.05"  # linear contracts in recorded answers, ETHUSDT
SIZE = ("size", "q", "qty", "amount")
ENTRY = ("entry", "entry_price", "avg_price", "ep")
ATOMS = 10**6


def linear_position(vector: Vector) -> Answer:
    """A USDT contract: its money is the position's balance, or the initial margin of its leverage."""
    given = vector.inputs
    taker = number(given, "taker", "taker_fee", "taker_fee_rate", default=0)
    deposit = maybe(given, "position_balance", "isolated_margin", "margin", "balance")
    tick = find(given, "tick", "tick_size")
    tick = str(tick) if tick is not None else ""
    recorded = deposit is not None or find(given, "position_value", "position_im", "position_mm") is not None
    if not tick and recorded and on_grid(printed(vector, LIQUIDATION, BANKRUPTCY), LIVE_TICK):
        tick = LIVE_TICK
    case = Case(
        size=abs(number(given, *SIZE, default=1)),
        entry=number(given, *ENTRY),
        side=side_of(vector),
        deposit=deposit,
        leverage=maybe(given, "leverage"),
        basis="entry",
        maintenance=number(given, "mmr", "maintenance_rate", "maint_margin_rate", default=0),
        taker=taker,
        closing_fee="bankruptcy" if taker else "none",
        tick=tick,
    )
    return answer_all(vector, Single(case), bankruptcy="bankruptcy after fee")


def inverse_position(vector: Vector) -> Answer:
    """A coin contract, cross (a balance is given) or isolated (the initial margin of its leverage)."""
    given = vector.inputs
    taker = number(given, "taker", "taker_fee", default=0)
    displayed = on_grid(printed(vector, LIQUIDATION, BANKRUPTCY), INVERSE_TICK)
    case = Case(
        inverse=True,
        size=abs(number(given, *SIZE)),
        entry=number(given, *ENTRY),
        side=side_of(vector),
        deposit=maybe(given, "balance", "available_balance", "margin"),
        reserved=number(given, "order_margin", default=0),
        leverage=maybe(given, "leverage"),
        basis="entry",
        maintenance=number(given, "mmr", "maintenance_rate", default=0),
        taker=taker,
        closing_fee="bankruptcy" if taker else "none",
        tick=INVERSE_TICK if displayed else "",
    )
    if asks(vector, LIQUIDATION) and find(given, "mmr", "maintenance_rate") is None:
        raise Unsupported("a liquidation price without a maintenance rate")
    return answer_all(vector, Single(case), bankruptcy="bankruptcy after fee")


def drawdown(vector: Vector) -> Answer:
    """The symbol's loss against the pool's peak; starts at the threshold too (the page's example 2)."""
    given = vector.inputs
    loss = number(given, "symbol_loss", "loss")
    pool = number(given, "pool", "pool_peak", "max_pool")
    verdict = adl_trigger_drawdown(
        DrawdownTrigger(
            start_drop_ppb=rate_ppb(-number(given, "trigger_ratio")),
            stop_drop_ppb=rate_ppb(-number(given, "stop_ratio")),
            min_balance_atoms=_atoms(number(given, "trigger_threshold", default=0)),
            inclusive=True,
        ),
        pnl_atoms=-_atoms(loss),
        peak_pnl_atoms=_atoms(number(given, "max_pnl", "peak_pnl", default=0)),
        peak_pool_atoms=_atoms(pool),
        balance_atoms=_atoms(number(given, "balance", default=pool)),
        was_active=bool(find(given, "active", "was_active")),
    )
    return {
        "pnlRatio": Fraction(verdict.ratio_numerator, verdict.ratio_denominator),
        "triggered": verdict.active,
        "adl_amount": Fraction(verdict.excess_atoms, ATOMS),
    }


def pool(vector: Vector) -> Answer:
    return {"triggered": adl_trigger_pool(_atoms(number(vector.inputs, "balance")))}


def _atoms(amount: Fraction) -> int:
    return int(amount * ATOMS)


ADAPTERS = (
    Adapter("bybit-adl", ("pool|pool_peak|max_pool", "symbol_loss|loss", "trigger_ratio"), drawdown),
    Adapter("bybit-adl", ("balance",), pool),
    Adapter("bybit-inverse", ("q|size|qty", "entry|entry_price|ep"), inverse_position),
    Adapter("bybit-uta-inverse", ("q|size|qty", "entry|entry_price|ep"), inverse_position),
    Adapter("bybit-", ("entry|entry_price|avg_price|ep",), linear_position),
)
