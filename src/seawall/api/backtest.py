"""Would this margin have held? A rulebook's own requirement and tail models as challengers over real history.

Longs and shorts are judged apart. Each margin is set from what is known when a window begins; windows of the
tests follow one another without overlap, the days of crisis are asked of every window. Margins and losses are
fractions of notional; the statistics are floats, the rulebook's requirement comes from its exact statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.api.history import check_market, load_history
from seawall.api.venue_margin import instrument_for, venue_rates
from seawall.calibrate import dynamic
from seawall.calibrate.challengers import MODELS, Forecasts, run_model, variance_before
from seawall.calibrate.crises import CRISES, CrisisResult, judge
from seawall.calibrate.exceedances import LEAST_POWER
from seawall.calibrate.history import DAY_NS, SIDES, History, Side, Windows, iso, windows
from seawall.calibrate.inputs import Floats, level_of
from seawall.calibrate.verdicts import Row, holm_over, judge_row
from seawall.errors import InputError
from seawall.instruments.model import Instrument
from seawall.lab.readers import Columns
from seawall.rulebooks.load import load_rulebook
from seawall.rulebooks.model import Rulebook
from seawall.units import parse_decimal, parse_duration_ns

DYNAMIC = "dynamic"
DEFAULT_MODELS = ("historical", "fhs-ewma", "fhs-garch", "pot", DYNAMIC)
VOLUME_DAYS = 30


class MarginPath(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One margin on one side, for the windows from `first` on, with its row of tests and its crises."""

    row: Row
    margin: Floats
    crises: tuple[CrisisResult, ...]
    rejected: bool  # by conditional coverage, Holm over all rows


