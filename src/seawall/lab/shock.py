"""Described shocks: "BTC falls 30 % in 20 minutes, half comes back" as a price path.

A shock is a straight line in log price from 0 to log(1 + move) over `over_seconds`, then back by the
share `recover` of the move over `recover_seconds`. Assets with shocks of their own follow those (several
multiply); all others follow the lead, the asset of the first shock, with beta in logs. USD prices
float64, times int64 ns, moves and shares as fractions of 1. Optional seeded noise: Gaussian, daily vol.
Betas to BTC: two years of daily returns (rules/quant 4.1); unlisted assets take the mid-cap 1.43.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from seawall.errors import InputError
from seawall.kernels.elementary import exp_array, log
from seawall.lab.paths import Floats, knot_line, walk
from seawall.lab.prices import MAX_STEPS, SECOND_NS, PricePath
from seawall.lab.streams import Stream

BETA = {
    "BTC": 1.0, "ETH": 1.23, "SOL": 1.39, "DOGE": 1.57, "ADA": 1.43, "AVAX": 1.43, "BNB": 0.80, "LTC": 1.0,
}  # fmt: skip
OTHER_BETA = 1.43
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "": 1.0}


class Shock(msgspec.Struct, frozen=True):
    """One asset's move. `recover` is the share of the move that comes back, 1 = all of it.

    `recover_seconds` None: as long as the way there. over_seconds 0 is a jump between two steps.
    """

    asset: str
    move: float
    over_seconds: float
    start_seconds: float = 0.0
    recover: float = 0.0
    recover_seconds: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.move) and self.move > -1.0):
            what, fix = f"a move of {self.move!r}", "A fall is less than 1: write -0.3 for -30 %."
            raise InputError.at(f"shock of {self.asset}", what, fix)
        if not 0.0 <= self.recover <= 1.0:
            raise InputError.at(f"shock of {self.asset}", f"recover {self.recover!r}", "Give 0 to 1.")
        for field in ("over_seconds", "start_seconds", "recover_seconds"):
            value = getattr(self, field)
            if value is not None and not (math.isfinite(value) and value >= 0.0):
                what = f"{field} is {value!r}"
                raise InputError.at(f"shock of {self.asset}", what, "Times are finite and not negative.")

    @property
    def end_seconds(self) -> float:
        """When the move and its recovery are over."""
        back = self.over_seconds if self.recover_seconds is None else self.recover_seconds
        return self.start_seconds + self.over_seconds + (back if self.recover > 0.0 else 0.0)


def parse_shock(text: str) -> Shock:
    """`BTC:-30%:20m`, with optional start and recovery: `BTC:-30%:20m:1h:50%`."""
    parts = text.split(":")
    if not 3 <= len(parts) <= 5 or not parts[0]:
        fix = "Write ASSET:MOVE:OVER[:START[:RECOVER]], such as BTC:-30%:20m:1h:50%."
        raise InputError.at("shock", f"{text!r} is not a shock", fix)
    start = _seconds(text, parts[3]) if len(parts) > 3 else 0.0
    recover = _fraction(text, parts[4]) if len(parts) > 4 else 0.0
    return Shock(parts[0], _fraction(text, parts[1]), _seconds(text, parts[2]), start, recover)


def _fraction(whole: str, text: str) -> float:
    found = re.match(r"^([+-]?\d+(?:\.\d+)?)(%?)$", text)
    if not found:
        raise InputError.at("shock", f"{text!r} in {whole!r} is not a share", "Write -30% or -0.3.")
    return float(found[1]) / 100.0 if found[2] else float(found[1])


def _seconds(whole: str, text: str) -> float:
    found = re.match(r"^(\d+(?:\.\d+)?)([smhd]?)$", text)
    if not found:
        raise InputError.at("shock", f"{text!r} in {whole!r} is not a time", "Write 90s, 20m, 1.5h or 2d.")
    return float(found[1]) * _UNITS[found[2]]


def beta_to(asset: str, lead: str, betas: Mapping[str, float] | None = None) -> float:
    """Beta of one asset to another: the given one, or the ratio of their betas to BTC."""
    if betas is not None and asset in betas:
        return betas[asset]
    return BETA.get(asset, OTHER_BETA) / BETA.get(lead, OTHER_BETA)


def clock(duration_seconds: float, step_seconds: float) -> tuple[Floats, int]:
    """Seconds since the start of each step, both ends included, and the step in ns."""
    if not (math.isfinite(step_seconds) and step_seconds >= 1e-3):
        raise InputError.at("step", f"{step_seconds!r} s is not usable", "Give a step of 0.001 s or more.")
    if not (math.isfinite(duration_seconds) and duration_seconds >= step_seconds):
        what = f"{duration_seconds!r} s is not usable"
        raise InputError.at("duration", what, "Give at least one step.")
    count = math.floor(duration_seconds / step_seconds + 1e-9) + 1
    if count > MAX_STEPS:
        raise InputError.at("duration", f"{count:,} steps are too many", "Give a longer step.")
    return np.arange(count, dtype=np.float64) * step_seconds, round(step_seconds * SECOND_NS)


def check_prices(prices: Mapping[str, float]) -> None:
    """Refuse a start price that is not positive and finite."""
    for name, price in prices.items():
        if not (math.isfinite(price) and price > 0.0):
            raise InputError.at(f"price of {name}", repr(price), "Give a positive, finite start price.")


def shock_path(
    prices: Mapping[str, float],
    shocks: Sequence[Shock],
    *,
    duration_seconds: float | None = None,
    step_seconds: float = 60.0,
    betas: Mapping[str, float] | None = None,
    noise_daily_vol: float = 0.0,
    seed: int = 0,
    start_ns: int = 0,
) -> PricePath:
    """The outside prices under the shocks. Default duration: half as long again as the last shock lasts.

    Without noise an asset is at price x (1 + move) exactly when its own shock ends (to one ulp of exp).
    """
    check_prices(prices)
    if not shocks:
        raise InputError.at("shocks", "none given", "Give at least one, such as BTC:-30%:20m.")
    for shock in shocks:
        if shock.asset not in prices:
            held = ", ".join(prices)
            raise InputError.at(f"shock of {shock.asset}", "there is no such asset", f"Choose from {held}.")
    if not (math.isfinite(noise_daily_vol) and noise_daily_vol >= 0.0):
        what = f"{noise_daily_vol!r} is not usable"
        raise InputError.at("noise_daily_vol", what, "Give a share such as 0.02, or 0.")
    last = max(shock.end_seconds for shock in shocks)
    default = max(1.5 * last, step_seconds)
    at, step_ns = clock(default if duration_seconds is None else duration_seconds, step_seconds)
    lead = shocks[0].asset
    moves = {name: _log_move([s for s in shocks if s.asset == name], at) for name in prices}
    own = {shock.asset for shock in shocks}
    columns = []
    for name, price in prices.items():
        beta = beta_to(name, lead, betas)
        log_move = moves[name] if name in own else beta * moves[lead]
        if noise_daily_vol > 0.0:
            log_move = log_move + _noise(name, lead, beta, at, noise_daily_vol, seed)
        columns.append(price * np.asarray(exp_array(np.ascontiguousarray(log_move))))
    price_table = np.column_stack(columns)
    time_ns = start_ns + np.arange(at.size, dtype=np.int64) * step_ns
    return PricePath(tuple(prices), time_ns, price_table, np.ones(price_table.shape, dtype=np.bool_))


def _log_move(shocks: Sequence[Shock], at: Floats) -> Floats:
    """Sum of the shocks' log moves at each moment."""
    total = np.zeros(at.size)
    for shock in shocks:
        full = float(log(1.0 + shock.move))
        kept = float(log(1.0 + shock.move * (1.0 - shock.recover)))
        bottom = shock.start_seconds + shock.over_seconds
        knots = [(shock.start_seconds, 0.0), (bottom, full), (shock.end_seconds, kept)]
        # A jump: two knots at one time become one, and everything before it is the level before.
        x = np.array([k for k, _ in knots])
        y = np.array([v for _, v in knots])
        distinct = np.append(np.diff(x) > 0.0, True)
        line = knot_line(at, x[distinct], y[distinct]) if distinct.sum() > 1 else np.full(at.size, y[-1])
        total = total + np.where(at < shock.start_seconds, 0.0, line)
    return total


def _noise(name: str, lead: str, beta: float, at: Floats, daily_vol: float, seed: int) -> Floats:
    """beta x the lead's walk, plus a walk of the asset's own of half that size."""
    step_sd = np.full(at.size, math.sqrt((at[1] - at[0]) / 86_400.0) * daily_vol)
    step_sd[0] = 0.0
    common = beta * walk(Stream(seed, f"shock/{lead}"), step_sd)
    if name == lead:
        return common
    return np.asarray(common + 0.5 * beta * walk(Stream(seed, f"shock/own/{name}"), step_sd))
