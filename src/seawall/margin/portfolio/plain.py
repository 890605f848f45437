"""Requirements of many portfolios of one underlying at once, where the rules allow it.

Rules are plain where nothing but sums meets in a node: settled in the quote currency, no discount, skew,
damping or cap, charges on sizes alone. Then a statement's requirements follow from the least result of each
set of scenarios and a few sums of sizes, which one kernel takes for every portfolio. Atoms, rounded exactly
as `evaluate` rounds; whatever may not fit 64 bits is left to it.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seawall.kernels import portfolio_book as kernel
from seawall.margin.portfolio import charges as rule
from seawall.margin.portfolio.contingencies import factor_of
from seawall.margin.portfolio.inputs import Contract, MarketInputs
from seawall.margin.portfolio.model import FULL, PPB, SKEWS, PortfolioLevel, PortfolioRules, UnderlyingRules
from seawall.margin.portfolio.values import FINER, Book

Ints = NDArray[np.int64]
PLAIN_CHARGES = (rule.WorstLoss, rule.SizeCharge, rule.NakedShorts, rule.Haircut, rule.Given)


class _Charge(NamedTuple):
    """Atoms: the largest loss of `sets`, or the sum of size * rate over `terms`, over `per`, rounded up."""

    name: str
    sets: tuple[int, ...] = ()
    terms: tuple[tuple[int, int], ...] = ()
    per: int = 1


class _Level(NamedTuple):
    largest: tuple[int, ...]
    plus: tuple[int, ...]
    then: tuple[int, ...]
    factor: int
    per: int


class Asked(NamedTuple):
    """What the kernel found, by portfolio: least result of each set, sizes in steps, and FITS or not."""

    worst: Ints
    sizes: Ints
    status: Ints


def is_plain(rules: UnderlyingRules) -> bool:
    """May requirements under these rules be taken by sums alone?"""
    scenarios = [scenario for each in rules.scenarios.values() for scenario in each]
    return (
        not rules.coin
        and rules.discount is None
        and rules.expiry_netting == FULL
        and rules.netting == FULL
        and all(isinstance(charge, PLAIN_CHARGES) for charge in rules.charges)
        and all(not s.damping_usd_e9 and s.vol not in SKEWS and s.weight_ppb >= 0 for s in scenarios)
    )


class PlainBook:
    """One underlying's contracts repriced, its charges and levels as integers.

    `units`: steps of 10**-size_decimals contracts in one lot, by contract; a size is lots of that unit.
    """

    def __init__(
        self,
        book: Book,
        name: str,
        rules: PortfolioRules,
        market: MarketInputs,
        units: dict[Contract, int],
        size_decimals: int,
    ) -> None:
        own, quote = rules.underlyings[name], market.underlyings[name]
        self._steps, self._scale = 10**size_decimals, 10**quote.decimals
        self.rows, columns = book.contracts, len(book.columns)
        table = book.table.transpose(1, 0, 2).reshape(len(self.rows), -1)[:, :columns]
        self._gains = np.ascontiguousarray(table - book.base[:, None])
        self._reach = np.maximum(
            np.abs(self._gains.astype(np.float64)).max(axis=1, initial=0.0),
            np.abs(book.base.astype(np.float64)),
        )
        whole = [units[contract] for contract in self.rows]
        shared = [math.gcd(unit, self._steps * FINER) for unit in whole]
        self._units = np.array(whole, np.int64)
        self._factors = np.array([u // s for u, s in zip(whole, shared, strict=True)], np.int64)
        self._divisors = np.array([self._steps * FINER // s for s in shared], np.int64)
        self._weights = np.array([column.scenario.weight_ppb for column in book.columns], np.int64)
        names = list(dict.fromkeys(column.set_name for column in book.columns))
        self._sets = np.array([names.index(column.set_name) for column in book.columns], np.int64)
        self._n_sets, self._sums = max(len(names), 1), np.zeros(columns, np.int64)
        self._twins = _twins(self.rows)
        self._kinds, self._counted = list[int](), list[list[bool]]()
        self._charges = [self._charge(charge, names, quote.spot, market) for charge in own.charges]
        self._terms = (
            np.array(self._kinds, np.int64),
            np.array(self._counted, np.bool_).reshape(len(self._kinds), len(self.rows)),
        )
        self._levels = [self._level(level, Fraction(quote.stable)) for level in rules.levels]

    # -- rules as integers --------------------------------------------------------------------------------

    def _term(self, kind: int, counted: list[bool]) -> int:
        self._kinds.append(kind)
        self._counted.append(counted)
        return len(self._kinds) - 1

    def _charge(self, charge: rule.Charge, names: list[str], spot: float, market: MarketInputs) -> _Charge:
        if isinstance(charge, rule.WorstLoss):
            return _Charge(charge.name, sets=tuple(names.index(n) for n in charge.sets if n in names))
        rates: list[tuple[int, Fraction]] = []
        contracts = list(self.rows)
        if isinstance(charge, rule.SizeCharge):
            place = self._term(kernel.GROSS, [contract.kind in charge.kinds for contract in contracts])
            rates = [(place, Fraction(spot) * charge.rate_ppb)]
        elif isinstance(charge, rule.NakedShorts):
            place = self._term(kernel.NAKED, [contract.kind == "option" for contract in contracts])
            rates = [(place, Fraction(spot) * charge.rate_ppb)]
        elif isinstance(charge, rule.Haircut):
            for held in (contract for contract in contracts if contract.kind == "spot"):
                place = self._term(kernel.LONG, [contract == held for contract in contracts])
                worth = Fraction(market.marks[held.name]) / Fraction(
                    market.underlyings[held.underlying].stable
                )
                rates.append((place, worth * charge.rates_ppb.get(held.name, PPB)))
        exact = [(place, rate * self._scale / (PPB * self._steps)) for place, rate in rates]
        per = math.lcm(*(rate.denominator for _, rate in exact))
        return _Charge(charge.name, terms=tuple((place, int(rate * per)) for place, rate in exact), per=per)

    def _level(self, level: PortfolioLevel, stable: Fraction) -> _Level:
        places = {charge.name: place for place, charge in enumerate(self._charges)}
        factor = factor_of(
            factor_ppb=level.factor_ppb,
            slope_ppb=level.depeg_slope_ppb,
            below_ppb=level.depeg_below_ppb,
            stable=stable,
        )
        named = [
            tuple(places[name] for name in names if name in places)
            for names in (level.largest, level.plus, level.then)
        ]
        return _Level(named[0], named[1], named[2], factor.numerator, factor.denominator)

    # -- portfolios ---------------------------------------------------------------------------------------

    def ask(self, ends: Ints, rows: Ints, lots: Ints) -> Asked:
        """Portfolio p holds legs ends[p]..ends[p + 1]: row of the book, and lots; each row at most once."""
        count = len(ends) - 1
        worst = np.zeros((count, self._n_sets), np.int64)
        sizes, status = np.zeros((count, len(self._kinds)), np.int64), np.zeros(count, np.int64)
        kinds, counted = self._terms
        kernel.add_portfolios(
            ends, rows, lots, self._units, self._factors, self._divisors, self._reach, self._gains,
            self._weights, self._sets, self._twins, kinds, counted, self._sums, worst, sizes, status,
        )  # fmt: skip
        return Asked(worst, sizes, status)

    def requirements(self, worst: list[int], sizes: list[int]) -> list[int]:
        """Atoms that each level of the rules asks, from one portfolio's row of `Asked`."""
        amounts = []
        for _name, sets, terms, per in self._charges:
            if terms:
                total = 0
                for place, rate in terms:
                    total += sizes[place] * rate
                amounts.append(-(-total // per))
            else:
                amounts.append(-min([worst[place] for place in sets], default=0))
        found = []
        for largest, plus, then, factor, per in self._levels:
            scaled = max([amounts[place] for place in largest], default=0)
            for place in plus:
                scaled += amounts[place]
            asked = -(-scaled * factor // per)
            for place in then:
                asked += amounts[place]
            found.append(asked)
        return found


def _twins(rows: dict[Contract, int]) -> Ints:
    """By row the option of the other right at its strike and expiry; -1 where there is none."""
    places = {(c.expiry, c.strike, c.is_call): row for c, row in rows.items() if c.kind == "option"}
    twins = [places.get((c.expiry, c.strike, not c.is_call), -1) if c.kind == "option" else -1 for c in rows]
    return np.array(twins, np.int64)
