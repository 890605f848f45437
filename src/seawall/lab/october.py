"""A crash shaped after the published figures of 10 October 2025, made without any data file.

`october_path` returns 1,441 one-minute prices (USD, 00:00Z to 24:00Z) of BTC, ETH, SOL, LINK and AVAX.
The knots are published or plainly rounded figures, named beside each table; between them the path
is a straight line in logs plus a seeded bridge, so it is *not* the market's path minute by minute.
Because the simulated venue's own forced selling moves prices too, the outside path carries only
`exogenous_share` of the dip: the fall below the straight line from 20:50Z to 22:00Z (in logs).
The part of the day's fall that stayed is outside news and is kept whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.kernels.elementary import exp_array, log_array
from seawall.lab.paths import bridge, knot_line
from seawall.lab.prices import SECOND_NS, PricePath
from seawall.lab.readers import parse_time
from seawall.lab.streams import Stream

START_NS = parse_time("2025-10-10T00:00:00Z")
MINUTES = 1440
DIP_START, DIP_END = 20 * 60 + 50, 22 * 60
DEFAULT_SHARE = 0.6


def _at(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _table(text: str) -> tuple[tuple[int, float], ...]:
    parts = text.split()
    return tuple((_at(parts[i]), float(parts[i + 1])) for i in range(0, len(parts), 2))


# Binance USDT-M perpetual candles (data.binance.vision, public), opens rounded to 10 USD; the minutes
# 21:13 to 21:22 are those of its mark-price candles. The day's low of the perpetual is 101,516.5, in the
# candle of 21:20; -12.6 % from the 20:00 open on spot, -12.9 % on the perpetual. The worst minute is 21:19.
BTC = _table("""
00:00 121580  01:00 121680  02:00 121580  03:00 121010  04:00 120960  05:00 121190  06:00 121530
07:00 121320  08:00 120890  09:00 121570  10:00 121250  11:00 121440  12:00 121490  13:00 121530
13:30 121910  14:00 121610  14:50 121320  15:00 120440  15:30 119190  16:00 118970  17:00 118150
18:00 117590  19:00 117180  19:30 116010  20:00 116610  20:30 117010  20:50 116830  20:55 115330
21:00 114200  21:05 115010  21:10 114380  21:13 113020  21:14 111570  21:15 112140  21:16 111210
21:17 109690  21:18 107590  21:19 109420  21:20 103440  21:21 101516.5  21:22 107330  21:25 108550
21:26 107470  21:30 109180  21:35 111370  21:40 111480  21:45 111240  21:50 112970  22:00 113250
22:30 112330  23:00 113610  23:30 113700  24:00 112715
""")

# Binance USDT-M perpetual candles, opens rounded to 1 USD; low 3,400 in the candle of 21:20.
ETH = _table("""
00:00 4366  02:00 4372  04:00 4345  06:00 4367  08:00 4321  10:00 4320  12:00 4341  14:00 4354
14:50 4329  15:00 4278  15:30 4159  16:00 4100  17:00 4106  18:00 4092  19:00 4052  19:30 3951
20:00 3995  20:50 4010  20:55 3925  21:00 3865  21:05 3908  21:10 3895  21:15 3723  21:20 3476
21:21 3400  21:25 3653  21:30 3617  21:35 3740  21:40 3708  21:45 3822  21:50 3840  22:00 3941
22:30 3867  23:00 3853  24:00 3820
""")

# Lows: Binance spot, 12:00Z open to the low before 24:00Z: SOL -23.7 %, LINK -64.8 %, AVAX -69.9 %
# (public candles of 4 h). The levels at the other hours are market quotes rounded to two or three figures.
# Between 20:50 and 22:00 only the low is published; the way down and back is drawn by us after BTC's.
SOL = _table("""
00:00 221  12:00 221  14:50 221  15:30 211  16:00 208  19:00 205  20:50 205  21:00 198  21:10 197
21:15 187  21:19 177  21:21 168.7  21:25 180  21:30 181  21:45 186  22:00 190  24:00 190
""")
LINK = _table("""
00:00 22.1  12:00 22.4  14:50 22.3  15:30 21.2  16:00 20.9  19:00 20.5  20:50 20.4  21:00 19.5  21:10 19.2
21:15 17.2  21:18 14.0  21:20 9.5  21:21 7.9  21:23 13.0  21:30 15.5  21:45 16.9  22:00 17.6  24:00 18.0
""")
AVAX = _table("""
00:00 28.3  12:00 28.3  14:50 28.2  15:30 26.9  16:00 26.6  19:00 26.3  20:50 26.3  21:00 25.2  21:10 24.8
21:15 22.0  21:18 17.0  21:20 11.0  21:21 8.52  21:23 15.0  21:30 18.5  21:45 20.5  22:00 21.4  24:00 21.5
""")

KNOTS = {"BTC": BTC, "ETH": ETH, "SOL": SOL, "LINK": LINK, "AVAX": AVAX}
# Loading on BTC's noise: two-year betas of daily returns, and each asset's own part on top (assumed).
BETA = {"BTC": 1.0, "ETH": 1.23, "SOL": 1.39, "LINK": 1.43, "AVAX": 1.43}
OWN_NOISE = {"BTC": 0.0, "ETH": 0.5, "SOL": 0.8, "LINK": 1.0, "AVAX": 1.2}


def october_path(
    *,
    seed: int = 0,
    exogenous_share: float = DEFAULT_SHARE,
    assets: tuple[str, ...] = ("BTC", "ETH", "SOL", "LINK", "AVAX"),
) -> PricePath:
    """The outside prices of the day. share 1: every knot is met exactly; 0: no dip at all."""
    if not 0.0 <= exogenous_share <= 1.0:
        what, fix = f"{exogenous_share!r} is not a share", "Give a number from 0 to 1."
        raise InputError.at("exogenous_share", what, fix)
    unknown = [name for name in assets if name not in KNOTS]
    if unknown or not assets or len(set(assets)) != len(assets):
        what = f"{', '.join(unknown) or 'the list'} cannot be used"
        raise InputError.at("assets", what, f"Choose from {', '.join(KNOTS)}, each once.")
    minute = np.arange(MINUTES + 1, dtype=np.float64)
    columns = [_one(name, minute, seed, exogenous_share) for name in assets]
    time_ns = START_NS + np.arange(MINUTES + 1, dtype=np.int64) * (60 * SECOND_NS)
    price = np.column_stack(columns)
    note = (
        "Prices are shaped after published figures of 10 October 2025 (knots from public candles, seeded "
        f"noise between them); the outside path carries {exogenous_share:.0%} of the dip of 20:50-22:00Z."
    )
    return PricePath(assets, time_ns, price, np.ones(price.shape, dtype=np.bool_), (note,))


def minute_sd(minute: NDArray[np.float64]) -> NDArray[np.float64]:
    """Noise per minute: calm .035 %, .1 % after 15:00Z, .4 % in the dip, .15 % after it (rounded facts)."""
    edges = np.array([0.0, 15 * 60, DIP_START, DIP_END])
    level = np.array([0.00035, 0.001, 0.004, 0.0015])
    return np.asarray(level[np.searchsorted(edges, minute, side="right") - 1])


def _one(name: str, minute: NDArray[np.float64], seed: int, share: float) -> NDArray[np.float64]:
    knots = np.array([at for at, _ in KNOTS[name]], dtype=np.float64)
    value = np.asarray(log_array(np.array([price for _, price in KNOTS[name]])))
    sd = minute_sd(minute)
    # The market's noise is one and the same stream for every asset, bent to each one's own knots.
    common = bridge(Stream(seed, "october/market"), minute, knots, sd)
    own = bridge(Stream(seed, f"october/{name}"), minute, knots, sd)
    path = knot_line(minute, knots, value) + BETA[name] * common + OWN_NOISE[name] * own
    path = np.maximum(path, value[int(np.argmin(value))])  # the published low stays the low
    ends = np.array([DIP_START, DIP_END], dtype=np.float64)
    level = path[[DIP_START, DIP_END]]
    dip = path - knot_line(minute, ends, level)
    inside = (minute > DIP_START) & (minute < DIP_END) & (dip < 0.0)
    path = np.where(inside, path - dip * (1.0 - share), path)
    price = np.asarray(exp_array(path))
    if share == 1.0:
        price[knots.astype(np.int64)] = [p for _, p in KNOTS[name]]  # exp(log p) may miss by one ulp
        price = np.maximum(price, min(p for _, p in KNOTS[name]))
    return price
