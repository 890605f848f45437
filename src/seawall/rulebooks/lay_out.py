"""Lending rulebooks laid out for the engine: one file, read by the contracts' integers and by the engine's.

A lending file states reserves, categories, markets and how a debt may be closed. Here they become the tables
any rulebook has: spot instruments that price the reserves, weights `ltv` and `threshold`, a ladder on which
outsiders seize or the protocol absorbs, and who bears what stays unpaid. A choice follows the name after a
colon: an efficiency mode of the accounts (`aave-v3.3:eth-correlated`), or the isolated market
(`morpho-blue:WETH-USDC`). `[oracles.ASSET]` and `[interest.ASSET]` are as in any rulebook. Amounts keep at
most 9 of 18 decimals, since balances are 64-bit; prices have up to 8 decimals of the numeraire.
"""

from __future__ import annotations

import tomllib
from typing import Any, NamedTuple

from seawall.errors import RulebookError
from seawall.margin.collateral_debt import BPS, WAD
from seawall.rulebooks.find import page_of
from seawall.rulebooks.load_lending import (
    BASE_DECIMALS,
    LendingRulebook,
    parse_lending_rulebook,
    read_lending_rulebook,
)
from seawall.rulebooks.model import Rulebook
from seawall.rulebooks.parse import read_rulebook
from seawall.units import PPB

MOST_DECIMALS = 9
HOUSE = "house"
HOUSE_TEXT = "assumption: laid out by Seawall: 9 of 18 decimals, one price source, spot markets without fees"
DECIMALS_CUT = "18 decimals: amounts are 64-bit and keep 9 of them"
NO_INTEREST = "interest: the file has no [interest] tables"
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
    return _laid_out(rules, tomllib.loads(text), file, choice)


def lay_out_page(data: Data, *, file: str, choice: str = "") -> Rulebook:
    """The same from what TOML holds."""
    return _laid_out(read_lending_rulebook(page_of(data, file=file)), data, file, choice)


def _laid_out(rules: LendingRulebook, data: Data, file: str, choice: str) -> Rulebook:
    terms = _terms_of(rules, file, choice)
    venue, source = data["venue"], data["market"]["source"]
    page: Data = {
        "venue": {
            "name": f"{rules.name}:{choice}" if choice else rules.name,
            "title": f"{rules.title}, {choice}" if choice else rules.title,
            "effective": rules.effective,
            "numeraire": venue["numeraire"],
            "source": venue["source"],
            "unsupported": [
                *rules.unsupported,
                DECIMALS_CUT,
                *([] if data.get("interest") else [NO_INTEREST]),
            ],
        },
        "sources": {**data["sources"], HOUSE: HOUSE_TEXT},
        "interest": _interest(terms.borrows, data.get("interest", {})),
        **_priced(terms.decimals, venue["numeraire"], data.get("oracles", {})),
        "margin": _margin(terms, venue["numeraire"], source),
        "liquidation": _liquidation(rules, terms, data),
        "waterfall": {"source": source, "remainder": "halt", "bad_debt": rules.bad_debt},
        "funds": {"source": HOUSE, "insurance": [], "backstop": []},
        "safeguards": {"source": HOUSE, "governance": {"approvals": 1, "timelock": "24 h"}},
    }
    return read_rulebook(page_of(page, file=file))


class _Terms(NamedTuple):
    """What the accounts of one choice may hold, borrow and be judged by; rates 1e-4."""

    decimals: dict[str, int]  # of all assets
    borrows: tuple[str, ...]
    ltv: dict[str, int]
    threshold: dict[str, int]
    bonus: dict[str, int]  # of the whole: 10_500

    @property
    def goods(self) -> list[str]:
        """Assets that stand behind debts."""
        return [name for name in self.decimals if self.threshold[name]]


def _terms_of(rules: LendingRulebook, file: str, choice: str) -> _Terms:
    if rules.markets:
        market = rules.markets.get(choice)
        if market is None:
            raise _no_choice(file, choice, "market", list(rules.markets))
        lent = {market.collateral: market.threshold_bps, market.debt: 0}
        return _Terms({name: rules.decimals[name] for name in lent}, (market.debt,), lent, lent, {})
    category = rules.categories.get(choice)
    if choice and category is None:
        raise _no_choice(file, choice, "category", list(rules.categories))
    reserves = {name: one.reserve for name, one in rules.reserves.items()}
    ltv = {name: one.ltv_bps for name, one in reserves.items()}
    threshold = {name: one.threshold_bps for name, one in reserves.items()}
    bonus = {name: one.bonus_bps for name, one in rules.reserves.items()}
    if category is not None:
        outside = [name for name in reserves if name not in category.assets]
        ltv |= dict.fromkeys(category.assets, category.ltv_bps)
        ltv |= dict.fromkeys(outside, 0) if category.isolated else {}
        threshold |= dict.fromkeys(category.assets, category.threshold_bps)
        if choice in rules.category_bonus_bps:
            bonus |= dict.fromkeys(category.assets, rules.category_bonus_bps[choice])
    decimals = {name: one.decimals for name, one in reserves.items()}
    return _Terms(decimals, rules.borrows or tuple(reserves), ltv, threshold, bonus)


