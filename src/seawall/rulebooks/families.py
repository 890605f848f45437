"""Option families: what all options of one venue and underlying share; one is listed by its name.

A rulebook cannot name every strike and expiry. A family says how names are written, units, fees, prices and
schedules; `list_options` makes instruments of the names given. Rates ppb, times ns.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from seawall.errors import NumberError, RulebookError
from seawall.instruments.model import Asset, Instrument, InstrumentKind, make_instrument
from seawall.instruments.option_names import GRAMMARS, OptionName, read_option_name
from seawall.margin.rules import Schedule
from seawall.market.policy import OraclePolicy


class OptionFamily(msgspec.Struct, frozen=True, kw_only=True):
    """Options of one underlying. `named_quote` is the quote a name must carry ("" = none)."""

    name: str
    grammar: str
    named_base: str
    named_quote: str = ""
    kind: InstrumentKind
    base: str
    quote: str
    settle: str
    underlying: str
    lot: str
    tick: str
    maker_fee_ppb: int = 0
    taker_fee_ppb: int = 0
    fee_cap_ppb: int = 0
    oracle: OraclePolicy
    schedules: dict[str, Schedule]

    def terms_of(self, name: str) -> OptionName | None:
        """What a name says if it is one of this family, else None."""
        try:
            terms = read_option_name(name, self.grammar)
        except NumberError:
            return None
        return terms if (terms.base, terms.quote) == (self.named_base, self.named_quote) else None

    def option(self, name: str, terms: OptionName, assets: dict[str, Asset]) -> Instrument:
        """The instrument of that name."""
        return make_instrument(
            name=name,
            kind=self.kind,
            base=self.base,
            quote=self.quote,
            settle=assets[self.settle],
            lot=self.lot,
            tick=self.tick,
            strike=terms.strike,
            is_call=terms.is_call,
            underlying=self.underlying,
            expiry_ns=terms.expiry_ns,
            maker_fee_ppb=self.maker_fee_ppb,
            taker_fee_ppb=self.taker_fee_ppb,
            fee_cap_ppb=self.fee_cap_ppb,
        )


Listed = list[tuple[Instrument, OptionFamily]]


def list_options(
    families: tuple[OptionFamily, ...], names: Iterable[str], assets: dict[str, Asset], *, family: str = ""
) -> Listed:
    """The options of these names, in the order of their names, each with its family.

    RulebookError for a name that no family knows. The first family that knows it, in their order, lists it;
    with `family`, only that one is asked.
    """
    asked = tuple(one for one in families if not family or one.name == family)
    listed: Listed = []
    for name in sorted(set(names)):
        found = next(((one, terms) for one in asked if (terms := one.terms_of(name)) is not None), None)
        if found is None:
            written = ", ".join(f"{one.name} ({GRAMMARS[one.grammar].example})" for one in asked)
            raise RulebookError(
                f"option {name!r}: no option family of this rulebook knows it\n"
                f"  Families: {written or 'none'}. Correct the name, or add a family under [options]."
            )
        chosen, terms = found
        listed.append((chosen.option(name, terms, assets), chosen))
    return listed
