"""Checks of the [margin] part: schedules, weights, collateral, and how the levels stand to each other.

Rates ppb, amounts atoms; comparisons are exact (`compare`).
"""

from __future__ import annotations

from seawall.instruments.model import Instrument, InstrumentKind
from seawall.margin.rules import Level, Schedule, Weight
from seawall.rulebooks.check_collateral import check_collateral, check_weights
from seawall.rulebooks.check_options import check_families, check_option_schedule
from seawall.rulebooks.compare import Shortfall, asks_less, counts_more
from seawall.rulebooks.findings import Finding, Findings, amount_text, join, rate_text, settlement_assets
from seawall.rulebooks.model import Rulebook
from seawall.units import PPB


def check_margin(rulebook: Rulebook) -> Findings:
    found = [
        *_check_schedules(rulebook),
        *check_weights(rulebook),
        *check_collateral(rulebook),
        *_check_levels(rulebook),
    ]
    yield from found
    if not found and not any(
        True for _ in check_families(rulebook)
    ):  # levels are compared only where each is sound by itself
        yield from _check_order_of_levels(rulebook)


# ---- schedules -----------------------------------------------------------------------------------


def _check_schedules(rulebook: Rulebook) -> Findings:
    instruments = {entry.name: entry for entry in rulebook.instruments}
    for name, margin in rulebook.margin.instruments.items():
        path = join("margin.instruments", name)
        entry = instruments.get(name)
        if entry is None or entry.kind == InstrumentKind.SPOT:
            yield Finding(
                path, "is not a contract of this rulebook", "Add the instrument, or remove its margin."
            )
            continue
        for key, schedule in margin.schedules.items():
            yield from _check_schedule(rulebook, entry, f"{path}.{key}", schedule)
        for level in rulebook.margin.levels:
            if level.schedule not in margin.schedules:
                yield Finding(
                    path,
                    f"has no schedule '{level.schedule}', which level '{level.name}' asks for",
                    f"Add [{path}.{level.schedule}].",
                )


def _check_schedule(rulebook: Rulebook, entry: Instrument, path: str, schedule: Schedule) -> Findings:
    if schedule.kind == "option":
        schedules = rulebook.margin.instruments[entry.name].schedules
        yield from check_option_schedule(path, schedule, schedules)
        return
    if schedule.kind == "tiers":
        yield from _check_tiers(rulebook, entry, path, schedule)
    elif schedule.base_ppb <= 0:
        yield Finding(
            f"{path}.base", "is zero: a small position would need no margin", "Give a rate like '2 %'."
        )
    if schedule.kind == "steps" and schedule.step_size_atoms <= 0:
        yield Finding(f"{path}.step_size", "is zero", "Give the notional of one step.")
    if schedule.kind in ("size_linear", "size_sqrt") and schedule.size_unit_lots <= 0:
        yield Finding(f"{path}.size_unit", "is zero", "Give the size that one slope is for, like '1 BTC'.")
    if schedule.oi_lower_lots and schedule.oi_upper_lots <= schedule.oi_lower_lots:
        yield Finding(
            f"{path}.open_interest.upper",
            "is not above open_interest.lower",
            "Open interest must have room to rise from lower to upper.",
        )
    if schedule.max_leverage and not schedule.use_leverage:
        yield Finding(
            f"{path}.max_leverage",
            f"is {schedule.max_leverage}, but the chosen leverage is not used here",
            "Set use_leverage = true, or remove max_leverage.",
        )
    first_ppb = schedule.tiers[0].rate_ppb if schedule.tiers else schedule.base_ppb
    if schedule.max_leverage and schedule.max_leverage * first_ppb > PPB:
        yield Finding(
            f"{path}.max_leverage",
            f"is {schedule.max_leverage}, but the lowest rate {rate_text(first_ppb)} "
            f"allows no more than {PPB // first_ppb}",
            "Lower the cap, or lower the rate.",
        )


def _check_tiers(rulebook: Rulebook, entry: Instrument, path: str, schedule: Schedule) -> Findings:
    if not schedule.tiers:
        yield Finding(path, "has no tier", "Give 'rate', or a list 'tiers' that starts at 0.")
        return
    if schedule.tiers[0].floor_atoms != 0:
        start = amount_text(rulebook, entry.settle, schedule.tiers[0].floor_atoms)
        yield Finding(
            f"{path}.tiers[0].from",
            f"is {start}, so smaller positions have no rate",
            f"Start the first tier at '0 {entry.settle}'.",
        )
    if schedule.tiers[0].rate_ppb <= 0:
        yield Finding(
            f"{path}.tiers[0].rate",
            "is zero: a small position would need no margin",
            "Give a rate like '1 %'.",
        )
    for index, (before, tier) in enumerate(zip(schedule.tiers, schedule.tiers[1:]), start=1):
        place = f"{path}.tiers[{index}]"
        if tier.floor_atoms <= before.floor_atoms:
            yield Finding(
                f"{place}.from",
                f"is {amount_text(rulebook, entry.settle, tier.floor_atoms)}, not above the "
                f"tier before it ({amount_text(rulebook, entry.settle, before.floor_atoms)})",
                "List tiers by rising notional, each once.",
            )
        if tier.rate_ppb < before.rate_ppb:
            yield Finding(
                f"{place}.rate",
                f"is {rate_text(tier.rate_ppb)}, below the tier before it ({rate_text(before.rate_ppb)})",
                "A larger position may never need less margin. "
                f"Raise it to {rate_text(before.rate_ppb)} or more, or reorder the tiers by 'from'.",
            )