def _no_choice(file: str, choice: str, kind: str, known: list[str]) -> RulebookError:
    if not known:
        return RulebookError(f"{file}: it has no {kind} to choose\n  Leave out ':{choice}'.")
    what = f"{choice!r} is no {kind} of it" if choice else f"it has several of which one {kind} is meant"
    names = ", ".join(f":{name}" for name in known)
    return RulebookError(f"{file}: {what}\n  Write it after the name: one of {names}.")


def _priced(decimals: dict[str, int], numeraire: str, oracles: Data) -> Data:
    """Assets, and an instrument with an oracle for each that is priced: the file's, or one neutral source."""
    terms = {"source": HOUSE, "kind": "spot", "quote": numeraire, "settle": numeraire}
    places = min(decimals.get(numeraire, BASE_DECIMALS), BASE_DECIMALS)
    step = f"0.{'1'.rjust(places, '0')}" if places else "1"
    terms |= {"tick": f"{step} {numeraire}", "maker_fee": "0 bp", "taker_fee": "0 bp"}
    priced = [name for name in decimals if name != numeraire]
    spot = {f"{name}-SPOT": {**terms, "base": name, "lot": f"1 {name}"} for name in priced}
    oracle: Data = {"source": HOUSE, "sources": ["oracle"], "quorum": 1, "max_age": "25 h", "mark": "index"}
    oracle |= {"step_window": "0 s"} | dict.fromkeys(("outlier", "max_step", "max_confidence"), "0 %")
    kept = {name: min(places, MOST_DECIMALS) for name, places in decimals.items()}
    return {
        "assets": {"source": HOUSE, "decimals": {**kept, numeraire: places}},
        "instruments": spot,
        "oracles": {f"{name}-SPOT": {**oracle, **oracles.get(name, {})} for name in priced},
    }


def _margin(terms: _Terms, numeraire: str, source: str) -> Data:
    weights = {
        kind: {numeraire: {"source": HOUSE, "weight": "0 %"}}
        | {name: {"source": source, "weight": _bps(rate)} for name, rate in rates.items()}
        for kind, rates in (("ltv", terms.ltv), ("threshold", terms.threshold))
    }
    return {
        "scope": "account",
        "source": source,
        "collateral": {name: f"{name}-SPOT" for name in terms.decimals} | {numeraire: "itself"},
        "weights": weights,
        "levels": {
            "initial": {"requirement": "none", "weights": "ltv"},
            "maintenance": {"requirement": "none", "weights": "threshold"},
        },
    }


def _liquidation(rules: LendingRulebook, terms: _Terms, data: Data) -> Data:
    source = data["market"]["source"]
    if rules.kind == "absorbing":
        step = {"name": "absorption", "action": "absorb", "absorb": _absorb(rules, terms, source)}
    else:
        step = {"name": "liquidators", "action": "seize", "seize": _seize(rules, terms, data, source)}
    ladder = {"trigger": "maintenance", "exit": "maintenance", "order": "account"}
    return {"source": source, **ladder, "steps": [{**step, "source": source}]}


def _absorb(rules: LendingRulebook, terms: _Terms, source: str) -> Data:
    credit = {name: _wad(rules.reserves[name].liquidation_factor) for name in terms.goods}
    return {
        "source": source,
        "base": terms.borrows[0],
        "front_factor": _wad(rules.front_factor),
        "credit": {"source": source, **credit},
    }


def _seize(rules: LendingRulebook, terms: _Terms, data: Data, source: str) -> Data:
    bonus = dict.fromkeys(terms.goods, "0 %")
    if rules.kind == "isolated":
        more: Data = {"incentive_threshold": _bps(terms.threshold[terms.goods[0]])}
    elif rules.kind == "discount":
        more = {"most_discount": data["market"]["most_discount"]}
    else:
        more = {key: value for key, value in data.get("close", {}).items() if key != "source_of"}
        more |= {"fee": _bps(rules.fee_bps), "rounding": rules.rounding}
        bonus = {name: _bps(terms.bonus[name] - BPS) for name in terms.goods}
    return {"source": source, "bonus": {"source": source, **bonus}, **more}


def _interest(borrows: tuple[str, ...], given: Data) -> Data:
    """What may be borrowed: at the file's rates, or for nothing where it has none."""
    free = {name: {"source": HOUSE, "base": "0 %"} for name in borrows}
    return free | {name: rates for name, rates in given.items() if name in borrows}


def _bps(rate: int) -> str:
    return f"{rate // 100}.{rate % 100:02d} %"


def _wad(rate: int) -> str:
    percent, rest = divmod(rate // (WAD // PPB), PPB // 100)
    return f"{percent}.{rest:07d} %"
