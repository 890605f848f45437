"""The venue's depth curve can be fitted from recorded book depth; a frozen feed is cut and named."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.api.setup import CrashSetup, make_plan
from seawall.errors import InputError
from seawall.rulebooks.load import load_rulebook

RECORDS = Path(__file__).parents[3] / "shared/data/book/BTCUSDT_binance_bookDepth_2025-10-10.parquet"
needs_records = pytest.mark.skipif(
    not RECORDS.exists(), reason="the recorded book depth is not beside the project"
)


@needs_records
def test_the_curve_is_fitted_from_the_good_part_and_the_frozen_record_is_named() -> None:
    setup = CrashSetup(rulebook=load_rulebook("harbor"), depth=(f"BTC={RECORDS}",))
    plan = make_plan(setup)
    assert plan.curves is not None
    assert 2e8 < plan.curves["BTC"].d100_usd < 4e8 and 0.5 < plan.curves["BTC"].gamma < 1.0
    note = next(note for note in plan.path.notes if "fitted" in note)
    assert "refused" in note and "2025-10-10T15:3" in note


@needs_records
def test_depth_of_an_asset_without_prices_is_refused() -> None:
    with pytest.raises(InputError, match="DOGE"):
        make_plan(CrashSetup(rulebook=load_rulebook("harbor"), depth=(f"DOGE={RECORDS}",)))
