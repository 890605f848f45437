"""An account of several coins on the bench: balances, debts, and contracts beside them, in one cross pot.

Coins are priced in the numeraire by a spot market each. A debt is made the way one arises in an engine
without loans: a contract settled in that coin is closed at a loss. Amounts in decimals, exact; contracts are
linear and settle in the numeraire.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec

from seawall.conform.bench import FULL, NOTHING_ASKED, Bench, flat_rate, make_rulebook, perpetual, weight
from seawall.conform.grid import Grid, linear_grid
from seawall.conform.reading import rate_ppb
from seawall.engine.commands import SettleInstrument
from seawall.instruments.model import Asset, Instrument, InstrumentKind, make_instrument
from seawall.margin.rules import Level, Weight

MONEY = "MONEY"  # the numeraire
ZERO = Fraction(0)


class Coin(msgspec.Struct, frozen=True, kw_only=True):
    """What an account holds and owes of one asset. `weights` by name of the set; full where none is given."""

    name: str
    price: Fraction = Fraction(1)
    held: Fraction = ZERO
    owed: Fraction = ZERO
    weights: dict[str, Weight] = {}


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """A linear position: size signed, requirement either a rate or a floor in money."""

    name: str
    size: Fraction
    entry: Fraction
    mark: Fraction
    initial: Fraction = ZERO
    maintenance: Fraction = ZERO
    floor: Fraction = ZERO
    leverage: int = 0


def wallet_grid(
    coins: tuple[Coin, ...], contracts: tuple[Contract, ...] = (), money: Fraction = ZERO
) -> Grid:
    """One set of units in which all the sizes and prices of a wallet are whole."""
    sizes = [Fraction(1), *(c.held for c in coins), *(c.owed for c in coins), *(c.size for c in contracts)]
    prices = [
        Fraction(1),
        *(c.price for c in coins),
        *(2 * c.owed for c in coins if c.owed),
        *(p for c in contracts for p in (c.entry, c.mark)),
    ]
    return linear_grid(sizes, prices, [money, *(c.floor for c in contracts)])


class Wallet:
    """The coins and contracts of one account, put on a bench with these levels."""

    def __init__(
        self,
        coins: tuple[Coin, ...],
        contracts: tuple[Contract, ...] = (),
        *,
        grid: Grid,
        levels: tuple[Level, ...],
        money: Fraction = ZERO,
    ) -> None:
        self.grid = grid
        self.bench = Bench(self._rulebook(coins, contracts, levels))
        ticks = {f"{coin.name}-SPOT": grid.ticks(coin.price) for coin in coins}
        self.bench.price(**ticks, **{contract.name: grid.ticks(contract.entry) for contract in contracts})
        self.account = self.bench.account(grid.atoms(money))
        self.pot = self.bench.pot(self.account)
        for coin in coins:
            self.bench.deposit(self.account, grid.atoms(coin.held), coin.name)
            if coin.owed:
                self._owe(coin)
        for contract in contracts:
            self.bench.trade(
                self.account, contract.name, grid.lots(contract.size), grid.ticks(contract.entry)
            )
        if contracts:
            self.bench.price(**{contract.name: grid.ticks(contract.mark) for contract in contracts})

    def _rulebook(
        self, coins: tuple[Coin, ...], contracts: tuple[Contract, ...], levels: tuple[Level, ...]
    ) -> Any:
        lot, tick = self.grid.lot, self.grid.tick
        numeraire = Asset(name=MONEY, decimals=self.grid.decimals)
        assets = {coin.name: Asset(name=coin.name, decimals=self.grid.decimals) for coin in coins}
        instruments: list[Instrument] = [perpetual(c.name, numeraire, lot=lot, tick=tick) for c in contracts]
        for coin in coins:
            instruments.append(
                make_instrument(
                    name=f"{coin.name}-SPOT",
                    kind=InstrumentKind.SPOT,
                    base=coin.name,
                    quote=MONEY,
                    settle=numeraire,
                    lot=lot,
                    tick=tick,
                )
            )
            instruments.append(perpetual(_loss_of(coin), assets[coin.name], lot=lot, tick=tick))
        sets = sorted({name for coin in coins for name in coin.weights})
        full = weight()
        return make_rulebook(
            assets=(numeraire, *assets.values()),
            instruments=tuple(instruments),
            schedules={c.name: self._schedules(c) for c in contracts}
            | {_loss_of(coin): {"none": NOTHING_ASKED} for coin in coins},
            levels=levels,
            collateral={MONEY: "", **{coin.name: f"{coin.name}-SPOT" for coin in coins}},
            weights={
                name: {MONEY: full, **{coin.name: coin.weights.get(name, full) for coin in coins}}
                for name in sets
                if name != FULL
            },
        )

    def _schedules(self, contract: Contract) -> Any:
        floor = self.grid.atoms_up(contract.floor)
        return {
            "initial": flat_rate(rate_ppb(contract.initial)),
            "maintenance": flat_rate(rate_ppb(contract.maintenance), floor_atoms=floor),
        }

    def _owe(self, coin: Coin) -> None:
        """Buy one lot of a contract settled in the coin and have it settled so much lower."""
        bench, name = self.bench, _loss_of(coin)
        lots = self.grid.lots(Fraction(1))
        loss = self.grid.ticks(coin.owed)
        bench.price(**{name: 2 * loss})
        bench.trade(self.account, name, lots, 2 * loss)
        bench.give(SettleInstrument, instrument=name, price_ticks=loss)

    def counted(self, level: str, asset: str = MONEY) -> Fraction:
        """What an asset, open profit included, counts for at a level, in money; negative for a debt."""
        return self.grid.money(self.bench.collateral(self.pot, level, asset))


def _loss_of(coin: Coin) -> str:
    return f"{coin.name}-LOSS"
