"""Contradictions in a rulebook, found before they cost money.

`contradictions` gives every one in a fixed order: assets and instruments, prices, funding, margin,
liquidation, waterfall, safeguards. `check_rulebook` raises with all of them. A rulebook built in code passes
the same checks as one read from a file. Nothing is rounded; comparisons are exact.
"""

from __future__ import annotations

from seawall.errors import RulebookError
from seawall.instruments.model import Instrument, InstrumentKind
from seawall.liquidation.tiers import InsuranceTier, SocialiseTier
from seawall.market.policy import OraclePolicy
from seawall.rulebooks.check_ladder import check_liquidation
from seawall.rulebooks.check_margin import check_margin
from seawall.rulebooks.check_options import check_families, check_listed_options
from seawall.rulebooks.check_transforms import check_transforms
from seawall.rulebooks.findings import Finding, Findings, join, rate_text
from seawall.rulebooks.model import Rulebook
from seawall.units import PPB

FUNDS = ("insurance", "backstop")  # the keys of [funds]
_PERPETUAL = (InstrumentKind.LINEAR_PERPETUAL, InstrumentKind.INVERSE_PERPETUAL)


def contradictions(rulebook: Rulebook) -> tuple[Finding, ...]:
    """Every contradiction, in a fixed order; empty for a sound rulebook."""
    return (
        *_check_instruments(rulebook),
        *_check_oracles(rulebook),
        *check_transforms(rulebook),
        *_check_funding(rulebook),
        *_check_interest(rulebook),
        *check_margin(rulebook),
        *check_families(rulebook),
        *check_listed_options(rulebook),
        *check_liquidation(rulebook),
        *_check_waterfall(rulebook),
        *_check_safeguards(rulebook),
    )


def check_rulebook(rulebook: Rulebook, *, file: str = "") -> None:
    """Raise RulebookError naming every contradiction; `file` is only what the text calls it."""
    found = contradictions(rulebook)
    if found:
        raise RulebookError("\n".join(finding.text(file or rulebook.name) for finding in found))


def _check_instruments(rulebook: Rulebook) -> Findings:
    assets = [asset.name for asset in rulebook.assets]
    for entry in rulebook.instruments:
        path = join("instruments", entry.name)
        if entry.settle not in assets:
            yield Finding(
                f"{path}.settle",
                f"is {entry.settle!r}, an asset this rulebook does not have",
                f"Add it under [assets] or use one of {', '.join(assets)}.",
            )
        elif entry.settle != _natural_settlement(entry):
            yield Finding(
                f"{path}.settle",
                f"is {entry.settle!r}, but a {entry.kind.name.lower()} of "
                f"{entry.base}/{entry.quote} settles in {_natural_settlement(entry)}",
                "Correct settle, base or quote; quanto contracts do not exist here.",
            )
        if entry.kind == InstrumentKind.SPOT and entry.base not in assets:
            yield Finding(
                f"{path}.base",
                f"is {entry.base!r}, an asset this rulebook does not have",
                "Add it under [assets]: a spot trade moves it.",
            )
        if entry.taker_fee_ppb < 0:
            yield Finding(
                f"{path}.taker_fee",
                f"is {rate_text(entry.taker_fee_ppb)}, below zero",
                "Only a maker fee may be a rebate.",
            )
        if entry.name not in rulebook.oracles:
            yield Finding(path, "has no oracle", f"Add [{join('oracles', entry.name)}].")
        if entry.kind != InstrumentKind.SPOT and entry.name not in rulebook.margin.instruments:
            yield Finding(
                path, "has no margin", f"Add [{join('margin.instruments', entry.name)}.initial] and so on."
            )


def _natural_settlement(entry: Instrument) -> str:
    return entry.base if entry.kind.in_base else entry.quote


