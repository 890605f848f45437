"""One violent hour, the same for everyone who asks: 250 made-up accounts, a fall of 35 %, a fund too small.

Outside prices are a described shock with noise, so the lab's floats take part. On the way come funding, a
tightened rulebook that is proposed, approved and enacted, gates and a settlement; collateral is USDC and
coins. Times ns, sizes lots, money atoms.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS
from seawall.lab.experiment import Experiment, Plan, run_experiment
from seawall.lab.shock import parse_shock, shock_path
from seawall.margin.rules import InstrumentMargin, Schedule, Tier
from seawall.rulebooks.load import load_rulebook
from seawall.rulebooks.model import HouseFunds, Rulebook

START_NS = 1_760_130_000 * 10**9
MINUTE = 60 * 10**9
PRICES = {"BTC": 116_600.0, "ETH": 3_995.0, "SOL": 206.5}
TIGHTENED = "ETH-PERP"

Log = list[tuple[cmd.AnyCommand, tuple[ev.AnyEvent, ...]]]


class Played(NamedTuple):
    """Every command with its events, the engine at the end, and the lab's tables."""

    rulebook: Rulebook
    log: Log
    engine: Engine
    experiment: Experiment


def rulebook() -> Rulebook:
    """The built-in venue with so little in its fund that losses go on to ADL and to everybody."""
    funds = HouseFunds(insurance_atoms={"USDC": 20_000 * 10**6}, backstop_atoms={"USDC": 50_000 * 10**6})
    return msgspec.structs.replace(load_rulebook("harbor@2026-01-01"), funds=funds)


def tightened(rules: Rulebook) -> bytes:
    """The same rules with every rate of one market a quarter higher: a change that may be put into force."""

    def dearer(schedule: Schedule) -> Schedule:
        tiers = tuple(Tier(floor_atoms=t.floor_atoms, rate_ppb=t.rate_ppb * 5 // 4) for t in schedule.tiers)
        return msgspec.structs.replace(schedule, tiers=tiers)

    listed = rules.margin.instruments[TIGHTENED]
    schedules = {name: dearer(schedule) for name, schedule in listed.schedules.items()}
    instruments = {**rules.margin.instruments, TIGHTENED: InstrumentMargin(schedules=schedules)}
    changed = msgspec.structs.replace(rules.margin, instruments=instruments)
    return msgspec.json.encode(msgspec.structs.replace(rules, margin=changed), order="deterministic")


def agenda(rules: Rulebook) -> dict[int, list[tuple[type, dict[str, Any]]]]:
    """What people do in which minute: fields of commands, `time_ns` left out."""
    gate = {"by": "ann", "role": "guardian", "action": "withdraw", "instrument": ""}
    out: dict[str, Any] = {"asset": "USDC", "amount_atoms": 40 * 10**6}
    return {
        3: [
            (
                cmd.PlaceOrder,
                {
                    "account": HOUSE_ACCOUNTS + n,
                    "order": 10**6 + n,
                    "instrument": "BTC-PERP",
                    "size_lots": 20 - n % 41,
                    "price_ticks": 1_100_000,
                },
            )
            for n in range(0, 250, 11)
        ],
        5: [(cmd.Withdraw, {"account": HOUSE_ACCOUNTS + n, **out}) for n in range(0, 120, 7)],
        8: [(cmd.ApplyFunding, {"instrument": n, "rate_ppb": 310_007}) for n in ("BTC-PERP", "ETH-PERP")],
        10: [
            (cmd.Propose, {"by": "ann", "proposal": 1, "rulebook": tightened(rules), "reason": "storm"}),
            (cmd.Approve, {"by": "bob", "proposal": 1}),
            (cmd.Approve, {"by": "cyd", "proposal": 1}),
        ],
        12: [(cmd.Enact, {"by": "ann", "proposal": 1})],
        14: [(cmd.Override, {**gate, "close": True, "until_ns": START_NS + 40 * MINUTE, "reason": "calm"})],
        24: [(cmd.ApplyFunding, {"instrument": "SOL-PERP", "rate_ppb": -2_000_003})],
        30: [(cmd.Withdraw, {"account": HOUSE_ACCOUNTS + 3, **out})],
        60: [(cmd.SettleInstrument, {"instrument": "SOL-PERP", "price_ticks": 12_345})],
    }


class _Log:
    """A lab recorder that keeps everything and lets people act at the end of their minute."""

    def __init__(self, rules: Rulebook) -> None:
        self.log: Log = []
        self.engine: Engine | None = None
        self._agenda = agenda(rules)

    def record(self, command: cmd.AnyCommand, events: tuple[ev.AnyEvent, ...]) -> None:
        self.log.append((command, events))

    def step_done(self, engine: Engine, venue: Any, time_ns: int) -> None:
        self.engine = engine
        for kind, fields in self._agenda.get((time_ns - START_NS) // MINUTE, ()):
            events = engine.step(kind(time_ns=time_ns, **fields))
            pots = engine.state.book.pot_account
            venue.accept((e, int(pots[e.pot])) for e in events if type(e) is ev.LiquidationOrderSent)
            self.record(kind(time_ns=time_ns, **fields), events)


def play() -> Played:
    """The hour, with and without feedback; the log is of the run with it."""
    rules = rulebook()
    shocks = [parse_shock("BTC:-35%:25m:15m:40%"), parse_shock("SOL:-55%:20m:16m:20%")]
    path = shock_path(
        PRICES, shocks, duration_seconds=3_600.0, noise_daily_vol=0.05, seed=7, start_ns=START_NS
    )
    plan = Plan(rulebook=rules, path=path, accounts=250, open_interest_usd=4e8, depth_share=0.05, seed=7)
    recorder = _Log(rules)
    experiment = run_experiment(plan, lambda run: (recorder,) if run == "with" else ())
    assert recorder.engine is not None
    return Played(rules, recorder.log, recorder.engine, experiment)
