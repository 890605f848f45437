"""Prices: from several sources to one index, one mark, and a verdict per action (P1)."""
