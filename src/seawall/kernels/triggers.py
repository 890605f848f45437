"""Triggers in buckets of price: who has to be looked at when a price moves, without looking at the others.

A pot that met its levels with room to spare cannot miss one while no price it depends on has moved by more
than x against it (kernels.exposure). So it is filed, for each of those prices, at price * (1 -+ x) in a
ladder of buckets per price and side; a move walks the buckets it crosses. Whoever is met is judged exactly,
in integers, and filed anew. A channel is a price in ticks: (column of layout.MARKET) * instruments +
instrument; a line is channel * 2 + side (0 = below the price, 1 = above). A bucket is the leading bits of the
float price: RING of them to an octave, then they come round again; each trigger is compared with the price.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels.fixed import LEAF

NONE = -1
# One trigger of one pot; `place` is its bucket's index in `heads`. NONE ends a list.
POST = np.dtype(
    [
        ("trigger", np.float64),
        ("pot", np.int32),
        ("line", np.int32),
        ("place", np.int32),
        ("after", np.int32),  # next trigger in the bucket
        ("before", np.int32),
        ("sibling", np.int32),  # next trigger of the same pot; of a free record: the next free one
    ],
    align=True,
)
FREE, USED = 0, 1  # entries of `counters`: first free record (NONE), records ever used
NEAR_CHAIN = 32  # so many triggers are compared to find the nearest; of more, the bucket's edge is taken
NEAR_BUCKETS = 64
GUARD = 1e-15  # a trigger errs towards the price by more than its own rounding


@njit(**LEAF)
def bucket_of(price, shift):  # type: ignore[no-untyped-def]
    """Number of the bucket of a price > 0; rises with the price, 2**(52 - shift) of them per octave."""
    return np.float64(price).view(np.int64) >> shift


@njit(**LEAF, error_model="numpy")
def unfile(pot, first, posts, heads, counters):  # type: ignore[no-untyped-def]
    """Take every trigger of the pot out of its bucket and free it."""
    post = np.int64(first[pot])
    first[pot] = NONE
    while post != NONE:
        after, before = posts[post]["after"], posts[post]["before"]
        if after != NONE:
            posts[after]["before"] = before
        if before != NONE:
            posts[before]["after"] = after
        else:
            heads[posts[post]["place"]] = after + 1
        following = np.int64(posts[post]["sibling"])
        posts[post]["sibling"], posts[post]["pot"] = counters[FREE], NONE
        counters[FREE] = post
        post = following


@njit(**LEAF, error_model="numpy")
def file(  # type: ignore[no-untyped-def]
    pot, line, trigger, first, posts, heads, near, counters, shift, ring
):
    """Put one trigger (ticks) of the pot into its bucket. The caller has seen to it that a record is free."""
    if counters[FREE] != NONE:
        post = counters[FREE]
        counters[FREE] = posts[post]["sibling"]
    else:
        post = counters[USED]
        counters[USED] += 1
    place = line * ring + (bucket_of(trigger, shift) & (ring - 1))
    head = np.int64(heads[place]) - 1
    posts[post]["trigger"], posts[post]["pot"], posts[post]["line"] = trigger, pot, line
    posts[post]["place"], posts[post]["after"], posts[post]["before"] = place, head, NONE
    posts[post]["sibling"] = first[pot]
    if head != NONE:
        posts[head]["before"] = post
    heads[place], first[pot] = post + 1, post
    near[line] = min(near[line], trigger) if line & 1 else max(near[line], trigger)


@njit(**LEAF, error_model="numpy")
def cross(  # type: ignore[no-untyped-def]
    channel, old, new, posts, heads, seen, met, count, shift, ring
):
    """Collect in `met` the pots whose trigger lies between the old and the new price; returns the new count.

    `seen` marks who has been collected, so that `met` needs an entry per pot at most.
    """
    line = channel * 2 + (new > old)
    low, high = bucket_of(min(old, new), shift), bucket_of(max(old, new), shift)
    for step in range(min(high - low + 1, ring)):
        post = np.int64(heads[line * ring + ((low + step) & (ring - 1))]) - 1
        while post != NONE:
            trigger, pot = posts[post]["trigger"], posts[post]["pot"]
            if not seen[pot] and (trigger <= new if line & 1 else trigger >= new):
                seen[pot], met[count] = 1, pot
                count += 1
            post = np.int64(posts[post]["after"])
    return count


@njit(**LEAF)
def _edge(bucket, shift):  # type: ignore[no-untyped-def]
    """Lowest price of a bucket."""
    return np.int64(bucket << shift).view(np.float64)


@njit(**LEAF, error_model="numpy")
def find_near(channel, price, posts, heads, near, shift, ring):  # type: ignore[no-untyped-def]
    """Set the channel's two bounds: between them and the price there is no trigger."""
    here = bucket_of(price, shift)
    for side in range(2):
        line, way, bound = channel * 2 + side, 1 if side else -1, float(price)
        for step in range(NEAR_BUCKETS):
            bucket = here + way * step
            post = np.int64(heads[line * ring + (bucket & (ring - 1))]) - 1
            nearest, told = _nearest(post, bucket, side, posts, shift)
            if not told:  # too many to compare: as if one stood on the bucket's near edge
                if step > 0:
                    bound = _edge(bucket + 1 - side, shift)
                break
            if nearest > 0.0:
                bound = nearest
                break
            bound = _edge(bucket + side, shift)  # nothing up to the far edge
        near[line] = bound


@njit(**LEAF, error_model="numpy")
def _nearest(post, bucket, side, posts, shift):  # type: ignore[no-untyped-def]
    """(the trigger of the bucket that is nearest to the price or 0, whether all were compared).

    Those that stand here from an octave away do not count.
    """
    nearest = 0.0
    for _ in range(NEAR_CHAIN):
        if post == NONE:
            return nearest, True
        trigger = posts[post]["trigger"]
        if bucket_of(trigger, shift) == bucket:
            closer = nearest == 0.0 or (trigger < nearest if side else trigger > nearest)
            nearest = trigger if closer else nearest
        post = np.int64(posts[post]["after"])
    return nearest, post == NONE
