"""The [oracles], [liquidation], [waterfall] and [safeguards] parts of a rulebook file.

Rates ppb, times ns, amounts atoms of the numeraire. Fee shares must be exact; other rates round up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

import msgspec

from seawall.instruments.model import Asset
from seawall.liquidation.auction import AuctionTerms
from seawall.liquidation.rules import FeeSplit, LiquidationRules, MarginCall, Step
from seawall.liquidation.tiers import (
    AdlPrice,
    AdlTier,
    AmountRule,
    DrawdownTrigger,
    InsuranceTier,
    RankDirection,
    RankerName,
    SocialiseMethod,
    SocialiseSides,
    SocialiseTier,
    WaterfallTier,
)
from seawall.margin.fractions import PPM
from seawall.market.policy import Action, Condition, MarkRule, OraclePolicy
from seawall.rulebooks.parse_loans import BadDebt, read_absorb, read_seize
from seawall.rulebooks.reader import Table
from seawall.safeguards.rules import Breaker, Forbidden, Governance, SafeguardRules
from seawall.units import PPB

_CONDITIONS = {condition.name.lower(): condition for condition in Condition if condition.name}
_SELECTORS = ("largest_requirement", "largest_loss", "largest_notional", "first", "toward_delta_neutral")
_PRICES: tuple[Literal["bankruptcy", "shared_bankruptcy", "fillable", "mark", "none"], ...] = (
    "bankruptcy", "shared_bankruptcy", "fillable", "mark", "none",
)  # fmt: skip
_ACTIONS = [action.name.lower() for action in Action]


def read_oracle(table: Table) -> OraclePolicy:
    tolerates = table.table("tolerates", optional=True)
    value, liquidate, opening, withdraw, settle = (_read_conditions(tolerates, action) for action in _ACTIONS)
    tolerates.done()
    policy = OraclePolicy(
        sources=table.texts("sources"),
        quorum=table.count("quorum", 1),
        max_age_ns=table.duration("max_age"),
        outlier_ppb=table.rate("outlier"),
        max_step_ppb=table.rate("max_step"),
        step_window_ns=table.duration("step_window"),
        max_confidence_ppb=table.rate("max_confidence"),
        mark=table.choice("mark", get_args(MarkRule), "index"),
        mark_source=table.text("mark_source", ""),
        ema_tau_ns=table.duration("ema_tau", 0),
        mark_clamp_ppb=table.rate("mark_clamp", 0),
        stable_tau_ns=table.duration("stable_tau", 0),
        tolerated=(value, liquidate, opening, withdraw, settle),
    )
    table.done()
    return policy


def _read_conditions(table: Table, action: str) -> int:
    """`liquidate = ["wide"]`: the conditions an action may live with, as bits."""
    bits = 0
    for word in table.texts(action, []):
        if word not in _CONDITIONS or word == "missing":
            table.refuse(
                action,
                f"holds {word!r}, which no action can tolerate",
                f"Choose from {', '.join(name for name in _CONDITIONS if name != 'missing')}.",
            )
        bits |= _CONDITIONS[word]
    return int(bits)


def read_liquidation(table: Table, numeraire: Asset, assets: Mapping[str, Asset]) -> LiquidationRules:
    call = table.table("margin_call", optional=True)
    rules = LiquidationRules(
        trigger=table.text("trigger"),
        exit=table.text("exit"),
        steps=tuple(_read_step(row, numeraire, assets) for row in table.tables("steps")),
        margin_call=_read_margin_call(call) if table.has("margin_call") else None,
        order=table.choice("order", ("account", "largest_deficit"), "account"),
        backstop_level=table.text("backstop_level", ""),
        unwind_fraction_ppb=table.rate("unwind_fraction", 0, rounding="down"),
        unwind_every_ns=table.duration("unwind_every", 0),
    )
    table.done()
    return rules


def _read_margin_call(table: Table) -> MarginCall:
    call = MarginCall(
        level=table.text("level"),
        cure_level=table.text("cure_level"),
        grace_ns=table.duration("grace"),
        on_deadline=table.choice("on_deadline", ("none", "liquidate"), "none"),
    )
    table.done()
    return call


def _read_step(table: Table, numeraire: Asset, assets: Mapping[str, Asset]) -> Step:
    fees, auction = table.table("fees", optional=True), table.table("auction", optional=True)
    step = Step(
        name=table.text("name"),
        action=table.choice("action", ("cancel_orders", "reduce", "takeover", "auction", "seize", "absorb")),
        select=table.choice("select", _SELECTORS, "largest_requirement"),
        size=table.choice("size", ("restore", "fraction", "step_down", "all"), "all"),
        fraction_ppb=table.rate("fraction", PPB),
        only_above_atoms=table.amount("only_above", numeraire, 0),
        min_close_atoms=table.amount("min_close", numeraire, 0),
        max_order_atoms=table.amount("max_order", numeraire, 0),
        price=table.choice("price", _PRICES, "none"),
        offset_ppb=table.rate("offset", 0),
        spread_ppm=table.rate("spread", 0) // (PPB // PPM),
        adjustment_ppm=table.rate("adjustment", PPB) // (PPB // PPM),
        takeover_price=table.choice("takeover_price", ("mark", "bankruptcy", "collateral"), "collateral"),
        cooldown_ns=table.duration("cooldown", 0),
        max_attempts=table.count("max_attempts", 0),
        leave_below=table.text("leave_below", ""),
        fees=_read_fees(fees) if table.has("fees") else FeeSplit(),
        auction=_read_auction(auction) if table.has("auction") else None,
        seize=read_seize(table.table("seize"), numeraire) if table.has("seize") else msgspec.UNSET,
        absorb=read_absorb(table.table("absorb"), assets) if table.has("absorb") else msgspec.UNSET,
    )
    table.done()
    return step


def _read_auction(table: Table) -> AuctionTerms:
    terms = AuctionTerms(
        start_ppb=table.rate("start"),
        fast_ppb=table.rate("fast"),
        fast_ns=table.duration("fast_for"),
        slow_ns=table.duration("slow_for"),
        insolvent_ns=table.duration("insolvent_for"),
        buffer_ppb=table.rate("buffer", 0),
        fee_ppb=table.rate("fee", 0),
    )
    table.done()
    return terms


def _read_fees(table: Table) -> FeeSplit:
    split = FeeSplit(
        fee_ppb=table.rate("fee"),
        insurance_ppb=table.rate("insurance", 0, rounding="exact"),
        backstop_ppb=table.rate("backstop", 0, rounding="exact"),
        venue_ppb=table.rate("venue", 0, rounding="exact"),
    )
    table.done()
    return split


def read_waterfall(
    table: Table, numeraire: Asset
) -> tuple[tuple[WaterfallTier, ...], Literal["halt", ""], BadDebt | msgspec.UnsetType]:
    """The tiers in order, what happens to a loss that none of them takes, and who bears unpaid loans."""
    tiers = tuple(_read_loss_tier(row, numeraire) for row in table.tables("tiers", optional=True))
    remainder = table.choice("remainder", ("halt", ""), "")
    debts = table.choice("bad_debt", get_args(BadDebt)) if table.has("bad_debt") else msgspec.UNSET
    table.done()
    return tiers, remainder, debts


def _read_loss_tier(table: Table, numeraire: Asset) -> WaterfallTier:
    kind = table.choice("kind", ("insurance", "adl", "socialise"))
    build: Callable[[Table, Asset], WaterfallTier]
    build = {"insurance": _read_insurance, "adl": _read_adl, "socialise": _read_socialise}[kind]
    try:
        tier = build(table, numeraire)
    except ValueError as error:  # the tier structs check their own fields
        table.page.refuse(table.path, f"contradicts itself: {error}", "Correct that tier.")
    table.done()
    return tier


def _read_insurance(table: Table, numeraire: Asset) -> WaterfallTier:
    return InsuranceTier(
        fund=table.text("fund"),
        rule=table.choice("rule", get_args(AmountRule), "up_to"),
        cap_atoms=table.amount("cap", numeraire) if table.has("cap") else None,
        cap_ppb=table.rate("cap_share", rounding="down") if table.has("cap_share") else None,
        cap_room=table.flag("cap_room"),
        keep_atoms=table.amount("keep", numeraire, 0),
        min_deficit_atoms=table.amount("min_deficit", numeraire, 0),
        min_fund_atoms=table.amount("min_fund", numeraire, 0),
    )


def _read_adl(table: Table, numeraire: Asset) -> WaterfallTier:
    drawdown = None
    if table.has("drawdown"):
        row = table.table("drawdown")
        drawdown = DrawdownTrigger(
            start_drop_ppb=row.rate("start_drop"),
            stop_drop_ppb=row.rate("stop_drop"),
            min_balance_atoms=row.amount("min_balance", numeraire, 0),
            inclusive=row.flag("inclusive"),
        )
        row.done()
    return AdlTier(
        ranker=table.choice("ranker", get_args(RankerName)),
        price=table.choice("price", get_args(AdlPrice), "bankruptcy"),
        direction=table.choice("direction", get_args(RankDirection), "literal"),
        seed_from=table.choice("seed_from", ("sequence",)) if table.has("seed_from") else None,
        min_deficit_atoms=table.amount("min_deficit", numeraire, 0),
        drawdown=drawdown,
    )


def _read_socialise(table: Table, numeraire: Asset) -> WaterfallTier:
    return SocialiseTier(
        method=table.choice("method", get_args(SocialiseMethod)),
        sides=table.choice("sides", get_args(SocialiseSides), "both"),
        min_deficit_atoms=table.amount("min_deficit", numeraire, 0),
    )


def read_safeguards(table: Table, numeraire: Asset) -> SafeguardRules:
    governance = table.table("governance")
    rules = SafeguardRules(
        breakers=tuple(_read_breaker(row, numeraire) for row in table.tables("breakers", optional=True)),
        governance=Governance(
            approvals=governance.count("approvals"), timelock_ns=governance.duration("timelock")
        ),
    )
    governance.done()
    table.done()
    return rules


def _read_breaker(table: Table, numeraire: Asset) -> Breaker:
    when = table.choice("when", ("mark_move", "divergence", "negative_equity", "fund_below"))
    known = get_args(Forbidden)
    forbids = table.texts("forbids")
    for word in forbids:
        if word not in known:
            table.refuse(
                "forbids", f"holds {word!r}, which is not an action", f"Choose from {', '.join(known)}."
            )
    breaker = Breaker(
        name=table.text("name"),
        when=when,
        threshold_ppb=table.rate("threshold") if when in ("mark_move", "divergence") else 0,
        threshold_atoms=table.amount("threshold", numeraire) if when == "fund_below" else 0,
        window_ns=table.duration("window", 0),
        forbids=forbids,  # type: ignore[arg-type]
        for_ns=table.duration("for"),
    )
    table.done()
    return breaker
