"""Tail margin, its validation, and the fitting of models to markets. All in floats: nothing here decides."""
