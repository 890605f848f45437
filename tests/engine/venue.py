"""A venue small enough to check by hand, and a driver that speaks to its engine in few words.

USDC has 6 decimals, BTC 8. BTC-PERP: lot 0.001 BTC, tick 0.1 USDC, so a lot moves 100 atoms a tick and 1 BTC
(1000 lots) at 50,000 (500,000 ticks) is 5e10 atoms. BTCUSD: lot 1 USD, tick 0.5. Initial margin 10 %,
maintenance 5 %, restore 1.2 x, backstop 2/3; no fees unless a test asks. One source unless told otherwise.
"""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS, MARKET, WORTH
from seawall.instruments.model import Asset, Instrument, InstrumentKind, make_instrument
from seawall.liquidation.rules import LiquidationRules, Step
from seawall.liquidation.tiers import AdlTier, InsuranceTier, SocialiseTier
from seawall.margin.rules import InstrumentMargin, Level, MarginRules, Schedule, Tier, Weight, WeightTier
from seawall.margin.statement import health
from seawall.market.policy import OraclePolicy
from seawall.rulebooks.model import FundingRules, HouseFunds, Rulebook
from seawall.safeguards.rules import Governance, SafeguardRules

USDC, BTC = Asset(name="USDC", decimals=6), Asset(name="BTC", decimals=8)
SECOND = 1_000_000_000
START = 1_770_000_000 * SECOND
DOLLAR = 10**6
A, B, C, D = range(HOUSE_ACCOUNTS, HOUSE_ACCOUNTS + 4)

CANCEL = Step(name="cancel", action="cancel_orders")
EASE = Step(
    name="ease", action="reduce", size="restore", price="bankruptcy", max_attempts=2, cooldown_ns=10 * SECOND
)
VAULT = Step(name="vault", action="takeover")
LADDER = (CANCEL, EASE, VAULT)
WATERFALL = (
    InsuranceTier(fund="insurance"),
    AdlTier(ranker="bitmex"),
    SocialiseTier(method="positive_equity"),
)


def listing(fee_ppb: int = 0) -> tuple[Instrument, ...]:
    def make(
        name: str,
        kind: InstrumentKind,
        base: str,
        quote: str,
        lot: str,
        tick: str,
        settle: Asset,
        **more: Any,
    ):
        return make_instrument(
            name=name,
            kind=kind,
            base=base,
            quote=quote,
            lot=lot,
            tick=tick,
            settle=settle,
            taker_fee_ppb=fee_ppb,
            **more,
        )

    kinds = InstrumentKind
    return (
        make("BTC-PERP", kinds.LINEAR_PERPETUAL, "BTC", "USDC", "0.001", "0.1", USDC),
        make("ETH-PERP", kinds.LINEAR_PERPETUAL, "ETH", "USDC", "0.01", "0.01", USDC),
        make("BTCUSD", kinds.INVERSE_PERPETUAL, "BTC", "USD", "1", "0.5", BTC),
        make(
            "BTC-DEC",
            kinds.LINEAR_FUTURE,
            "BTC",
            "USDC",
            "0.001",
            "0.1",
            USDC,
            expiry_ns=START + 10**6 * SECOND,
        ),
        make("BTC-SPOT", kinds.SPOT, "BTC", "USDC", "0.0001", "0.1", USDC),
    )


PRICES = {
    "BTC-PERP": 500_000,
    "ETH-PERP": 300_000,
    "BTCUSD": 100_000,
    "BTC-DEC": 500_000,
    "BTC-SPOT": 500_000,
}


def flat(rate_ppb: int, **more: Any) -> Schedule:
    return Schedule(tiers=(Tier(floor_atoms=0, rate_ppb=rate_ppb),), **more)


