"""Numbers of a record as a person reads them: ticks as prices, lots as sizes, atoms as amounts, pots as
accounts.

Every rendering is exact: a price, size or amount is written with all decimals of its unit. What a field is
comes from the end of its name (`_ticks`, `_lots`, `_atoms`, `_ppb`, `_ns`), and its instrument or asset
from the record.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from seawall.engine.events import AccountOpened, PotOpened
from seawall.instruments.model import Instrument
from seawall.journal.reader import JournalReader
from seawall.market.policy import Condition
from seawall.rulebooks.model import Rulebook
from seawall.units import decimal_text, format_ppb, format_time, format_units

ZERO_IS_NONE = ("confidence_ticks", "stable_ticks", "rejected", "conditions", "haircut_ppb")
_OF_COLLATERAL = ("seized_atoms", "fee_atoms", "sold_atoms", "least_atoms")


class Pot(NamedTuple):
    """A pot's account, the asset (index) it is counted in, and its instrument if isolated (-1 = cross)."""

    account: int
    unit: int
    instrument: int


class Names(NamedTuple):
    """What the indices in a journal stand for at one record."""

    rulebook: Rulebook
    house: tuple[str, ...]
    pots: dict[int, Pot]

    @classmethod
    def load(cls, reader: JournalReader, upto: int) -> Names:
        """The names that hold after record `upto`; reads only commits that open accounts or change rules."""
        from seawall.engine.state import HOUSE_NAMES  # late: brings the compiled kernels with it

        rulebook = reader.rulebook_at(upto)
        assets = [asset.name for asset in rulebook.assets]
        unit = assets.index(rulebook.margin.numeraire) if rulebook.margin.numeraire in assets else 0
        pots = {row: Pot(row, unit, -1) for row in range(len(HOUSE_NAMES))}
        for group in reader.groups_naming(b"Opened", upto):
            for step in reader.split(group):
                for event in step.events:
                    if isinstance(event, AccountOpened):
                        pots[event.pot] = Pot(event.account, event.unit, -1)
                    elif isinstance(event, PotOpened):
                        pots[event.pot] = Pot(event.account, event.unit, event.instrument)
        return cls(rulebook, HOUSE_NAMES, pots)

    def account(self, account: int) -> str:
        return self.house[account] if 0 <= account < len(self.house) else f"account {account}"

    def pot(self, pot: int) -> str:
        if pot not in self.pots:
            return f"pot {pot}"
        known = self.pots[pot]
        isolated = f" (isolated {self.instrument(known.instrument)})" if known.instrument >= 0 else ""
        return self.account(known.account) + isolated

    def asset(self, asset: int | str) -> str:
        if isinstance(asset, str):
            return asset
        return (
            self.rulebook.assets[asset].name if 0 <= asset < len(self.rulebook.assets) else f"asset {asset}"
        )

    def instrument(self, instrument: int | str) -> str:
        if isinstance(instrument, str):
            return instrument or "everywhere"
        if instrument < 0:
            return "everywhere"
        known = self.rulebook.instruments
        return known[instrument].name if instrument < len(known) else f"instrument {instrument}"

    def source(self, source: int, instrument: int | str | None) -> str:
        policy = self.rulebook.oracles.get(self.instrument(instrument)) if instrument is not None else None
        return policy.sources[source] if policy and 0 <= source < len(policy.sources) else str(source)

    def amount(self, atoms: int, asset: int | str | None) -> str:
        name = "" if asset is None else self.asset(asset)
        decimals = next((known.decimals for known in self.rulebook.assets if known.name == name), None)
        return f"{atoms:,} atoms" if decimals is None else f"{format_units(atoms, decimals)} {name}"

    def price(self, ticks: int, instrument: int | str | None) -> str:
        known = self._instrument(instrument)
        return f"{ticks:,} ticks" if known is None else decimal_text(ticks, known.tick_units)

    def size(self, lots: int, instrument: int | str | None) -> str:
        known = self._instrument(instrument)
        if known is None:
            return f"{lots:,} lots"
        unit = known.quote if known.kind.inverse else known.base
        return f"{'+' if lots > 0 else ''}{decimal_text(lots, known.lot_units)} {unit}"

    def unit_of(self, record: Any) -> int | str | None:
        """The asset of a record's amounts: named in it, or that of its pot, account or instrument."""
        if hasattr(record, "asset"):
            return record.asset
        if hasattr(record, "pot"):
            return self.pots[record.pot].unit if record.pot in self.pots else None
        if hasattr(record, "instrument"):
            known = self._instrument(record.instrument)
            return None if known is None else known.settle
        owned = [pot.unit for pot in self.pots.values() if pot.account == getattr(record, "account", None)]
        return owned[0] if owned else None

    def _amount_in(self, record: Any, name: str) -> int | str | None:
        """The asset of one amount: of a liquidated loan some are told in the debt, some in the collateral."""
        if hasattr(record, "collateral") and name in _OF_COLLATERAL:
            return record.collateral
        if hasattr(record, "debt"):
            return record.debt
        if hasattr(record, "collateral") and not hasattr(record, "asset"):
            steps = (step.absorb for step in self.rulebook.liquidation.steps)
            return next((one.base for one in steps if not isinstance(one, msgspec.UnsetType)), None)
        return self.unit_of(record)

    def field(self, name: str, value: Any, record: Any) -> str:
        """One field as `label value`; empty where it says nothing."""
        label, _, unit = name.rpartition("_")
        number = isinstance(value, int) and not isinstance(value, bool)
        if not value and (not number or unit in ("ns", "order") or name in ZERO_IS_NONE):
            return ""
        if isinstance(value, bool):
            return name.replace("_", " ")
        if isinstance(value, bytes):
            return f"{len(value):,} bytes of {name}"
        if isinstance(value, int):
            return self._number(label, unit, name, value, record)
        if name in ("asset", "instrument", "kind"):
            return str(value)
        return f"{name.replace('_', ' ')} {value}"

    def _number(self, label: str, unit: str, name: str, value: int, record: Any) -> str:
        instrument = getattr(record, "instrument", None)
        label = label.replace("_", " ")
        if name in ("asset", "instrument"):
            return self.asset(value) if name == "asset" else self.instrument(value)
        if name in ("debt", "collateral", "target"):
            return f"{name} {self.account(value) if name == 'target' else self.asset(value)}"
        if name in ("pot", "account"):
            return self.pot(value) if name == "pot" else self.account(value)
        if name.endswith("_pot") or name in ("buyer", "seller", "from_account", "to_account"):
            return f"{name.removesuffix('_pot').removesuffix('_account')} " + (
                self.pot(value) if name.endswith("_pot") else self.account(value)
            )
        if name in ("unit", "source"):
            return f"{name} {self.asset(value) if name == 'unit' else self.source(value, instrument)}"
        if name in ("order", "proposal", "step", "tier") or name.endswith("_order"):
            return f"{name.replace('_', ' ')} {value}"
        if name == "conditions":
            return f"price is {Condition(value).name or 'GOOD'}".lower() if value else ""
        texts = {
            "ticks": lambda: self.price(value, self._priced_in(record, instrument)),
            "lots": lambda: self.size(value, instrument),
            "atoms": lambda: self.amount(value, self._amount_in(record, name)),
            "e18": lambda: format_units(value, 18),
            "ppb": lambda: format_ppb(value),
            "ns": lambda: format_time(value),
        }
        return f"{label} {texts[unit]()}" if unit in texts else f"{name.replace('_', ' ')} {value:,}"

    def _priced_in(self, record: Any, instrument: int | str | None) -> int | str | None:
        """Whose ticks a record's price is in: an option is settled at the price of its underlying."""
        known, kind = self._instrument(instrument), type(record).__name__
        expires = kind in ("SettleInstrument", "InstrumentSettled") or getattr(record, "kind", "") == "expiry"
        return known.underlying if known is not None and known.kind.option and expires else instrument

    def _instrument(self, instrument: int | str | None) -> Instrument | None:
        if isinstance(instrument, int):
            known = self.rulebook.instruments
            return known[instrument] if 0 <= instrument < len(known) else None
        return next((known for known in self.rulebook.instruments if known.name == instrument), None)
