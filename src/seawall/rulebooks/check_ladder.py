"""Checks of the [liquidation] part: levels that exist, steps that can act, fees that go somewhere.

Rates ppb, amounts atoms. How the levels stand to each other is checked in `check_margin`.
"""

from __future__ import annotations

from seawall.liquidation.auction import AuctionTerms
from seawall.liquidation.rules import Step
from seawall.rulebooks.check_loans import check_absorb, check_seize
from seawall.rulebooks.findings import Finding, Findings, rate_text, settlement_assets
from seawall.rulebooks.model import Rulebook
from seawall.units import PPB


def check_liquidation(rulebook: Rulebook) -> Findings:
    yield from _check_names(rulebook)
    if not rulebook.liquidation.steps:
        yield Finding(
            "liquidation.steps", "is empty: nothing would ever be closed", "Add a step, action 'reduce'."
        )
    names: list[str] = []
    for index, step in enumerate(rulebook.liquidation.steps):
        path = f"liquidation.steps[{index}]"
        if step.name in names:
            yield Finding(f"{path}.name", f"is {step.name!r}, used twice", "Give every step its own name.")
        names.append(step.name)
        yield from _check_fees(path, step)
        yield from _check_unused(rulebook, path, step)
        yield from _check_can_act(rulebook, path, index)
    yield from _check_amounts(rulebook)


def _check_names(rulebook: Rulebook) -> Findings:
    """Every level named must exist."""
    rules, levels = rulebook.liquidation, [level.name for level in rulebook.margin.levels]
    named = [("liquidation.trigger", rules.trigger), ("liquidation.exit", rules.exit)]
    if rules.backstop_level:
        named.append(("liquidation.backstop_level", rules.backstop_level))
    if rules.margin_call is not None:
        named += [
            ("liquidation.margin_call.level", rules.margin_call.level),
            ("liquidation.margin_call.cure_level", rules.margin_call.cure_level),
        ]
    named += [
        (f"liquidation.steps[{index}].leave_below", step.leave_below)
        for index, step in enumerate(rules.steps)
        if step.leave_below
    ]
    for path, name in named:
        if name not in levels:
            yield Finding(
                path,
                f"is {name!r}, a level this rulebook does not have",
                f"Use one of {', '.join(levels)}, or add [margin.levels.{name}].",
            )


def _check_fees(path: str, step: Step) -> Findings:
    fees = step.fees
    shares = fees.insurance_ppb + fees.backstop_ppb + fees.venue_ppb
    if shares != PPB:
        yield Finding(
            f"{path}.fees", f"hands out {rate_text(shares)} of the fee", "The shares must add to 100 %."
        )
    if fees.fee_ppb >= PPB:
        yield Finding(
            f"{path}.fees.fee", f"is {rate_text(fees.fee_ppb)}, the whole notional or more", "Lower it."
        )


def _check_unused(rulebook: Rulebook, path: str, step: Step) -> Findings:
    """Keys that the step's action or size does not read."""
    if step.size != "fraction" and step.fraction_ppb != PPB:
        yield Finding(
            f"{path}.fraction", f"is set, but size is '{step.size}'", 'Set size = "fraction" or remove it.'
        )
    if step.size != "fraction" and step.only_above_atoms:
        yield Finding(
            f"{path}.only_above", f"is set, but size is '{step.size}'", 'It belongs to size = "fraction".'
        )
    if step.price != "mark" and step.offset_ppb:
        yield Finding(
            f"{path}.offset", f"is set, but price is '{step.price}'", 'It belongs to price = "mark".'
        )
    if step.price != "fillable" and step.spread_ppm:
        yield Finding(
            f"{path}.spread", f"is set, but price is '{step.price}'", 'It belongs to price = "fillable".'
        )
    if step.price == "fillable" and not step.spread_ppm:
        yield Finding(f"{path}.spread", "is missing: the limit would never leave the mark", "Give a rate.")
    foreign = [i.name for i in rulebook.instruments if i.settle != rulebook.margin.numeraire]
    if step.price in ("shared_bankruptcy", "fillable") and foreign and rulebook.margin.scope == "account":
        yield Finding(
            f"{path}.price",
            f"is '{step.price}', and {foreign[0]} is not settled in {rulebook.margin.numeraire}",
            "Shares of equity are told in one unit: use price = 'bankruptcy'.",
        )
    if step.action == "reduce" and step.size == "fraction" and not 0 < step.fraction_ppb <= PPB:
        yield Finding(
            f"{path}.fraction",
            f"is {rate_text(step.fraction_ppb)}: the step can never act",
            "Give more than 0 and at most 100 %.",
        )
    if step.action == "reduce" and step.size == "step_down" and not _has_risk_tiers(rulebook):
        yield Finding(
            f"{path}.size",
            "is 'step_down', but no instrument has risk tiers: the step can never act",
            "Give the trigger's schedule tiers or steps, or use another size.",
        )