def margin_rules(scope: str = "account", **changes: Any) -> MarginRules:
    schedules = {
        "initial": flat(100_000_000, use_leverage=True, max_leverage=10),
        "maintenance": flat(50_000_000),
    }
    contracts = ("BTC-PERP", "ETH-PERP", "BTCUSD", "BTC-DEC")
    plain = WeightTier(floor_atoms=0, weight_ppb=10**9)
    rules = MarginRules(
        scope=scope,  # type: ignore[arg-type]
        numeraire="USDC",
        collateral={"USDC": "", "BTC": "BTC-SPOT" if scope == "account" else ""},
        weights={
            "default": {
                "USDC": Weight(tiers=(plain,)),
                "BTC": Weight(
                    tiers=(
                        WeightTier(floor_atoms=0, weight_ppb=900_000_000 if scope == "account" else 10**9),
                    ),
                    liability_ppb=1_100_000_000 if scope == "account" else 10**9,
                ),
            }
        },
        instruments={name: InstrumentMargin(schedules=schedules) for name in contracts},
        levels=(
            Level(name="initial", schedule="initial", orders=True),
            Level(name="restore", schedule="maintenance", factor_ppb=1_200_000_000),
            Level(name="maintenance", schedule="maintenance"),
            Level(name="backstop", schedule="maintenance", factor_ppb=666_666_667),
        ),
    )
    return msgspec.structs.replace(rules, **changes)


def policy(*sources: str, **changes: Any) -> OraclePolicy:
    base = OraclePolicy(
        sources=sources or ("a",),
        quorum=1,
        max_age_ns=60 * SECOND,
        outlier_ppb=100_000_000,
        max_step_ppb=0,
        step_window_ns=0,
        max_confidence_ppb=0,
        mark="index",
        tolerated=(0, 0, 0, 0, 0),
    )
    return msgspec.structs.replace(base, **changes)


def make_rulebook(
    *,
    steps: tuple[Step, ...] = LADDER,
    waterfall: tuple[Any, ...] = WATERFALL,
    liquidation: dict[str, Any] | None = None,
    oracle: OraclePolicy | None = None,
    safeguards: SafeguardRules | None = None,
    insurance: dict[str, int] | None = None,
    backstop: dict[str, int] | None = None,
    scope: str = "account",
    margin: MarginRules | None = None,
    fee_ppb: int = 0,
    **changes: Any,
) -> Rulebook:
    """The small venue with the parts given replaced. Fund amounts are atoms; 1M USDC each unless given."""
    instruments = listing(fee_ppb)
    rules = LiquidationRules(trigger="maintenance", exit="restore", steps=steps)
    perpetual = FundingRules(
        interval_ns=8 * 3600 * SECOND, payment_ns=3600 * SECOND, interest_ppb=0, clamp_ppb=0, cap_ppb=0
    )
    rulebook = Rulebook(
        name="small",
        title="Small",
        effective="2026-01-01",
        sources=("a test",),
        unsupported=(),
        assets=(USDC, BTC),
        instruments=instruments,
        oracles={i.name: oracle or policy() for i in instruments},
        margin=margin or margin_rules(scope),
        liquidation=msgspec.structs.replace(rules, **(liquidation or {})),
        waterfall=waterfall,
        remainder="halt",
        safeguards=safeguards
        or SafeguardRules(governance=Governance(approvals=2, timelock_ns=86_400 * SECOND)),
        funding={"BTC-PERP": perpetual, "BTCUSD": perpetual},
        funds=HouseFunds(
            insurance_atoms={"USDC": 10**6 * DOLLAR} if insurance is None else insurance,
            backstop_atoms={"USDC": 10**6 * DOLLAR} if backstop is None else backstop,
        ),
        provenance={},
    )
    return msgspec.structs.replace(rulebook, **changes)


