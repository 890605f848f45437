"""Checks of the steps on which loans are liquidated: terms that can act, on assets that are there.

Rates 1e-18 and 1e-4 (shares, fees).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from seawall.liquidation.isolated_loan import critical_health
from seawall.liquidation.rules import Step
from seawall.margin.collateral_debt import BPS, WAD
from seawall.rulebooks.findings import Finding, Findings
from seawall.rulebooks.model import Rulebook
from seawall.units import PPB


def check_seize(rulebook: Rulebook, path: str, step: Step) -> Findings:
    if isinstance(step.seize, msgspec.UnsetType):
        if step.action == "seize":
            yield Finding(f"{path}.seize", "is missing", "Give the terms on which outsiders may liquidate.")
        return
    if step.action != "seize":
        yield Finding(f"{path}.seize", f"is set, but action is '{step.action}'", "Remove one of the two.")
    yield from _check_scope(rulebook, path, step)
    terms = step.seize
    if not 0 < terms.close.share_bps <= BPS:
        yield Finding(f"{path}.seize.share", "is not above 0 and at most 100 %", "Correct the close factor.")
    if terms.fee_bps > BPS:
        yield Finding(f"{path}.seize.fee", "is more than the whole bonus", "Give at most 100 %.")
    if not 0 <= terms.most_discount_wad < WAD:
        yield Finding(f"{path}.seize.most_discount", "is 100 % or more", "Give less than 100 %.")
    yield from _check_goods(rulebook, f"{path}.seize.bonus", terms.bonus_wad)


def check_absorb(rulebook: Rulebook, path: str, step: Step) -> Findings:
    if isinstance(step.absorb, msgspec.UnsetType):
        if step.action == "absorb":
            yield Finding(f"{path}.absorb", "is missing", "Give the terms on which the protocol absorbs.")
        return
    if step.action != "absorb":
        yield Finding(f"{path}.absorb", f"is set, but action is '{step.action}'", "Remove one of the two.")
    yield from _check_scope(rulebook, path, step)
    terms = step.absorb
    lent = [asset.name for asset in rulebook.assets if rulebook.curve(asset.name) is not None]
    if lent != [terms.base]:
        what = f"is {terms.base!r}, and what may be borrowed is {', '.join(lent) or 'nothing'}"
        yield Finding(f"{path}.absorb.base", what, "An absorbing market lends its base asset and no other.")
    if terms.base in terms.credit_wad:
        yield Finding(f"{path}.absorb.credit.{terms.base}", "is the base itself", "Remove it.")
    if not 0 <= terms.front_factor_wad <= WAD:
        yield Finding(f"{path}.absorb.front_factor", "is above 100 %", "Give the part that buyers get.")
    for name, factor in terms.credit_wad.items():
        if not 0 < factor <= WAD:
            yield Finding(f"{path}.absorb.credit.{name}", "is not above 0 and at most 100 %", "Correct it.")
    yield from _check_goods(rulebook, f"{path}.absorb.credit", terms.credit_wad)


def loan_warnings(rulebook: Rulebook) -> Iterator[str]:
    """Terms under which a liquidation may leave a loan worse than it found it; with the number.

    A bonus: threshold x (1 + bonus) >= 1. A discount of what health lacks: a slice lowers health that is
    below sqrt(threshold), so a cap above 1 - sqrt(threshold) lets it (Euler v2).
    """
    trigger = next(level for level in rulebook.margin.levels if level.name == rulebook.liquidation.trigger)
    weights = rulebook.margin.weights.get(trigger.weights, {})
    for step in rulebook.liquidation.steps:
        if isinstance(step.seize, msgspec.UnsetType):
            continue
        for name, bonus in step.seize.bonus_wad.items():
            tiers = weights[name].tiers if name in weights else ()
            threshold = max((tier.weight_ppb for tier in tiers), default=0)
            if threshold * bonus >= PPB * WAD:
                product = threshold * bonus / (PPB * WAD)
                yield f"{name}: threshold x (1 + bonus) = {product:.4f}: each liquidation lowers health"
            safe = 1 - critical_health(threshold / PPB)
            if step.seize.most_discount_wad / WAD > safe:
                most = step.seize.most_discount_wad / WAD
                yield (
                    f"{name}: a discount of up to {most:.2%}, above {safe:.2%} = 1 - sqrt(threshold): "
                    "slices may lower health"
                )


def _check_scope(rulebook: Rulebook, path: str, step: Step) -> Findings:
    if rulebook.margin.scope != "account":
        what = f"is '{step.action}', and pots are kept by settlement asset"
        yield Finding(f"{path}.action", what, "Use scope = 'account'.")


def _check_goods(rulebook: Rulebook, path: str, goods: dict[str, int]) -> Findings:
    names = [asset.name for asset in rulebook.assets]
    for name in goods:
        if name not in names:
            yield Finding(f"{path}.{name}", "is no asset here", f"Use {', '.join(names)}.")
        elif name not in rulebook.margin.collateral:
            yield Finding(f"{path}.{name}", "has no price to be seized at", "See margin.collateral.")
    if not goods:
        yield Finding(path, "names no collateral: nothing could be seized", "Name some.")
