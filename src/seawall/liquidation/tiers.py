"""The loss waterfall of a rulebook as data: which source pays a deficit, in what order, by what rule.

A waterfall is a sequence of tiers. Each tier is one of three structs, told apart by the TOML key `kind`:
`insurance` (a named fund pays), `adl` (winners are closed), `socialise` (a loss index moves).
    msgspec.convert(table, type=list[WaterfallTier])
reads them, refuses unknown keys, and reports a bad value with its path in the file.
Units: `_atoms` of the settlement asset, `_ppb` parts per billion. These structs hold no rule: who pays what
is computed by `waterfall.draw`, `adl` and `socialise`, which read them.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from seawall.units import PPB

AmountRule = Literal["up_to", "all_or_nothing", "capped"]
RankerName = Literal[
    "binance",
    "bitmex",
    "hyperliquid",
    "hyperliquid_decompiled",
    "pnl",
    "leverage",
    "pro_rata",
    "unranked",
]
AdlPrice = Literal["bankruptcy", "mark", "previous_mark"]
RankDirection = Literal["literal", "inverted"]
SocialiseMethod = Literal["open_interest", "positive_equity", "withdrawal_haircut"]
SocialiseSides = Literal["both", "winning"]


class InsuranceTier(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="insurance"
):
    """A fund pays. `up_to`: as much as it has. `all_or_nothing`: the whole deficit or nothing (dYdX v4).

    `capped`: up to the smallest of the caps that are set: `cap_atoms` per deficit, `cap_ppb` of what the fund
    holds, and, with `cap_room`, the room the caller measured (what is left of a market's or a block's quota
    on the fund: Drift v2 `max_insurance`, dYdX per-block loss limit). At least one cap must be set; caps may
    also be set for `all_or_nothing`, which then pays nothing if the deficit is above one.
    `keep_atoms` stay in the fund whatever happens (Drift: vault - 1).
    Preconditions: the deficit is at least `min_deficit_atoms` and the fund holds at least `min_fund_atoms`.
    """

    kind: ClassVar[Literal["insurance"]] = "insurance"

    fund: str
    rule: AmountRule = "up_to"
    cap_atoms: int | None = None
    cap_ppb: int | None = None
    cap_room: bool = False
    keep_atoms: int = 0
    min_deficit_atoms: int = 0
    min_fund_atoms: int = 0

    def __post_init__(self) -> None:
        if not self.fund:
            raise ValueError("insurance tier: 'fund' is empty; name the fund that pays")
        for name in ("cap_atoms", "cap_ppb", "keep_atoms", "min_deficit_atoms", "min_fund_atoms"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"insurance tier '{self.fund}': {name} = {value}; give a number >= 0")
        if self.cap_ppb is not None and self.cap_ppb > PPB:
            raise ValueError(
                f"insurance tier '{self.fund}': cap_ppb = {self.cap_ppb} is more than the whole fund"
            )
        has_cap = self.cap_atoms is not None or self.cap_ppb is not None or self.cap_room
        if self.rule == "capped" and not has_cap:
            raise ValueError(
                f"insurance tier '{self.fund}': rule 'capped' needs cap_atoms, cap_ppb or cap_room = true"
            )
        if self.rule == "up_to" and has_cap:
            raise ValueError(f"insurance tier '{self.fund}': a cap is set but rule is 'up_to', not 'capped'")


class DrawdownTrigger(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """ADL starts when a pool's profit has fallen too far from its 8 h peak (Bybit v5 `adlAlert`).

    Starts at a PnL ratio below `-start_drop_ppb` while the balance exceeds `min_balance_atoms`; stops above
    `-stop_drop_ppb`. `inclusive` also starts at equality: Bybit's rule says `<`, its example 2 starts at `=`.
    """

    start_drop_ppb: int
    stop_drop_ppb: int
    min_balance_atoms: int = 0
    inclusive: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.stop_drop_ppb <= self.start_drop_ppb:
            raise ValueError(
                f"drawdown trigger: need 0 <= stop_drop_ppb <= start_drop_ppb, got stop {self.stop_drop_ppb} "
                f"and start {self.start_drop_ppb}"
            )


class AdlTier(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="adl"
):
    """Positions opposite to the bankrupt one are closed, in the order `ranker` gives, at `price`.

    `direction` is read by ranker `hyperliquid` only: `literal` takes the documented mark/entry for both sides
    (which puts losing shorts first), `inverted` takes entry/mark for shorts.
    `seed_from` is required by ranker `unranked` and refused elsewhere: where its start comes from.
    `drawdown`: an extra trigger on the pool, beside "the tiers above left a deficit".
    """

    kind: ClassVar[Literal["adl"]] = "adl"

    ranker: RankerName
    price: AdlPrice = "bankruptcy"
    direction: RankDirection = "literal"
    seed_from: Literal["sequence"] | None = None
    min_deficit_atoms: int = 0
    drawdown: DrawdownTrigger | None = None

    def __post_init__(self) -> None:
        if self.min_deficit_atoms < 0:
            raise ValueError(f"adl tier: min_deficit_atoms = {self.min_deficit_atoms}; give a number >= 0")
        if (self.ranker == "unranked") != (self.seed_from is not None):
            raise ValueError(
                f"adl tier: ranker '{self.ranker}' with seed_from {self.seed_from!r}; "
                "ranker 'unranked' needs seed_from = \"sequence\", every other ranker takes none"
            )
        if self.direction == "inverted" and self.ranker != "hyperliquid":
            raise ValueError(f"adl tier: direction 'inverted' has no meaning for ranker '{self.ranker}'")


class SocialiseTier(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="socialise"
):
    """What is left is shared: per unit of open interest, over positive equity, or as a withdrawal haircut.

    `sides` is read by `open_interest` only: `both` sides pay (Drift v2, Mango v4) or the `winning` one alone.
    """

    kind: ClassVar[Literal["socialise"]] = "socialise"

    method: SocialiseMethod
    sides: SocialiseSides = "both"
    min_deficit_atoms: int = 0

    def __post_init__(self) -> None:
        if self.min_deficit_atoms < 0:
            raise ValueError(
                f"socialise tier: min_deficit_atoms = {self.min_deficit_atoms}; give a number >= 0"
            )
        if self.sides == "winning" and self.method != "open_interest":
            raise ValueError(f"socialise tier: sides = 'winning' has no meaning for method '{self.method}'")


WaterfallTier = InsuranceTier | AdlTier | SocialiseTier
