"""Checks of option families and their schedules. Rates ppb; comparisons are exact.

A family is checked as if one call and one put of it were listed, so whatever holds for contracts holds here.
"""

from __future__ import annotations

from seawall.errors import RulebookError
from seawall.instruments.option_names import OptionName
from seawall.margin.option_schedule import OptionTerms, ShortTerms
from seawall.margin.rules import Level, Schedule
from seawall.rulebooks.findings import Finding, Findings, join
from seawall.rulebooks.model import Rulebook
from seawall.units import PPB

MOST_PPB = 1_000 * PPB
_RATES = ("spot", "floor", "mark", "strike_cap", "premium", "fee", "least")


def check_listed_options(rulebook: Rulebook) -> Findings:
    """Every listed option names a market of its coin as its spot, and a strike on that market's ticks."""
    listed = {instrument.name: instrument for instrument in rulebook.instruments}
    for option in rulebook.instruments:
        if not option.kind.option:
            continue
        path, spot = join("instruments", option.name), listed.get(option.underlying)
        if spot is None or spot.kind.option or spot.base != option.base:
            yield Finding(
                f"{path}.underlying",
                f"is {option.underlying!r}, which is no market in {option.base}",
                "Name an instrument of this rulebook whose index is the option's spot.",
            )
        elif (option.strike_units / spot.tick_units).denominator != 1:
            yield Finding(
                f"{path}.strike",
                f"is {option.strike}, between two ticks of {spot.name} ({spot.tick})",
                "Give a strike on the underlying's ticks, or the underlying a finer tick.",
            )


def check_families(rulebook: Rulebook) -> Findings:
    """What keeps a family from listing an option at all."""
    listed = {instrument.name: instrument for instrument in rulebook.instruments}
    for family in rulebook.option_families:
        path, spot = join("options", family.name), listed.get(family.underlying)
        if spot is None or spot.kind.option or spot.base != family.base:
            yield Finding(
                f"{path}.underlying",
                f"is {family.underlying!r}, which is no market in {family.base}",
                "Name an instrument of this rulebook whose index is the options' spot.",
            )
            continue
        try:
            _example(rulebook, family.name, is_call=True)
        except RulebookError as error:
            yield Finding(path, f"cannot list an option: {str(error).splitlines()[0]}", "Correct its units.")
        yield from _check_schedules(path, family.schedules, rulebook.margin.levels)


def _example(rulebook: Rulebook, name: str, *, is_call: bool) -> None:
    family = next(one for one in rulebook.option_families if one.name == name)
    terms = OptionName(
        base=family.named_base, quote=family.named_quote, expiry_ns=1, strike="1", is_call=is_call
    )
    family.option(f"{name} example", terms, {asset.name: asset for asset in rulebook.assets})


def _check_schedules(path: str, schedules: dict[str, Schedule], levels: tuple[Level, ...]) -> Findings:
    for level in levels:
        if level.schedule not in schedules:
            yield Finding(
                path,
                f"has no schedule '{level.schedule}', which level '{level.name}' asks for",
                f"Add [{path}.schedules.{level.schedule}].",
            )
    for name, schedule in schedules.items():
        yield from check_option_schedule(f"{path}.schedules.{name}", schedule, schedules)


def check_option_schedule(path: str, schedule: Schedule, schedules: dict[str, Schedule]) -> Findings:
    """A sold option must need something, and a least must refer to a schedule without one."""
    terms = schedule.option
    if terms is None:
        yield Finding(path, "has no option terms", "Give 'call' and 'put'.")
        return
    rates = {f"{path}.{key}": getattr(terms, f"{key}_ppb") for key in ("long_mark", "long_spot")}
    for right, short in (("call", terms.call), ("put", terms.put)):
        rates |= {f"{path}.{right}.{key}": getattr(short, f"{key}_ppb") for key in _RATES}
    for place, rate in rates.items():
        if not 0 <= rate <= MOST_PPB:
            yield Finding(place, f"is {rate} ppb", f"Give a rate from 0 to {MOST_PPB // PPB} x.")
    for right, short in (("call", terms.call), ("put", terms.put)):
        least = schedules.get(short.least_of)
        if not (short.spot_ppb or short.floor_ppb):
            yield Finding(
                f"{path}.{right}", "asks nothing of an option sold beyond its premium", "Give a 'floor'."
            )
        if short.least_of and (least is None or least.option is None):
            yield Finding(
                f"{path}.{right}.least_of", f"is {short.least_of!r}, which is no schedule", "Correct it."
            )
        elif least is not None and least.option is not None and getattr(least.option, right).least_of:
            yield Finding(
                f"{path}.{right}.least_of",
                f"is {short.least_of!r}, which has a least of its own",
                "Name a schedule that stands by itself.",
            )


def option_asks_less(upper: Level, lower: Level, upper_terms: OptionTerms, lower_terms: OptionTerms) -> str:
    """In words, why one level may ask less of some option than another; empty if it never does.

    Told from the terms one by one, times the levels' factors: sufficient, not necessary.
    """
    for right in ("call", "put"):
        above: ShortTerms = getattr(upper_terms, right)
        below: ShortTerms = getattr(lower_terms, right)
        floored = (
            above.least_of == lower.schedule and above.least_ppb * upper.factor_ppb >= PPB * lower.factor_ppb
        )
        if not floored and _terms_less(above, below, upper.factor_ppb, lower.factor_ppb):
            return f"of a {right} sold, and 'least_of' does not say otherwise"
    held, needed = upper_terms.long_mark_ppb, lower_terms.long_mark_ppb
    bound, limit = upper_terms.long_spot_ppb, lower_terms.long_spot_ppb
    if held * upper.factor_ppb < needed * lower.factor_ppb or (
        needed and bound and (not limit or bound * upper.factor_ppb < limit * lower.factor_ppb)
    ):
        return "of an option bought"
    return ""


def _terms_less(above: ShortTerms, below: ShortTerms, factor: int, other: int) -> bool:
    pairs = [
        (above.spot_ppb, below.spot_ppb),
        (above.floor_ppb, below.floor_ppb),
        (above.mark_ppb, below.mark_ppb),
        (above.premium_ppb, below.premium_ppb),
        (above.fee_ppb, below.fee_ppb),
    ]
    if above.strike_cap_ppb:
        pairs.append((above.strike_cap_ppb, below.strike_cap_ppb or PPB**2))
    # A factor below the other's would also shrink what is out of the money by less: then spot is no bound.
    return above.floor_of != below.floor_of or any(a * factor < b * other for a, b in pairs)
