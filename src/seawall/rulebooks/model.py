"""A rulebook: everything that makes a venue, assembled from the rule structs of the core.

All numbers are already integers in named units (see the structs). `sha256` is over the
canonical bytes of the parsed content, so layout and comments of the TOML do not change it.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from seawall.instruments.model import Asset, Instrument
from seawall.liquidation.rules import LiquidationRules
from seawall.liquidation.tiers import WaterfallTier
from seawall.margin.rules import MarginRules
from seawall.market.policy import OraclePolicy
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

    @property
    def sha256(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    @property
    def tag(self) -> str:
        """How events name the rules they followed: name@date#hash."""
        return f"{self.name}@{self.effective}#{self.sha256[:8]}"

    def asset(self, name: str) -> Asset:
        return next(asset for asset in self.assets if asset.name == name)

    def instrument(self, name: str) -> Instrument:
        return next(instrument for instrument in self.instruments if instrument.name == name)
