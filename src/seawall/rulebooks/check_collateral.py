"""Checks of weights and collateral: every balance priced, none counted for more than it is.

Rates ppb, amounts atoms of the asset.
"""

from __future__ import annotations

from seawall.margin.rules import Weight
from seawall.rulebooks.findings import Finding, Findings, amount_text, join, rate_text, settlement_assets
from seawall.rulebooks.model import Rulebook
from seawall.units import PPB


def check_weights(rulebook: Rulebook) -> Findings:
    margin = rulebook.margin
    for set_name, weights in margin.weights.items():
        for asset, weight in weights.items():
            path = join(f"margin.weights.{set_name}", asset)
            if asset not in margin.collateral:
                yield Finding(
                    path,
                    "weighs an asset that [margin.collateral] does not price",
                    "Add it there, or remove the weight.",
                )
            yield from _check_weight(rulebook, path, asset, weight)


def _check_weight(rulebook: Rulebook, path: str, asset: str, weight: Weight) -> Findings:
    if weight.liability_ppb < PPB:
        yield Finding(
            f"{path}.liability",
            f"is {rate_text(weight.liability_ppb)}: a debt would count for less than it is",
            "Give '100 %' or more.",
        )
    if weight.tiers and weight.tiers[0].floor_atoms != 0:
        yield Finding(
            f"{path}.tiers[0].from",
            "is not zero, so small balances have no weight",
            f"Start the first tier at '0 {asset}'.",
        )
    if weight.sqrt_ppb and weight.sqrt_top_ppb <= 0:
        yield Finding(
            f"{path}.size_discount_top", "is zero: no balance would count", "Give a rate like '110 %'."
        )
    for index, tier in enumerate(weight.tiers):
        place = f"{path}.tiers[{index}]"
        if tier.weight_ppb > PPB:
            yield Finding(
                f"{place}.weight",
                f"is {rate_text(tier.weight_ppb)}: a balance would count for more than it is",
                "Give '100 %' or less.",
            )
        if not index:
            continue
        before = weight.tiers[index - 1]
        if tier.floor_atoms <= before.floor_atoms:
            yield Finding(
                f"{place}.from",
                f"is {amount_text(rulebook, asset, tier.floor_atoms)}, not above the tier "
                f"before it ({amount_text(rulebook, asset, before.floor_atoms)})",
                "List tiers by rising balance, each once.",
            )
        if tier.weight_ppb > before.weight_ppb:
            yield Finding(
                f"{place}.weight",
                f"is {rate_text(tier.weight_ppb)}, above the tier before it ({rate_text(before.weight_ppb)})",
                "A larger balance may never count for more per unit: "
                f"lower it to {rate_text(before.weight_ppb)} or less.",
            )


def check_collateral(rulebook: Rulebook) -> Findings:
    margin, settled = rulebook.margin, settlement_assets(rulebook)
    by_name = {entry.name: entry for entry in rulebook.instruments}
    for asset, priced_by in margin.collateral.items():
        path = join("margin.collateral", asset)
        if not priced_by:
            if asset != margin.numeraire and not (margin.scope == "settlement" and asset in settled):
                yield Finding(
                    path,
                    "is 'itself', but accounts are not kept in it",
                    "Name the instrument that prices it.",
                )
            continue
        entry = by_name.get(priced_by)
        if entry is None:
            yield Finding(
                path,
                f"is priced by {priced_by!r}, an instrument this rulebook does not have",
                "Add it under [instruments], or name one that is there.",
            )
        elif entry.kind.inverse or entry.base != asset or entry.quote != margin.numeraire:
            yield Finding(
                path,
                f"is priced by {priced_by!r}, whose price is {entry.quote} per {entry.base}",
                f"Name an instrument with a price in {margin.numeraire} per {asset}.",
            )
    needed = sorted({margin.numeraire, *settled}) if margin.scope == "account" else settled
    for asset in needed:
        if asset not in margin.collateral:
            yield Finding(
                "margin.collateral",
                f"does not price {asset}, in which accounts gain and lose",
                f"Add {asset} to [margin.collateral] and to the weights.",
            )
            continue
        for set_name in sorted({level.weights for level in margin.levels}):
            if set_name in margin.weights and asset not in margin.weights[set_name]:
                yield Finding(
                    f"margin.weights.{set_name}",
                    f"has no weight for {asset}, so balances in it would count for nothing",
                    f"Add [margin.weights.{set_name}.{asset}].",
                )
