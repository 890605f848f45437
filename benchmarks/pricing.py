"""Options per second on one thread: price, price with four Greeks, implied vol, beside what others offer.

Random Black options: an hour to a year and a half, vol 25 % to 150 %, up to four deviations out of the money.
Ours are the public functions, their checks included; every peer gets the arrays in the form it likes best.
Runs take turns, each counted in seconds of its own thread, and the fastest of each are compared: other work
on the machine disturbs that least. Peers that are not installed are named: NumPy with SciPy always is;
QuantLib, and py_vollib_vectorized with the Let's Be Rational it compiles (numba 0.61, NumPy 1.26, py_vollib
1.0.1, py_lets_be_rational 1.0.1), need an environment of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtr

from benchmarks.rows import Row, make_row
from seawall.pricing.black import black_greeks, black_price
from seawall.pricing.implied import implied_vols

Run = Callable[[], object]
GOAL_ERROR = 1e-13
# Its compiled heart: from the normalised price to vol sqrt(years), at most two iterations.
RATIONAL = (
    "_unchecked_normalised_implied_volatility_from_a_transformed_rational_guess_with_limited_iterations"
)
SAMPLE_FOR_LOOPS = 50_000  # of a peer that is called option by option
SAMPLE_FOR_DIGITS = 2_000


class Market(NamedTuple):
    forward: NDArray[np.float64]
    strike: NDArray[np.float64]
    years: NDArray[np.float64]
    vol: NDArray[np.float64]
    is_call: NDArray[np.bool_]


def draw(count: int) -> Market:
    """Out-of-the-money options, so that every price tells its vol."""
    chance = np.random.default_rng(1976)
    years, vol = chance.uniform(1 / 8760, 1.5, count), chance.uniform(0.25, 1.5, count)
    forward = np.full(count, 60_000.0)
    strike = forward * np.exp(chance.uniform(-4.0, 4.0, count) * vol * np.sqrt(years))
    return Market(forward, strike, years, vol, forward < strike)


def numpy_price(m: Market) -> NDArray[np.float64]:
    s = m.vol * np.sqrt(m.years)
    d1 = np.log(m.forward / m.strike) / s + 0.5 * s
    c = np.where(m.is_call, 1.0, -1.0)
    return c * (m.forward * ndtr(c * d1) - m.strike * ndtr(c * (d1 - s)))


def numpy_greeks(m: Market) -> tuple[NDArray[np.float64], ...]:
    root = np.sqrt(m.years)
    s = m.vol * root
    d1 = np.log(m.forward / m.strike) / s + 0.5 * s
    c = np.where(m.is_call, 1.0, -1.0)
    n1 = ndtr(c * d1)
    density = np.exp(-0.5 * d1 * d1) * 0.3989422804014327
    vega = m.forward * density * root
    price = c * (m.forward * n1 - m.strike * ndtr(c * (d1 - s)))
    return price, c * n1, density / (m.forward * s), vega, -0.5 * vega * m.vol / m.years


def optional(name: str) -> ModuleType | None:
    try:
        return import_module(name)
    except ImportError:
        return None


def quantlib_price(m: Market) -> Run | None:
    """`blackFormula` in a Python loop over plain floats, which is the fastest form it offers."""
    ql = optional("QuantLib")
    if ql is None:
        return None
    formula, size = ql.blackFormula, SAMPLE_FOR_LOOPS
    kinds = [ql.Option.Call if call else ql.Option.Put for call in m.is_call[:size]]
    deviations = (m.vol * np.sqrt(m.years))[:size].tolist()
    table = list(zip(kinds, m.strike[:size].tolist(), m.forward[:size].tolist(), deviations, strict=True))
    return lambda: [formula(*row) for row in table]


def vectorized_vol(m: Market, price: Any) -> Run | None:
    peer = optional("py_vollib_vectorized")
    if peer is None:
        return None
    flags = np.where(m.is_call, "c", "p")
    vol = peer.vectorized_implied_volatility_black
    return lambda: vol(price, m.forward, m.strike, 0.0, m.years, flags, return_as="numpy")


def rational_vol(m: Market, price: Any) -> Run | None:
    """Let's Be Rational, compiled, in one loop over the arrays."""
    peer = optional("py_vollib_vectorized._iv_models")
    if peer is None:
        return None
    invert = getattr(peer, RATIONAL)
    side, out = np.where(m.is_call, 1.0, -1.0), np.empty_like(price)

    @njit
    def loop(price, forward, strike, years, side, out):  # type: ignore[no-untyped-def]
        for i in range(out.size):
            share = price[i] / (np.sqrt(forward[i]) * np.sqrt(strike[i]))
            out[i] = invert(share, np.log(forward[i] / strike[i]), side[i], 2) / np.sqrt(years[i])

    return lambda: loop(price, m.forward, m.strike, m.years, side, out)


def cpu_seconds(run: Run) -> float:
    """Seconds this thread computed, its waiting for a processor left out."""
    begin = time.thread_time()
    run()
    return time.thread_time() - begin


