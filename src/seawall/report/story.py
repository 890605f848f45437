"""The top of the page: what happened in a few sentences, and the key figures with and without feedback.

Amounts are in the numeraire, rounded for reading. A sentence is only written when its figures are known; an
account that could not be judged is said aloud, never counted as safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import polars as pl
from markupsafe import Markup

from seawall.report import figures
from seawall.report.lines import extreme, instruments_of
from seawall.report.svg import el, percent
from seawall.report.tables import RunTables, lookup

# Key figures of the cards: key, words, how it is written, and the line below (template of other keys).
CARDS: tuple[tuple[str, str, str, str], ...] = (
    ("liquidated_total", "Liquidated", "amount", "first round {first_round:amount}"),
    ("amplification", "Amplification", "times", "liquidated in all ÷ first round"),
    ("liquidations", "Liquidations", "count", "forced closings of a position or an account"),
    ("bankruptcies", "Bankrupt accounts", "count", "ended with less than nothing"),
    ("bad_debt", "Bad debt", "amount", "loss beyond the accounts’ own equity"),
    ("insurance_used", "Insurance fund used", "amount", "{insurance_end:amount} left at the end"),
    ("backstop_pnl", "Backstop profit or loss", "amount", "of the vault that takes positions over"),
    (
        "adl_notional",
        "Auto-deleveraged",
        "amount",
        "{adl_accounts:count} accounts gave up {adl_haircut:amount} of profit",
    ),
    ("socialised", "Socialised loss", "amount", "spread over all other accounts"),
    ("margin_calls", "Margin calls", "count", "{cured:count} cured in time"),
)
_WRITTEN = {"amount": figures.amount, "times": figures.times, "count": figures.count}


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One key figure: the value with feedback, the one without, and a pair of bars that compares them."""

    key: str
    title: str
    value: str
    without: str | None
    note: str
    bars: Markup | None


def run_figure(summary: Mapping[str, Any], run: str, key: str) -> Any:
    """A figure of one run, or None. Amplification is worked out where only its parts are given."""
    value = lookup(summary, f"runs.{run}.{key}")
    if value is None and key == "amplification":
        total = lookup(summary, f"runs.{run}.liquidated_total")
        first = lookup(summary, f"runs.{run}.first_round")
        if figures.known(total) and figures.known(first) and first > 0:
            return total / first
    return value


def cards(tables: RunTables) -> list[Card]:
    """The key figures, in reading order; one that the summary does not know at all is left out."""
    made = []
    for key, title, style, note in CARDS:
        values = {run: run_figure(tables.summary, run, key) for run in tables.runs()}
        if not any(figures.known(v) for v in values.values()):
            continue
        write = _WRITTEN[style]
        made.append(
            Card(
                key=key,
                title=title,
                value=write(values["with"]),
                note=_note(tables.summary, note),
                without=write(values["without"]) if "without" in values else None,
                bars=_bars(values),
            )
        )
    return made


def _note(summary: Mapping[str, Any], template: str) -> str:
    """Fill {key:style}; a note with an unknown figure is not written."""
    words = template
    while "{" in words:
        before, rest = words.split("{", 1)
        inside, after = rest.split("}", 1)
        key, style = inside.split(":")
        value = run_figure(summary, "with", key)
        if not figures.known(value):
            return ""
        words = before + _WRITTEN[style](value) + after
    return words


def _bars(values: Mapping[str, Any]) -> Markup | None:
    """Two thin bars on one scale; none when there is nothing to compare."""
    sizes = {run: abs(v) for run, v in values.items() if figures.known(v)}
    top = max(sizes.values(), default=0.0)
    if len(sizes) < 2 or top <= 0:
        return None
    rows = [
        el(
            "rect",
            x="0",
            y=float(place * 7),
            width=percent(sizes[run] / top),
            height="5",
            class_=f"fill {run}",
        )
        for place, run in enumerate(("with", "without"))
        if sizes[run] > 0
    ]
    return el("svg", *rows, width="100%", height="12", class_="pair", aria_hidden="true")


def _b(text: str) -> Markup:
    return Markup("<b>{}</b>").format(text)


