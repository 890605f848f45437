"""Automated market makers, exact in integers: constant product, concentrated ranges, bands, shares."""
