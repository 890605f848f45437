"""Lending rulebooks laid out for the engine: one file, read by the contracts' integers and by the engine's.

A lending file states reserves, categories, markets and how a debt may be closed. Here they become the tables
any rulebook has: spot instruments that price the reserves, weights `ltv` and `threshold`, a ladder on which
outsiders seize or the protocol absorbs, and who bears what stays unpaid. A choice follows the name after a
colon: an efficiency mode of the accounts (`aave-v3.3:eth-correlated`), or the isolated market
(`morpho-blue:WETH-USDC`). Amounts keep at most 9 of 18 decimals, since balances are 64-bit; prices 1e-8 USD.
"""

from __future__ import annotations

import tomllib
from typing import Any

from seawall.errors import RulebookError
from seawall.rulebooks.find import page_of
from seawall.rulebooks.load_lending import LendingRulebook, parse_lending_rulebook
from seawall.rulebooks.model import Rulebook
from seawall.rulebooks.parse import read_rulebook

MOST_DECIMALS = 9
HOUSE = "house"
HOUSE_TEXT = "assumption: laid out by Seawall: 9 of 18 decimals, one price source of 1e-8 USD, no fees of the spot markets"
LEFT_OUT = (
    "18 decimals: amounts are 64-bit and keep 9 of them",
    "interest, unless the file has [interest] tables",
)
Data = dict[str, Any]


def is_lending(text: str) -> bool:
    """Whether a TOML page is a lending rulebook: it has a [market] and no [instruments]."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError):  # whoever reads it will say what is wrong
        return False
    return "market" in data and "instruments" not in data


def lay_out(text: str, *, file: str, choice: str = "") -> Rulebook:
    """A lending rulebook as the engine's; `choice` is a category or a market of it. Raises RulebookError."""
    rules = parse_lending_rulebook(text, file=file)
    data = tomllib.loads(text)
    terms = _Terms(rules, file, choice)
    title = f"{rules.title}, {choice}" if choice else rules.title
    names = terms.names
    page: Data = {
        "venue": {
            "name": f"{rules.name}:{choice}" if choice else rules.name,
            "title": title,
            "effective": rules.effective,
            "numeraire": data["venue"]["numeraire"],
            "source": data["venue"]["source"],
            "unsupported": [*rules.unsupported, *LEFT_OUT],
        },
        "sources": {**data["sources"], HOUSE: HOUSE_TEXT},
        "interest": data.get("interest") or _no_interest(terms.borrows),
        **_priced(names, data["venue"]["numeraire"], terms.decimals),
        "margin": _margin(terms, data["venue"]["numeraire"], data["market"]["source"]),
        "liquidation": _liquidation(rules, terms, data),
        "waterfall": {"source": data["market"]["source"], "remainder": "halt", "bad_debt": rules.bad_debt},
        "funds": {"source": HOUSE, "insurance": [], "backstop": []},
        "safeguards": {"source": HOUSE, "governance": {"approvals": 1, "timelock": "24 h"}},
    }
    return read_rulebook(page_of(page, file=file))


class _Terms:
    """What the accounts of one choice may hold, borrow and be judged by; rates as text with their sources."""

    def __init__(self, rules: LendingRulebook, file: str, choice: str) -> None:
        self.choice, self.sources = choice, {}
        if rules.markets:
            self._market(rules, file)
            return
        category = rules.categories.get(choice)
        if choice and category is None:
            _refuse(file, choice, "category", list(rules.categories))
        self.borrows = rules.borrows or tuple(rules.reserves)
        self.decimals = {name: one.reserve.decimals for name, one in rules.reserves.items()}
        self.ltv = {name: one.reserve.ltv_bps for name, one in rules.reserves.items()}
        self.threshold = {name: one.reserve.threshold_bps for name, one in rules.reserves.items()}
        if category is not None:
            inside = [name for name in rules.reserves if name in category.assets]
            self.ltv |= dict.fromkeys(inside, category.ltv_bps)
            self.threshold |= dict.fromkeys(inside, category.threshold_bps)
            if category.isolated:
                self.ltv |= {name: 0 for name in rules.reserves if name not in inside}
        self.names = list(rules.reserves)

    def _market(self, rules: LendingRulebook, file: str) -> None:
        one = rules.markets.get(self.choice)
        if one is None:
            _refuse(file, self.choice, "market", list(rules.markets))
        self.names, self.borrows = [one.collateral, one.debt], (one.debt,)
        self.decimals = {name: rules.decimals[name] for name in self.names}
        self.ltv = self.threshold = {one.collateral: one.threshold_bps, one.debt: 0}


