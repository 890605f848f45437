"""What happens in a storm: trades, orders, money, prices, funding, people, rules. One command or a few each.

Deeds look at the slow ledger, as users and feeds would at their own books; they are often refused, and
should be. Amounts atoms, sizes lots, prices ticks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from seawall.engine import commands as cmd
from seawall.engine.state import BACKSTOP, HOUSE_ACCOUNTS, INSURANCE, MARKET
from tests.engine.venue import SECOND
from tests.storms.hostile import hostile_command
from tests.storms.ledger import Ledger
from tests.storms.listing import DOLLARS_PER_COIN, DOLLARS_PER_LOT, EXPIRY, PERPETUALS, PRICES
from tests.storms.rules import changed

if TYPE_CHECKING:
    from tests.storms.world import World

MOST = 2**61  # atoms a venue takes of one position, at most
MOST_COINS = 2**50  # of an asset worth up to 2000 atoms of the unit each; see tests/engine/test_extremes.py


class Deeds:
    def __init__(self, world: World) -> None:
        self.world = world
        self.rng, self.weather = world.rng, world.weather
        self.next_order = self.next_proposal = 1

    @property
    def ledger(self) -> Ledger:
        return self.world.stage.ledger

    def act(self) -> None:
        names = list(self.weather.actions)
        getattr(self, self.rng.choices(names, [self.weather.actions[name] for name in names])[0])()

    # -- choices --------------------------------------------------------------------------------------

    def user(self) -> int:
        return HOUSE_ACCOUNTS + self.rng.choices(range(self.weather.users), self.weather.heat)[0]

    def market(self) -> str:
        return self.rng.choice(self.weather.markets)

    def mark(self, name: str) -> int:
        return self.ledger.prices[name].mark or PRICES[name]

    def size(self, name: str) -> int:
        """Lots worth up to some hundred thousand dollars at the start; now and then a lot, or 2**61 atoms."""
        if self.rng.random() < self.weather.extreme:
            atom = self.ledger.listed[name].value_num
            inverse = self.ledger.listed[name].kind.inverse
            worth = MOST_COINS * self.mark(name) // atom if inverse else MOST // (atom * self.mark(name))
            return self.rng.choice([1, 1, worth, worth - 1, worth // 2, worth // 1000])
        return max(self.rng.choice([500, 5_000, 5_000, 50_000, 50_000, 300_000]) // DOLLARS_PER_LOT[name], 1)

    def cross(self, account: int, asset: str) -> int:
        """The cross pot an asset is held in, or -1."""
        ledger = self.ledger
        settlement = ledger.rulebook.margin.scope == "settlement"
        for pot in ledger.pots_of(account):
            if not ledger.only[pot] and (not settlement or ledger.pots[pot].unit == asset):
                return pot
        return -1

    def held(self, account: int, asset: str) -> int:
        pot = self.cross(account, asset)
        return max(self.ledger.pots[pot].balances.get(asset, 0), 0) if pot >= 0 else 0

    # -- prices and time ------------------------------------------------------------------------------

    def prices(self) -> None:
        world, ledger = self.world, self.ledger
        rows = world.feeds.report(ledger.rulebook, ledger.settled, world.now, world.done)
        world.give(cmd.ReportPrices, prices=rows)

    def tick(self) -> None:
        self.world.now += self.rng.choice([0, 5, 70, 70, 4000]) * SECOND
        self.world.give(cmd.Tick)

    def funding(self) -> None:
        rate = self.rng.choice([-1, 1]) * self.rng.choice([1, 10_000, 1_000_000, 20_000_000, 10**9])
        self.world.give(cmd.ApplyFunding, instrument=self.rng.choice(PERPETUALS), rate_ppb=rate)

    def settle(self) -> None:
        name = self.rng.choice(["BTC-DEC", "BTC-DEC", "ETH-PERP", "BTCUSD"])
        if name == "BTC-DEC":
            self.world.now = max(self.world.now, EXPIRY)
        self.world.give(cmd.SettleInstrument, instrument=name, price_ticks=self.mark(name))

    # -- money ----------------------------------------------------------------------------------------

    def deposit(self, account: int | None = None, *, first: bool = False) -> None:
        rng = self.rng
        other = rng.random() < self.weather.other_assets
        asset = rng.choice(["BTC", "ETH"]) if other else "USDC"
        dollars = rng.choice([2_000, 10_000, 50_000]) if first else rng.choice([1, 500, 5_000, 40_000])
        atoms = dollars * 10 ** (6 if asset == "USDC" else 8) // DOLLARS_PER_COIN[asset]
        if rng.random() < self.weather.extreme:
            most = MOST // 2 if asset == "USDC" else MOST_COINS // 2
            atoms = rng.choice([1, most, most // 8, most // 1000 + 1])
        who = account if account is not None else rng.choice([self.user(), self.user(), INSURANCE, BACKSTOP])
        self.world.give(cmd.Deposit, account=who, asset=asset, amount_atoms=max(atoms, 1))

    def withdraw(self) -> None:
        account, asset = self.user(), self.rng.choice(["USDC", "USDC", "BTC", "ETH"])
        amount = max(int(self.held(account, asset) * self.rng.random() * 1.1), 1)
        self.world.give(cmd.Withdraw, account=account, asset=asset, amount_atoms=amount)

    def transfer(self) -> None:
        rng, name = self.rng, self.market()
        asset = self.ledger.listed[name].settle
        sides = rng.choice([("", ""), ("", name), ("", name), (name, "")])
        account = self.user()
        amount = max(int((self.held(account, asset) or 10**6) * rng.random() * 0.5), 1)
        self.world.give(
            cmd.Transfer,
            from_account=account,
            to_account=account if rng.random() < 0.7 else self.user(),
            asset=asset,
            amount_atoms=amount,
            from_isolated=sides[0],
            to_isolated=sides[1],
        )

    def edge(self) -> None:
        """Exactly what a pot may give away, or exactly what it lacks, and an atom more or less."""
        account, ledger, rng = self.user(), self.ledger, self.rng
        pot = self.cross(account, "USDC")
        level = rng.choice(["initial", "maintenance", "restore"])
        found = ledger.health(pot, level) if pot >= 0 else None
        if found is None or found[0] == found[1]:
            return
        spare = found[0] - found[1]
        amount = max(abs(spare) + rng.choice([-1, 0, 0, 1]), 1)
        kind = cmd.Withdraw if spare > 0 else cmd.Deposit
        self.world.give(kind, account=account, asset="USDC", amount_atoms=amount)

    # -- trading --------------------------------------------------------------------------------------

    def trade(self) -> None:
        rng, name = self.rng, self.market()
        account, other = self.user(), rng.choice([MARKET, MARKET, self.user()])
        isolated = rng.random() < self.weather.isolated
        buys = rng.random() < 0.5
        self.world.give(
            cmd.ReportFill,
            instrument=name,
            size_lots=self.size(name) if rng.random() < 0.9 else 1,
            price_ticks=max(int(self.mark(name) * rng.uniform(0.99, 1.01)), 1),
            buyer=account if buys else other,
            seller=other if buys else account,
            taker_is_buyer=rng.random() < 0.5,
            buyer_isolated=isolated and buys,
            seller_isolated=isolated and not buys,
        )

    def order(self) -> None:
        rng, name = self.rng, self.market()
        self.world.give(
            cmd.PlaceOrder,
            account=self.user(),
            order=self.next_order,
            instrument=name,
            size_lots=self.size(name) * rng.choice([1, -1]),
            price_ticks=self.mark(name),
            reduce_only=rng.random() < 0.4,
            isolated=rng.random() < self.weather.isolated,
        )
        self.next_order += 1

    def cancel(self) -> None:
        """A resting order is cancelled, or filled in part."""
        ledger, rng = self.ledger, self.rng
        resting = sorted(n for n, order in ledger.orders.items() if not order.liquidation)
        if not resting:
            return
        number = rng.choice(resting)
        order = ledger.orders[number]
        if rng.random() < 0.4:
            self.world.give(cmd.CancelOrder, order=number)
            return
        account, buys = ledger.owner[order.pot], order.left > 0
        self.world.give(
            cmd.ReportFill,
            instrument=order.name,
            size_lots=rng.randint(1, abs(order.left)),
            price_ticks=self.mark(order.name),
            buyer=account if buys else MARKET,
            seller=MARKET if buys else account,
            taker_is_buyer=not buys,
            buyer_order=number if buys else 0,
            seller_order=0 if buys else number,
        )

    def spot(self) -> None:
        account, buys = self.user(), self.rng.random() < 0.5
        name = self.rng.choice(["BTC-SPOT", "ETH-SPOT"])
        self.world.give(
            cmd.ReportFill,
            instrument=name,
            size_lots=self.rng.choice([1, 100, 3_000]),
            price_ticks=self.mark(name),
            buyer=account if buys else MARKET,
            seller=MARKET if buys else account,
            taker_is_buyer=buys,
        )

    def leverage(self) -> None:
        self.world.give(
            cmd.SetLeverage,
            account=self.user(),
            instrument=self.market(),
            leverage=self.rng.choice([1, 5, 10, 50]),
            isolated=self.rng.random() < max(self.weather.isolated, 0.1),
        )

    # -- people ---------------------------------------------------------------------------------------

    def person(self) -> None:
        rng = self.rng
        self.world.give(
            cmd.Override,
            by="ann",
            role=rng.choice(["guardian", "governor"]),
            action=rng.choice(["open", "withdraw", "liquidate", "adl"]),
            instrument=rng.choice(["", *self.weather.markets]),
            close=rng.random() < 0.5,
            until_ns=self.world.now + rng.choice([1, 20, 300]) * SECOND,
        )

    def govern(self) -> None:
        """Propose and approve a change of rules, or put one into force, cascade or not."""
        world, rng, ledger = self.world, self.rng, self.ledger
        if ledger.proposals and rng.random() < 0.7:
            world.give(cmd.Enact, by="cyd", proposal=rng.choice(sorted(ledger.proposals)))
            return
        data = msgspec.json.encode(changed(rng, ledger.rulebook, self.weather))
        world.give(cmd.Propose, by="ann", proposal=self.next_proposal, rulebook=data)
        world.give(cmd.Approve, by="bob", proposal=self.next_proposal)
        if rng.random() < 0.5:
            world.give(cmd.Enact, by="cyd", proposal=self.next_proposal)
        self.next_proposal += 1

    def hostile(self) -> None:
        orders = sorted(self.ledger.orders)
        self.world.send(hostile_command(self.rng, self.world.now, orders, self.ledger.rulebook))
