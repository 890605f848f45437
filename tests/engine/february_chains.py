"""An invented market of two coins: chains whose index falls by a fifth and whose volatility doubles."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from seawall.kernels.black import black_price

START = datetime(2026, 1, 31, 17)
INDEX = {"BTC": 80_000.0, "ETH": 2_400.0}
STEP = {"BTC": 4_000.0, "ETH": 120.0}
PATH = ((1.0, 0.5), (0.97, 0.55), (0.93, 0.6), (0.8, 1.1), (0.84, 0.9))  # of the first index; volatility
HOURS = 10
EXPIRIES = (datetime(2026, 2, 2, 8), datetime(2026, 2, 6, 8), datetime(2026, 2, 27, 8))
YEAR = timedelta(days=365)


def frame() -> pl.DataFrame:
    """Quotes as the recorded chains have them, marks in coin."""
    rows = []
    for place, (share, vol) in enumerate(PATH):
        now = START + timedelta(hours=HOURS * place)
        for asset, first in INDEX.items():
            for expiry in (each for each in EXPIRIES if each > now):
                for strike in range(-6, 7):
                    rows += _pair(now, asset, first * share, expiry, first + strike * STEP[asset], vol)
    return pl.DataFrame(rows)


def _pair(
    now: datetime, asset: str, index: float, expiry: datetime, strike: float, vol: float
) -> list[dict[str, object]]:
    day = f"{expiry.day}{expiry:%b%y}".upper()
    return [
        {
            "ts": now,
            "currency": asset,
            "instrument_name": f"{asset}-{day}-{strike:.0f}-{kind[0].upper()}",
            "option_type": kind,
            "strike": strike,
            "expiry_datetime": expiry,
            "underlying": index,
            "index_price": index,
            "implied_volatility": vol,
            "mark_price": float(black_price(index, strike, (expiry - now) / YEAR, vol, kind == "call"))
            / index,
        }
        for kind in ("put", "call")
    ]
