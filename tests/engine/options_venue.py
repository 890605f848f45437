"""A small world under the reference venue for options: five options, two perpetuals, a flat surface."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS
from seawall.kernels.black import black_price
from seawall.rulebooks.load import load_rulebook

START = 1_767_225_600_000_000_000  # 2026-01-01
EXPIRY = START + 30 * 86_400 * 10**9 + 8 * 3600 * 10**9
OPTIONS = tuple(f"BTC-31JAN26-{strike}-{right}" for strike, right in (
    (80_000, "P"), (90_000, "P"), (90_000, "C"), (100_000, "C"), (120_000, "C")
))  # fmt: skip
MINUTE = 60 * 10**9


class World:
    """An engine, its clock, and events so far. Sizes are contracts, money USDC."""

    def __init__(self) -> None:
        self.engine = Engine(load_rulebook("harbor-options").with_options(OPTIONS))
        self.now = START
        self.events: list[Any] = []
        self.spot, self.vol = 90_000.0, 0.5
        for place in range(6):
            account = HOUSE_ACCOUNTS + place
            self.give(cmd.OpenAccount, account=account)
        self.users = [HOUSE_ACCOUNTS + place for place in range(6)]

    def give(self, kind: type, **fields: Any) -> tuple[Any, ...]:
        events = self.engine.step(kind(time_ns=self.now, **fields))
        self.events += events
        return events

    def instrument(self, name: str) -> Any:
        state = self.engine.state
        return state.instruments[state.instrument_row[name]]

    def ticks(self, name: str, price: float) -> int:
        return max(round(Fraction(price) / self.instrument(name).tick_units), 1)

    def lots(self, name: str, size: float) -> int:
        return round(Fraction(str(size)) / self.instrument(name).lot_units)

    def price_of(self, name: str) -> float:
        if name == "BTC-PERP":
            return self.spot
        _, _, strike, right = name.split("-")
        years = (EXPIRY - self.now) / 1e9 / (86_400 * 365)
        return float(black_price(self.spot, float(strike), years, self.vol, right == "C"))

    def move(self, *, spot: float | None = None, vol: float | None = None, later: int = MINUTE) -> list[Any]:
        """The market after a while: surface, then index and marks."""
        self.now += later
        self.spot, self.vol = spot or self.spot, vol or self.vol
        vols = tuple(cmd.OptionVol(name, round(self.vol * 1e9)) for name in OPTIONS)
        before = len(self.events)
        self.give(cmd.ReportVols, asset="BTC", expiry_ns=EXPIRY, forward_e9=round(self.spot * 1e9), vols=vols)
        names = ("BTC-PERP", *OPTIONS)
        told = [
            cmd.SourcePrice(name, source, self.ticks(name, self.price_of(name)), self.now)
            for name in names
            for source in (("alpha", "beta", "gamma") if name == "BTC-PERP" else ("surface",))
        ]
        told += [cmd.SourcePrice("ETH-PERP", s, 300_000, self.now) for s in ("alpha", "beta", "gamma")]
        self.give(cmd.ReportPrices, prices=tuple(told))
        return self.events[before:]

    def fund(self, user: int, amount: int, asset: str = "USDC") -> None:
        decimals = {"USDC": 6, "BTC": 8}[asset]
        self.give(cmd.Deposit, account=self.users[user], asset=asset, amount_atoms=amount * 10**decimals)

    def trade(self, buyer: int, seller: int, name: str, size: float) -> tuple[Any, ...]:
        return self.give(
            cmd.ReportFill,
            instrument=name,
            size_lots=self.lots(name, size),
            price_ticks=self.ticks(name, self.price_of(name)),
            buyer=self.users[buyer],
            seller=self.users[seller],
            taker_is_buyer=True,
        )

    def fill_liquidations(self, seller: int) -> None:
        """Every liquidation order out is filled by one user at the mark."""
        state = self.engine.state
        for number, order in list(state.orders.items()):
            if number >= 1 << 40:
                name = state.instruments[order.instrument].name
                buying = order.size_lots > 0
                pot_account = int(state.book.pot_account[order.pot])
                other = self.users[seller]
                self.give(
                    cmd.ReportFill,
                    instrument=name,
                    size_lots=abs(order.size_lots),
                    price_ticks=self.ticks(name, self.price_of(name)),
                    buyer=pot_account if buying else other,
                    seller=other if buying else pot_account,
                    taker_is_buyer=buying,
                    buyer_order=number if buying else 0,
                    seller_order=0 if buying else number,
                )

    def pot(self, user: int) -> int:
        return self.engine.state.account_pot[self.users[user]]

    def happened(self, kind: type) -> list[Any]:
        return [event for event in self.events if type(event) is kind]


def refused(events: tuple[Any, ...]) -> str:
    (only,) = events
    assert type(only) is ev.Refused, only
    return str(only.reason)
