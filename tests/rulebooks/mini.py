"""A small sound rulebook as text, and the same with one thing changed. Tests say what they change."""

from __future__ import annotations

from seawall.rulebooks.check import check_rulebook
from seawall.rulebooks.model import Rulebook
from seawall.rulebooks.parse import parse_rulebook

MINI = """
[venue]
name = "mini"
title = "Mini"
effective = "2026-01-01"
numeraire = "USDC"
source = "doc"

[sources]
doc = "a document"

[assets]
source = "doc"
decimals = { USDC = 6, BTC = 8 }

[instruments.BTC-PERP]
source = "doc"
kind = "linear_perpetual"
base = "BTC"
quote = "USDC"
settle = "USDC"
lot = "0.001 BTC"
tick = "0.1 USDC"
maker_fee = "0 bp"
taker_fee = "5 bp"
max_size = "10_000 BTC"

[instruments.BTC-SPOT]
source = "doc"
kind = "spot"
base = "BTC"
quote = "USDC"
settle = "USDC"
lot = "0.0001 BTC"
tick = "0.1 USDC"
maker_fee = "0 bp"
taker_fee = "5 bp"

[oracles.BTC-PERP]
source = "doc"
sources = ["alpha", "beta", "gamma"]
quorum = 2
max_age = "30 s"
outlier = "2 %"
max_step = "10 %"
step_window = "30 s"
max_confidence = "1 %"
mark = "basis_ema"
ema_tau = "150 s"
mark_clamp = "3 %"
tolerates = { value = ["wide"] }

[oracles.BTC-SPOT]
like = "BTC-PERP"

[margin]
scope = "account"
source = "doc"

[margin.collateral]
USDC = "itself"
BTC = "BTC-SPOT"

[margin.weights.all.USDC]
weight = "100 %"

[margin.weights.all.BTC]
tiers = [{ from = "0 BTC", weight = "95 %" }, { from = "10 BTC", weight = "90 %" }]
liability = "105 %"
cap = "1_000 BTC"

[margin.instruments.BTC-PERP.initial]
tiers = [
    { from = "0 USDC", rate = "2 %" },
    { from = "1_000_000 USDC", rate = "4 %" },
]
use_leverage = true
max_leverage = 50

[margin.instruments.BTC-PERP.maintenance]
tiers = [
    { from = "0 USDC", rate = "1 %" },
    { from = "1_000_000 USDC", rate = "2 %" },
]

[margin.levels.initial]
requirement = "initial"
weights = "all"
orders = true

[margin.levels.maintenance]
requirement = "maintenance"
weights = "all"

[margin.levels.restore]
requirement = "1.2 x maintenance"
weights = "all"

[margin.levels.backstop]
requirement = "2/3 x maintenance"
weights = "all"

[liquidation]
source = "doc"
trigger = "maintenance"
exit = "restore"
backstop_level = "maintenance"

[liquidation.margin_call]
level = "restore"
cure_level = "restore"
grace = "5 min"

[[liquidation.steps]]
name = "cancel"
action = "cancel_orders"

[[liquidation.steps]]
name = "ease"
action = "reduce"
size = "fraction"
fraction = "20 %"
only_above = "100_000 USDC"
price = "mark"
offset = "1 %"
cooldown = "10 s"
max_attempts = 3
leave_below = "backstop"
fees = { fee = "0.5 %", insurance = "60 %", backstop = "10 %", venue = "30 %" }

[[liquidation.steps]]
name = "vault"
action = "takeover"

[waterfall]
source = "doc"

[[waterfall.tiers]]
kind = "insurance"
fund = "insurance"

[[waterfall.tiers]]
kind = "adl"
ranker = "pnl"

[[waterfall.tiers]]
kind = "socialise"
method = "positive_equity"

[funds]
source = "doc"
insurance = ["1_000 USDC"]
backstop = ["1_000 USDC"]

[safeguards]
source = "doc"

[safeguards.governance]
approvals = 2
timelock = "24 h"

[[safeguards.breakers]]
name = "fast"
when = "mark_move"
threshold = "10 %"
window = "5 min"
forbids = ["open"]
for = "5 min"

[funding.BTC-PERP]
source = "doc"
interval = "8 h"
payment = "1 h"
interest = "1 bp"
clamp = "5 bp"
cap = "4 %"
"""


def changed(*changes: tuple[str, str]) -> str:
    """MINI with each `old` (which must be there, and only once) replaced by `new`."""
    text = MINI
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
        text = text.replace(old, new)
    return text


def read(text: str) -> Rulebook:
    """Parse and check, as load_rulebook does with a file called mini.toml."""
    rulebook = parse_rulebook(text, file="mini.toml")
    check_rulebook(rulebook, file="mini.toml")
    return rulebook
