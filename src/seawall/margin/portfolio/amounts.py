"""What each charge comes to for one node, in atoms, rounded up: reads the node, calls `contingencies`.

A node holds the sums of its positions under every column of the table. Amounts are computed in quote units;
a node settled in coin divides by the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from seawall.margin.portfolio import charges as rule
from seawall.margin.portfolio import contingencies as found
from seawall.margin.portfolio.inputs import MarketInputs, Portfolio, Position, UnderlyingQuote
from seawall.margin.portfolio.model import UnderlyingRules
from seawall.margin.portfolio.results import atoms_up
from seawall.margin.portfolio.statement import ScenarioLine
from seawall.margin.portfolio.values import Book, gain_per_contract

PPB = 1_000_000_000


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One underlying of one account, added up. `today`, `options`, `futures` by expiry in their order."""

    name: str
    positions: tuple[Position, ...]
    portfolio: Portfolio
    market: MarketInputs
    quote: UnderlyingQuote
    rules: UnderlyingRules
    book: Book
    expiries: tuple[str, ...]
    today: tuple[int, ...]
    options: tuple[tuple[int, ...], ...]
    futures: tuple[tuple[int, ...], ...]
    rest: tuple[int, ...]

    @property
    def spot(self) -> Fraction:
        return Fraction(self.quote.spot)

    @property
    def spots(self) -> list[Position]:
        return [position for position in self.positions if position.contract.kind == "spot"]

    def contracts(self, steps: Fraction | int) -> Fraction:
        return Fraction(steps, 10**self.portfolio.size_decimals)

    def size(self, position: Position) -> Fraction:
        return self.contracts(position.size_steps)

    def delta(self, position: Position) -> Fraction:
        """Of the whole position, in units of the underlying."""
        return self.size(position) * Fraction(self.book.deltas[self.book.contracts[position.contract]])

    def gain(self, row: int, column: int) -> int:
        return gain_per_contract(self.book, row, column)

    def worth(self, position: Position) -> Fraction:
        """Collateral in units of the account's coin."""
        mark = Fraction(self.market.marks[position.contract.name])
        return self.size(position) * mark / Fraction(self.quote.stable)

    def collateral_atoms(self, position: Position) -> int:
        return -atoms_up(-self.worth(position), self.quote.decimals)

    def atoms(self, quote_units: Fraction) -> int:
        """Quote units as atoms of the settlement unit, rounded up."""
        units = quote_units / self.spot if self.rules.coin else quote_units
        return atoms_up(units, self.quote.decimals)


def charge_amount(charge: rule.Charge, node: Node, lines: Sequence[ScenarioLine]) -> int:
    """Atoms this charge comes to; never below zero."""
    if isinstance(charge, rule.WorstLoss):
        return worst_loss(charge, lines)
    if isinstance(charge, rule.Given):
        return node.portfolio.given_atoms.get(node.name, {}).get(charge.name, 0)
    if isinstance(charge, rule.ForwardMove):
        # Results are in the settlement unit already.
        units = found.of_forward(_forward(charge, node), add_ppb=charge.add_ppb, mult_ppb=charge.mult_ppb)
        return atoms_up(units, node.quote.decimals)
    return node.atoms(_quote_units(charge, node))


def worst_loss(charge: rule.WorstLoss, lines: Sequence[ScenarioLine]) -> int:
    """The largest loss over the charge's sets, in atoms; zero where every scenario gains."""
    results = [line.result_atoms for line in lines if line.set_name in charge.sets]
    return max(0, -min(results, default=0))


def _quote_units(charge: rule.Charge, node: Node) -> Fraction:
    if isinstance(charge, rule.SizeCharge):
        steps = sum(abs(held.size_steps) for held in node.positions if held.contract.kind in charge.kinds)
        return found.of_size([node.contracts(steps)], rate_ppb=charge.rate_ppb, price=node.spot)
    if isinstance(charge, rule.NakedShorts):
        naked = node.contracts(found.naked_shorts(_strikes(node)))
        return found.of_naked_shorts(naked, rate_ppb=charge.rate_ppb, price=node.spot)
    if isinstance(charge, rule.Haircut):
        return found.of_haircuts(
            (node.worth(held), charge.rates_ppb.get(held.contract.name, PPB)) for held in node.spots
        )
    if isinstance(charge, rule.Confidence):
        return _confidence(charge, node)
    return _of_delta(charge, node)


