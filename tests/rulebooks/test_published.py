"""The built-in rulebooks reproduce the numbers their venues publish (vectors in ../shared, where present)."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from seawall.margin.compiled import tier_deductions
from seawall.margin.rules import Schedule
from seawall.rulebooks.compare import schedule_at
from seawall.rulebooks.load import load_rulebook

SHARED = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "venues"
PPB = 10**9


def vector(file: str, name: str) -> dict[str, Any]:
    path = SHARED / file
    if not path.exists():
        pytest.skip("published vectors (../shared) are not here")
    return next(entry for entry in json.loads(path.read_text(encoding="utf-8")) if entry["id"] == name)


def schedule(venue: str, instrument: str, name: str) -> Schedule:
    return load_rulebook(venue).margin.instruments[instrument].schedules[name]


def test_binance_btcusdt_brackets_have_the_published_floors_rates_and_cumulative_amounts():
    published = vector("binance_docs.json", "binance-usdm-btcusdt-tiers-2024-10")
    tiers = schedule("binance-usdm", "BTCUSDT", "maintenance").tiers
    assert [[tier.floor_atoms // 10**6, tier.rate_ppb / PPB] for tier in tiers] == published["inputs"][
        "floors_and_mmr"
    ]
    assert tier_deductions(tiers) == [round(cum) * 10**6 for cum in published["expected"]["cum"]]
    initial = schedule("binance-usdm", "BTCUSDT", "initial").tiers
    assert [tier.floor_atoms for tier in initial] == [tier.floor_atoms for tier in tiers]
    assert [round(PPB / tier.rate_ppb) for tier in initial] == published["inputs"]["max_leverage"]


def test_binance_ethusdt_brackets_end_in_the_faq_rate_and_cumulative_amount():
    published = vector("binance_docs.json", "binance-usdm-tmm-upnl")["inputs"]["ETH"]
    tiers = schedule("binance-usdm", "ETHUSDT", "maintenance").tiers
    assert (tiers[-1].rate_ppb, tier_deductions(tiers)[-1]) == (
        round(published["mmr"] * PPB),
        published["cum"] * 10**6,
    )


@pytest.mark.parametrize(
    ("name", "coin"),
    [
        ("hyperliquid-tier-0", "BTC"),
        ("hyperliquid-tier-1", "BTC"),
        ("hyperliquid-tier-2", "BTC"),
        ("hyperliquid-tier-3", "ETH"),
    ],
)
def test_hyperliquid_maintenance_is_the_documented_one(name, coin):
    published = vector("hyperliquid.json", name)
    notional = Fraction(published["inputs"]["notional"]) * 10**6
    asked = schedule_at(schedule("hyperliquid", coin, "maintenance"), notional)
    exact = Fraction(published["expected"]["maintenance_margin"]) * 10**6
    # A rate like 1/30 is rounded up to a part per billion: never less, at most 1e-9 of the notional more.
    assert exact - 1 <= asked <= exact + notional / PPB


def test_hyperliquid_transfers_need_the_larger_of_initial_margin_and_a_tenth():
    published = vector("hyperliquid.json", "hyperliquid-transfer-0")
    total = sum(position["notional"] for position in published["inputs"]["positions"])
    transfer = load_rulebook("hyperliquid").margin.level("transfer")
    assert transfer.schedule == "initial"
    assert total * transfer.min_total_ppb == published["expected"]["transfer_requirement"] * PPB


@pytest.mark.parametrize(
    ("position", "name"),
    [("180", "maintenance"), ("180", "initial"), ("230", "maintenance"), ("230", "initial")],
)
def test_bitmex_risk_limit_steps_give_the_published_rates(position, name):
    published = vector("bitmex_docs.json", "bitmex-risk-limit-1")["expected"][position]
    notional = Fraction(int(position) * 10**8)
    rate = schedule_at(schedule("bitmex", "XBTUSD", name), notional) / notional
    assert float(rate) == published["mm" if name == "maintenance" else "im"]


def test_bitmex_ethusdt_margin_is_the_published_example():
    published = vector("bitmex_docs.json", "bitmex-quanto-im")
    notional = Fraction(published["inputs"]["contracts"] * published["inputs"]["price"] * 10**6)
    assert (
        schedule_at(schedule("bitmex", "ETHUSDT", "initial"), notional) == published["expected"]["IM"] * 10**6
    )
    assert (
        schedule_at(schedule("bitmex", "ETHUSDT", "maintenance"), notional)
        == published["expected"]["MM"] * 10**6
    )


def test_bybit_margin_of_one_bitcoin_is_the_published_example():
    published = vector("bybit_docs.json", "bybit-usdt-iso-lp")
    notional = Fraction(published["inputs"]["entry"] * 10**6)
    maintenance = schedule("bybit-linear", "BTCUSDT", "maintenance")
    assert schedule_at(maintenance, notional) == published["expected"]["MM"] * 10**6


def test_bybit_adl_starts_and_stops_at_the_published_drawdowns():
    published = vector("bybit_docs.json", "bybit-adl-drawdown-1")["inputs"]
    adl = load_rulebook("bybit-linear").waterfall[1]
    assert adl.drawdown.start_drop_ppb == round(-published["trigger_ratio"] * PPB)
    assert adl.drawdown.stop_drop_ppb == round(-published["stop_ratio"] * PPB)


def test_kraken_base_rates_give_the_published_margins():
    published = vector("kraken_docs.json", "kraken-inverse-liq")
    contracts, entry = published["inputs"]["contracts"], published["inputs"]["entry"]
    notional = Fraction(contracts * 10**8, entry)
    assert schedule_at(schedule("kraken-inverse", "PI_XBTUSD", "initial"), notional) == 250_000
    assert schedule_at(schedule("kraken-inverse", "PI_XBTUSD", "maintenance"), notional) == 125_000
    assert published["expected"]["IM"] == 0.0025 and published["expected"]["MM_at_entry"] == 0.00125


def test_the_worked_example_of_the_reference_page_holds():
    maintenance = schedule("harbor", "BTC-PERP", "maintenance")
    assert schedule_at(maintenance, Fraction(12_000_000 * 10**6)) == 140_000 * 10**6
    assert load_rulebook("harbor").margin.level("restore").factor_ppb * 140_000 == 168_000 * PPB