def rates(size: int, repeats: int, ours: Run, peers: dict[str, tuple[Run | None, int]]) -> dict[str, float]:
    """Options per second of each that is here, '' being ours; runs take turns."""
    runs = {"": (ours, size), **{name: (run, count) for name, (run, count) in peers.items() if run}}
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for run, _ in runs.values():
        run()
    for _ in range(repeats):
        for name, (run, _) in runs.items():
            taken[name].append(cpu_seconds(run))
    return {name: count / min(taken[name]) for name, (_, count) in runs.items()}


def true_vol(price: float, m: Market, i: int) -> mp.mpf:
    """The vol of exactly this price at 50 digits, by Newton on its logarithm."""
    f, k, t, v = (mp.mpf(float(column[i])) for column in m[:4])
    c, target = (1 if m.is_call[i] else -1), mp.mpf(price)
    for _ in range(50):
        s = v * mp.sqrt(t)
        d1 = mp.log(f / k) / s + s / 2
        value = c * (f * mp.ncdf(c * d1) - k * mp.ncdf(c * (d1 - s)))
        move = mp.log(value / target) * value / (f * mp.npdf(d1) * mp.sqrt(t))
        v -= move
        if abs(move) < mp.mpf(10) ** -40 * v:
            break
    return v


def errors(m: Market, price: Any, vol: Any) -> NDArray[np.float64]:
    """Relative errors of our vols over a sample."""
    with mp.workdps(50):
        return np.array(
            [float(abs(mp.mpf(float(vol[i])) / true_vol(float(price[i]), m, i) - 1)) for i in
             range(SAMPLE_FOR_DIGITS)]
        )  # fmt: skip


def row(
    figure: str, found: dict[str, float], goals: dict[str, float], holds: bool = True, note: str = ""
) -> Row:
    """One line; the ratio is to the fastest peer of those with a goal that are here."""
    here = {name: goal for name, goal in goals.items() if name in found}
    missing = [f"{name}: not installed" for name in goals if name not in found]
    told = [f"{found[''] / found[name]:.1f}x {name} (goal {goal:g}x)" for name, goal in here.items()]
    nearest = max(here, key=lambda name: found[name])
    return make_row(
        figure,
        ours=f"{found[''] / 1e6:.1f} M/s",
        peer=f"{nearest} {found[nearest] / 1e6:.2f} M/s",
        ratio=found[""] / found[nearest],
        goal=f"{here[nearest]:g}x",
        met=holds and all(found[""] / found[name] >= goal for name, goal in here.items()),
        note="; ".join([*told, *missing, *([note] if note else [])]),
    )


def measure(quick: bool = False) -> list[Row]:
    """Three rows, or two where no peer that inverts prices is installed."""
    size, repeats = (200_000, 5) if quick else (1_000_000, 9)
    m = draw(size)
    price = black_price(*m)
    prices = rates(size, repeats, lambda: black_price(*m), {
        "NumPy and SciPy": (lambda: numpy_price(m), size),
        "QuantLib blackFormula in a loop": (quantlib_price(m), min(size, SAMPLE_FOR_LOOPS)),
    })  # fmt: skip
    greeks = rates(size, repeats, lambda: black_greeks(*m), {
        "NumPy and SciPy": (lambda: numpy_greeks(m), size),
    })  # fmt: skip
    given = (price, m.forward, m.strike, m.years, m.is_call)
    vols = rates(size, repeats, lambda: implied_vols(*given), {
        "Let's Be Rational in numba": (rational_vol(m, price), size),
        "py_vollib_vectorized": (vectorized_vol(m, price), size),
    })  # fmt: skip
    found = implied_vols(*given)
    error, strange = errors(m, price, found.vol), int((~found.ok).sum() + np.isnan(found.vol).sum())
    p99, worst = float(np.quantile(error, 0.99)), float(error.max())
    digits = (
        f"relative error p99 {p99:.1e}, worst {worst:.1e} of {SAMPLE_FOR_DIGITS:,}; {strange} without a vol"
    )
    exact = p99 <= GOAL_ERROR and strange == 0
    options = f"{size:,} options, one thread"
    return [
        row(f"Black price, {options}", prices,
            {"NumPy and SciPy": 5.0, "QuantLib blackFormula in a loop": 25.0}),
        row(f"Black price and 4 Greeks, {options}", greeks, {"NumPy and SciPy": 7.0}),
        vol_row(f"implied vol, {options}", vols, exact, digits),
    ]  # fmt: skip


def vol_row(figure: str, found: dict[str, float], exact: bool, digits: str) -> Row:
    """Beside its peers, or, where there are none, with its accuracy alone."""
    goals = {"Let's Be Rational in numba": 10.0, "py_vollib_vectorized": 15.0}
    if any(name in found for name in goals):
        return row(figure, found, goals, exact, digits)
    missing = [f"{name}: not installed" for name in goals]
    return make_row(
        figure, ours=f"{found[''] / 1e6:.1f} M/s", peer="none installed", ratio=0.0, met=exact,
        goal=f"p99 {GOAL_ERROR:g}", note="; ".join([digits, *missing]),
    )  # fmt: skip
