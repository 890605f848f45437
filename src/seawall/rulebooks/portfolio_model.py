"""A portfolio rulebook: dated, sourced, hashed margin rules without ladder and waterfall.

It stands beside `model.Rulebook` because most venues publish how they margin a portfolio and not how they
liquidate it. Units as in margin.portfolio.model. `sha256` is over the parsed content, not over the text.
"""

from __future__ import annotations

import hashlib

import msgspec

from seawall.margin.portfolio.model import PortfolioRules


class PortfolioRulebook(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    title: str
    effective: str  # ISO date from which these rules held at the venue
    sources: tuple[str, ...]
    unsupported: tuple[str, ...]  # what the venue has and this file does not, with the reason
    rules: PortfolioRules
    provenance: dict[str, tuple[str, str]]  # parameter path -> (unit, source)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    @property
    def tag(self) -> str:
        """name@date#hash, as a statement names the rules it followed."""
        return f"{self.name}@{self.effective}#{self.sha256[:8]}"
