"""A portfolio under models of the market: one made by a model is found again, and bad input is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import seawall as sw
from seawall.calibrate.book_margin import Book, OptionLine, book_margin
from seawall.calibrate.models.levy import Merton
from seawall.calibrate.models.price import model_prices
from seawall.errors import InputError, Unsupported

NOW = datetime(2026, 2, 5, 8, tzinfo=UTC)
SPOT = 70_000.0
JUMPY = Merton(vol=0.45, intensity=6.0, jump_mean=-0.06, jump_vol=0.08)
STRIKES = np.arange(45_000.0, 100_001.0, 1_000.0)
HELD = [
    {"instrument": "BTC-27FEB26-60000-P", "size": "-5"},
    {"instrument": "BTC-27FEB26-80000-C", "size": "-3"},
    {"instrument": "BTC-PERPETUAL", "size": "0.5"},
    {"instrument": "USDC", "size": "100000"},
]


def chain(model: Merton, spread: float = 2e-4) -> pl.DataFrame:
    """A month of quotes in coin around a model's prices, as Deribit's snapshots have them."""
    expiry = datetime(2026, 2, 27, 8, tzinfo=UTC)
    years = (expiry - NOW) / timedelta(days=365)
    rows = []
    for strike in STRIKES:
        is_call = strike >= SPOT
        fair = float(model_prices(model, 1.0, np.array([strike / SPOT]), years, is_call)[0])
        rows.append(
            {
                "instrument_name": f"BTC-27FEB26-{strike:.0f}-{'C' if is_call else 'P'}",
                "ts": NOW,
                "implied_volatility": 0.5,
                "underlying": SPOT,
                "bid_price": fair - spread / 2,
                "ask_price": fair + spread / 2,
                "index_price": SPOT,
            }
        )
    return pl.DataFrame(rows)


def test_the_model_that_made_the_quotes_describes_them_and_gives_the_margin_it_would():
    (found,) = sw.portfolio_models(HELD, chain(JUMPY), models=("black", "merton"))
    black, merton = found.models
    assert (found.underlying, found.options, found.expiries, found.forward) == ("BTC", 2, 1, SPOT)
    assert merton.admitted and merton.inside_share == 1.0 and not black.admitted
    lines = (
        OptionLine(quantity=-5.0, strike=60_000.0, years=22 / 365, is_call=False),
        OptionLine(quantity=-3.0, strike=80_000.0, years=22 / 365, is_call=True),
    )
    book = Book(forward=SPOT, lines=lines, forwards_held=0.5)
    true = book_margin(book, JUMPY, horizon_years=1 / 365)
    assert merton.margin is not None and black.margin is not None
    assert merton.margin.es_usd == pytest.approx(true.es_usd, rel=0.02)
    assert found.worst == "merton"
    assert found.reserve_usd == pytest.approx(merton.margin.es_usd - black.margin.es_usd)


def test_a_model_that_does_not_describe_the_market_is_shown_and_sets_no_reserve():
    (found,) = sw.portfolio_models(HELD, chain(JUMPY), models=("black", "merton"), least_inside=1.0 + 1e-9)
    assert not any(one.admitted for one in found.models)
    assert (found.reserve_usd, found.worst) == (0.0, "black")


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ([{"instrument": "BTC-27MAR26-60000-P", "size": "1"}], "expires when the chain quotes nothing"),
        ([{"instrument": "ETH-27FEB26-3000-P", "size": "1"}], "expires when the chain quotes nothing"),
        ([{"instrument": "BTC-27FEB26-60000-P", "size": ""}], "has no size"),
        ([{"instrument": "BTC-FEB-60000", "size": "1"}], "is no contract name"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_its_place(held, words):
    with pytest.raises(InputError, match=words):
        sw.portfolio_models(held, chain(JUMPY), models=("black",))


def test_no_options_no_chain_and_no_such_model():
    with pytest.raises(Unsupported, match="holds no options"):
        sw.portfolio_models([{"instrument": "BTC-PERPETUAL", "size": "1"}], chain(JUMPY))
    with pytest.raises(InputError, match="is no chain of option quotes"):
        sw.portfolio_models(HELD, pl.DataFrame({"instrument": ["BTC"], "mark": [1.0]}))
    with pytest.raises(InputError, match="'bates' is unknown"):
        sw.portfolio_models(HELD, chain(JUMPY), models=("bates",))
    with pytest.raises(InputError, match="horizon"):
        sw.portfolio_models(HELD, chain(JUMPY), models=("black",), horizon_days=40.0)
