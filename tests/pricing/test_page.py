"""The numbers that docs/reference/surfaces.md gives are the numbers the code gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seawall.pricing.surface import SurfaceCondition
from seawall.pricing.svi import RawSvi, butterfly, repaired_wings, to_jump_wings, total_variance

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "surfaces.md").read_text("utf-8")


def test_the_worked_example_is_computed():
    svi = RawSvi(a=-0.041, b=0.1331, rho=0.306, m=0.3586, sigma=0.4153)
    report, wings = butterfly(svi), to_jump_wings(svi, 1.0)
    c, vtilde = repaired_wings(wings.v, wings.psi, wings.p)
    low, high = report.negative[0]
    told = " ".join(PAGE.split()).replace("−", "-")
    for text in (
        f"w(0) = {total_variance(svi, np.zeros(1))[0]:.6f}",
        f"from k = {low:.4f} to {high:.4f}",
        f"minimum {report.g_min:.5f} at k = {report.k_at_g_min:.4f}",
        f"c' = {c:.5f} and ṽ' = {vtilde:.6f}",
    ):
        assert text in told


def test_every_condition_is_in_the_table():
    for condition in SurfaceCondition:
        if condition:
            assert f"| {int(condition)} | {condition.name} |" in PAGE
