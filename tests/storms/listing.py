"""What is listed in a storm: three assets, linear and inverse contracts, spot markets, drawn margin rules.

USDC has 6 decimals, BTC and ETH 8. Prices are ticks at the start of a storm. `margin_rules` draws plain rules
(a flat rate per contract) or rich ones (tiers, steps, roots, ramps, capped weights, every price purpose);
the caller keeps only sets in which `rulebooks.check` finds no contradiction.
"""

from __future__ import annotations

from random import Random
from typing import Any

from seawall.instruments.model import Asset, Instrument, InstrumentKind, make_instrument
from seawall.margin.rules import InstrumentMargin, Level, MarginRules, Schedule, Tier, Weight, WeightTier
from tests.engine.venue import DOLLAR, SECOND, START

PPB = 10**9
USDC, BTC, ETH = Asset(name="USDC", decimals=6), Asset(name="BTC", decimals=8), Asset(name="ETH", decimals=8)
ASSETS = (USDC, BTC, ETH)
PRICES = {
    "BTC-PERP": 500_000,
    "ETH-PERP": 300_000,
    "BTCUSD": 100_000,
    "ETHUSD": 60_000,
    "BTC-DEC": 500_000,
    "BTC-SPOT": 500_000,
    "ETH-SPOT": 300_000,
}
CONTRACTS = ("BTC-PERP", "ETH-PERP", "BTCUSD", "ETHUSD", "BTC-DEC")
PERPETUALS = CONTRACTS[:4]
DOLLARS_PER_LOT = {"BTC-PERP": 50, "ETH-PERP": 30, "BTCUSD": 1, "ETHUSD": 1, "BTC-DEC": 50, "BTC-SPOT": 5}
DOLLARS_PER_COIN = {"USDC": 1, "BTC": 50_000, "ETH": 3_000}
EXPIRY = START + 10**6 * SECOND


def instruments(fee_ppb: int, maker_ppb: int) -> tuple[Instrument, ...]:
    kinds = InstrumentKind
    rows: tuple[tuple[str, InstrumentKind, str, str, str, str, Asset], ...] = (
        ("BTC-PERP", kinds.LINEAR_PERPETUAL, "BTC", "USDC", "0.001", "0.1", USDC),
        ("ETH-PERP", kinds.LINEAR_PERPETUAL, "ETH", "USDC", "0.01", "0.01", USDC),
        ("BTCUSD", kinds.INVERSE_PERPETUAL, "BTC", "USD", "1", "0.5", BTC),
        ("ETHUSD", kinds.INVERSE_PERPETUAL, "ETH", "USD", "1", "0.05", ETH),
        ("BTC-DEC", kinds.LINEAR_FUTURE, "BTC", "USDC", "0.001", "0.1", USDC),
        ("BTC-SPOT", kinds.SPOT, "BTC", "USDC", "0.0001", "0.1", USDC),
        ("ETH-SPOT", kinds.SPOT, "ETH", "USDC", "0.001", "0.01", USDC),
    )
    return tuple(
        make_instrument(
            name=name,
            kind=kind,
            base=base,
            quote=quote,
            lot=lot,
            tick=tick,
            settle=settle,
            taker_fee_ppb=fee_ppb,
            maker_fee_ppb=maker_ppb,
            expiry_ns=EXPIRY if kind.dated else None,
        )
        for name, kind, base, quote, lot, tick, settle in rows
    )


def margin_rules(rng: Random, *, scope: str, rich: bool) -> MarginRules:
    account = scope == "account"
    cross = {
        "BTC": _weight(rng, rich) if account else _full(),
        "ETH": _weight(rng, rich) if account else _full(),
    }
    more = _terms(rng, account) if rich else {}
    return MarginRules(
        scope=scope,  # type: ignore[arg-type]
        numeraire="USDC",
        collateral={"USDC": "", "BTC": "BTC-SPOT" if account else "", "ETH": "ETH-SPOT" if account else ""},
        weights={"default": {"USDC": _full(), **cross}},
        instruments={name: InstrumentMargin(schedules=_schedules(rng, name, rich)) for name in CONTRACTS},
        levels=(
            Level(name="initial", schedule="initial", orders=True, **more),
            Level(name="restore", schedule="maintenance", factor_ppb=1_200_000_000, **more),
            Level(name="maintenance", schedule="maintenance", **more),
            Level(name="backstop", schedule="maintenance", factor_ppb=666_666_667, **more),
        ),
    )


