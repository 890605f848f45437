"""A requirement taken apart, and two rulebooks' requirements laid side by side, part by part.

Amounts are exact fractions of quote units (coin at the index). The parts of a requirement add up to it
exactly: the loss in the worst scenario, leg by leg at the scenario's weight, and what netting, discount and
damping make of it; every other charge; what the level's factor adds; what differs between underlyings.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from seawall.api.portfolio_desk import Account
from seawall.margin.portfolio.charges import (
    Charge,
    Confidence,
    ForwardMove,
    Given,
    Haircut,
    NakedShorts,
    RollShock,
    SizeCharge,
    WorstLoss,
)
from seawall.margin.portfolio.model import PPB, Scenario
from seawall.margin.portfolio.statement import NodeStatement

SCENARIOS, FACTOR, ACROSS = "worst scenario", "factor of the level", "between underlyings"
COUNTED = "netting, discount, damping"
VOLS = {
    "same": "vols as they are", "up": "vols up", "down": "vols down",
    "skew_linear": "skew tilted", "skew_absolute": "wings up",
}  # fmt: skip


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a requirement. `kind` is the same word under every rulebook, `name` the leg or the kind."""

    kind: str
    name: str
    amount: Fraction


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One part under each rulebook, in their order; nothing where a rulebook does not charge it."""

    kind: str
    name: str
    amounts: tuple[Fraction, ...]


def parts_of(account: Account, level: str) -> tuple[Part, ...]:
    """The parts of a known account's requirement at a level; they add up to it. KeyError: no such level."""
    found: dict[tuple[str, str], Fraction] = {}
    total = Fraction(0)
    for node in account.statement.nodes:
        total += account.worth(node, node.level(level).requirement_atoms)
        for part in _node_parts(account, node, level):
            found[part.kind, part.name] = found.get((part.kind, part.name), Fraction(0)) + part.amount
    whole = account.statement.levels.get(level)
    if whole is not None:
        first = account.statement.nodes[0]
        found[ACROSS, ACROSS] = account.worth(first, whole) - total
    return tuple(
        Part(kind=kind, name=name, amount=amount) for (kind, name), amount in found.items() if amount
    )


def requirement_of(account: Account, level: str) -> Fraction:
    """In quote units, at the index where nodes are settled in coin."""
    return sum((part.amount for part in parts_of(account, level)), Fraction(0))


def compare(accounts: Sequence[Account], level: str) -> tuple[Difference, ...]:
    """Every part that one of these known accounts has, side by side; columns add up to requirements."""
    tables = [{(part.kind, part.name): part.amount for part in parts_of(one, level)} for one in accounts]
    kinds = list(dict.fromkeys(kind for table in tables for kind, _ in table))
    keys = list(dict.fromkeys(key for table in tables for key in table))
    ordered = sorted(keys, key=lambda key: (kinds.index(key[0]), key[1] == COUNTED))
    return tuple(
        Difference(kind=kind, name=name, amounts=tuple(t.get((kind, name), Fraction(0)) for t in tables))
        for kind, name in ordered
    )


def scenario_words(scenario: Scenario) -> str:
    """`price -18%, vols up`, and what of the result is counted where that is not all of it."""
    move = f"price {scenario.spot_ppb / PPB * 100:+.4g}%" if scenario.spot_ppb else "price as it is"
    weight = "" if scenario.weight_ppb == PPB else f", {scenario.weight_ppb / PPB * 100:.4g}% of it counted"
    return f"{move}, {VOLS[scenario.vol]}{weight}"


def _node_parts(account: Account, node: NodeStatement, level: str) -> list[Part]:
    rules = account.rulebook.rules
    line, own = node.level(level), rules.underlyings[node.underlying]
    charges = {charge.name: charge for charge in own.charges}
    named = [line.largest, *rules.level(level).plus, *rules.level(level).then]
    parts, counted = [], 0
    for name in named:
        if name not in charges:
            continue
        amount = node.charges[name]
        counted += amount
        parts += _charge_parts(account, node, charges[name], amount)
    added = account.worth(node, line.requirement_atoms - counted)
    return [*parts, Part(kind=FACTOR, name=FACTOR, amount=added)]


def _charge_parts(account: Account, node: NodeStatement, charge: Charge, atoms: int) -> list[Part]:
    kind = _kind(charge)
    worst = node.worst
    if not isinstance(charge, WorstLoss) or worst is None or not atoms == -worst.result_atoms > 0:
        return [Part(kind=kind, name=kind, amount=account.worth(node, atoms))]
    share = Fraction(worst.scenario.weight_ppb, PPB)
    legs = [
        Part(kind=kind, name=leg.name, amount=account.worth(node, -leg.worst_atoms) * share)
        for leg in node.legs
    ]
    rest = account.worth(node, atoms) - sum((leg.amount for leg in legs), Fraction(0))
    return [*legs, Part(kind=kind, name=COUNTED, amount=rest)]


def _kind(charge: Charge) -> str:
    """One word for charges that venues name differently and mean alike."""
    match charge:
        case WorstLoss():
            return SCENARIOS
        case ForwardMove() | RollShock():
            return "basis and roll"
        case SizeCharge() | NakedShorts():
            return "size and short options"
        case Haircut():
            return "haircut of collateral"
        case Confidence():
            return "unsure prices"
        case Given():
            return "given with the account"
        case _:
            return "delta"


def sentences(accounts: Sequence[Account], level: str) -> tuple[str, ...]:
    """For each further account, how much more it is asked than the first, and the parts that make it so."""
    first, rows = accounts[0], compare(accounts, level)
    said = []
    for place, other in enumerate(accounts[1:], start=1):
        kinds: dict[str, Fraction] = {}
        for row in rows:
            gap = row.amounts[place] - row.amounts[0]
            kinds[row.kind] = kinds.get(row.kind, Fraction(0)) + gap
        whole = sum(kinds.values(), Fraction(0))
        ranked = sorted(kinds.items(), key=lambda item: -abs(item[1]))
        listed = ", ".join(f"{kind} {_signed(gap)}" for kind, gap in ranked if abs(gap) >= Fraction(1, 200))
        scenes = f"{_worst_words(other)}; {first.rulebook.name}: {_worst_words(first)}"
        more = "more" if whole >= 0 else "less"
        said.append(
            f"{other.rulebook.name} asks {money(abs(whole))} {more} than {first.rulebook.name}: "
            f"{listed or 'no part differs'}. Worst at {other.rulebook.name}: {scenes}."
        )
    return tuple(said)


def _worst_words(account: Account) -> str:
    worst = account.statement.worst
    if worst is not None:
        return scenario_words(worst.scenario)
    nodes = [node for node in account.statement.nodes if node.worst is not None]
    several = len(nodes) > 1
    return ", ".join(
        (f"{node.underlying} " if several else "") + scenario_words(node.worst.scenario)
        for node in nodes
        if node.worst is not None
    )


def money(value: Fraction, places: int = 2) -> str:
    """Rounded half away from zero, with thousands; a zero has no sign."""
    scaled = abs(value) * 10**places
    whole = int(scaled + Fraction(1, 2))
    sign = "-" if value < 0 and whole else ""
    return f"{sign}{whole // 10**places:,}" + (f".{whole % 10**places:0{places}d}" if places else "")


def _signed(value: Fraction) -> str:
    text = money(value)
    return text if text.startswith("-") else f"+{text}"
