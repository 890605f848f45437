"""Names of the columns in the rule and price tables that the margin kernels read.

All rules stand in one int64 table (a call with fifty arrays costs more than the margin of a pot): row 0
says where each section starts, the sections follow, every row padded to WIDTH. Tier rows are named by their
place in the whole table. Prices are a second table, a row per instrument. Units as in margin.rules; a flag
is 0 or 1.
"""

from __future__ import annotations

WIDTH = 16
# Row 0: sizes, scope, and the first row of each section.
HEADER = (
    "instruments",
    "assets",
    "settlement_scope",
    "numeraire",
    "levels",
    "schedules",
    "weights",
    "listing",
    "collateral",
    "tiers",
    "weight_tiers",
)
MARKET = ("mark", "index_price", "stable", "confidence", "usable", "oi_lots")
SCHEDULE = (
    "kind",
    "entry_basis",
    "base",
    "step_base",
    "step_size",
    "step_rate",
    "slope",
    "size_unit",
    "sqrt_scale",
    "oi_lower",
    "oi_upper",
    "use_leverage",
    "floor",
    "tier_start",  # of an option schedule: the row of its terms
    "tier_end",
    # Settlement asset + 1 if linear, rising tiers <= 1 at the price, no ramp, no chosen leverage; else 0.
    "plain",
)
TIER = ("floor", "rate", "deduction")
# Terms of an option schedule, of the right (call or put) that the instrument has; see margin.option_schedule.
OPTION = (
    "spot",
    "floor",
    "floor_of_strike",
    "mark",
    "strike_cap",
    "premium",
    "fee",
    "least_schedule",  # -1 = none
    "least",
    "long_mark",
    "long_spot",
    "paired",
)
LEVEL = (
    "schedule",
    "factor",
    "min_notional",
    "weights",
    "price",
    "losses_only",
    "orders",
    "close_fee",
    "confidence",
    "flat",
    "order_atoms",
    "min_total",
    "option_value",  # 0 = options count at their price, 1 = at nothing, 2 = long ones at their price
    "unpaired",  # -1 = each option by itself; else netted by payoff, unpaired calls at this rate
    "demand",  # -1 = the schedule; else a portfolio rule's requirement, this far behind the pot's balances
    "plain",  # nothing but factor, floor on notional, fee at the mark and fixed charges
)
WEIGHT = ("tier_start", "tier_end", "liability", "cap", "sqrt", "sqrt_top", "cap_value", "whole")
WEIGHT_TIER = ("floor", "rate")
INSTRUMENT = (
    "inverse",
    "value_num",
    "settle",
    "taker_fee",
    "option",  # 0 = none, 1 = call, 2 = put
    "underlying",
    "strike",  # ticks of the underlying
    "unit_num",  # atoms of settle per lot and tick of the underlying (in coin: per lot) = num / den
    "unit_den",
    "in_coin",
    "fee_cap",  # of an option's price
    "node",  # options of one underlying, expiry and settlement asset, whose payoffs net; -1 = none
)
ASSET = ("instrument", "num", "den", "atoms_per_unit")

(
    HDR_INSTRUMENTS,
    HDR_ASSETS,
    HDR_SETTLEMENT_SCOPE,
    HDR_NUMERAIRE,
    HDR_LEVELS,
    HDR_SCHEDULES,
    HDR_WEIGHTS,
    HDR_LISTING,
    HDR_COLLATERAL,
    HDR_TIERS,
    HDR_WEIGHT_TIERS,
) = range(len(HEADER))
MKT_MARK, MKT_INDEX, MKT_STABLE, MKT_CONFIDENCE, MKT_USABLE, MKT_OI = range(len(MARKET))
(
    SCH_KIND,
    SCH_ENTRY_BASIS,
    SCH_BASE,
    SCH_STEP_BASE,
    SCH_STEP_SIZE,
    SCH_STEP_RATE,
    SCH_SLOPE,
    SCH_SIZE_UNIT,
    SCH_SQRT_SCALE,
    SCH_OI_LOWER,
    SCH_OI_UPPER,
    SCH_USE_LEVERAGE,
    SCH_FLOOR,
    SCH_TIER_START,
    SCH_TIER_END,
    SCH_PLAIN,
) = range(len(SCHEDULE))
TIER_FLOOR, TIER_RATE, TIER_DEDUCTION = range(len(TIER))
(
    OPT_SPOT,
    OPT_FLOOR,
    OPT_FLOOR_OF_STRIKE,
    OPT_MARK,
    OPT_STRIKE_CAP,
    OPT_PREMIUM,
    OPT_FEE,
    OPT_LEAST_SCHEDULE,
    OPT_LEAST,
    OPT_LONG_MARK,
    OPT_LONG_SPOT,
    OPT_PAIRED,
) = range(len(OPTION))
(
    LVL_SCHEDULE,
    LVL_FACTOR,
    LVL_MIN_NOTIONAL,
    LVL_WEIGHTS,
    LVL_PRICE,
    LVL_LOSSES_ONLY,
    LVL_ORDERS,
    LVL_CLOSE_FEE,
    LVL_CONFIDENCE,
    LVL_FLAT,
    LVL_ORDER_ATOMS,
    LVL_MIN_TOTAL,
    LVL_OPTION_VALUE,
    LVL_UNPAIRED,
    LVL_DEMAND,
    LVL_PLAIN,
) = range(len(LEVEL))
(
    WGT_TIER_START,
    WGT_TIER_END,
    WGT_LIABILITY,
    WGT_CAP,
    WGT_SQRT,
    WGT_SQRT_TOP,
    WGT_CAP_VALUE,
    WGT_WHOLE,
) = range(len(WEIGHT))
WGT_FLOOR, WGT_RATE = range(len(WEIGHT_TIER))
(
    INS_INVERSE,
    INS_VALUE_NUM,
    INS_SETTLE,
    INS_TAKER_FEE,
    INS_OPTION,
    INS_UNDERLYING,
    INS_STRIKE,
    INS_UNIT_NUM,
    INS_UNIT_DEN,
    INS_IN_COIN,
    INS_FEE_CAP,
    INS_NODE,
) = range(len(INSTRUMENT))
AST_INSTRUMENT, AST_NUM, AST_DEN, AST_ATOMS_PER_UNIT = range(len(ASSET))
UNKNOWN_DEMAND = -1  # a portfolio rule cannot say what it asks: a price or a volatility is missing
