"""Fitting to markets and judging models against them: drivers that decide nothing in the engine."""
