"""A storm: one random world from a seed, a few hundred commands, everything checked after each.

The regime is drawn first (rules.REGIMES), then numbers inside it. The outside venue answers liquidation
orders promptly, late, partly, against a recall or never. A seed and a commit reproduce a storm exactly.
"""

from __future__ import annotations

from random import Random
from typing import Any

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.engine import Engine
from seawall.engine.state import BACKSTOP, HOUSE_ACCOUNTS, INSURANCE, MARKET
from seawall.rulebooks.model import Rulebook
from tests.engine.venue import DOLLAR, PRICES, SECOND, START
from tests.storms.checks import Checker
from tests.storms.hostile import hostile_command
from tests.storms.rules import REGIMES, random_rulebook

STEPS = 220
MARKETS = {
    "inverse": ("BTCUSD", "BTCUSD", "BTC-PERP"),
    "settlement": ("BTCUSD", "BTC-PERP"),
    "collateral": ("BTC-PERP", "BTCUSD", "BTC-DEC"),
}
VOLATILITY = {"calm": 0.004, "crash": 0.05, "thin_fund": 0.04, "no_fund": 0.04, "drawdown": 0.04}


class World:
    """Builds the rulebook and the engine, then plays."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.regime = REGIMES[seed % len(REGIMES)]
        self.rulebook: Rulebook = random_rulebook(self.rng, self.regime)
        self.engine = Engine(self.rulebook)
        self.checker = Checker(self.engine)
        self.commands: list[cmd.AnyCommand] = []
        self.now = START
        self.level = 1.0
        self.factors = dict.fromkeys(PRICES, 1.0)
        self.out: dict[int, ev.LiquidationOrderSent] = {}
        self.recalled: set[int] = set()
        self.answers = "stalled" if self.regime == "stalled_venue" else self.rng.choice(["prompt", "mixed"])
        self.users = self.rng.randint(4, 9)
        self.next_order = 1
        self.counts: dict[str, int] = {}

    # -- running --------------------------------------------------------------------------------------

    def run(self, steps: int = STEPS) -> None:
        for account in range(HOUSE_ACCOUNTS, HOUSE_ACCOUNTS + self.users):
            self.give(cmd.OpenAccount, account=account)
        self.prices()
        for account in range(HOUSE_ACCOUNTS, HOUSE_ACCOUNTS + self.users):
            self.deposit(account, first=True)
        for _ in range(steps):
            self.now += self.rng.choice([0, 1, 1, 2, 10]) * SECOND
            self.act()
            self.answer()
        self.checker.finish(self.rulebook, self.commands)

    def give(self, kind: type, **fields: Any) -> tuple[ev.AnyEvent, ...]:
        return self.send(kind(time_ns=self.now, **fields))

    def send(self, command: cmd.AnyCommand) -> tuple[ev.AnyEvent, ...]:
        events = self.checker.step(command)
        self.commands.append(command)
        for event in events:
            name = type(event).__name__
            self.counts[name] = self.counts.get(name, 0) + 1
            if isinstance(event, ev.LiquidationOrderSent):
                self.out[event.order] = event
            elif isinstance(event, ev.LiquidationOrderRecalled):
                self.recalled.add(event.order)
            elif isinstance(event, ev.LiquidationOrderDone):
                self.out.pop(event.order, None)
        return events

    def act(self) -> None:
        rng = self.rng
        weights = {
            self.prices: 34,
            self.trade: 24,
            self.order: 10,
            self.cancel: 3,
            self.deposit: 5,
            self.withdraw: 6,
            self.transfer: 4,
            self.tick: 6,
            self.funding: 3,
            self.person: 2,
            self.settle: 0.15,
            self.spot: 3,
            self.leverage: 2,
            self.hostile: 40 if self.regime == "hostile" else 2,
        }
        rng.choices(list(weights), list(weights.values()))[0]()

    # -- commands -------------------------------------------------------------------------------------

    def user(self) -> int:
        return self.rng.randrange(HOUSE_ACCOUNTS, HOUSE_ACCOUNTS + self.users)

    def market(self) -> str:
        return self.rng.choice(
            MARKETS.get(self.regime, ("BTC-PERP", "BTC-PERP", "ETH-PERP", "BTC-DEC", "BTCUSD"))
        )

    def mark(self, name: str) -> int:
        return int(self.engine.state.market.mark[self.engine.state.instrument_row[name]]) or PRICES[name]

    def prices(self) -> None:
        rng = self.rng
        size = VOLATILITY.get(self.regime, 0.03)
        self.level *= 1.0 + rng.gauss(-0.1 * size if self.regime == "crash" else 0.0, size)
        self.level = min(max(self.level, 0.02), 50.0)
        rows = []
        for name, start in PRICES.items():
            settled = self.engine.state.instrument_row[name] in self.engine.state.settled
            if settled or rng.random() < (0.35 if self.regime == "faulty_oracle" else 0.05):
                continue
            self.factors[name] *= 1.0 + rng.gauss(0, size / 3)
            self.factors[name] = min(max(self.factors[name], 0.3), 3.0)
            beta = self.factors[name] if name == "ETH-PERP" else 1.0
            for source in self.rulebook.oracles[name].sources:
                noise = rng.choice([1, 1, 1, 0.5, 3]) if self.regime == "faulty_oracle" else 1
                if self.regime == "faulty_oracle" and rng.random() < 0.3:
                    continue
                ticks = max(int(start * self.level * beta * noise), 1)
                age = rng.choice([0, 0, 5, 40]) * SECOND if self.regime == "faulty_oracle" else 0
                wide = rng.choice([0, 0, ticks // 10])
                rows.append(cmd.SourcePrice(name, source, ticks, self.now - age, wide))
        self.give(cmd.ReportPrices, prices=tuple(rows))

    def tick(self) -> None:
        self.now += self.rng.choice([0, 5, 70]) * SECOND
        self.give(cmd.Tick)

    def deposit(self, account: int | None = None, first: bool = False) -> None:
        rng = self.rng
        asset = (
            "BTC" if self.regime in ("collateral", "inverse", "settlement") and rng.random() < 0.6 else "USDC"
        )
        dollars = rng.choice([1, 500, 5_000, 40_000]) if not first else rng.choice([2_000, 10_000, 50_000])
        atoms = dollars * DOLLAR if asset == "USDC" else dollars * 10**8 // 50_000
        who = account if account is not None else rng.choice([self.user(), self.user(), INSURANCE, BACKSTOP])
        self.give(cmd.Deposit, account=who, asset=asset, amount_atoms=max(atoms, 1))

    def withdraw(self) -> None:
        asset = self.rng.choice(["USDC", "USDC", "BTC"])
        account = self.user()
        held = self._held(account, asset)
        self.give(
            cmd.Withdraw,
            account=account,
            asset=asset,
            amount_atoms=max(int(held * self.rng.random() * 1.1), 1),
        )

    def _held(self, account: int, asset: str) -> int:
        state = self.engine.state
        pot = state.cross_pot(account, state.asset_row[asset])
        return max(int(state.book.balances[pot, state.asset_row[asset]]), 0) if pot >= 0 else 0

    def transfer(self) -> None:
        rng = self.rng
        name = self.market()
        inverse = name == "BTCUSD"
        sides = rng.choice([("", ""), ("", name), (name, "")])
        account = self.user()
        asset = "BTC" if inverse else "USDC"
        amount = max(int((self._held(account, asset) or 10**6) * rng.random() * 0.5), 1)
        self.give(
            cmd.Transfer,
            from_account=account,
            to_account=account if rng.random() < 0.7 else self.user(),
            asset=asset,
            amount_atoms=amount,
            from_isolated=sides[0],
            to_isolated=sides[1],
        )

    def trade(self) -> None:
        rng = self.rng
        name = self.market()
        account, other = self.user(), rng.choice([MARKET, MARKET, self.user()])
        size = self.size(name) if rng.random() < 0.9 else 1
        isolated = rng.random() < (0.6 if self.regime == "isolated" else 0.05)
        buys = rng.random() < 0.5
        self.give(
            cmd.ReportFill,
            instrument=name,
            size_lots=size,
            price_ticks=max(int(self.mark(name) * rng.uniform(0.99, 1.01)), 1),
            buyer=account if buys else other,
            seller=other if buys else account,
            taker_is_buyer=rng.random() < 0.5,
            buyer_isolated=isolated and buys,
            seller_isolated=isolated and not buys,
        )

    def size(self, name: str) -> int:
        """Lots worth up to some hundred thousand dollars at the start."""
        per_lot = {"BTC-PERP": 50, "ETH-PERP": 30, "BTCUSD": 1, "BTC-DEC": 50, "BTC-SPOT": 5}[name]
        return max(self.rng.choice([500, 5_000, 50_000, 300_000]) // per_lot, 1)

    def order(self) -> None:
        rng, name = self.rng, self.market()
        self.give(
            cmd.PlaceOrder,
            account=self.user(),
            order=self.next_order,
            instrument=name,
            size_lots=self.size(name) * rng.choice([1, -1]),
            price_ticks=self.mark(name),
            reduce_only=rng.random() < 0.4,
            isolated=rng.random() < (0.5 if self.regime == "isolated" else 0.02),
        )
        self.next_order += 1

    def cancel(self) -> None:
        """A resting order is cancelled, or filled in part."""
        orders = {n: o for n, o in self.engine.state.orders.items() if not o.liquidation}
        if not orders:
            return
        number = self.rng.choice(sorted(orders))
        order = orders[number]
        if self.rng.random() < 0.4:
            self.give(cmd.CancelOrder, order=number)
            return
        state = self.engine.state
        account = int(state.book.pot_account[order.pot])
        lots = self.rng.randint(1, abs(order.size_lots))
        buys = order.size_lots > 0
        self.give(
            cmd.ReportFill,
            instrument=state.instruments[order.instrument].name,
            size_lots=lots,
            price_ticks=max(int(state.market.mark[order.instrument]), 1),
            buyer=account if buys else MARKET,
            seller=MARKET if buys else account,
            taker_is_buyer=not buys,
            buyer_order=number if buys else 0,
            seller_order=0 if buys else number,
        )

    def funding(self) -> None:
        rate = self.rng.choice([-1, 1]) * self.rng.choice([10_000, 1_000_000, 20_000_000])
        self.give(cmd.ApplyFunding, instrument=self.rng.choice(["BTC-PERP", "BTCUSD"]), rate_ppb=rate)

    def person(self) -> None:
        rng = self.rng
        self.give(
            cmd.Override,
            by="ann",
            role=rng.choice(["guardian", "governor"]),
            action=rng.choice(["open", "withdraw", "liquidate", "adl"]),
            instrument=rng.choice(["", "BTC-PERP", "BTCUSD"]),
            close=rng.random() < 0.5,
            until_ns=self.now + 20 * SECOND,
        )

    def settle(self) -> None:
        name = self.rng.choice(["BTC-DEC", "ETH-PERP", "BTCUSD"])
        if name == "BTC-DEC":
            self.now = max(self.now, START + 10**6 * SECOND)
        self.give(cmd.SettleInstrument, instrument=name, price_ticks=self.mark(name))

    def spot(self) -> None:
        account, buys = self.user(), self.rng.random() < 0.5
        self.give(
            cmd.ReportFill,
            instrument="BTC-SPOT",
            size_lots=self.rng.choice([1, 100, 3_000]),
            price_ticks=self.mark("BTC-SPOT"),
            buyer=account if buys else MARKET,
            seller=MARKET if buys else account,
            taker_is_buyer=buys,
        )

    def leverage(self) -> None:
        self.give(
            cmd.SetLeverage,
            account=self.user(),
            instrument=self.market(),
            leverage=self.rng.choice([1, 5, 10, 50]),
            isolated=self.rng.random() < 0.2,
        )

    def hostile(self) -> None:
        self.send(hostile_command(self.rng, self.now, sorted(self.engine.state.orders), self.rulebook))

    # -- the venue outside ----------------------------------------------------------------------------

    def answer(self) -> None:
        """Every order that is out may be filled, filled in part, given up, or left hanging."""
        for number in sorted(self.out):
            mood = self.rng.random()
            if number not in self.out or (self.answers == "stalled" and mood < 0.9):
                continue
            if self.answers == "mixed" and mood < 0.5:
                continue
            sent = self.out[number]
            if number not in self.recalled or self.rng.random() < 0.3:
                self._fill(sent)
            if number in self.out and self.rng.random() < 0.7:
                self.give(cmd.ReportOrderDone, order=number)

    def _fill(self, sent: ev.LiquidationOrderSent) -> None:
        state = self.engine.state
        name = state.instruments[sent.instrument].name
        buys, left = sent.size_lots > 0, abs(state.orders[sent.order].size_lots)
        slip = self.rng.choice([0.0, 0.002, 0.02, 0.1])
        ticks = max(int(self.mark(name) * (1 + slip if buys else 1 - slip)), 1)
        if sent.limit_ticks and (ticks > sent.limit_ticks if buys else ticks < sent.limit_ticks):
            return
        account = int(state.book.pot_account[sent.pot])
        self.give(
            cmd.ReportFill,
            instrument=name,
            size_lots=left if self.rng.random() < 0.6 else self.rng.randint(1, left),
            price_ticks=ticks,
            buyer=account if buys else MARKET,
            seller=MARKET if buys else account,
            taker_is_buyer=buys,
            buyer_order=sent.order if buys else 0,
            seller_order=0 if buys else sent.order,
        )
