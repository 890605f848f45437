"""How much of a loss each cause brought, who is owed what, and whether the books balance.

A game gives the loss of a replay in which only some causes act; 2**n replays for n causes. Amounts in one
unit. Sources: Shapley 1953; Banzhaf 1965; Grabisch & Roubens 1999 (interaction); Halpern & Pearl 2005
(actual cause with a contingency); Aumann & Maschler 1985 (equal awards).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from seawall.errors import InputError

Game = Callable[[frozenset[int]], float]
MOST_CAUSES = 16


class Shares(NamedTuple):
    """By cause: Shapley value, what would not have happened but for it, what it does alone, Banzhaf value."""

    shapley: tuple[float, ...]
    but_for: tuple[float, ...]
    alone: tuple[float, ...]
    banzhaf: tuple[float, ...]
    interaction: dict[tuple[int, int], float]
    actual: tuple[bool, ...]


def _subsets(of: Iterable[int]) -> list[frozenset[int]]:
    members = list(of)
    return [frozenset(some) for size in range(len(members) + 1) for some in combinations(members, size)]


def attribute(game: Game, causes: int) -> Shares:
    """Exact over all subsets. InputError for more causes than 2**n replays are sensible for."""
    if not 1 <= causes <= MOST_CAUSES:
        raise InputError.at("attribution", f"{causes} causes", f"Group them into at most {MOST_CAUSES}.")
    every = range(causes)
    worth = {some: game(some) for some in _subsets(every)}
    whole = frozenset(every)

    def gain(one: int, without: frozenset[int]) -> float:
        return worth[without | {one}] - worth[without]

    shapley, banzhaf, actual = [], [], []
    for one in every:
        others = _subsets(whole - {one})
        weights = [1.0 / (causes * math.comb(causes - 1, len(some))) for some in others]
        shapley.append(math.fsum(w * gain(one, some) for w, some in zip(weights, others)))
        banzhaf.append(math.fsum(gain(one, some) for some in others) / len(others))
        # With some others taken away, does it make the difference?
        actual.append(any(gain(one, some) != 0.0 for some in others))
    pairs = {}
    for one, other in combinations(every, 2):
        rest = _subsets(whole - {one, other})
        weights = [1.0 / ((causes - 1) * math.comb(causes - 2, len(some))) for some in rest]
        pairs[one, other] = math.fsum(
            w * (gain(one, some | {other}) - gain(one, some)) for w, some in zip(weights, rest)
        )
    return Shares(
        tuple(shapley),
        tuple(gain(one, whole - {one}) for one in every),
        tuple(gain(one, frozenset()) for one in every),
        tuple(banzhaf),
        pairs,
        tuple(actual),
    )


class Fill(NamedTuple):
    """A fill and the price it should have had; `sign` +1 bought, -1 sold."""

    account: str
    sign: int
    size: float
    price: float
    fair: float

    @property
    def lost(self) -> float:
        """What the account is worse off than at the fair price; negative for a gain, which stays with it."""
        return self.sign * self.size * (self.price - self.fair)


class Compensation(NamedTuple):
    """By fill: the difference, the claim, and the budget shared in proportion and with equal awards."""

    delta: tuple[float, ...]
    claims: tuple[float, ...]
    pro_rata: tuple[float, ...]
    equal_awards: tuple[float, ...]


def compensate(fills: Sequence[Fill], budget: float) -> Compensation:
    """InputError for a budget below zero."""
    if not (math.isfinite(budget) and budget >= 0.0):
        raise InputError.at("compensation", f"budget {budget!r}", "Give zero or more.")
    delta = [fill.lost for fill in fills]
    claims = [max(value, 0.0) for value in delta]
    total = math.fsum(claims)
    share = min(budget / total, 1.0) if total else 0.0
    return Compensation(
        tuple(delta),
        tuple(claims),
        tuple(claim * share for claim in claims),
        tuple(equal_awards(claims, budget)),
    )


def equal_awards(claims: Sequence[float], budget: float) -> list[float]:
    """Everyone the same, but nobody more than his claim."""
    paid, left = [0.0] * len(claims), min(budget, math.fsum(claims))
    open_places = sorted(range(len(claims)), key=lambda place: claims[place])
    for count, place in enumerate(open_places):
        paid[place] = min(claims[place], left / (len(open_places) - count))
        left -= paid[place]
    return paid


def residual(profits: Sequence[float], *others: float) -> float:
    """What accounts' results, fees and funds add up to: zero in a closed market."""
    return math.fsum([*profits, *others])


def roots_and_paths(
    edges: Sequence[tuple[str, str]], target: str
) -> tuple[list[str], dict[str, list[list[str]]]]:
    """First causes of an outcome, and every simple chain from each. InputError if nothing leads to it."""
    parents: dict[str, list[str]] = {}
    for cause, effect in edges:
        parents.setdefault(effect, []).append(cause)
    if target not in parents:
        raise InputError.at("causes", f"nothing leads to {target!r}", "Name an outcome of the graph.")
    paths: dict[str, list[list[str]]] = {}

    def back(tail: list[str]) -> None:
        before = [cause for cause in parents.get(tail[0], []) if cause not in tail]
        if not before:
            paths.setdefault(tail[0], []).append(tail)
        for cause in before:
            back([cause, *tail])

    back([target])
    return sorted(paths), paths