def _check_interest(rulebook: Rulebook) -> Findings:
    assets = [asset.name for asset in rulebook.assets]
    for asset in rulebook.interest or ():
        path, curve = join("interest", asset), rulebook.curve(asset)
        assert curve is not None
        if asset not in assets:
            yield Finding(path, "is of an asset this rulebook does not have", f"Use {', '.join(assets)}.")
        elif asset not in rulebook.margin.collateral:
            yield Finding(path, "lends an asset that [margin.collateral] does not price", "Add it there.")
        if not 0 < curve.kink_ppb <= PPB:
            yield Finding(f"{path}.kink", f"is {rate_text(curve.kink_ppb)}", "Give 0 to 100 % of use.")
        if curve.kept_ppb > PPB:
            yield Finding(f"{path}.kept", f"is {rate_text(curve.kept_ppb)}", "Give at most 100 %.")
        if curve.borrow_ppb(PPB) > 100 * PPB:
            yield Finding(
                path, f"asks {rate_text(curve.borrow_ppb(PPB))} a year at full use", "Give at most 10,000 %."
            )


def _check_oracles(rulebook: Rulebook) -> Findings:
    known = [entry.name for entry in rulebook.instruments]
    for name, policy in rulebook.oracles.items():
        if name not in known:
            yield Finding(
                join("oracles", name),
                "prices an instrument this rulebook does not have",
                "Add it under [instruments] or remove the oracle.",
            )
        yield from _check_oracle(join("oracles", name), policy)


def _check_oracle(path: str, policy: OraclePolicy) -> Findings:
    sources = len(policy.sources)
    if not sources or len(set(policy.sources)) != sources:
        yield Finding(f"{path}.sources", "is empty or names a source twice", "Name each source once.")
    if not 1 <= policy.quorum <= max(sources, 1):
        yield Finding(
            f"{path}.quorum",
            f"is {policy.quorum}, with {sources} sources it can never be met",
            f"Give a number from 1 to {sources}.",
        )
    if policy.max_age_ns <= 0:
        yield Finding(
            f"{path}.max_age", "is zero: every price would be stale", "Give a time span like '10 s'."
        )
    if policy.mark != "index" and not policy.mark_clamp_ppb:
        yield Finding(
            f"{path}.mark_clamp",
            f"is zero, and the mark follows {policy.mark_source or 'the last trade'} without limit",
            "Give the largest distance from the index, like '3 %'.",
        )
    if policy.mark_source and policy.mark_source not in policy.sources:
        yield Finding(
            f"{path}.mark_source",
            f"is {policy.mark_source!r}, which is not one of the sources",
            f"Choose one of {', '.join(policy.sources)}.",
        )
    if policy.mark == "index" and (policy.mark_source or policy.ema_tau_ns or policy.mark_clamp_ppb):
        yield Finding(
            f"{path}.mark",
            "is the index, so mark_source, ema_tau and mark_clamp do nothing",
            "Remove them, or choose another mark rule.",
        )
    if policy.mark == "source" and not policy.mark_source:
        yield Finding(
            f"{path}.mark_source", "is missing, and the mark is a source's price", "Name the source."
        )
    if policy.mark in ("basis_ema", "median3") and not policy.ema_tau_ns:
        yield Finding(
            f"{path}.ema_tau",
            f"is zero, and mark rule '{policy.mark}' averages the basis over it",
            "Give a time span like '150 s'.",
        )
    if policy.max_step_ppb and not policy.step_window_ns:
        yield Finding(
            f"{path}.step_window", "is zero, so max_step holds nothing back", "Give a time span like '30 s'."
        )


def _check_funding(rulebook: Rulebook) -> Findings:
    kinds = {entry.name: entry.kind for entry in rulebook.instruments}
    for name, rules in rulebook.funding.items():
        path = join("funding", name)
        if kinds.get(name) not in _PERPETUAL:
            yield Finding(
                path, "is not a perpetual of this rulebook", "Only perpetuals have funding: remove it."
            )
        if not 0 < rules.payment_ns <= rules.interval_ns:
            yield Finding(
                f"{path}.payment",
                "is zero or longer than the interval its rate is for",
                "Pay at least once per interval.",
            )
        if rules.cap_ppb < abs(rules.interest_ppb):
            yield Finding(
                f"{path}.cap",
                f"is {rate_text(rules.cap_ppb)}, below the interest rate {rate_text(rules.interest_ppb)}",
                "Raise the cap; it is per interval.",
            )


