"""Hypothesis profiles: "ci" (100 examples, the default) and "night" (10,000): HYPOTHESIS_PROFILE=night."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "night", max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "10000")), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
