"""A whole Deribit chain in an engine: every option sold once, margined by rule, compared one by one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from seawall.engine.state import State
from seawall.kernels.options import option_requirement
from seawall.rulebooks.load import load_rulebook
from tests.instruments.test_real_chains import frame


@pytest.mark.parametrize("currency", ["BTC", "ETH"])
def test_standard_margin_of_a_real_chain(currency):
    import polars as pl

    chain = frame("deribit_chains_2026").filter(pl.col("currency") == currency)
    chain = chain.filter((pl.col("ts") == chain["ts"].min()) & (pl.col("mark_price") > 0))
    rulebook = load_rulebook("deribit-standard").with_options(chain["instrument_name"].to_list())
    state = State(rulebook)
    market, spot = state.market, state.instrument_row[f"{currency}-PERPETUAL"]
    index = Fraction(str(chain["index_price"][0]))
    market.index_price[spot] = market.mark[spot] = round(index / rulebook.instruments[spot].tick_units)
    market.usable[:] = 1
    at = int(market.index_price[spot]) * rulebook.instruments[spot].tick_units
    rows = chain.select("instrument_name", "option_type", "strike", "mark_price").unique().rows()
    assert len(rows) > 300
    for name, right, strike, mark in rows:
        row = state.instrument_row[name]
        option = rulebook.instruments[row]
        market.mark[row] = max(round(Fraction(str(mark)) / option.tick_units), 1)
        price = int(market.mark[row]) * option.tick_units
        out = max(Fraction(strike) - at if right == "call" else at - Fraction(strike), Fraction(0)) / at
        initial = max(Fraction(15, 100) - out, Fraction(10, 100)) + price
        kept = Fraction(75, 1000) + price
        if right == "put":
            kept = max(Fraction(75, 1000), Fraction(75, 1000) * price) + price
            initial = max(initial, kept)
        lots = int(1 / option.lot_units)  # one coin
        for level, exact in (("initial", initial), ("maintenance", kept)):
            asked, _worth, _price = option_requirement(
                state.margin.view.table, market.table, state.margin.levels[level], row, np.int64(-lots), 0, 0
            )
            assert 0 <= asked - exact * 10**8 < 8, (name, level)