def _of_delta(charge: rule.Charge, node: Node) -> Fraction:
    if isinstance(charge, rule.RollShock):
        return found.of_roll(
            _expiry_deltas(node),
            minimum_ppb=charge.minimum_ppb,
            annual_ppb=charge.annual_ppb,
            price=node.spot,
        )
    deltas = [node.delta(held) for held in node.positions]
    if isinstance(charge, rule.DeltaShock):
        return found.of_delta(
            sum(deltas, Fraction(0)),
            threshold=Fraction(charge.threshold_usd_e9, PPB),
            slope=Fraction(charge.slope_e18, 10**18),
            cap_ppb=charge.cap_ppb,
            price=node.spot,
        )
    if isinstance(charge, rule.MinimumDelta):
        return found.of_minimum_delta(
            deltas, unhedged_ppb=charge.unhedged_ppb, hedged_ppb=charge.hedged_ppb, price=node.spot
        )
    if isinstance(charge, rule.DeltaCost):
        # A future's delta is worth its own mark, an option's the index.
        value = sum(
            (delta * _delta_price(node, held) for delta, held in zip(deltas, node.positions)), Fraction(0)
        )
        return found.of_delta_value(value, rate_ppb=charge.rate_ppb, steps=charge.steps)
    raise AssertionError(f"no amount for {charge!r}")


def _delta_price(node: Node, position: Position) -> Fraction:
    mark = node.market.marks.get(position.contract.name)
    return node.spot if mark is None else Fraction(mark)


def _expiry_deltas(node: Node) -> list[tuple[Fraction, Fraction]]:
    """Net delta and years of each expiry; perpetuals are an expiry of no years."""
    deltas: dict[str, Fraction] = {}
    for held in node.positions:
        expiry = held.contract.expiry
        deltas[expiry] = deltas.get(expiry, Fraction(0)) + node.delta(held)
    return [
        (deltas[expiry], Fraction(node.quote.expiries[expiry].years) if expiry else Fraction(0))
        for expiry in sorted(deltas)
    ]


def _strikes(node: Node) -> list[tuple[int, int]]:
    """Net calls and net puts of each strike and expiry, in steps."""
    held: dict[tuple[str, float], list[int]] = {}
    for position in node.positions:
        contract = position.contract
        if contract.kind == "option":
            pair = held.setdefault((contract.expiry, contract.strike), [0, 0])
            pair[0 if contract.is_call else 1] += position.size_steps
    return [(calls, puts) for calls, puts in held.values()]


def _forward(charge: rule.ForwardMove, node: Node) -> list[tuple[Fraction, Fraction]]:
    """Per expiry the worse of the two moves of its forward, in settlement units, and its years."""
    name = f"forward:{charge.name}"
    columns = [n for n, column in enumerate(node.book.columns) if column.set_name == name]
    unit = 10**node.quote.decimals
    found_ = []
    for place, expiry in enumerate(node.expiries):
        worst = min(node.options[place][n] + node.futures[place][n] for n in columns)
        found_.append((Fraction(worst, unit), Fraction(node.quote.expiries[expiry].years)))
    return found_


def _confidence(charge: rule.Confidence, node: Node) -> Fraction:
    """Options by the feeds of their expiry, others by their own; either also by the index they hang on."""
    index = Fraction(node.quote.confidence)
    total = Fraction(0)
    for held in node.positions:
        contract, notional, factor = held.contract, node.size(held) * node.spot, charge.factor_ppb
        own = Fraction(node.market.confidences.get(contract.name, 1.0))
        if contract.kind in ("option", "future"):
            own = min(own, Fraction(node.quote.expiries[contract.expiry].confidence))
        if contract.kind == "spot":
            notional, factor = node.worth(held), charge.assets_ppb.get(contract.name, 0)
        else:
            own = min(own, index)
        total += found.of_confidence([(notional, own)], threshold_ppb=charge.threshold_ppb, factor_ppb=factor)
    return total
