"""What a backtest says in plain words: a verdict for each row, and the sentences at the head of its page."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.api.backtest import Backtest, MarginPath
from seawall.calibrate.crises import CRISES

SIGNIFICANT = 0.05


def verdict(path: MarginPath) -> str:
    """too low, higher than its level, clustered, or in line."""
    row = path.row
    if not path.rejected:
        return "in line"
    if row.kupiec_p >= SIGNIFICANT:
        return "clustered"
    return "too low" if row.exceeded > row.expected else "higher than its level"


def sentences(found: Backtest) -> tuple[str, ...]:
    """The venue's own margin first, then its days of crisis, then the challengers."""
    own = [path for path in found.paths if path.row.model == found.venue]
    others = [path for path in found.paths if path.row.model != found.venue]
    span = f"{found.horizon_ns / (3_600 * 10**9):g} h"
    rate = own[0].row.mean_margin
    allowed = own[0].row.expected
    counts = " and ".join(f"{path.row.exceeded:,} windows for {path.row.side}s" for path in own)
    said = [
        f"The {found.requirement} margin of {found.venue} for {found.instrument.name} is {rate:.2%} of "
        f"notional. Over {span} the loss was larger in {counts}, of {own[0].row.windows:,} each; a level of "
        f"{found.level * 100:g}% allows {allowed:,.0f}."
    ]
    said += [f"{path.row.side.capitalize()}s: {_crisis_words(path)}" for path in own if path.crises]
    if others:
        fine = [f"{path.row.model} ({path.row.side})" for path in others if verdict(path) == "in line"]
        said.append(
            f"Of the challengers, in line with their level over the whole history: {_list(fine)}."
            if fine
            else "No challenger is in line with its level over the whole history."
        )
        said.append(_best_in_crises(others))
    return tuple(said)


def _crisis_words(path: MarginPath) -> str:
    held = [one.crisis for one in path.crises if one.verdict == "held"]
    failed = [
        f"{one.crisis} ({-one.worst_surplus:.1%} was missing)" for one in path.crises if one.verdict != "held"
    ]
    parts = ([f"it held on {_list(held)}"] if held else []) + (
        [f"it did not hold at the worst price of {_list(failed)}"] if failed else []
    )
    return "; ".join(parts) + "."


def _best_in_crises(paths: Sequence[MarginPath]) -> str:
    asked = {crisis.name for crisis in CRISES}
    counts = {
        f"{path.row.model} ({path.row.side})": sum(one.verdict == "held" for one in path.crises)
        for path in paths
    }
    seen = max((len({one.crisis for one in path.crises} & asked) for path in paths), default=0)
    if not seen:
        return "The history touches none of the days of crisis."
    most = max(counts.values())
    if not most:
        return f"Not one challenger held at the worst price of any of the {seen} crises, on either side."
    best = _list([name for name, count in counts.items() if count == most])
    return f"Of the {seen} crises, most were held at the worst price by {best}: {most}."


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"