# ---- levels --------------------------------------------------------------------------------------


def _check_levels(rulebook: Rulebook) -> Findings:
    margin = rulebook.margin
    names = [level.name for level in margin.levels]
    if "initial" not in names:
        yield Finding("margin.levels", "has no level 'initial', which orders are checked against", "Add it.")
    contracts = sorted(margin.instruments)
    for level in margin.levels:
        path = join("margin.levels", level.name)
        if level.weights not in margin.weights:
            yield Finding(
                f"{path}.weights",
                f"is {level.weights!r}, a weight set this rulebook does not have",
                f"Use one of {', '.join(margin.weights)}.",
            )
        if level.factor_ppb <= 0:
            yield Finding(
                f"{path}.requirement", "has a factor of zero: it asks for nothing", "Give a factor above 0."
            )
        for name in contracts:
            policy = rulebook.oracles.get(name)
            if level.price == "strict" and policy is not None and not policy.stable_tau_ns:
                yield Finding(
                    f"{path}.price",
                    f"is 'strict', but {join('oracles', name)} has no stable_tau",
                    "Give the oracle a stable_tau like '10 min', or use another price.",
                )
        if (
            margin.scope == "settlement"
            and (level.flat_atoms or level.order_atoms)
            and len(settlement_assets(rulebook)) > 1
        ):
            yield Finding(
                path,
                "asks a fixed amount, but pots are kept in several assets",
                "Remove 'flat' and 'per_order'; under scope 'settlement' they have no single unit.",
            )


def _check_order_of_levels(rulebook: Rulebook) -> Findings:
    """Who may not ask less than whom, and why."""
    rules, names = rulebook.liquidation, [level.name for level in rulebook.margin.levels]
    pairs = [
        ("initial", rules.trigger, "An account just allowed to open would be liquidated at once."),
        (rules.exit, rules.trigger, "Liquidation would stop where it starts again."),
    ]
    if "transfer" in names:
        pairs.append(("transfer", rules.trigger, "A withdrawal could start a liquidation."))
    if rules.margin_call is not None:
        call = rules.margin_call
        pairs += [
            (call.level, rules.trigger, "The call would come after the liquidation it warns of."),
            (call.cure_level, call.level, "A call would be lifted while its reason still holds."),
        ]
    for index, step in enumerate(rules.steps):
        if step.leave_below:
            pairs.append(
                (
                    rules.trigger,
                    step.leave_below,
                    f"liquidation.steps[{index}].leave_below would be left at "
                    "once: it may not stand above the trigger.",
                )
            )
    for upper, lower, why in pairs:
        if upper in names and lower in names and upper != lower:
            yield from _check_pair(rulebook, rulebook.margin.level(upper), rulebook.margin.level(lower), why)


def _check_pair(rulebook: Rulebook, upper: Level, lower: Level, why: str) -> Findings:
    path, margin = join("margin.levels", upper.name), rulebook.margin
    for asset, weight in margin.weights[upper.weights].items():
        below = margin.weights[lower.weights].get(asset, Weight(tiers=()))
        words = counts_more(weight, below)
        if words:
            yield Finding(
                path,
                f"is easier to meet than margin.levels.{lower.name}: {words} in {asset}",
                f"{why} Correct margin.weights.{upper.weights}.{asset} or margin.weights.{lower.weights}.",
            )
    for entry in rulebook.instruments:
        if entry.name not in margin.instruments:
            continue
        schedules = margin.instruments[entry.name].schedules
        short = asks_less(
            upper,
            lower,
            schedules[upper.schedule],
            schedules[lower.schedule],
            max_size_lots=entry.max_size_lots,
        )
        if short is not None:
            yield Finding(
                path,
                f"asks less than margin.levels.{lower.name} of {entry.name}: "
                f"{_shortfall_text(rulebook, entry, short)}",
                f"{why} Raise '{upper.schedule}' of {entry.name}, or lower '{lower.schedule}'.",
            )
            return
    for family in rulebook.option_families:
        short = asks_less(upper, lower, family.schedules[upper.schedule], family.schedules[lower.schedule])
        if short is not None:
            yield Finding(
                path,
                f"asks less than margin.levels.{lower.name} {short.words}",
                f"{why} Raise '{upper.schedule}' of {join('options', family.name)}, or lower the other.",
            )
            return


def _shortfall_text(rulebook: Rulebook, entry: Instrument, short: Shortfall) -> str:
    if short.axis == "words":
        return short.words
    if short.axis == "notional":
        notional, upper, lower = (
            amount_text(rulebook, entry.settle, value) for value in (short.x, short.upper, short.lower)
        )
        return f"{upper} against {lower} at a notional of {notional}"
    unit = "size units" if short.axis == "size" else "root size units"
    upper, lower = rate_text(short.upper * PPB), rate_text(short.lower * PPB)
    return f"{upper} against {lower} at {float(short.x):.6g} {unit}"
