"""[options.FAMILY] of a rulebook file: how options are named, listed, priced and margined.

Rates ppb, rounded up as every requirement is.
"""

from __future__ import annotations

from seawall.instruments.model import Asset, InstrumentKind
from seawall.instruments.option_names import GRAMMARS
from seawall.margin.option_schedule import OptionTerms, ShortTerms
from seawall.margin.rules import Schedule
from seawall.rulebooks.families import OptionFamily
from seawall.rulebooks.parse_rules import read_oracle
from seawall.rulebooks.reader import Table
from seawall.units import PPB

_KINDS = {
    "linear_option": InstrumentKind.LINEAR_OPTION,
    "inverse_option": InstrumentKind.INVERSE_OPTION,
}


def read_options(section: Table, assets: dict[str, Asset]) -> tuple[OptionFamily, ...]:
    return tuple(_read_family(name, table, assets) for name, table in section.alike())


def _read_family(name: str, table: Table, assets: dict[str, Asset]) -> OptionFamily:
    settle, base, quote = table.text("settle"), table.text("base"), table.text("quote")
    if settle not in assets:
        table.refuse(
            "settle", f"is {settle!r}, an asset this rulebook does not have", "Add it under [assets]."
        )
    schedules = table.table("schedules")
    family = OptionFamily(
        name=name,
        grammar=table.choice("names", GRAMMARS),
        named_base=table.text("named_base", base),
        named_quote=table.text("named_quote", ""),
        kind=_KINDS[table.choice("kind", _KINDS)],
        base=base,
        quote=quote,
        settle=settle,
        underlying=table.text("underlying"),
        lot=table.quantity("lot", base),
        tick=table.quantity("tick", quote),
        maker_fee_ppb=table.rate("maker_fee", signed=True),
        taker_fee_ppb=table.rate("taker_fee", signed=True),
        fee_cap_ppb=table.rate("fee_cap", 0),
        oracle=read_oracle(table.table("oracle")),
        schedules={key: _read_schedule(schedules.table(key)) for key in schedules.names()},
    )
    table.done()
    return family


def _read_schedule(table: Table) -> Schedule:
    terms = OptionTerms(
        call=_read_short(table.table("call")),
        put=_read_short(table.table("put")),
        long_mark_ppb=table.rate("long_mark", 0),
        long_spot_ppb=table.rate("long_spot", 0),
        paired=table.flag("paired"),
    )
    table.done()
    return Schedule(kind="option", option=terms)


def _read_short(table: Table) -> ShortTerms:
    """{ spot = "15 %", floor = "10 %", least_of = "maintenance" }."""
    terms = ShortTerms(
        spot_ppb=table.rate("spot", 0),
        floor_ppb=table.rate("floor", 0),
        floor_of=table.choice("floor_of", ("spot", "strike"), "spot"),
        mark_ppb=table.rate("mark", 0),
        strike_cap_ppb=table.rate("strike_cap", 0),
        premium_ppb=table.rate("premium", PPB),
        fee_ppb=table.rate("fee", 0),
        least_of=table.text("least_of", ""),
        least_ppb=table.rate("least", PPB),
    )
    table.done()
    return terms
