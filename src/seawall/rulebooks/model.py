"""A rulebook: everything that makes a venue, assembled from the rule structs of the core.

All numbers are already integers in named units (see the structs). `sha256` is over the
canonical bytes of the parsed content, so layout and comments of the TOML do not change it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal

import msgspec

from seawall.instruments.model import Asset, Instrument
from seawall.ledger.rates import KinkedRate
from seawall.liquidation.rules import LiquidationRules
from seawall.liquidation.tiers import WaterfallTier
from seawall.margin.rules import InstrumentMargin, MarginRules
from seawall.market.policy import OraclePolicy
from seawall.market.transforms.pipeline import Pipeline
from seawall.rulebooks.families import OptionFamily, list_options
from seawall.safeguards.rules import SafeguardRules


class FundingRules(msgspec.Struct, frozen=True, kw_only=True):
    """P14: funding = premium + clamp(interest - premium, +-clamp), capped; all rates are per `interval_ns`.

    Paid each `payment_ns` in proportion.
    """

    interval_ns: int
    payment_ns: int
    interest_ppb: int
    clamp_ppb: int
    cap_ppb: int
    price: Literal["index", "mark"] = "index"


class HouseFunds(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue starts with, in atoms: insurance fund and backstop vault, per asset."""

    insurance_atoms: dict[str, int]
    backstop_atoms: dict[str, int]


class Rulebook(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    title: str
    effective: str  # ISO date from which these rules held at the venue
    sources: tuple[str, ...]  # documents the rules come from
    unsupported: tuple[str, ...]  # what the venue has and this file does not, with the reason
    assets: tuple[Asset, ...]
    instruments: tuple[Instrument, ...]
    oracles: dict[str, OraclePolicy]  # by instrument
    margin: MarginRules
    liquidation: LiquidationRules
    waterfall: tuple[WaterfallTier, ...]
    remainder: Literal["halt", ""] = ""  # what is done with a loss that no tier takes
    safeguards: SafeguardRules
    funding: dict[str, FundingRules]  # by instrument
    funds: HouseFunds
    provenance: dict[str, tuple[str, str]]  # parameter path -> (unit, source)
    option_families: tuple[OptionFamily, ...] = ()
    # Who bears what a loan leaves unpaid, in the asset owed (engine.decide.bad_debt). Unset, as below.
    bad_debt: Literal["suppliers", "deficit"] | msgspec.UnsetType = msgspec.UNSET
    # By asset that may be borrowed. Unset, as below.
    interest: dict[str, KinkedRate] | msgspec.UnsetType = msgspec.UNSET
    # By instrument. Unset rather than empty, so that it leaves no trace in the hash of a rulebook without.
    transforms: dict[str, Pipeline] | msgspec.UnsetType = msgspec.UNSET

    @property
    def sha256(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    @property
    def tag(self) -> str:
        """How events name the rules they followed: name@date#hash."""
        return f"{self.name}@{self.effective}#{self.sha256[:8]}"

    def pipeline(self, instrument: str) -> Pipeline:
        """The transforms between this instrument's sources and its index, left to right."""
        return () if isinstance(self.transforms, msgspec.UnsetType) else self.transforms.get(instrument, ())

    def curve(self, asset: str) -> KinkedRate | None:
        """What borrowing this asset costs; None where it cannot be borrowed."""
        return None if isinstance(self.interest, msgspec.UnsetType) else self.interest.get(asset)

    def asset(self, name: str) -> Asset:
        return next(asset for asset in self.assets if asset.name == name)

    def instrument(self, name: str) -> Instrument:
        return next(instrument for instrument in self.instruments if instrument.name == name)

    def with_options(self, names: Iterable[str], *, family: str = "") -> Rulebook:
        """This rulebook with options of its families listed by name, after what is listed already.

        Names already listed stay. The hash covers the options. `family` is for names that several families
        write alike, such as long-dated options. RulebookError for a name no family knows.
        """
        known = {instrument.name for instrument in self.instruments}
        assets = {asset.name: asset for asset in self.assets}
        listed = list_options(
            self.option_families, [n for n in names if n not in known], assets, family=family
        )
        margin = {option.name: InstrumentMargin(schedules=family.schedules) for option, family in listed}
        return msgspec.structs.replace(
            self,
            instruments=(*self.instruments, *(option for option, _family in listed)),
            oracles={**self.oracles, **{option.name: family.oracle for option, family in listed}},
            margin=msgspec.structs.replace(self.margin, instruments={**self.margin.instruments, **margin}),
        )
