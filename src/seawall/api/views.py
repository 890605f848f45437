"""What a desk answers, as plain values: statements, liquidation prices, before and after.

Every amount is there twice: `_atoms` (int, exact, in the asset named beside it) and as decimal text in whole
units. Prices are text in quote units, exact to one tick. Nothing here is computed; `desk` fills it in.
An unknown statement has no figures (None), never zeros that could be read as safe.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One term of a statement. `amount` is in the pot's unit: of equity for collateral, of requirement
    otherwise.

    `size` is the balance (collateral) or the position in base coins, contracts' quote units if inverse.
    """

    kind: Literal["collateral", "position", "flat", "max_loss"]
    name: str
    amount_atoms: int
    amount: str
    size: str = ""
    profit_atoms: int = 0
    profit: str = ""
    profit_asset: str = ""
    price: str = ""


class PotStatement(msgspec.Struct, frozen=True, kw_only=True):
    """Equity and requirement of one pot at one level. `unknown_price` names what cannot be
    valued, or is empty."""

    account: str
    pot: str
    level: str
    unit: str
    unknown_price: str
    equity_atoms: int | None
    requirement_atoms: int | None
    equity: str | None
    requirement: str | None
    margin: str | None
    terms: tuple[Term, ...]

    @property
    def known(self) -> bool:
        return not self.unknown_price

    @property
    def margin_atoms(self) -> int | None:
        """Equity less requirement; negative is a deficit; None where it is unknown."""
        if self.equity_atoms is None or self.requirement_atoms is None:
            return None
        return self.equity_atoms - self.requirement_atoms

    @property
    def owed_atoms(self) -> int:
        """What the pot owes, as the level counts it: balances below zero."""
        return -sum(
            term.amount_atoms for term in self.terms if term.kind == "collateral" and term.amount_atoms < 0
        )

    @property
    def health(self) -> float | None:
        """Of a pot that owes: what it has over what it owes and needs. Below one the level is missed."""
        if not self.known or not self.owed_atoms:
            return None
        assert self.equity_atoms is not None and self.requirement_atoms is not None
        return (self.equity_atoms + self.owed_atoms) / (self.requirement_atoms + self.owed_atoms)

    @property
    def worst(self) -> Term | None:
        """The largest term of the requirement."""
        needs = [term for term in self.terms if term.kind != "collateral"]
        return max(needs, key=lambda term: term.amount_atoms, default=None)


Together = Literal["alone", "coin", "all"]


class PriceLine(msgspec.Struct, frozen=True, kw_only=True):
    """Where a price becomes too low or too high for a pot: the first tick at which `level` is not met.

    `together`: alone = only this instrument moves; coin = all instruments of the same coin in step; all =
    everything in step. `below`, `above` are None where no price within a factor of 4096 fails the level.
    `failing_now`: the level is not met at the present price, so there is no line to cross. `bankrupt_*` is
    the price at which the pot is worth nothing, everything at its mark and without haircuts.
    """

    account: str
    pot: str
    instrument: str
    level: str
    together: Together
    mark: str
    failing_now: bool
    below: str | None
    above: str | None
    below_move: float | None
    above_move: float | None
    bankrupt_below: str | None
    bankrupt_above: str | None


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """One account before and after a change. `verdicts` say what the venue would do, with the numbers."""

    account: str
    changes: tuple[str, ...]
    before: tuple[PotStatement, ...]
    after: tuple[PotStatement, ...]
    lines_before: tuple[PriceLine, ...]
    lines_after: tuple[PriceLine, ...]
    verdicts: tuple[str, ...]
