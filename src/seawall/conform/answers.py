"""What venues call the things a position is asked for, and how each is read off the bench.

Names match without regard to capitals and underscores; the unit at the end of a name is ignored. Prices are
printed with the rounding the venue's file states. No formula, only where to look.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from seawall.conform.compare import names_asked
from seawall.conform.model import Vector
from seawall.conform.reading import Answer, flat
from seawall.conform.single import Rounding, Single
from seawall.errors import Unsupported

LIQUIDATION = ("liquidation_price", "liquidation_px", "liq_price", "liq", "lp")
BANKRUPTCY = ("bankruptcy_price", "bankruptcy", "bankrupt", "bust_price")
INITIAL = ("initial_margin", "im", "im_btc", "im_coin", "im_usd", "position_im")
MAINTENANCE = (
    "maintenance_margin",
    "maintenance",
    "mm",
    "mm_at_entry",
    "mm_btc",
    "mm_coin",
    "mm_usd",
    "position_mm",
)
VALUE = ("position_value", "position_value_btc", "position_value_usd", "notional")
EQUITY = ("margin_used", "equity", "margin_balance", "account_value")
PROFIT = ("upnl", "unrealised_pnl", "unrealized_pnl", "unrealised_profit")
DEDUCTION = ("cum", "maintenance_amount", "deduction")


def asks(vector: Vector, *groups: tuple[str, ...]) -> bool:
    """Whether the vector expects a number of one of these names."""
    known = {flat(name) for group in groups for name in group}
    return any(flat(name) in known for name in names_asked(vector.expected))


def printed(vector: Vector, *groups: tuple[str, ...]) -> list[Any]:
    """The numbers that the vector prints under these names."""
    known = {flat(name) for group in groups for name in group}
    return [vector.expected[name] for name in names_asked(vector.expected) if flat(name) in known]


def on_grid(values: list[Any], tick: str) -> bool:
    """Whether there are numbers and all of them are whole multiples of a tick, as displayed prices are."""
    return bool(values) and all((Fraction(value) / Fraction(tick)).denominator == 1 for value in values)


def answer_all(
    vector: Vector, single: Single, *, rounding: Rounding = "safe", bankruptcy: str = "bankruptcy"
) -> Answer:
    """Every number the vector expects of one position. Unsupported if it asks for something else."""
    readers: tuple[tuple[tuple[str, ...], Callable[[], Fraction]], ...] = (
        (LIQUIDATION, lambda: single.price("maintenance", rounding)),
        (BANKRUPTCY, lambda: single.price(bankruptcy, rounding)),
        (INITIAL, lambda: single.requirement("initial")),
        (MAINTENANCE, lambda: single.requirement("maintenance")),
        (VALUE, lambda: single.value),
        (EQUITY, lambda: single.equity),
        (PROFIT, lambda: single.profit),
        (DEDUCTION, lambda: single.deduction),
    )
    answer: Answer = {}
    for name in names_asked(vector.expected):
        reader = next((read for names, read in readers if flat(name) in map(flat, names)), None)
        if reader is None:
            raise Unsupported(f"nothing here answers to {name!r}")
        answer[name] = reader()
    return answer