class Backtest(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Everything a page or a table needs. `begin_ns`, `losses`, `worst`: windows of the tests, by side."""

    rulebook: Rulebook
    instrument: Instrument
    source: str
    requirement: str
    notional: Fraction
    level: float
    horizon_ns: int
    lookback: int
    first: int
    begin_ns: NDArray[np.int64]
    losses: dict[str, Floats]
    worst: dict[str, Floats]
    paths: tuple[MarginPath, ...]
    notes: tuple[str, ...]

    @property
    def venue(self) -> str:
        """The name of the rulebook's own row."""
        return self.rulebook.name

    def save(self, folder: str | Path, command: str = "") -> list[Path]:
        """Write backtest.html, results.csv, crises.csv, margins.parquet, summary.json; returns the files."""
        from seawall.api.backtest_files import write_backtest

        return write_backtest(self, Path(folder), command)


def backtest(
    rulebook: Rulebook | str | Path,
    history: str | Path,
    *,
    models: Sequence[str] = DEFAULT_MODELS,
    horizon: str = "1 d",
    level: float = 0.99,
    notional: str | int | Fraction = 1_000_000,
    lookback: int = 500,
    requirement: str | None = None,
    instrument: str | None = None,
    start: str | None = None,
    end: str | None = None,
    columns: Columns | None = None,
) -> Backtest:
    """Run the rulebook's requirement and `models` over a price file of bars (`FILE` or `NAME=FILE`).

    `notional` is in quote units, `horizon` as "1 d" or "4 h", `lookback` in windows, `requirement` a level of
    the rulebook (default: the one that triggers liquidation). Raises SeawallError with place, value and fix.
    """
    rules = rulebook if isinstance(rulebook, Rulebook) else load_rulebook(rulebook)
    level_of(level)
    _check_models(models)
    asked = parse_decimal(str(notional), where="notional")
    past, notes = load_history(history, start=start, end=end, columns=columns)
    contract = instrument_for(rules, instrument or past.name)
    notes += check_market(past, contract)
    market, more = _cut(past, horizon, lookback, inverse=bool(contract.kind.inverse), level=level)
    grid = market.grid
    rates = venue_rates(rules, contract, grid.entry[lookback:].tolist(), asked, requirement)
    made = [
        (side, _forecasts(name, side, past, market, asked, rates))
        for name in (rules.name, *models)
        for side in SIDES
    ]
    paths = [_judged(one, side, market) for side, one in made]
    failed = holm_over(tuple(path.row for path in paths))
    return Backtest(
        rulebook=rules,
        instrument=contract,
        source=past.source,
        requirement=requirement or rules.liquidation.trigger,
        notional=asked,
        level=level,
        horizon_ns=grid.horizon_ns,
        lookback=lookback,
        first=lookback,
        begin_ns=grid.begin_ns,
        losses={side: market.losses[side] for side in SIDES},
        worst={side: grid.losses(side, inverse=market.inverse, worst=True) for side in SIDES},
        paths=tuple(
            msgspec.structs.replace(path, rejected=failed[path.row.model, path.row.side]) for path in paths
        ),
        notes=(*notes, *more, *_too_early(market), *_weak(market)),
    )


def _weak(market: _Market) -> tuple[str, ...]:
    """A word on what so few windows cannot show."""
    count = market.grid.size - market.first
    if count >= LEAST_POWER:
        return ()
    allowed = (1.0 - market.level) * count
    return (f"{count} windows, of which {allowed:.1f} may exceed: too few for a test to find much.",)


def _too_early(market: _Market) -> tuple[str, ...]:
    """A word on each crisis that the history holds and no margin was there for."""
    first_ns = int(market.grid.begin_ns[market.first])
    names = [
        crisis.name
        for crisis in CRISES
        if market.every.begin_ns[0] < crisis.span_ns()[1] and crisis.span_ns()[1] <= first_ns
    ]
    if not names:
        return ()
    verb = "lies" if len(names) == 1 else "lie"
    when = f"the first margin ({iso(first_ns)})"
    return (f"{', '.join(names)} {verb} before {when}: a shorter --lookback begins earlier.",)


def _cut(
    past: History, horizon: str, lookback: int, *, inverse: bool, level: float
) -> tuple[_Market, tuple[str, ...]]:
    """The history as windows, and a word on those left out."""
    span = parse_duration_ns(horizon, where="horizon")
    grid, every = windows(past, span, overlapping=False), windows(past, span, overlapping=True)
    least = lookback + max(lookback // 2, 1)
    if grid.size < least:
        what = f"it has {grid.size} windows of {horizon}, and the first margin looks back on {lookback}"
        raise InputError.at(past.source, what, f"Give {least} windows or more, or a shorter --lookback.")
    market = _Market(
        grid=grid,
        every=every,
        inverse=inverse,
        level=level,
        first=lookback,
        losses={side: grid.losses(side, inverse=inverse) for side in SIDES},
    )
    if not grid.left_out:
        return market, ()
    return market, (
        f"{grid.left_out} of {grid.left_out + grid.size} windows lack a price at an end and are left out.",
    )


def _check_models(models: Sequence[str]) -> None:
    wrong = [name for name in models if name not in MODELS and name != DYNAMIC]
    if wrong or len(set(models)) < len(models):
        what = f"there is no {wrong[0]!r}" if wrong else "one of them is named twice"
        raise InputError.at("models", what, f"There are: {', '.join((*MODELS, DYNAMIC))}.")


class _Market(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    grid: Windows
    every: Windows
    inverse: bool
    level: float
    first: int
    losses: dict[Side, Floats]


def _forecasts(
    name: str, side: Side, past: History, market: _Market, notional: Fraction, rates: dict[str, Floats]
) -> Forecasts:
    losses, first = market.losses[side], market.first
    if name == DYNAMIC:
        return _dynamic(past, market, losses, notional)
    if name in MODELS:
        return run_model(name, losses, first=first, lookback=first, level=market.level)
    return Forecasts(name=name, first=market.first, var=rates[side], es=None)


def _dynamic(past: History, market: _Market, losses: Floats, notional: Fraction) -> Forecasts:
    """The rule of `calibrate.dynamic` over the horizon; depth is told by the volume of the 30 days before."""
    if past.volume is None:
        what = "the dynamic margin needs depth, and the file has no volume to tell it by"
        raise InputError.at(past.source, what, "Give a file with a volume column, or leave `dynamic` out.")
    day = max(DAY_NS // past.bar_ns, 1)
    turnover = np.concatenate([[0.0], np.cumsum(past.volume * past.close)])
    upto = market.grid.bar[market.first :] + 1
    begin = np.maximum(upto - VOLUME_DAYS * day, 0)
    per_day = (turnover[upto] - turnover[begin]) / (upto - begin) * day
    horizon_days = market.grid.horizon_ns / DAY_NS
    vols = np.sqrt(variance_before(losses)[market.first :] / horizon_days)
    rule = dynamic.DynamicRule(period_days=horizon_days)
    steps = dynamic.dynamic_path(rule, vols, per_day, notional=float(notional))
    return Forecasts(name=DYNAMIC, first=market.first, var=dynamic.rates_in_force(steps), es=None)


def _judged(made: Forecasts, side: Side, market: _Market) -> MarginPath:
    """The tests on windows apart from each other, the crises on all of them."""
    grid, every = market.grid, market.every
    place = np.searchsorted(grid.begin_ns, every.begin_ns, side="right") - 1 - market.first
    known = place >= 0
    margin = made.var[np.maximum(place, 0)]
    hits = (every.losses(side, inverse=market.inverse) > margin)[known]
    step = int(np.min(np.diff(every.begin_ns)))
    row = judge_row(
        made.name,
        side,
        market.losses[side],
        made.var,
        made.es,
        first=market.first,
        level=market.level,
        overlapping_hits=hits,
        block=grid.horizon_ns // step,
    )
    found = [judge(crisis, every, margin, known, side, inverse=market.inverse) for crisis in CRISES]
    return MarginPath(
        row=row, margin=made.var, crises=tuple(one for one in found if one is not None), rejected=False
    )


def options_of(found: Backtest) -> dict[str, Any]:
    """What the answer depends on, as plain values."""
    return {
        "rulebook": found.rulebook.tag,
        "rulebook_sha256": found.rulebook.sha256,
        "venue": found.venue,
        "instrument": found.instrument.name,
        "requirement": found.requirement,
        "history": Path(found.source).name,
        "level": found.level,
        "horizon_hours": found.horizon_ns / (3_600 * 10**9),
        "notional": float(found.notional),
        "lookback": found.lookback,
        "windows": int(found.begin_ns.size) - found.first,
        "notes": list(found.notes),
    }
