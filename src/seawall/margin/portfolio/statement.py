"""What a portfolio is asked for, and why: every scenario's result, the worst, every charge, every level.

Amounts are atoms of 10**-decimals of the node's settlement unit. Results are gains (losses below zero,
rounded down), charges and requirements are not below zero (rounded up); health = equity - requirement.
A node whose market is not known has `unknown` reasons and no amount at all.
"""

from __future__ import annotations

import msgspec

from seawall.margin.portfolio.model import Scenario


class ScenarioLine(msgspec.Struct, frozen=True, kw_only=True):
    """Result of one scenario; `number` counts from 0 within its set."""

    set_name: str
    number: int
    scenario: Scenario
    result_atoms: int


class ExpiryLine(msgspec.Struct, frozen=True, kw_only=True):
    """Options of one expiry: value now, and their part of the worst scenario before weight and damping."""

    expiry: str
    value_atoms: int
    worst_atoms: int


class LegLine(msgspec.Struct, frozen=True, kw_only=True):
    """One position: value now, and its gain in the worst scenario before discount, weight and damping."""

    name: str
    size_steps: int
    value_atoms: int
    worst_atoms: int


class LevelLine(msgspec.Struct, frozen=True, kw_only=True):
    """One level of a node: the charge that was largest, what is asked for, what is left over."""

    level: str
    largest: str
    factor: float
    requirement_atoms: int
    health_atoms: int


class NodeStatement(msgspec.Struct, frozen=True, kw_only=True):
    """One underlying. Equity = cash + unrealised profit + value of options and collateral."""

    underlying: str
    decimals: int = 0
    unknown: tuple[str, ...] = ()
    cash_atoms: int = 0
    unrealised_atoms: int = 0
    options_atoms: int = 0
    collateral_atoms: int = 0
    lines: tuple[ScenarioLine, ...] = ()
    worst: ScenarioLine | None = None
    expiries: tuple[ExpiryLine, ...] = ()
    legs: tuple[LegLine, ...] = ()
    charges: dict[str, int] = {}
    levels: tuple[LevelLine, ...] = ()

    @property
    def equity_atoms(self) -> int:
        return self.cash_atoms + self.unrealised_atoms + self.options_atoms + self.collateral_atoms

    def level(self, name: str) -> LevelLine:
        """KeyError where the node is unknown or has no such level."""
        for line in self.levels:
            if line.level == name:
                return line
        raise KeyError(name)

    def results(self, set_name: str) -> tuple[int, ...]:
        """Results of one set of scenarios, in its order."""
        return tuple(line.result_atoms for line in self.lines if line.set_name == set_name)


class PortfolioStatement(msgspec.Struct, frozen=True, kw_only=True):
    """Every node; equity and requirements of the account where all nodes are in one unit and known.

    `levels` is empty where units differ, its amounts None where anything is unknown. `lines` and `worst` are
    those of the account where results of underlyings meet before the worst is taken.
    """

    nodes: tuple[NodeStatement, ...]
    equity_atoms: int | None = None
    lines: tuple[ScenarioLine, ...] = ()
    worst: ScenarioLine | None = None
    levels: dict[str, int | None] = {}
    unknown: tuple[str, ...] = ()

    def node(self, underlying: str) -> NodeStatement:
        for node in self.nodes:
            if node.underlying == underlying:
                return node
        raise KeyError(underlying)