def sentences(tables: RunTables) -> list[Markup]:
    """Two to four plain sentences with numbers, escaped."""
    unit = str(tables.summary["numeraire"])
    told = [_price_words(tables), _liquidation_words(tables, unit), _loss_words(tables, unit)]
    return [s for s in told if s is not None]


def warnings(tables: RunTables) -> list[str]:
    """What the reader must know before trusting the figures."""
    found = []
    for run in tables.runs():
        unknown = run_figure(tables.summary, run, "unknown_accounts")
        if figures.known(unknown) and unknown > 0:
            found.append(
                f"Accounts that could not be judged in the run {run} feedback, because a price they depend "
                f"on was not known: {figures.count(unknown)}. They are not counted as safe."
            )
    return found


def _price_words(tables: RunTables) -> Markup | None:
    names = instruments_of(tables)
    if not names:
        return None
    rows = tables.prices.filter(pl.col("instrument") == names[0])
    found, alone = extreme(rows, "with_feedback"), extreme(rows, "without_feedback")
    if found is None:
        return None
    verb = "fell" if found[1] < 0 else "rose"
    size = figures.share(abs(found[1]))
    text = Markup("{} {} {} to {}").format(_b(names[0]), verb, _b(size), figures.price(found[0]))
    if alone is not None and figures.share(abs(alone[1])) != size:
        text += Markup(" once the venue’s own liquidations pressed on it; the shock alone was {}").format(
            _b(figures.share(abs(alone[1])))
        )
    elif alone is not None:
        text += Markup(", with the venue’s own liquidations as without them")
    if len(names) > 1:
        others = (
            "The other market moved less"
            if len(names) == 2
            else f"The {len(names) - 1} other markets moved less"
        )
        text += Markup(". {}").format(others)
    return text + Markup(".")


def _liquidation_words(tables: RunTables, unit: str) -> Markup | None:
    total = run_figure(tables.summary, "with", "liquidated_total")
    if not figures.known(total):
        return None
    if total <= 0:
        return Markup("No position was liquidated.")
    hit = tables.accounts.filter((pl.col("run") == "with") & (pl.col("liquidated") > 0)).height
    text = Markup("Positions worth {} were liquidated").format(_b(figures.amount(total, unit)))
    if hit:
        accounts = tables.summary["accounts"]
        text = Markup("{} of {} accounts had positions liquidated, worth {} in all").format(
            _b(figures.count(hit)), figures.count(accounts), _b(figures.amount(total, unit))
        )
    first = run_figure(tables.summary, "with", "first_round")
    factor = run_figure(tables.summary, "with", "amplification")
    if figures.known(first) and figures.known(factor):
        text += Markup(". The first round alone was {}: the cascade made it {} as large").format(
            figures.amount(first), _b(figures.times(factor).replace("×", " times"))
        )
    return text + Markup(".")


_TAKEN = {
    "backstop vault": "the backstop vault lost {}",
    "insurance fund": "the insurance fund paid {}",
    "auto-deleveraged winners": "auto-deleveraged winners gave up {}",
    "socialised": "{} was spread over the other accounts",
    "unpaid": "{} stayed unpaid",
}


def _loss_words(tables: RunTables, unit: str) -> Markup | None:
    debt = run_figure(tables.summary, "with", "bad_debt")
    if not figures.known(debt):
        return None
    rows = tables.payers.filter((pl.col("run") == "with") & (pl.col("amount") > 0))
    sums = dict(rows.group_by("payer").agg(pl.col("amount").sum()).iter_rows())
    paid = [Markup(words).format(_b(figures.amount(sums[p]))) for p, words in _TAKEN.items() if p in sums]
    listed = (
        Markup(", ").join(paid[:-1]) + Markup(" and ") + paid[-1] if len(paid) > 1 else Markup("").join(paid)
    )
    if debt <= 0:
        text = Markup("No account lost more than it had")
    else:
        text = Markup("Losses beyond the accounts’ own equity came to {}").format(
            _b(figures.amount(debt, unit))
        )
        alone = run_figure(tables.summary, "without", "bad_debt")
        if figures.known(alone):
            text += Markup(" ({} without feedback)").format(figures.amount(alone))
    return text + (Markup(": ") + listed if paid else Markup("")) + Markup(".")
