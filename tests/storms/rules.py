"""Random rulebooks for storms, and random changes of one in force. Only sound ones: a contradiction found by
`rulebooks.check` means another draw, as no venue would start with it.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from seawall.liquidation.rules import FeeSplit, LiquidationRules, MarginCall, Step
from seawall.liquidation.tiers import AdlTier, DrawdownTrigger, InsuranceTier, SocialiseTier
from seawall.market.policy import OraclePolicy
from seawall.rulebooks.check import contradictions
from seawall.rulebooks.model import FundingRules, HouseFunds, Rulebook
from seawall.safeguards.rules import Breaker, Governance, SafeguardRules
from tests.engine.venue import CANCEL, DOLLAR, SECOND
from tests.storms.listing import (
    ASSETS,
    DOLLARS_PER_COIN,
    PERPETUALS,
    instruments,
    margin_rules,
)
from tests.storms.weather import Weather

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
DRAWS = 200


def random_rulebook(rng: Random, weather: Weather) -> Rulebook:
    for _ in range(DRAWS):
        rulebook = _draw(rng, weather)
        if not contradictions(rulebook):
            return rulebook
    raise AssertionError(f"no sound rulebook in {DRAWS} draws")


def changed(rng: Random, rulebook: Rulebook, weather: Weather) -> Rulebook:
    """A sound change of the rulebook in force, tighter or looser, or the same where none is found."""
    replace = msgspec.structs.replace
    for _ in range(20):
        other = _draw(rng, weather)
        part = rng.choice(["rates", "margin", "ladder", "waterfall", "oracles", "safeguards"])
        found = {
            "rates": lambda: replace(rulebook, margin=_tighter(rng, rulebook)),
            "margin": lambda other=other: replace(rulebook, margin=other.margin),
            "ladder": lambda other=other: replace(rulebook, liquidation=other.liquidation),
            "waterfall": lambda other=other: replace(rulebook, waterfall=other.waterfall),
            "oracles": lambda other=other: replace(rulebook, oracles=other.oracles),
            "safeguards": lambda other=other: replace(rulebook, safeguards=other.safeguards),
        }[part]()
        if not contradictions(found):
            return found
    return rulebook


def _tighter(rng: Random, rulebook: Rulebook) -> Any:
    """Every flat or tiered rate half as high again: who was safe may be short at once."""
    replace = msgspec.structs.replace
    parts = {}
    for name, margin in rulebook.margin.instruments.items():
        plans = {}
        for key, plan in margin.schedules.items():
            tiers = tuple(replace(tier, rate_ppb=tier.rate_ppb * 3 // 2) for tier in plan.tiers)
            cap = min(plan.max_leverage, 6)
            plans[key] = replace(plan, tiers=tiers, base_ppb=plan.base_ppb * 3 // 2, max_leverage=cap)
        parts[name] = replace(margin, schedules=plans)
    return replace(rulebook.margin, instruments=parts)


def _draw(rng: Random, weather: Weather) -> Rulebook:
    perpetual = FundingRules(
        interval_ns=8 * 3600 * SECOND,
        payment_ns=3600 * SECOND,
        interest_ppb=0,
        clamp_ppb=0,
        cap_ppb=0,
        price=rng.choice(["index", "mark"]),
    )
    fee = rng.choice([0, 0, 450_000])
    oracle = _oracle(rng, weather)
    listed = instruments(fee, rng.choice([0, fee // 3, -fee // 3]))
    return Rulebook(
        name="storm",
        title="Storm",
        effective="2026-01-01",
        sources=("a storm",),
        unsupported=(),
        assets=ASSETS,
        instruments=listed,
        oracles={i.name: oracle for i in listed},
        margin=margin_rules(rng, scope=weather.scope, rich=weather.rich),
        liquidation=_liquidation(rng),
        waterfall=_waterfall(rng),
        remainder="halt",
        safeguards=_safeguards(rng),
        funding=dict.fromkeys(PERPETUALS, perpetual),
        funds=HouseFunds(
            insurance_atoms=_funds(weather.funds_dollars), backstop_atoms=_funds(weather.vault_dollars)
        ),
        provenance={},
    )


def _funds(dollars: int) -> dict[str, int]:
    atoms = {a.name: dollars * 10**a.decimals // DOLLARS_PER_COIN[a.name] for a in ASSETS}
    return {name: amount for name, amount in atoms.items() if amount}


def _oracle(rng: Random, weather: Weather) -> OraclePolicy:
    sources = ("a", "b", "c") if weather.three_sources else ("a",)
    jumps = rng.choice([0, 200_000_000])
    mark = rng.choice(["index", "index", "basis_ema", "median3"])
    averaged = mark != "index"
    return OraclePolicy(
        sources=sources,
        quorum=rng.choice([1, 2]) if len(sources) > 1 else 1,
        max_age_ns=rng.choice([30, 60]) * SECOND,
        outlier_ppb=100_000_000,
        max_step_ppb=jumps,
        step_window_ns=10 * SECOND if jumps else 0,
        max_confidence_ppb=rng.choice([0, 0, 50_000_000]),
        mark=mark,
        ema_tau_ns=60 * SECOND if averaged else 0,
        mark_clamp_ppb=50_000_000 if averaged else 0,
        stable_tau_ns=600 * SECOND,
        tolerated=rng.choice([(0, 0, 0, 0, 0), (16, 16, 0, 0, 0), (8, 0, 0, 0, 0), (24, 16, 16, 16, 0)]),
    )


def _ladder(rng: Random) -> tuple[Step, ...]:
    size = rng.choice(["restore", "fraction", "all", "step_down"])
    price = rng.choice(["bankruptcy", "mark", "none"])
    fixed = rng.random() < 0.4
    reduce = Step(
        name="ease",
        action="reduce",
        select=rng.choice(["largest_requirement", "largest_loss", "largest_notional", "first"]),
        size=size,
        fraction_ppb=rng.choice([200_000_000, 500_000_000]) if size == "fraction" else 10**9,
        price=price,
        offset_ppb=10_000_000 if price == "mark" else 0,
        cooldown_ns=rng.choice([0, 5, 30]) * SECOND,
        max_attempts=rng.choice([1, 3]),
        leave_below=rng.choice(["", "backstop"]),
        min_close_atoms=100 * DOLLAR if fixed else 0,
        max_order_atoms=20_000 * DOLLAR if fixed else 0,
        fees=rng.choice([FeeSplit(), FEES]),
    )
    vault = Step(
        name="vault",
        action="takeover",
        takeover_price=rng.choice(["mark", "bankruptcy", "collateral"]),
        fees=FEES,
    )
    rungs = rng.choice([(reduce,), (reduce, vault), (vault,), (reduce, vault)])
    return (*rng.choice([(), (CANCEL,)]), *rungs)


def _waterfall(rng: Random) -> tuple[Any, ...]:
    ranker = rng.choice(RANKERS)
    drawdown = DrawdownTrigger(start_drop_ppb=50_000_000, stop_drop_ppb=20_000_000)
    adl = AdlTier(
        ranker=ranker,  # type: ignore[arg-type]
        price=rng.choice(["bankruptcy", "mark", "previous_mark"]),
        seed_from="sequence" if ranker == "unranked" else None,
        min_deficit_atoms=rng.choice([0, 0, 50 * DOLLAR]),
        drawdown=drawdown if rng.random() < 0.1 else None,
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
        method=method,  # type: ignore[arg-type]
        sides=rng.choice(["both", "winning"]) if method == "open_interest" else "both",
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
    )


def _liquidation(rng: Random) -> LiquidationRules:
    call = rng.choice(
        [
            None,
            MarginCall(level="restore", cure_level="restore", grace_ns=20 * SECOND, on_deadline="liquidate"),
            MarginCall(level="restore", cure_level="restore", grace_ns=20 * SECOND),
        ]
    )
    pace = rng.choice([(0, 0), (300_000_000, 5 * SECOND)])
    return LiquidationRules(
        trigger="maintenance",
        exit="restore",
        steps=_ladder(rng),
        margin_call=call,
        order=rng.choice(["account", "largest_deficit"]),
        backstop_level=rng.choice(["", "maintenance"]),
        unwind_fraction_ppb=pace[0],
        unwind_every_ns=pace[1],
    )


def _safeguards(rng: Random) -> SafeguardRules:
    breakers = (
        _moved("fast", 150_000_000, 60, 30, "open"),
        Breaker(name="below", when="negative_equity", forbids=("withdraw",), for_ns=30 * SECOND),
        Breaker(
            name="fund",
            when="fund_below",
            threshold_atoms=1_000 * DOLLAR,
            forbids=("open",),
            for_ns=20 * SECOND,
        ),
        _moved("hold", 300_000_000, 20, 10, "liquidate", "adl"),
    )
    return SafeguardRules(
        breakers=rng.choice([(), breakers]),
        governance=Governance(approvals=1, timelock_ns=30 * SECOND),
    )


def _moved(name: str, threshold_ppb: int, window: int, seconds: int, *forbids: Any) -> Breaker:
    return Breaker(
        name=name,
        when="mark_move",
        threshold_ppb=threshold_ppb,
        window_ns=window * SECOND,
        forbids=forbids,
        for_ns=seconds * SECOND,
    )
