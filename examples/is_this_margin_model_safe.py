# %% [markdown]
# # Is this margin model safe?
# A venue asks of a portfolio rulebook: held against 500 days, does its margin cover what a short book loses
# in one day, as often as it should? And what would the margin of the same book be under other models of the
# market? Run it with `python examples/is_this_margin_model_safe.py`, or cell by cell in an editor that knows
# `# %%`. The days are made up here (fat tails, vols that jump when the price falls), from one seed.

# %%
import math

import numpy as np

import seawall as sw
from seawall.calibrate.book_margin import Book, OptionLine, model_error_reserve
from seawall.calibrate.exceedances import accepted_counts, kupiec
from seawall.calibrate.models.levy import Black, Merton

NOW, NEXT, SPOT, DAYS = "2026-02-05T08:00:00Z", "2026-02-06T08:00:00Z", 70_000.0, 500
LEVEL = 0.99
VENUES = ("derive-pm2", "paradex-pm", "bybit-pm")
random = np.random.default_rng(20_260_205)
moves = 0.032 * random.standard_t(3.5, DAYS) / math.sqrt(3.5 / 1.5)
vols = 0.55 * np.exp(0.12 * random.standard_normal(DAYS))
after = np.clip(vols * np.exp(-1.8 * moves + 0.03 * random.standard_normal(DAYS)), 0.05, 4.9)


def strangle(spot: float, vol: float) -> list[dict[str, str]]:
    """The market of one moment: strikes stay where they were sold."""
    names = ("BTC-27FEB26-63000-P", "BTC-27FEB26-77000-C")
    options = [{"instrument": name, "forward": f"{spot:.4f}", "iv": f"{vol:.8f}"} for name in names]
    return [{"instrument": "BTC", "mark": f"{spot:.4f}"}, *options]


held = [{"instrument": row["instrument"], "size": "-1"} for row in strangle(SPOT, 0.5)[1:]]
held.append({"instrument": "USDC", "size": "100000"})

# %% [markdown]
# ## Did a day ever lose more than the margin asked for the evening before?
# The book is sold anew every day at that day's vols, so every day asks the same question.

# %%
for venue in VENUES:
    rules = sw.load_portfolio_rulebook(venue)
    asked, lost = np.zeros(DAYS), np.zeros(DAYS)
    for day in range(DAYS):
        before = sw.load_account(rules, held, sw.read_market(strangle(SPOT, vols[day]), at=NOW))
        there = strangle(SPOT * math.exp(moves[day]), after[day])
        then = sw.load_account(rules, held, sw.read_market(there, at=NEXT))
        asked[day] = before.statement.levels["maintenance"] / 1e8
        lost[day] = (before.statement.equity_atoms - then.statement.equity_atoms) / 1e8
    hits = int(np.count_nonzero(lost > asked))
    least, most = accepted_counts(DAYS, 1.0 - LEVEL)
    verdict = "too low" if hits > most else "more than its level" if hits < least else "in line"
    p = kupiec(DAYS, hits, 1.0 - LEVEL).p_value
    print(
        f"{venue:<11} mean margin {asked.mean():7,.0f}   exceeded {hits:2} of {DAYS} days "
        f"({DAYS * (1.0 - LEVEL):.0f} allowed)   Kupiec p {p:.3f}: {verdict}   "
        f"worst excess {max(float((lost - asked).max()), 0.0):,.0f}"
    )

# %% [markdown]
# ## What would the margin be under each model?
# The same book, and the shortfall of one day at 99 % if the market were Black's or had Merton's jumps.

# %%
jumpy = Merton(vol=0.42, intensity=5.0, jump_mean=-0.05, jump_vol=0.09)
lines = tuple(
    OptionLine(quantity=-1.0, strike=strike, years=22 / 365, is_call=strike > SPOT)
    for strike in (63_000.0, 77_000.0)
)
reserve = model_error_reserve(
    Book(forward=SPOT, lines=lines), Black(vol=jumpy.matched_vol), [jumpy], horizon_years=1 / 365
)
for margin in (reserve.base, *reserve.others):
    print(f"under {margin.name:<8} shortfall of a day {margin.es_usd:7,.0f}")
print(f"reserve for not knowing which {reserve.reserve_usd:,.0f}, set by {reserve.worst}")
