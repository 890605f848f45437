"""Random rulebooks for storms: the regime first, then a ladder, a waterfall and safeguards that fit it."""

from __future__ import annotations

from random import Random
from typing import Any

from seawall.liquidation.rules import FeeSplit, MarginCall, Step
from seawall.liquidation.tiers import AdlTier, DrawdownTrigger, InsuranceTier, SocialiseTier
from seawall.rulebooks.model import Rulebook
from seawall.safeguards.rules import Breaker, Governance, SafeguardRules
from tests.engine.venue import CANCEL, DOLLAR, SECOND, make_rulebook, policy

REGIMES = (
    "calm",
    "crash",
    "thin_fund",
    "no_fund",
    "inverse",
    "isolated",
    "collateral",
    "faulty_oracle",
    "stalled_venue",
    "hostile",
    "drawdown",
    "settlement",
)
RANKERS = (
    "binance",
    "bitmex",
    "hyperliquid",
    "hyperliquid_decompiled",
    "pnl",
    "leverage",
    "pro_rata",
    "unranked",
)
FEES = FeeSplit(fee_ppb=5_000_000, insurance_ppb=600_000_000, backstop_ppb=100_000_000, venue_ppb=300_000_000)


def random_rulebook(rng: Random, regime: str) -> Rulebook:
    funds = {"thin_fund": 500, "no_fund": 0, "settlement": 0}.get(regime, 200_000)
    vault = rng.choice([0, 1_000, 100_000, 10**7]) if regime in ("thin_fund", "crash", "inverse") else 10**6
    amounts = {"USDC": funds * DOLLAR, "BTC": funds * 10**8 // 50_000}
    sources = ("a", "b", "c") if regime == "faulty_oracle" else ("a",)
    oracle = policy(
        *sources,
        quorum=2 if len(sources) > 1 else 1,
        max_age_ns=rng.choice([30, 60]) * SECOND,
        tolerated=rng.choice([(0, 0, 0, 0, 0), (16, 16, 0, 0, 0), (8, 0, 0, 0, 0)]),
        max_step_ppb=rng.choice([0, 200_000_000]) if regime == "faulty_oracle" else 0,
        step_window_ns=10 * SECOND,
    )
    return make_rulebook(
        steps=_ladder(rng),
        waterfall=_waterfall(rng, regime),
        liquidation=_liquidation(rng, regime),
        oracle=oracle,
        safeguards=_safeguards(rng),
        insurance={k: v for k, v in amounts.items() if v},
        backstop={"USDC": vault * DOLLAR} if vault and regime != "no_fund" else {},
        scope="settlement" if regime == "settlement" else "account",
        fee_ppb=rng.choice([0, 0, 450_000]),
    )


def _ladder(rng: Random) -> tuple[Step, ...]:
    reduce = Step(
        name="ease",
        action="reduce",
        select=rng.choice(["largest_requirement", "largest_loss", "largest_notional", "first"]),
        size=rng.choice(["restore", "fraction", "all"]),
        fraction_ppb=rng.choice([200_000_000, 500_000_000]),
        price=rng.choice(["bankruptcy", "mark", "none"]),
        offset_ppb=10_000_000,
        cooldown_ns=rng.choice([0, 5, 30]) * SECOND,
        max_attempts=rng.choice([1, 3]),
        leave_below=rng.choice(["", "backstop"]),
        min_close_atoms=rng.choice([0, 100 * DOLLAR]),
        max_order_atoms=rng.choice([0, 20_000 * DOLLAR]),
        fees=rng.choice([FeeSplit(), FEES]),
    )
    vault = Step(
        name="vault",
        action="takeover",
        takeover_price=rng.choice(["mark", "bankruptcy", "collateral"]),
        fees=FEES,
    )
    return (
        *rng.choice([(), (CANCEL,)]),
        *rng.choice([(reduce,), (reduce, vault), (vault,), (reduce, vault)]),
    )


def _waterfall(rng: Random, regime: str) -> tuple[Any, ...]:
    ranker = rng.choice(RANKERS)
    drawdown = None
    if regime == "drawdown":
        drawdown = DrawdownTrigger(start_drop_ppb=50_000_000, stop_drop_ppb=20_000_000)
    adl = AdlTier(
        ranker=ranker,
        price=rng.choice(["bankruptcy", "mark", "previous_mark"]),
        seed_from="sequence" if ranker == "unranked" else None,
        min_deficit_atoms=rng.choice([0, 0, 50 * DOLLAR]),
        drawdown=drawdown,
    )
    insurance = rng.choice(
        [
            InsuranceTier(fund="insurance"),
            InsuranceTier(fund="insurance", rule="all_or_nothing"),
            InsuranceTier(fund="insurance", rule="capped", cap_atoms=2_000 * DOLLAR, keep_atoms=1),
        ]
    )
    method = rng.choice(["open_interest", "positive_equity", "withdrawal_haircut"])
    share = SocialiseTier(
        method=method, sides=rng.choice(["both", "winning"]) if method == "open_interest" else "both"
    )
    backstop = InsuranceTier(fund="backstop")
    return rng.choice(
        [
            (insurance, adl, share),
            (insurance, adl),
            (adl, share),
            (insurance, backstop, adl, share),
            (insurance, share),
        ]
        if regime != "drawdown"
        else [(insurance, adl, share)]
    )


def _liquidation(rng: Random, regime: str) -> dict[str, Any]:
    call = rng.choice(
        [
            None,
            MarginCall(level="restore", cure_level="restore", grace_ns=20 * SECOND, on_deadline="liquidate"),
            MarginCall(level="restore", cure_level="restore", grace_ns=20 * SECOND),
        ]
    )
    pace = rng.choice([(0, 0), (300_000_000, 5 * SECOND)])
    return {
        "margin_call": call,
        "order": rng.choice(["account", "largest_deficit"]),
        "backstop_level": rng.choice(["", "maintenance"]),
        "unwind_fraction_ppb": pace[0],
        "unwind_every_ns": pace[1],
    }


def _safeguards(rng: Random) -> SafeguardRules:
    breakers = (
        Breaker(
            name="fast",
            when="mark_move",
            threshold_ppb=150_000_000,
            window_ns=60 * SECOND,
            forbids=("open",),
            for_ns=30 * SECOND,
        ),
        Breaker(name="below", when="negative_equity", forbids=("withdraw",), for_ns=30 * SECOND),
        Breaker(
            name="fund",
            when="fund_below",
            threshold_atoms=1_000 * DOLLAR,
            forbids=("open",),
            for_ns=20 * SECOND,
        ),
        Breaker(
            name="hold",
            when="mark_move",
            threshold_ppb=300_000_000,
            window_ns=20 * SECOND,
            forbids=("liquidate", "adl"),
            for_ns=10 * SECOND,
        ),
    )
    return SafeguardRules(
        breakers=rng.choice([(), breakers]), governance=Governance(approvals=1, timelock_ns=30 * SECOND)
    )
