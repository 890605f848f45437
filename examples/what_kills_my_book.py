# %% [markdown]
# # What kills my book?
# A desk is short a strangle, hedged with a perpetual, and asks: at which prices and vols am I liquidated,
# which leg does it, what would another venue ask for, and what does a hedge change? Run it with
# `python examples/what_kills_my_book.py`, or cell by cell in an editor that knows `# %%`. The chain is made
# up here; `sw.read_market` reads a Tardis `options_chain` or a Deribit snapshot in its place.

# %%
import math
from pathlib import Path

import seawall as sw
from seawall.api.portfolio_compare import scenario_words, sentences
from seawall.api.portfolio_desk import missed
from seawall.api.portfolio_map import write_map
from seawall.api.portfolio_whatif import Change, change_account
from seawall.api.portfolio_words import stretch_words, units

NOW, INDEX = "2026-02-05T08:00:00Z", 71_470.0
VENUES = ("derive-pm2", "paradex-pm", "deribit-pm@2024-06-17")


def chain(days: dict[str, float]) -> list[dict[str, str]]:
    """A market table: index, perpetual, and a smile per expiry."""
    rows = [{"instrument": name, "mark": f"{INDEX}"} for name in ("BTC", "BTC-PERPETUAL")]
    for expiry, left in days.items():
        forward = INDEX * math.exp(0.04 * left / 365)
        rows.append({"instrument": f"BTC-{expiry}", "mark": f"{forward:.2f}"})
        for strike in range(40_000, 120_001, 5_000):
            k = math.log(strike / forward) / math.sqrt(left / 365)
            vol = 0.5 - 0.05 * k + 0.06 * k * k
            for right in "CP":
                name = f"BTC-{expiry}-{strike}-{right}"
                rows.append({"instrument": name, "forward": f"{forward:.2f}", "iv": f"{vol:.6f}"})
    return rows


market = sw.read_market(chain({"27FEB26": 22.0, "27MAR26": 50.0}), at=NOW)
book = [
    {"instrument": "BTC-27MAR26-60000-P", "size": "-4"},
    {"instrument": "BTC-27MAR26-90000-C", "size": "-3"},
    {"instrument": "BTC-PERPETUAL", "size": "-0.4"},
    {"instrument": "USDC", "size": "60000"},
]

# %% [markdown]
# ## Where does it fall, and through which leg?

# %%
accounts = [sw.load_account(name, book, market) for name in VENUES]
for account in accounts:
    node = account.statement.node("BTC")
    left = units(account, node, node.level("maintenance").health_atoms)
    print(f"{account.rulebook.name}: {left} {account.unit('BTC')} above maintenance")
    print(f"  worst: {scenario_words(node.worst.scenario)}")
    for leg in sorted(node.legs, key=lambda leg: leg.worst_atoms)[:2]:
        print(f"    {leg.name:<20} {units(account, node, leg.worst_atoms):>12}")
    for stretch in missed(account):
        print(f"  liquidated with {stretch_words(account, stretch)}")

# %% [markdown]
# ## What would each venue ask for, and why?

# %%
for sentence in sentences(accounts, "maintenance"):
    print(sentence)

# %% [markdown]
# ## Which hedge helps?

# %%
HEDGES = {"BTC-27FEB26-55000-P": "4", "BTC-27MAR26-95000-C": "3", "BTC-PERPETUAL": "-1"}
first = accounts[0]
for name, size in HEDGES.items():
    hedged = change_account(first, book, market, Change(trades={name: size}))
    node = hedged.statement.node("BTC")
    needs = units(hedged, node, node.level("maintenance").requirement_atoms)
    falls = "; ".join(stretch_words(hedged, s) for s in missed(hedged) if s.axis == "price") or "nowhere near"
    print(f"with {size} {name}: needs {needs}, {falls}")


# %% [markdown]
# ## The map
# `draw("map.html")` writes one page with the heat map of every venue.


# %%
def draw(path: str) -> Path:
    return write_map(accounts, "maintenance", Path(path))