def _refuse(file: str, choice: str, kind: str, known: list[str]) -> Any:
    if not known:
        raise RulebookError(f"{file}: it has no {kind} to choose\n  Leave out ':{choice}'.")
    what = (
        f"{choice!r} is no {kind} of it"
        if choice
        else f"it has several and none is chosen: one {kind} is meant"
    )
    raise RulebookError(
        f"{file}: {what}\n  Write it after the name: one of {', '.join(':' + n for n in known)}."
    )


def _priced(names: list[str], numeraire: str, decimals: dict[str, int]) -> Data:
    """Assets, and an instrument with an oracle for each that is priced."""
    spot = {
        f"{name}-SPOT": {
            "source": HOUSE, "kind": "spot", "base": name, "quote": numeraire, "settle": numeraire,
            "lot": f"0.000001 {name}", "tick": f"0.00000001 {numeraire}", "maker_fee": "0 bp", "taker_fee": "0 bp",
        }
        for name in names
    }  # fmt: skip
    oracle = {
        "source": HOUSE, "sources": ["oracle"], "quorum": 1, "max_age": "25 h", "outlier": "0 %", "max_step": "0 %",
        "step_window": "0 s", "max_confidence": "0 %", "mark": "index",
    }  # fmt: skip
    kept = {name: min(decimals[name], MOST_DECIMALS) for name in names}
    return {
        "assets": {"source": HOUSE, "decimals": {numeraire: 8, **kept}},
        "instruments": spot,
        "oracles": dict.fromkeys(spot, oracle),
    }


def _margin(terms: _Terms, numeraire: str, source: str) -> Data:
    weights = {
        kind: {name: {"source": source, "weight": _bps(rates[name])} for name in terms.names}
        | {numeraire: {"source": HOUSE, "weight": "100 %"}}
        for kind, rates in (("ltv", terms.ltv), ("threshold", terms.threshold))
    }
    return {
        "scope": "account",
        "source": source,
        "collateral": {numeraire: "itself"} | {name: f"{name}-SPOT" for name in terms.names},
        "weights": weights,
        "levels": {
            "initial": {"requirement": "none", "weights": "ltv"},
            "maintenance": {"requirement": "none", "weights": "threshold"},
        },
    }


def _liquidation(rules: LendingRulebook, terms: _Terms, data: Data) -> Data:
    source = data["market"]["source"]
    goods = [name for name in terms.names if terms.threshold[name]]
    seize: Data = {"source": source, "bonus": {"source": source} | dict.fromkeys(goods, "0 %")}
    if rules.kind == "pool":
        closing = {key: value for key, value in data.get("close", {}).items() if key != "source_of"}
        seize |= closing | {"fee": _bps(rules.fee_bps), "rounding": rules.rounding}
        seize["bonus"] |= {name: _bps(rules.reserves[name].bonus_bps - 10_000) for name in goods}
    elif rules.kind == "isolated":
        seize["incentive_threshold"] = _bps(terms.threshold[terms.names[0]])
    else:
        seize["most_discount"] = data["market"]["most_discount"]
    step = {"name": "liquidators", "action": "seize", "source": source, "seize": seize}
    return {
        "source": source,
        "trigger": "maintenance",
        "exit": "maintenance",
        "order": "account",
        "steps": [step],
    }


def _no_interest(names: tuple[str, ...]) -> Data:
    """Assets that may be borrowed, for nothing: what the file says of rates is all that is known of them."""
    return {name: {"source": HOUSE, "base": "0 %"} for name in names}


def _bps(rate: int) -> str:
    return f"{rate // 100}.{rate % 100:02d} %"