def _check_waterfall(rulebook: Rulebook) -> Findings:
    takes_all = False
    for index, tier in enumerate(rulebook.waterfall):
        path = f"waterfall.tiers[{index}]"
        if takes_all:
            yield Finding(
                path,
                "can never pay: the tier before it takes whatever is left",
                "Move the socialise tier to the end.",
            )
        if isinstance(tier, InsuranceTier) and tier.fund not in FUNDS:
            yield Finding(
                f"{path}.fund",
                f"is {tier.fund!r}, a fund this rulebook does not have",
                f"The funds under [funds] are {' and '.join(FUNDS)}.",
            )
        if isinstance(tier, InsuranceTier) and tier.cap_room:
            yield Finding(
                f"{path}.cap_room",
                "asks for what is left of a quota on the fund, and the engine keeps no such quota yet",
                "Use cap_atoms or cap_ppb, and list the quota under unsupported.",
            )
        takes_all = takes_all or (isinstance(tier, SocialiseTier) and tier.min_deficit_atoms == 0)
    if not takes_all and rulebook.remainder != "halt":
        last = rulebook.waterfall[-1].kind if rulebook.waterfall else "no tier at all"
        yield Finding(
            "waterfall",
            f"can leave a loss unassigned: it ends in {last}, which can refuse",
            'End it in a socialise tier, or state what happens: remainder = "halt" under [waterfall].',
        )


def _check_safeguards(rulebook: Rulebook) -> Findings:
    governance = rulebook.safeguards.governance
    if governance.approvals < 1:
        yield Finding(
            "safeguards.governance.approvals",
            "is 0: the proposer alone could change any rule",
            "Ask for at least one approval by another person.",
        )
    if governance.timelock_ns <= 0:
        yield Finding(
            "safeguards.governance.timelock",
            "is zero: rules could loosen without notice",
            "Give a time span like '24 h'.",
        )
    names: list[str] = []
    for index, breaker in enumerate(rulebook.safeguards.breakers):
        path = f"safeguards.breakers[{index}]"
        if breaker.name in names:
            yield Finding(
                f"{path}.name", f"is {breaker.name!r}, used twice", "Give every breaker its own name."
            )
        names.append(breaker.name)
        if not breaker.forbids:
            yield Finding(f"{path}.forbids", "is empty: the breaker does nothing", "Name what it forbids.")
        if breaker.for_ns <= 0:
            yield Finding(
                f"{path}.for", "is zero: the gate would open at once", "Give a time span like '5 min'."
            )
        threshold = breaker.threshold_atoms if breaker.when == "fund_below" else breaker.threshold_ppb
        if breaker.when != "negative_equity" and threshold <= 0:
            yield Finding(
                f"{path}.threshold", "is zero", "Give the size at which the breaker closes the gate."
            )
        if breaker.when == "mark_move" and breaker.window_ns <= 0:
            yield Finding(
                f"{path}.window", "is zero, and a move is measured over it", "Give a span like '5 min'."
            )
        if breaker.when == "divergence" and not _can_diverge(rulebook, breaker.threshold_ppb):
            yield Finding(
                f"{path}.threshold",
                f"is {rate_text(breaker.threshold_ppb)}, and no mark can be so far from its index",
                "Lower it below a mark_clamp, or remove the breaker.",
            )


def _can_diverge(rulebook: Rulebook, threshold_ppb: int) -> bool:
    return any(
        policy.mark != "index" and (not policy.mark_clamp_ppb or policy.mark_clamp_ppb > threshold_ppb)
        for policy in rulebook.oracles.values()
    )
