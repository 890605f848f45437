"""Names of the columns in the rule tables that the margin kernels read.

Rules are a handful of int64 tables instead of fifty arrays: a kernel that takes fifty arrays takes
a minute to compile. Units are those of margin.rules; a flag is 0 or 1.
"""

from __future__ import annotations

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
    "tier_start",
    "tier_end",
)
TIER = ("floor", "rate", "deduction")
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
)
WEIGHT = ("tier_start", "tier_end", "liability", "cap", "sqrt", "sqrt_top", "cap_value")
WEIGHT_TIER = ("floor", "rate")
INSTRUMENT = ("inverse", "value_num", "settle", "taker_fee")
ASSET = ("instrument", "num", "den", "atoms_per_unit")

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
) = range(len(SCHEDULE))
TIER_FLOOR, TIER_RATE, TIER_DEDUCTION = range(len(TIER))
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
) = range(len(LEVEL))
(
    WGT_TIER_START,
    WGT_TIER_END,
    WGT_LIABILITY,
    WGT_CAP,
    WGT_SQRT,
    WGT_SQRT_TOP,
    WGT_CAP_VALUE,
) = range(len(WEIGHT))
WGT_FLOOR, WGT_RATE = range(len(WEIGHT_TIER))
INS_INVERSE, INS_VALUE_NUM, INS_SETTLE, INS_TAKER_FEE = range(len(INSTRUMENT))
AST_INSTRUMENT, AST_NUM, AST_DEN, AST_ATOMS_PER_UNIT = range(len(ASSET))
