"""Chains: which quotes are used, and what is said about the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from seawall.calibrate.black import black_price
from seawall.calibrate.quotes import make_chains, read_chain_file
from seawall.errors import InputError

NOW = datetime(2026, 2, 5, 9, 36, tzinfo=UTC)
EXPIRY = NOW + timedelta(days=30)


def quotes(**changes):
    """Eleven strikes, puts and calls, vol 60 % with a spread of 2 points either side, prices in coin."""
    rows = []
    root = np.sqrt(30 / 365)
    for strike in np.arange(75.0, 130.0, 5.0):
        for kind in ("call", "put"):
            bid, ask = (
                float(black_price(100.0, strike, vol * root, kind == "call")) / 100 for vol in (0.58, 0.62)
            )
            name = f"X-{strike:g}-{kind[0].upper()}"
            row = {"name": name, "expiry": EXPIRY, "observed": NOW, "strike": strike, "type": kind}
            row |= {"bid": bid, "ask": ask, "forward": 100.0, "mark_iv": 0.6}
            rows.append({**row, **changes.get(name, {})})
    return pl.DataFrame(rows)


def test_sound_quotes_give_back_their_vols_out_of_the_money_only():
    (chain,) = make_chains(quotes(), coin=True)
    assert chain.k.size == 11 and chain.unused == 11 and not chain.rejected
    assert chain.bid_vol == pytest.approx(0.58, rel=1e-9) and chain.ask_vol == pytest.approx(0.62, rel=1e-9)
    assert chain.years == pytest.approx(30 / 365, rel=1e-12)
    assert chain.weights == pytest.approx(50.0, rel=1e-6)
    assert list(chain.is_call) == [strike >= 100.0 for strike in chain.strikes]


def test_prices_in_usd_are_the_same_chain():
    frame = quotes().with_columns(pl.col("bid") * 100, pl.col("ask") * 100)
    (coin,), (usd,) = make_chains(quotes(), coin=True), make_chains(frame, coin=False)
    assert usd.mid_vol == pytest.approx(coin.mid_vol, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"bid": 0.09, "ask": 0.02}, "crossed: bid 0.09 above ask 0.02"),
        ({"bid": -0.01}, "negative quote: bid -0.01"),
        ({"mark_iv": 0.0}, "mark vol 0 is outside"),
        ({"mark_iv": 5.5}, "mark vol 5.5 is outside"),
        ({"strike": float("nan")}, "strike nan"),
        ({"forward": 0.0}, "forward 0"),
        ({"ask": 3.0}, "outside the bounds"),
        ({"bid": 1e-9, "ask": 0.88}, "outside"),
    ],
)
def test_a_bad_quote_is_left_out_with_its_name_value_and_fix(change, word):
    (chain,) = make_chains(quotes(**{"X-90-P": change}), coin=True)
    (rejected,) = chain.rejected
    assert rejected.name == "X-90-P" and word in str(rejected) and rejected.fix
    assert chain.k.size == 10 and np.all(np.isfinite(chain.mid_vol))


def test_a_missing_side_is_no_fault_and_no_use():
    (chain,) = make_chains(quotes(**{"X-90-P": {"bid": None}}), coin=True)
    assert not chain.rejected and chain.k.size == 10 and chain.unused == 12


def test_expired_options_are_rejected_each_by_name():
    frame = quotes().with_columns(pl.lit(NOW - timedelta(hours=1)).alias("expiry"))
    (chain,) = make_chains(frame, coin=True)
    assert chain.k.size == 0 and len(chain.rejected) == 22
    assert "expiry is not after" in str(chain.rejected[0])


@pytest.mark.parametrize(
    ("frame", "word"),
    [
        (lambda: quotes().drop("bid"), "no column bid"),
        (lambda: quotes().clear(), "no rows"),
        (
            lambda: pl.concat([quotes(), quotes().with_columns(pl.lit(EXPIRY).alias("observed"))]),
            "2 moments",
        ),
    ],
)
def test_a_table_that_is_no_chain_is_refused(frame, word):
    with pytest.raises(InputError, match=word):
        make_chains(frame(), coin=True)


def test_files_are_read_by_their_ending(tmp_path):
    quotes().write_parquet(tmp_path / "a.parquet")
    quotes().write_csv(tmp_path / "a.csv")
    chains = [make_chains(read_chain_file(tmp_path / name), coin=True)[0] for name in ("a.parquet", "a.csv")]
    assert chains[0].mid_vol == pytest.approx(chains[1].mid_vol, rel=1e-9)
    assert chains[0].expiry_ns == chains[1].expiry_ns
    for name, word in (("none.csv", "no such file"), ("a.txt", "kind")):
        (tmp_path / "a.txt").write_text("x")
        with pytest.raises(InputError, match=word):
            read_chain_file(tmp_path / name)
