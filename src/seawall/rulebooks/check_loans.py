"""Checks of the steps on which loans are liquidated: terms that can act, on assets that are there.

Rates 1e-18 and 1e-4 (shares, fees).
"""

from __future__ import annotations

import msgspec

from seawall.liquidation.rules import Step
from seawall.margin.collateral_debt import BPS, WAD
from seawall.rulebooks.findings import Finding, Findings
from seawall.rulebooks.model import Rulebook


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