class Venue:
    """An engine with a clock. Every method gives one command and returns its events; `check` after each."""

    def __init__(self, rulebook: Rulebook | None = None, *, accounts: int = 4, prices: bool = True) -> None:
        self.engine = Engine(rulebook or make_rulebook())
        self.now = START
        self.log: list[tuple[cmd.AnyCommand, tuple[ev.AnyEvent, ...]]] = []
        for account in range(HOUSE_ACCOUNTS, HOUSE_ACCOUNTS + accounts):
            self.give(cmd.OpenAccount(time_ns=self.now, account=account))
        if prices:
            self.price(**PRICES)

    @property
    def state(self):
        return self.engine.state

    def give(self, command: cmd.AnyCommand) -> tuple[ev.AnyEvent, ...]:
        events = self.engine.step(command)
        self.log.append((command, events))
        self.engine.check()
        return events

    def do(self, kind: type, **fields: Any) -> tuple[ev.AnyEvent, ...]:
        return self.give(kind(time_ns=self.now, **fields))

    def wait(self, seconds: float) -> tuple[ev.AnyEvent, ...]:
        self.now += int(seconds * SECOND)
        return self.do(cmd.Tick)

    def price(self, seconds: float = 0, /, **ticks: int) -> tuple[ev.AnyEvent, ...]:
        """Every source of the named instruments says this, `seconds` from now; _ stands for - in names."""
        self.now += int(seconds * SECOND)
        rows = []
        for name, value in ticks.items():
            name = name.replace("_", "-")
            rows += [
                cmd.SourcePrice(name, source, value, self.now)
                for source in self.state.rulebook.oracles[name].sources
            ]
        return self.do(cmd.ReportPrices, prices=tuple(rows))

    def btc(self, dollars: float, seconds: float = 1) -> tuple[ev.AnyEvent, ...]:
        """All BTC prices move to so many dollars; ETH stays."""
        ticks = round(dollars * 10)
        return self.price(
            seconds,
            **{
                "BTC-PERP": ticks,
                "BTC-DEC": ticks,
                "BTC-SPOT": ticks,
                "BTCUSD": round(dollars * 2),
                "ETH-PERP": 300_000,
            },
        )

    def fund(self, account: int, dollars: float, asset: str = "USDC") -> tuple[ev.AnyEvent, ...]:
        atoms = round(dollars * (DOLLAR if asset == "USDC" else 10**8))
        return self.do(cmd.Deposit, account=account, asset=asset, amount_atoms=atoms)

    def trade(
        self,
        account: int,
        lots: int,
        ticks: int,
        name: str = "BTC-PERP",
        *,
        against: int = MARKET,
        **more: Any,
    ) -> tuple[ev.AnyEvent, ...]:
        """`account` buys (lots > 0) or sells from `against`; the account is the taker."""
        buys = lots > 0
        own = {("buyer_" if buys else "seller_") + key: value for key, value in more.items()}
        return self.do(
            cmd.ReportFill,
            instrument=name,
            size_lots=abs(lots),
            price_ticks=ticks,
            buyer=account if buys else against,
            seller=against if buys else account,
            taker_is_buyer=buys,
            **own,
        )

    def fill(
        self, order: ev.LiquidationOrderSent, ticks: int, lots: int | None = None
    ) -> tuple[ev.AnyEvent, ...]:
        """The market fills a liquidation order, whole or in part."""
        size = order.size_lots if lots is None else lots
        account = int(self.state.book.pot_account[order.pot])
        name = self.state.instruments[order.instrument].name
        return self.trade(account, size, ticks, name, order=order.order)

    def done(self, order: ev.LiquidationOrderSent) -> tuple[ev.AnyEvent, ...]:
        return self.do(cmd.ReportOrderDone, order=order.order)

    def pot(self, account: int) -> int:
        return self.state.account_pot[account]

    def lots(self, account: int, name: str = "BTC-PERP") -> int:
        slot = self.state.book.position(self.pot(account), self.state.instrument_row[name])
        return int(self.state.book.pos_lots[slot]) if slot >= 0 else 0

    def balance(self, account: int, asset: str = "USDC") -> int:
        return int(self.state.book.balances[self.pot(account), self.state.asset_row[asset]])

    def worth(self, account: int) -> int:
        state = self.state
        return health(state.book, state.margin, state.market, self.pot(account), WORTH).equity_atoms

    def liquidating(self, account: int) -> bool:
        return self.pot(account) in self.state.ladders and bool(self.state.flags[self.pot(account)] & 4)


def kinds(events: tuple[ev.AnyEvent, ...]) -> list[str]:
    return [type(event).__name__ for event in events]


def only(events: tuple[ev.AnyEvent, ...], kind: type[Any]) -> Any:
    """The one event of a kind; fails where there are none or several."""
    found = [event for event in events if isinstance(event, kind)]
    assert len(found) == 1, f"{len(found)} {kind.__name__} in {kinds(events)}"
    return found[0]


def refused(events: tuple[ev.AnyEvent, ...], text: str = "") -> ev.Refused:
    assert kinds(events) == ["Refused"], kinds(events)
    assert text in events[0].reason, events[0].reason
    return events[0]


def unchanged(venue: Venue) -> dict[str, Any]:
    """Everything of the state but the count and the clock, for "a refusal changes nothing"."""
    parts = msgspec.msgpack.decode(venue.state.to_bytes())
    return {name: value for name, value in parts.items() if name not in ("seq", "time_ns")}
