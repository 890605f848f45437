"""What the margin of a book of options would be under each model, and the reserve for not knowing which.

Margin is the expected shortfall of the book over a horizon: the forward moves by the model's own law, and
every option is priced again under the same model. The reserve is the largest shortfall among the models that
describe the market, less the base model's. USD per unit of the underlying; floats until `to_atoms`, which
rounds up, against the account. Source: Cont, Math. Finance 16 (2006), restricted as in quant rules 1.6c.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.calibrate.black import black_price
from seawall.calibrate.models.catalogue import state_after
from seawall.calibrate.models.closed import gamma_distribution, gamma_prices, merton_prices
from seawall.calibrate.models.cos import cos_distribution, cos_prices, interval
from seawall.calibrate.models.levy import Black, Merton, VarianceGamma
from seawall.calibrate.models.model import Model
from seawall.errors import InputError, NumberError

Floats = NDArray[np.float64]

POINTS = 1201  # moves of the forward that a horizon is divided into
LAW_ROOM = 1e-4
_BEND = 5.0
TERMS = 512


class OptionLine(msgspec.Struct, frozen=True, kw_only=True):
    """So many options of one strike and expiry; negative is short. `years` is to expiry, from now."""

    quantity: float
    strike: float
    years: float
    is_call: bool


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """Options and forwards on one underlying. One forward price stands for all expiries."""

    forward: float
    lines: tuple[OptionLine, ...]
    forwards_held: float = 0.0


class ModelMargin(msgspec.Struct, frozen=True, kw_only=True):
    """The book under one model. Losses are positive."""

    name: str
    value_usd: float
    var_usd: float
    es_usd: float


class Reserve(msgspec.Struct, frozen=True, kw_only=True):
    """Shortfalls by model, and what to add to the base model's for model error."""

    base: ModelMargin
    others: tuple[ModelMargin, ...]
    reserve_usd: float
    worst: str  # the model that sets the reserve; the base's own name if none is worse


def book_margin(book: Book, model: Model, *, horizon_years: float, level: float = 0.99) -> ModelMargin:
    """VaR and expected shortfall of the book under one model.

    InputError for an expiry within the horizon, a level outside (0.5, 1) or what is no book.
    """
    _check(book, horizon_years, level)
    model.check()
    moves, weights = horizon_law(model, horizon_years)
    later = state_after(model, horizon_years)
    loss = -book.forwards_held * book.forward * np.expm1(moves)
    value = 0.0
    for line in book.lines:
        now = float(_prices(model, np.array([line.strike / book.forward]), line.years, line.is_call)[0])
        left = line.years - horizon_years
        grown = np.exp(moves)
        then = grown * _prices(later, line.strike / (book.forward * grown), left, line.is_call)
        value += line.quantity * book.forward * now
        loss -= line.quantity * book.forward * (then - now)
    var, shortfall = weighted_tail(loss, weights, level)
    return ModelMargin(name=model.name, value_usd=value, var_usd=var, es_usd=shortfall)


def horizon_law(model: Model, years: float) -> tuple[Floats, Floats]:
    """(log-returns, probabilities) over the horizon, in cells that are fine around the middle.

    NumberError if the cells do not give back a probability of 1 and the forward.
    """
    low, high = interval(model, years)
    bend = np.sinh(_BEND * np.linspace(-1.0, 1.0, POINTS + 1)) / np.sinh(_BEND)
    edges = 0.5 * (low + high) + 0.5 * (high - low) * bend
    law = gamma_distribution if isinstance(model, VarianceGamma) else cos_distribution
    reached = law(model, years, edges)  # type: ignore[arg-type]
    weights = np.maximum(np.diff(reached), 0.0)
    moves = 0.5 * (edges[:-1] + edges[1:])
    total, forward = float(np.sum(weights)), float(np.sum(weights * np.exp(moves)))
    if abs(total - 1.0) > LAW_ROOM or abs(forward - 1.0) > LAW_ROOM:
        raise NumberError(
            f"model {model.name}: its law over {years:g} years comes out with probability {total:.5f} and "
            f"forward {forward:.5f} instead of 1\n  Use a longer horizon, or leave this model out."
        )
    return moves, weights


def _prices(model: Model, ratios: Floats, years: float, is_call: bool) -> Floats:
    """Prices at a forward of 1. Cosine series where there is no closed form: thousands of strikes at once."""
    if isinstance(model, Black):
        return black_price(1.0, ratios, model.vol * np.sqrt(years), is_call)
    if isinstance(model, Merton):
        return merton_prices(model, 1.0, ratios, years, is_call)
    if isinstance(model, VarianceGamma):
        return gamma_prices(model, 1.0, ratios, years, is_call)
    return cos_prices(model, 1.0, ratios, years, is_call, terms=TERMS)


def weighted_tail(losses: Floats, weights: Floats, level: float) -> tuple[float, float]:
    """(VaR, expected shortfall) of weighted losses; the atom at the quantile counts in part."""
    order = np.argsort(-losses, kind="stable")
    sorted_losses, mass = losses[order], weights[order] / np.sum(weights)
    tail = 1.0 - level
    before = np.concatenate([[0.0], np.cumsum(mass)[:-1]])
    taken = np.clip(tail - before, 0.0, mass)
    place = int(np.searchsorted(np.cumsum(mass), tail))
    return float(sorted_losses[min(place, losses.size - 1)]), float(np.sum(taken * sorted_losses) / tail)


def model_error_reserve(
    book: Book,
    base: Model,
    challengers: Sequence[Model],
    *,
    horizon_years: float,
    level: float = 0.99,
) -> Reserve:
    """The reserve over these challengers; give only those that describe the market (see `verify`)."""
    first = book_margin(book, base, horizon_years=horizon_years, level=level)
    others = tuple(
        book_margin(book, model, horizon_years=horizon_years, level=level) for model in challengers
    )
    worst = max((first, *others), key=lambda margin: margin.es_usd)
    return Reserve(
        base=first, others=others, reserve_usd=max(worst.es_usd - first.es_usd, 0.0), worst=worst.name
    )


def to_atoms(amount_usd: float, *, atoms_per_usd: int) -> int:
    """A requirement in atoms, rounded up. InputError for what is no amount."""
    if not (math.isfinite(amount_usd) and atoms_per_usd > 0):
        raise InputError.at("reserve", f"{amount_usd} USD at {atoms_per_usd} atoms", "Give finite numbers.")
    return math.ceil(amount_usd * atoms_per_usd)


def _check(book: Book, horizon_years: float, level: float) -> None:
    if not 0.5 < level < 1.0:
        raise InputError.at("book margin", f"level {level:g}", "Give a level between 0.5 and 1, as 0.99.")
    if not horizon_years > 0.0 or not 0.0 < book.forward < math.inf:
        raise InputError.at(
            "book margin", f"horizon {horizon_years:g}, forward {book.forward:g}", "Both must be positive."
        )
    for place, line in enumerate(book.lines):
        if not line.years > horizon_years:
            raise InputError.at(
                f"book line {place}",
                f"{line.years:g} years to expiry, horizon {horizon_years:g}",
                "Settle it first, or shorten the horizon.",
            )
        if not (0.0 < line.strike < math.inf and math.isfinite(line.quantity)):
            raise InputError.at(
                f"book line {place}", f"strike {line.strike:g}, quantity {line.quantity:g}", "Correct it."
            )
