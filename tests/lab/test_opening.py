"""A made-up book opens alive under every rulebook."""

from __future__ import annotations

import pytest

from seawall.engine.commands import ReportPrices
from seawall.engine.engine import Engine
from seawall.lab.depth import DepthRules
from seawall.lab.experiment import Plan, default_curve, open_book
from seawall.lab.faults import Faults
from seawall.lab.october import october_path
from seawall.lab.venue import SimulatedVenue
from seawall.rulebooks.load import load_rulebook


@pytest.mark.parametrize(
    "name", ["harbor", "binance-usdm", "bitmex", "bybit-linear", "hyperliquid", "kraken-inverse"]
)
def test_the_first_prices_call_and_liquidate_nobody(name: str) -> None:
    rulebook = load_rulebook(name)
    path = october_path(assets=("BTC", "ETH", "SOL"))
    engine = Engine.from_bytes(rulebook, open_book(Plan(rulebook=rulebook, path=path, accounts=400)).state)
    start = int(path.time_ns[0])
    curves = {asset: default_curve(asset, 1.0) for asset in path.names}
    venue = SimulatedVenue(
        rulebook, curves, DepthRules(), Faults(), feedback=1.0, start_ns=start, latency_ns=0
    )
    venue.move_to(start, {asset: float(path.of(asset)[0]) for asset in path.names})
    kinds = {
        type(event).__name__ for event in engine.step(ReportPrices(time_ns=start, prices=venue.quotes()))
    }
    assert not kinds & {"MarginCalled", "LiquidationStarted", "Bankrupt", "AccountUnknown"}
