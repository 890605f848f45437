"""What a rulebook asks of one position at each price of a history, as a rate of its notional.

Every figure is the product's own statement of an account with that position and nothing else at stake: no
formula is repeated here. The position is the notional in whole lots at the price, opened at it, so it has
neither profit nor loss; its collateral is the settlement asset. Rates are floats, requirement over notional.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from seawall.api import pricing
from seawall.api.desk import Desk
from seawall.errors import InputError
from seawall.instruments.model import Instrument
from seawall.lab.bookfile import BookRow
from seawall.rulebooks.model import Rulebook
from seawall.units import decimal_text

AMPLE = 10  # times the notional: nothing is refused for want of collateral
Rates = dict[str, NDArray[np.float64]]


def instrument_for(rulebook: Rulebook, name: str) -> Instrument:
    """The instrument of that name, or the first of that coin, perpetuals first. InputError if none is."""
    return min(pricing.matching(rulebook, name), key=lambda entry: entry.kind.dated)


def venue_rates(
    rulebook: Rulebook, instrument: Instrument, prices: Sequence[float], notional: Fraction, level: str | None
) -> Rates:
    """{"long": rates [n], "short": rates [n]} at a level (default: the one that triggers liquidation).

    InputError where a price is no tick of the instrument, the notional is less than a lot, the level is not
    there, or the price alone does not value the account.
    """
    found: Rates = {side: np.empty(len(prices)) for side in ("long", "short")}
    known: dict[int, tuple[float, float]] = {}
    for place, price in enumerate(prices):
        ticks = pricing.to_ticks(instrument, Fraction(price))
        if ticks not in known:
            known[ticks] = _rates_at(rulebook, instrument, ticks, notional, level)
        found["long"][place], found["short"][place] = known[ticks]
    return found


def _rates_at(
    rulebook: Rulebook, instrument: Instrument, ticks: int, notional: Fraction, level: str | None
) -> tuple[float, float]:
    price = ticks * instrument.tick_units
    units = notional if instrument.kind.inverse else notional / price
    lots = round(units / instrument.lot_units)
    if lots < 1:
        least = f"a lot of {instrument.name} at {float(price):g}"
        what = f"{float(notional):,.0f} {instrument.quote} is less than {least}"
        raise InputError.at("notional", what, "Give a larger one.")
    size = decimal_text(lots, instrument.lot_units).replace(",", "")
    text = decimal_text(ticks, instrument.tick_units).replace(",", "")
    value = (
        lots * instrument.lot_units / price
        if instrument.kind.inverse
        else lots * instrument.lot_units * price
    )
    ample = str(int(value * AMPLE) + 1)
    rows = [
        BookRow(
            where="backtest",
            account=side,
            instrument=instrument.name,
            size=sign + size,
            entry_price=text,
            collateral_asset=instrument.settle,
            collateral_amount=ample,
            margin_mode="cross",
            leverage=None,
        )
        for side, sign in (("long", ""), ("short", "-"))
    ]
    desk = Desk(rulebook, rows, {instrument.name: ticks})
    return _rate(desk, "long", level, value), _rate(desk, "short", level, value)


def _rate(desk: Desk, account: str, level: str | None, value: Fraction) -> float:
    (row,) = desk.statement(account, level)
    if row.requirement_atoms is None:
        what = f"the account needs a price of {row.unknown_price} as well"
        raise InputError.at(desk.rulebook.tag, what, "Choose an instrument that its own price values.")
    asset = next(entry for entry in desk.rulebook.assets if entry.name == row.unit)
    settle = next(
        entry.settle for entry in desk.rulebook.instruments if entry.name == desk.rows[0].instrument
    )
    if asset.name != settle:
        what = f"the requirement is in {asset.name}, the position settles in {settle}"
        raise InputError.at(
            desk.rulebook.tag, what, "Backtest an instrument that settles in the account's unit."
        )
    return float(Fraction(row.requirement_atoms, asset.atoms_per_unit) / value)
