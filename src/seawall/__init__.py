"""Seawall: margin, liquidation and loss sharing for crypto derivatives, exact and repeatable.

    import seawall as sw
    desk = sw.load_book("book.csv", "harbor", {"BTC": "60000"})
    desk.liquidation_prices("alice")
    run = sw.simulate("harbor", accounts=1_000)

Names are loaded when they are first used: importing the package imports neither numba nor Polars.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as typing has it; importing typing is a third of the time that help takes
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"

# Public name -> module that holds it.
_HOMES = {
    "load_rulebook": "seawall.rulebooks.load",
    "list_rulebooks": "seawall.rulebooks.load",
    "load_book": "seawall.api.desk",
    "compare_books": "seawall.api.compare_books",
    "crash_loans": "seawall.api.loan_books",
    "run_incident": "seawall.api.incident",
    "list_incidents": "seawall.api.incident",
    "portfolio_margin": "seawall.api.portfolio",
    "portfolio_models": "seawall.api.portfolio_models",
    "read_market": "seawall.api.market_table",
    "load_account": "seawall.api.portfolio_desk",
    "load_portfolio_rulebook": "seawall.rulebooks.load_portfolio",
    "list_portfolio_rulebooks": "seawall.rulebooks.load_portfolio",
    "Desk": "seawall.api.desk",
    "simulate": "seawall.api.crash",
    "load_run": "seawall.api.crash",
    "Run": "seawall.api.crash",
    "CrashSetup": "seawall.api.setup",
    "fan": "seawall.api.fan",
    "backtest": "seawall.api.backtest",
    "replay": "seawall.journal.replay",
    "explain": "seawall.journal.explain",
    "worst_event": "seawall.api.worst",
    "check_journal": "seawall.journal.check",
    "Engine": "seawall.engine.engine",
    "SeawallError": "seawall.errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'seawall' has no attribute {name!r}; it offers {', '.join(_HOMES)}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
