"""A venue small enough for one published number: a rulebook from parts, an engine, and commands given to it.

Everything an adapter learns it learns from here: events, statements, crossings. Every command is real; one
that the engine refuses makes the vector unsupported, in the engine's own words. Liquidations are held back by
a closed gate unless asked for, so that an account can be looked at where a venue would already close it.
Sizes lots, prices ticks, amounts atoms.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS, MARKET
from seawall.errors import Unsupported
from seawall.instruments.model import Asset, Instrument, InstrumentKind, make_instrument
from seawall.liquidation.rules import LiquidationRules, Step
from seawall.liquidation.tiers import WaterfallTier
from seawall.margin.rules import InstrumentMargin, Level, MarginRules, Schedule, Tier, Weight, WeightTier
from seawall.margin.solve import Crossing, price_crossings
from seawall.margin.statement import Part, Statement, statement
from seawall.market.policy import OraclePolicy
from seawall.rulebooks.model import FundingRules, HouseFunds, Rulebook
from seawall.safeguards.rules import SafeguardRules
from seawall.units import PPB

E = TypeVar("E", bound=ev.Event)

FOREVER_NS = 2**62
SOURCE = "published"
WORTH = "worth"  # a level that asks nothing: where a pot stands when its equity is just zero
FULL = "full"  # the weight set in which every balance counts in full
NOTHING_ASKED = Schedule(tiers=(Tier(floor_atoms=0, rate_ppb=0),))
NOTHING_OF_OPTIONS = Schedule(kind="option")
POLICY = OraclePolicy(
    sources=(SOURCE,),
    max_age_ns=FOREVER_NS,
    outlier_ppb=PPB,
    max_step_ppb=0,
    step_window_ns=0,
    max_confidence_ppb=0,
)


def flat_rate(rate_ppb: int, **more: Any) -> Schedule:
    """One rate for every size."""
    return Schedule(tiers=(Tier(floor_atoms=0, rate_ppb=rate_ppb),), **more)


def weight(weight_ppb: int = PPB, **more: Any) -> Weight:
    return Weight(tiers=(WeightTier(floor_atoms=0, weight_ppb=weight_ppb),), **more)


def make_rulebook(
    *,
    assets: tuple[Asset, ...],
    instruments: tuple[Instrument, ...],
    schedules: dict[str, dict[str, Schedule]],
    levels: tuple[Level, ...],
    collateral: dict[str, str] | None = None,
    weights: dict[str, dict[str, Weight]] | None = None,
    steps: tuple[Step, ...] = (),
    waterfall: tuple[WaterfallTier, ...] = (),
    funding: dict[str, FundingRules] | None = None,
    trigger: str = WORTH,
) -> Rulebook:
    """A rulebook of these parts; `worth` is added as a level and everything else is the plainest there is."""
    names = {name for table in schedules.values() for name in table} | {
        "none",
        *(one.schedule for one in levels),
    }
    options = {instrument.name for instrument in instruments if instrument.kind.option}
    every = {
        name: InstrumentMargin(
            schedules={
                **dict.fromkeys(sorted(names), NOTHING_OF_OPTIONS if name in options else NOTHING_ASKED),
                **table,
            }
        )
        for name, table in schedules.items()
    }
    worth = Level(name=WORTH, schedule="none", factor_ppb=0, weights=FULL)
    return Rulebook(
        name="bench",
        title="bench",
        effective="2000-01-01",
        sources=(),
        unsupported=(),
        assets=assets,
        instruments=instruments,
        oracles={instrument.name: POLICY for instrument in instruments},
        margin=MarginRules(
            scope="account",
            numeraire=assets[0].name,
            collateral=collateral or {asset.name: "" for asset in assets},
            weights={FULL: {asset.name: weight() for asset in assets}, **(weights or {})},
            instruments=every,
            levels=(*levels, worth),
        ),
        liquidation=LiquidationRules(trigger=trigger, exit=trigger, steps=steps),
        waterfall=waterfall,
        remainder="halt",
        safeguards=SafeguardRules(),
        funding=funding or {},
        funds=HouseFunds(insurance_atoms={}, backstop_atoms={}),
        provenance={},
    )


def level(name: str, **more: Any) -> Level:
    """A level on the schedule of the same name, every balance in full, unless told otherwise."""
    return Level(**{"name": name, "schedule": name, "weights": FULL, **more})


def perpetual(
    name: str, money: Asset, *, lot: str, tick: str, inverse: bool = False, taker_fee_ppb: int = 0
) -> Instrument:
    """A perpetual settled in `money`; the account pays no maker fee, so a fill costs it nothing."""
    kind = InstrumentKind.INVERSE_PERPETUAL if inverse else InstrumentKind.LINEAR_PERPETUAL
    other = f"{name}-other"
    return make_instrument(
        name=name,
        kind=kind,
        base=money.name if inverse else other,
        quote=other if inverse else money.name,
        lot=lot,
        tick=tick,
        settle=money,
        taker_fee_ppb=taker_fee_ppb,
    )


class Bench:
    """An engine under a rulebook, and one hand that gives it commands, a second apart."""

    def __init__(self, rulebook: Rulebook, *, hold: bool = True) -> None:
        self.engine = Engine(rulebook)
        self.state = self.engine.state
        self.time_ns = 0
        if hold:
            self.give(
                cmd.Override,
                by="conformance",
                role="guardian",
                action="liquidate",
                instrument="",
                close=True,
                until_ns=FOREVER_NS,
            )

    def give(
        self, command: type[cmd.Command], /, *, after_ns: int = 10**9, **fields: Any
    ) -> list[ev.AnyEvent]:
        """One command `after_ns` later. Unsupported, in the engine's words, if it is refused."""
        self.time_ns += after_ns
        events = self.engine.step(command(time_ns=self.time_ns, **fields))  # type: ignore[arg-type]
        for event in events:
            if isinstance(event, ev.Refused):
                raise Unsupported(f"the engine refused {event.command}: {event.reason} {event.numbers or ''}")
        return list(events)

    def account(self, deposit_atoms: int = 0, asset: str = "") -> int:
        """A new account with this much of an asset (of the numeraire, if none is named)."""
        number = len(self.state.account_pot)
        assert number >= HOUSE_ACCOUNTS
        self.give(cmd.OpenAccount, account=number)
        self.deposit(number, deposit_atoms, asset)
        return number

    def deposit(self, account: int, atoms: int, asset: str = "") -> None:
        name = asset or self.state.rulebook.margin.numeraire
        if atoms:
            self.give(cmd.Deposit, account=account, asset=name, amount_atoms=atoms)

    def price(self, **ticks: int) -> list[ev.AnyEvent]:
        """Report prices by instrument name, from all sources of each, in one command."""
        reported = tuple(
            cmd.SourcePrice(name, source, price, self.time_ns + 10**9)
            for name, price in ticks.items()
            for source in self.state.rulebook.oracles[name].sources
        )
        return self.give(cmd.ReportPrices, prices=reported)

    def trade(
        self,
        account: int,
        instrument: str,
        lots: int,
        ticks: int,
        *,
        order: int = 0,
        isolated: bool = False,
        taker: bool = False,
    ) -> list[ev.AnyEvent]:
        """A fill against the market, the account being the maker unless it is said to take."""
        buys = lots > 0
        return self.give(
            cmd.ReportFill,
            instrument=instrument,
            size_lots=abs(lots),
            price_ticks=ticks,
            buyer=account if buys else MARKET,
            seller=MARKET if buys else account,
            taker_is_buyer=buys == taker,
            buyer_order=order if buys else 0,
            seller_order=0 if buys else order,
            buyer_isolated=isolated and buys,
            seller_isolated=isolated and not buys,
        )

    def pot(self, account: int, isolated: str = "") -> int:
        """The account's cross pot, or its isolated pot of an instrument."""
        if isolated:
            return self.state.isolated_pot(account, self.state.instrument_row[isolated])
        return self.state.account_pot[account]

    def isolate(self, account: int, instrument: str, atoms: int) -> None:
        """Move money from the account's cross pot to its isolated pot of an instrument."""
        asset = self.state.rulebook.instrument(instrument).settle
        self.give(
            cmd.Transfer,
            from_account=account,
            to_account=account,
            asset=asset,
            amount_atoms=atoms,
            to_isolated=instrument,
        )

    def lots(self, account: int, instrument: str) -> int:
        """What the account holds of an instrument in its cross pot."""
        slot = self.state.book.position(self.pot(account), self.state.instrument_row[instrument])
        return int(self.state.book.pos_lots[slot]) if slot >= 0 else 0

    def balance(self, pot: int, asset: str) -> int:
        """Atoms of an asset in one pot."""
        return int(self.state.book.balances[pot, self.state.asset_row[asset]])

    def statement(self, pot: int, name: str) -> Statement:
        """The margin statement of a pot at a level; Unsupported where the pot is unknown."""
        found = statement(self.state.book, self.state.margin, self.state.market, pot, name)
        if not found.known:
            raise Unsupported("a price that the account needs is not usable")
        return found

    def position(self, pot: int, name: str, instrument: str) -> Part:
        """The term of one position in the statement at a level."""
        row = self.state.instrument_row[instrument]
        parts = self.statement(pot, name).parts
        return next(part for part in parts if part.kind == "position" and part.name == row)

    def collateral(self, pot: int, name: str, asset: str) -> int:
        """What one asset counts for in the statement at a level; 0 if there is none of it."""
        row = self.state.asset_row[asset]
        parts = self.statement(pot, name).parts
        return sum(part.amount_atoms for part in parts if part.kind == "collateral" and part.name == row)

    def crossing(self, pot: int, name: str, instrument: str) -> Crossing:
        """The nearest price at which the level is crossed, all else unchanged; Unsupported without one."""
        state, row = self.state, self.state.instrument_row[instrument]
        found = price_crossings(state.book, state.margin, state.market, pot, name, row)
        if not found:
            raise Unsupported(f"the account crosses level {name} at no price within a factor of 4096")
        return found[0]


def events_of(events: Iterable[ev.AnyEvent], kind: type[E]) -> list[E]:
    """The events of one kind, in order."""
    return [event for event in events if isinstance(event, kind)]
