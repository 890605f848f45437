"""Derive PM2 as its formulas stand in the venue's rules, in plain floats: slow, nothing of the product.

Only `math` is used. A case is a dict: cash, spot, stable, perps, options, feeds, collaterals, scenarios, and
the parameters by the names below. Returns requirement parts and margins in quote units.
"""

from __future__ import annotations

import math
from typing import Any

YEAR = 365.0


def black(forward: float, strike: float, years: float, vol: float, call: bool) -> float:
    """Black (1976), undiscounted; the in-the-money side by parity."""
    deviation = vol * math.sqrt(years)
    x = math.log(forward / strike)
    d1, d2 = x / deviation + deviation / 2, x / deviation - deviation / 2
    otm_call = forward <= strike
    sign = 1 if otm_call else -1
    otm = sign * (forward * phi(sign * d1) - strike * phi(sign * d2))
    if call == otm_call:
        return otm
    return otm + abs(forward - strike)


def phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def shocked_vol(vol: float, years: float, move: str, p: dict[str, Any]) -> float:
    days = years * YEAR
    power = p["short_power"] if days <= 30 else p["long_power"]
    factor = (30 / max(days, p["floor_days"])) ** power
    if move == "up":
        return max(vol * (1 + p["vol_up"] * factor), p["vol_floor"])
    return vol * max(0.0, 1 - p["vol_down"] * factor) if move == "down" else vol


def skewed_vol(
    vol: float, forward: float, strike: float, years: float, kind: str, p: dict[str, Any]
) -> float:
    root = math.sqrt(years)
    k = math.log(strike / forward)
    k, which = (k, "linear") if kind == "skew_linear" else (abs(k), "absolute")
    cap = p[f"{which}_base"] + p[f"{which}_slope"] * root
    width = max(p["least_width"], root * p["width"] * (p["static"] + p["scale"] * root))
    return vol * (1 + min(max(k * cap / width, -cap), cap))


def pm2(case: dict[str, Any], p: dict[str, Any]) -> dict[str, float]:
    """Worst loss, contingencies, and both margins."""
    feeds = case["feeds"]
    by_expiry: dict[str, list[dict[str, Any]]] = {}
    for option in case["options"]:
        by_expiry.setdefault(option["expiry"], []).append(option)

    def value(expiry: str, spot: float, basis: float, move: str) -> float:
        feed, total = feeds[expiry], 0.0
        years = feed["years"]
        df = math.exp(-max(feed["rate"], 0.0) * years)
        for option in by_expiry[expiry]:
            forward = (feed["forward"] * spot + feed["fixed"]) * basis
            vol = option["vol"]
            if move.startswith("skew"):
                vol = skewed_vol(vol, feed["forward"] + feed["fixed"], option["strike"], years, move, p)
            else:
                vol = shocked_vol(vol, years, move, p)
            total += option["size"] * df * black(forward, option["strike"], years, vol, option["call"])
        return total

    now = {expiry: value(expiry, 1.0, 1.0, "same") for expiry in by_expiry}
    worth = {c["name"]: c["size"] * c["price"] / case["stable"] for c in case["collaterals"]}
    losses = [_scenario(case, p, by_expiry, value, now, worth, *scenario) for scenario in case["scenarios"]]
    basis = 0.0
    for expiry in by_expiry:
        moves = [value(expiry, 1.0, p[way], "same") - now[expiry] for way in ("basis_up", "basis_down")]
        basis += min(*moves, 0.0) * (p["basis_add"] + p["basis_mult"] * feeds[expiry]["years"])
    worst = min(basis, *losses)
    mm, im_extra = _contingencies(case, p, worth)
    held = sum(now.values()) + sum(worth.values()) + case["cash"] + case["upnl"]
    peg = p["peg_slope"] * max(p["peg_below"] - case["stable"], 0.0)
    return {
        "worst": worst,
        "basis": basis,
        "MM": held + worst * p["mm_factor"] - mm,
        "IM": held + worst * (p["im_factor"] + peg) - mm - im_extra,
        "options": sum(now.values()),
    }


def _scenario(case, p, by_expiry, value, now, worth, move, vol, damping) -> float:
    total = 0.0
    for expiry in by_expiry:
        feed = case["feeds"][expiry]
        years, rate = feed["years"], max(feed["rate"], 0.0)
        long = p["long_base"] * math.exp(-years * (rate * p["long_rate"] + p["long_add"]))
        short = p["short_base"] * math.exp(years * (rate * p["short_rate"] + p["short_add"]))
        short = min(math.exp(rate * years), short)
        shocked = value(expiry, 1.0 + move, 1.0, vol)
        result = shocked * (long if shocked >= 0 else short) - now[expiry]
        total += -abs(result) if vol.startswith("skew") else result
    total += case["perps"] * case["perp_price"] * move
    total += sum(worth[c["name"]] * move for c in case["collaterals"] if c["shocked"])
    return total * damping


def _contingencies(case, p, worth) -> tuple[float, float]:
    strikes: dict[tuple[str, float], list[float]] = {}
    for option in case["options"]:
        strikes.setdefault((option["expiry"], option["strike"]), [0.0, 0.0])[0 if option["call"] else 1] += (
            option["size"]
        )
    naked = sum(max(-c - max(q, 0), 0) + max(-q - max(c, 0), 0) for c, q in strikes.values())
    spot = case["spot"]
    mm = abs(case["perps"]) * spot * p["perp_mm"] + naked * spot * p["option_mm"]
    im = abs(case["perps"]) * spot * p["perp_im"] + naked * spot * p["option_im"]
    for c in case["collaterals"]:
        mm += worth[c["name"]] * c["mm"]
        im += worth[c["name"]] * c["im"]
        if c["confidence"] < p["conf_below"]:
            im += worth[c["name"]] * (1 - c["confidence"]) * c["conf_factor"]
    for option in case["options"]:
        confidence = min(case["feeds"][option["expiry"]]["confidence"], case["spot_confidence"])
        if confidence < p["conf_below"]:
            im += abs(option["size"]) * spot * (1 - confidence) * p["conf_factor"]
    perp_confidence = min(case["perp_confidence"], case["spot_confidence"])
    if perp_confidence < p["conf_below"]:
        im += abs(case["perps"]) * spot * (1 - perp_confidence) * p["conf_factor"]
    return mm, im
