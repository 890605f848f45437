"""P3 for options as data: what one option requires by itself, as terms of spot, strike and its own price.

S is the underlying's index, K the strike, M the option's price, A = how far it is out of the money. Rates
are ppb of them. The kernel (kernels.options) multiplies by size and rounds against the account. An option
paid in coin (inverse) has the same terms divided by S. Sources: Deribit standard margin, Bybit unified
account, Derive standard margin, Paradex cross margin, Cboe margin manual (naked options), Aevo.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import msgspec

from seawall.errors import RulebookError
from seawall.instruments.model import Asset, Instrument
from seawall.units import INT64_MAX, PPB

OPTION_KIND = 4


class ShortTerms(msgspec.Struct, frozen=True, kw_only=True):
    """premium * M + fee * S + min(max(spot * S - A, floor * F, mark * M), strike_cap * K), F = S or K.

    And at least `least` times what the schedule `least_of` asks (which has no least of its own).
    """

    spot_ppb: int = 0
    floor_ppb: int = 0
    floor_of: Literal["spot", "strike"] = "spot"  # Cboe puts: 10 % of the strike
    mark_ppb: int = 0
    strike_cap_ppb: int = 0  # 0 = no cap. Paradex puts
    premium_ppb: int = PPB
    fee_ppb: int = 0  # Bybit: to liquidate
    least_of: str = ""
    least_ppb: int = PPB


class OptionTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Both rights sold; bought, min(long_mark * M, long_spot * S), where a long_spot of 0 is no bound."""

    call: ShortTerms = ShortTerms()
    put: ShortTerms = ShortTerms()
    long_mark_ppb: int = 0
    long_spot_ppb: int = 0
    # Of a call and a put sold together only the greater counts, but for its premium; where payoffs net. Cboe
    paired: bool = False


Row = tuple[int, ...]
NO_OPTION: Row = (0, -1, 0, 0, 1, 0, 0, -1)


def option_row(terms: OptionTerms | None, instrument: Instrument, schedules: list[str]) -> Row:
    """The columns layout.OPTION of an instrument's own right. A schedule that says nothing asks nothing."""
    if terms is None:
        terms = OptionTerms(call=ShortTerms(premium_ppb=0), put=ShortTerms(premium_ppb=0))
    short = terms.call if instrument.is_call else terms.put
    if short.least_of and short.least_of not in schedules:
        raise RulebookError(
            f"margin.instruments.{instrument.name}: at least {short.least_of!r}, which is no schedule\n"
            f"  Schedules: {', '.join(schedules)}."
        )
    return (
        short.spot_ppb,
        short.floor_ppb,
        short.floor_of == "strike",
        short.mark_ppb,
        short.strike_cap_ppb,
        short.premium_ppb,
        short.fee_ppb,
        schedules.index(short.least_of) if short.least_of else -1,
        short.least_ppb,
        terms.long_mark_ppb,
        terms.long_spot_ppb,
        int(terms.paired),
    )


def listing_terms(instruments: tuple[Instrument, ...], assets: dict[str, Asset]) -> list[Row]:
    """Columns option, underlying, strike, unit_num, unit_den, in_coin, fee_cap, node of layout.INSTRUMENT.

    Raises RulebookError where an option's underlying is not listed, or its strike is between two ticks.
    """
    rows = {instrument.name: row for row, instrument in enumerate(instruments)}
    nodes: dict[tuple[str, int | None, str], int] = {}
    table = []
    for option in instruments:
        if not option.kind.option:
            table.append(NO_OPTION)
            continue
        row = rows.get(option.underlying)
        if row is None or instruments[row].kind.option or instruments[row].base != option.base:
            raise RulebookError(
                f"instrument {option.name}: underlying {option.underlying!r} is no market in {option.base}\n"
                "  Name a listed instrument of the same base that is no option."
            )
        tick = instruments[row].tick_units
        strike = option.strike_units / tick
        if strike.denominator != 1 or strike > INT64_MAX:
            raise RulebookError(
                f"instrument {option.name}: strike {option.strike} is no multiple of the tick {tick} "
                f"of {option.underlying}\n  Give the underlying a finer tick."
            )
        in_coin = option.kind.in_base
        unit = option.lot_units * assets[option.settle].atoms_per_unit * (1 if in_coin else tick)
        node = -1
        if not in_coin:
            node = nodes.setdefault((option.underlying, option.expiry_ns, option.settle), len(nodes))
        table.append(
            (_right(option), row, int(strike), *_ratio(option, unit), int(in_coin), option.fee_cap_ppb, node)
        )
    return table


def _right(option: Instrument) -> int:
    return 1 if option.is_call else 2


def _ratio(option: Instrument, unit: Fraction) -> tuple[int, int]:
    if max(unit.numerator, unit.denominator) > INT64_MAX:
        raise RulebookError(
            f"instrument {option.name}: a lot per tick of its underlying does not fit 64 bits\n"
            "  Use fewer decimals or a coarser tick."
        )
    return unit.numerator, unit.denominator