def _has_risk_tiers(rulebook: Rulebook) -> bool:
    level = next(
        (entry for entry in rulebook.margin.levels if entry.name == rulebook.liquidation.trigger), None
    )
    if level is None:
        return True
    schedules = (margin.schedules.get(level.schedule) for margin in rulebook.margin.instruments.values())
    return any(
        schedule is not None and (schedule.kind == "steps" or len(schedule.tiers) > 1)
        for schedule in schedules
    )


def _check_can_act(rulebook: Rulebook, path: str, index: int) -> Findings:
    rules = rulebook.liquidation
    step = rules.steps[index]
    if step.leave_below == rules.trigger and step.action != "cancel_orders":
        yield Finding(
            f"{path}.leave_below",
            f"is the trigger '{rules.trigger}' itself: the step can never act",
            "Name a level that asks less than the trigger.",
        )
    if (step.action == "auction") != (step.auction is not None):
        yield Finding(
            f"{path}.auction",
            'and action "auction" go together',
            "Give the auction's terms to that step and to no other.",
        )
    elif step.auction is not None:
        yield from _check_auction(step.auction, f"{path}.auction")
    yield from check_seize(rulebook, path, step)
    yield from check_absorb(rulebook, path, step)
    if step.action == "takeover" and rules.backstop_level and not any(rulebook.funds.backstop_atoms.values()):
        yield Finding(
            path,
            f"can never act: the vault starts empty and must itself cover '{rules.backstop_level}'",
            "Give the vault money under [funds], or remove backstop_level.",
        )
    if index == 0:
        return
    before = rules.steps[index - 1]
    if not _can_be_left(rulebook, before):
        yield Finding(
            path,
            f"can never act: step '{before.name}' before it is never left",
            "Give that step max_attempts or leave_below.",
        )
    only_by_level = before.action == "reduce" and before.size != "step_down" and not before.max_attempts
    if only_by_level and step.leave_below and step.leave_below == before.leave_below:
        yield Finding(
            f"{path}.leave_below",
            f"is '{step.leave_below}', below which the step before it already hands "
            "over: the step can never act",
            "Name a lower level, or give the step before it max_attempts.",
        )


def _check_auction(terms: AuctionTerms, path: str) -> Findings:
    if not 0 <= terms.start_ppb <= terms.fast_ppb <= PPB:
        yield Finding(
            path, "has discounts that do not rise from start to fast to 100 %", "Correct start or fast."
        )
    if min(terms.fast_ns, terms.slow_ns, terms.insolvent_ns) <= 0:
        yield Finding(path, "has a phase of no time", "Give fast_for, slow_for and insolvent_for.")
    if terms.fee_ppb > PPB:
        yield Finding(f"{path}.fee", "is more than what is sold", "Give at most 100 %.")


def _can_be_left(rulebook: Rulebook, step: Step) -> bool:
    """Cancelling and stepping down run out of work; other steps are left by attempts or by a level."""
    if step.action == "takeover":
        return bool(rulebook.liquidation.backstop_level or step.max_attempts or step.leave_below)
    if step.action == "reduce" and step.size != "step_down":
        return bool(step.max_attempts or step.leave_below)
    return True


def _check_amounts(rulebook: Rulebook) -> Findings:
    rules = rulebook.liquidation
    if bool(rules.unwind_fraction_ppb) != bool(rules.unwind_every_ns):
        yield Finding("liquidation.unwind_every", "and unwind_fraction go together", "Give both or neither.")
    if rulebook.margin.scope != "settlement" or len(settlement_assets(rulebook)) < 2:
        return
    for index, step in enumerate(rules.steps):
        if step.only_above_atoms or step.min_close_atoms or step.max_order_atoms:
            yield Finding(
                f"liquidation.steps[{index}]",
                "has a fixed amount, but pots are kept in several assets",
                "Remove only_above, min_close, max_order: under scope 'settlement' they have no one unit.",
            )