def _full() -> Weight:
    return Weight(tiers=(WeightTier(floor_atoms=0, weight_ppb=PPB),))


def _weight(rng: Random, rich: bool) -> Weight:
    if not rich:
        tier = WeightTier(floor_atoms=0, weight_ppb=900_000_000)
        return Weight(tiers=(tier,), liability_ppb=1_100_000_000)
    rates = sorted(rng.sample([950_000_000, 900_000_000, 600_000_000, 1, 0], rng.randint(1, 3)), reverse=True)
    floors = [0, *sorted(rng.sample([10**6, 10**8, 3 * 10**8], len(rates) - 1))]
    return Weight(
        tiers=tuple(WeightTier(floor_atoms=f, weight_ppb=r) for f, r in zip(floors, rates)),
        liability_ppb=rng.choice([PPB, PPB + 1, 1_333_333_333]),
        cap_atoms=rng.choice([0, 0, 0, 10**8]),
        cap_value_atoms=rng.choice([0, 0, 0, 20_000 * DOLLAR]),
        sqrt_ppb=rng.choice([0, 0, 3_000_000]),
    )


def _terms(rng: Random, account: bool) -> dict[str, Any]:
    """What all levels of a rulebook have in common, so that they stay in order."""
    fixed = account and rng.random() < 0.3
    return {
        "price": rng.choice(["mark", "mark", "index", "strict"]),
        "profit": rng.choice(["full", "full", "losses_only"]),
        "close_fee": rng.choice(["none", "none", "mark", "bankruptcy"]),
        "confidence_factor_ppb": rng.choice([0, 0, PPB]),
        "min_total_ppb": rng.choice([0, 0, 40_000_000]),
        "flat_atoms": 12_345 if fixed else 0,
        "order_atoms": 7 if fixed else 0,
    }


def _schedules(rng: Random, name: str, rich: bool) -> dict[str, Schedule]:
    if not rich:
        return {
            "initial": _flat(100_000_000, use_leverage=True, max_leverage=10),
            "maintenance": _flat(50_000_000),
        }
    whole = {"BTC": 10**8, "ETH": 10**8}.get("BTC" if name == "BTCUSD" else "ETH", 10**6)
    worth = whole if name in ("BTCUSD", "ETHUSD") else 50_000 * DOLLAR
    ramp = {"oi_lower_lots": 1_000, "oi_upper_lots": 500_000} if rng.random() < 0.2 else {}
    kind = rng.choice(["tiers", "tiers", "tiers", "steps", "size_linear", "size_sqrt"])
    lot = 1_000 if not name.endswith("USD") else 50_000
    plans = {}
    cuts = sorted(rng.sample([worth // 10, worth, 3 * worth, 20 * worth], rng.randint(0, 3)))
    for level, rate in (("initial", 100_000_000), ("maintenance", 50_000_000)):
        more: dict[str, Any] = dict(ramp)
        if level == "initial" and kind == "tiers":
            more |= {"use_leverage": True, "max_leverage": 10}
        if kind == "tiers":
            tiers = [Tier(floor_atoms=0, rate_ppb=rate)]
            tiers += [Tier(floor_atoms=f, rate_ppb=rate + rate // 3 * (i + 1)) for i, f in enumerate(cuts)]
            plans[level] = Schedule(tiers=tuple(tiers), **more)
        elif kind == "steps":
            plans[level] = Schedule(
                kind="steps",
                base_ppb=rate,
                step_base_atoms=worth,
                step_size_atoms=worth,
                step_rate_ppb=5_000_000,
                **more,
            )
        else:
            slope = 1_000_000 if kind == "size_linear" else 4_000_000
            scale = 0 if kind == "size_linear" else 800_000_000
            plans[level] = Schedule(
                kind=kind,  # type: ignore[arg-type]
                base_ppb=rate,
                slope_ppb=slope,
                size_unit_lots=lot,
                sqrt_scale_ppb=scale,
                **more,
            )
    return plans


def _flat(rate_ppb: int, **more: Any) -> Schedule:
    return Schedule(tiers=(Tier(floor_atoms=0, rate_ppb=rate_ppb),), **more)
