"""Margin: weights, schedules, scopes and levels give a statement; the solver searches over it."""
