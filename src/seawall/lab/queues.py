"""What the queues at the best prices say of the next move, and the spread of a book of random orders.

Queues in units of the average order; rates per unit of time. Sources: Cont & de Larrard 2013 (proposition 3);
Cont, Stoikov & Talreja 2010; Farmer, Patelli & Zovko 2005 (zero-intelligence scaling).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from seawall.errors import InputError

POINTS = 400  # of the quadrature of a smooth periodic integrand
LONGEST = 160  # orders in a queue that are followed; longer ones are as good as never reached


def _queues(bid: int, ask: int) -> None:
    if min(bid, ask) < 1:
        raise InputError.at("queues", f"bid {bid}, ask {ask}", "Give at least one order on each side.")


def up_probability_symmetric(bid: int, ask: int) -> float:
    """Chance that the ask queue empties first when both gain and lose orders at the same rate."""
    _queues(bid, ask)
    at, weights = np.polynomial.legendre.leggauss(POINTS)
    angle = 0.5 * math.pi * (at + 1.0)
    base = 2.0 - np.cos(angle)
    decay = (base - np.sqrt(base * base - 1.0)) ** ask
    shape = np.sin(bid * angle) * np.cos(0.5 * angle) / np.sin(0.5 * angle)
    return float(np.sum(0.5 * math.pi * weights * decay * shape) / math.pi)


def up_probability(ask: int, bid: int, *, arrival: float, market: float, cancel: float) -> float:
    """Chance that the ask queue empties before the bid queue: each gains orders at `arrival` and loses one
    at `market` + `cancel` for each that stands. Both are followed up to LONGEST orders."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.linalg import spsolve

    _queues(bid, ask)
    if not (min(arrival, cancel) >= 0.0 and market > 0.0 and math.isfinite(arrival + market + cancel)):
        raise InputError.at("queues", "a rate is negative or not finite", "Give rates of zero or more.")
    longest = max(LONGEST if cancel == 0.0 else 40, 2 * max(bid, ask) + 20)
    count = longest * longest
    queue = np.arange(1, longest + 1)
    asks, bids = (part.ravel() for part in np.meshgrid(queue, queue, indexing="ij"))
    place = (asks - 1) * longest + bids - 1
    gain = np.where(asks < longest, arrival, 0.0), np.where(bids < longest, arrival, 0.0)
    loss = market + cancel * asks, market + cancel * bids
    total = gain[0] + gain[1] + loss[0] + loss[1]
    rows, columns, values = [place], [place], [total]
    known = np.where(asks == 1, loss[0], 0.0)
    moves = ((gain[0], longest, asks < longest), (loss[0], -longest, asks > 1),
             (gain[1], 1, bids < longest), (loss[1], -1, bids > 1))  # fmt: skip
    for rate, shift, there in moves:
        rows.append(place[there])
        columns.append(place[there] + shift)
        values.append(-rate[there])
    matrix = csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(count, count)
    )
    return float(spsolve(matrix.tocsc(), known)[(ask - 1) * longest + bid - 1])


class RandomOrders(NamedTuple):
    """Cancelling against taking, and the mean spread in units of price."""

    granularity: float
    spread: float


def random_orders(
    *, limit_rate: float, market_rate: float, cancel_rate: float, order_size: float
) -> RandomOrders:
    """The book of random orders: eps = cancel * size / market, spread = market / limit (0.28 + 1.86 eps^3/4).

    limit_rate: units per price and time; market_rate: units per time; cancel_rate: per order and time.
    """
    if not (min(limit_rate, market_rate) > 0.0 and min(cancel_rate, order_size) >= 0.0):
        raise InputError.at("random orders", "a rate is not above zero", "Give rates above zero.")
    granularity = cancel_rate * order_size / market_rate
    return RandomOrders(granularity, market_rate / limit_rate * (0.28 + 1.86 * granularity**0.75))
