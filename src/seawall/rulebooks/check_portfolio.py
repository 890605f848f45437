"""Contradictions in a portfolio rulebook: each with its place in the file, what is wrong, and what to do.

Nothing here depends on a market. Rates ppb.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from seawall.errors import RulebookError
from seawall.margin.portfolio import charges as rule
from seawall.margin.portfolio.model import PPB, SKEWS, PortfolioRules, Scenario, UnderlyingRules

Found = Iterator[tuple[str, str, str]]


def check_portfolio(rules: PortfolioRules, *, file: str) -> None:
    """RulebookError with everything that is wrong."""
    found = [*_levels(rules)]
    for name, own in rules.underlyings.items():
        found += _underlying(own, f'portfolio.underlyings."{name}"')
    if rules.account == "shared":
        found += _shared(rules)
    if found:
        raise RulebookError("\n".join(f"{file}: {path} {what}\n  {fix}" for path, what, fix in found))


def _levels(rules: PortfolioRules) -> Found:
    if not rules.levels:
        yield "portfolio.levels", "is empty", "Add a level with its factor and its charges."
    if not rules.underlyings:
        yield "portfolio.underlyings", "is empty", "Add an underlying with its scenarios and charges."
    for level in rules.levels:
        place = f"portfolio.levels.{level.name}"
        known = {charge.name: None for own in rules.underlyings.values() for charge in own.charges}
        for key in ("largest", "plus", "then"):
            for name in getattr(level, key):
                if name not in known:
                    near = get_close_matches(name, list(known), n=1)
                    hint = f"Did you mean '{near[0]}'? " if near else ""
                    yield (
                        f"{place}.{key}",
                        f"names {name!r}, a charge no underlying has",
                        f"{hint}Use one of {', '.join(sorted(known))}.",
                    )
        names = [*level.largest, *level.plus, *level.then]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield place, f"counts {name!r} twice", "Name each charge once in a level."


def _underlying(own: UnderlyingRules, place: str) -> Found:
    for name, scenarios in own.scenarios.items():
        for number, scenario in enumerate(scenarios):
            yield from _scenario(scenario, own, f"{place}.scenarios.{name}[{number}]")
    for key, netting in (("netting", own.netting), ("expiry_netting", own.expiry_netting)):
        if netting.gain_share_ppb > PPB:
            yield (
                f"{place}.{key}.gain_share",
                f"is {netting.gain_share_ppb / PPB:.0%}: gains would count for more than they are",
                "Give a share of 100 % or less.",
            )
    if own.coin and own.discount is not None:
        yield f"{place}.discount", "stands in a node settled in coin", "Values in coin are not discounted."
    for charge in own.charges:
        yield from _charge(charge, own, f"{place}.charges.{charge.name}")


def _scenario(scenario: Scenario, own: UnderlyingRules, place: str) -> Found:
    skewed = scenario.vol in SKEWS
    if scenario.spot_ppb <= -PPB:
        yield f"{place}.spot", f"is {scenario.spot_ppb / PPB:.0%}", "A price cannot fall by 100 % or more."
    if scenario.weight_ppb > PPB and not skewed:
        yield (
            f"{place}.weight",
            f"is {scenario.weight_ppb / PPB:.0%}: more than the whole result of a move",
            "Give 100 % or less; only skew scenarios are scaled up.",
        )
    if scenario.weight_ppb <= 0:
        yield f"{place}.weight", "is zero", "Leave a scenario that counts nothing away."
    if skewed and own.skew is None:
        yield f"{place}.vol", f"is {scenario.vol!r}", "Add the skew table of this underlying."
    if skewed and scenario.spot_ppb:
        yield f"{place}.spot", "moves with a skew scenario", "No venue defines that: keep spot at 0 %."
    if scenario.vol in ("up", "down") and not (own.vol.up_ppb or own.vol.down_ppb):
        yield (
            f"{place}.vol",
            f"is {scenario.vol!r}",
            "Add the vol table of this underlying, with up and down.",
        )


def _charge(charge: rule.Charge, own: UnderlyingRules, place: str) -> Found:
    if isinstance(charge, rule.WorstLoss):
        for name in charge.sets:
            if name not in own.scenarios:
                known = ", ".join(sorted(own.scenarios))
                yield f"{place}.sets", f"names {name!r}, a set that is not there", f"Use one of {known}."
    if isinstance(charge, rule.DeltaCost):
        ends = [step.up_to_usd_e9 for step in charge.steps]
        if ends and (ends[-1] is not None or any(end is None for end in ends[:-1])):
            yield f"{place}.steps", "do not end without an end", "Leave up_to away in the last step only."
        rising = [end for end in ends if end is not None]
        if rising != sorted(set(rising)):
            yield f"{place}.steps", "do not rise", "Order the steps by up_to."


def _shared(rules: PortfolioRules) -> Found:
    shapes = {
        tuple((name, len(scenarios)) for name, scenarios in sorted(own.scenarios.items()))
        for own in rules.underlyings.values()
    }
    if len(shapes) > 1 or any(own.coin for own in rules.underlyings.values()):
        yield (
            "portfolio.account",
            "is 'shared', and underlyings differ in their sets of scenarios or settle in coin",
            "Give each underlying the same sets, in the quote currency, or write 'sum'.",
        )
