"""Seawall: margin, liquidation and loss sharing for crypto derivatives, exact and repeatable."""

__version__ = "0.1.0"
