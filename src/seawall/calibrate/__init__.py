"""Fitting to markets, tail margin, judging models: in floats, above the engine; nothing here decides."""
