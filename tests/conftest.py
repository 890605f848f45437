"""Hypothesis profiles: "ci" (100 examples, the default) and "night" (10,000): HYPOTHESIS_PROFILE=night."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

for name, examples in (("ci", 100), ("night", 10_000)):
    settings.register_profile(
        name, max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
