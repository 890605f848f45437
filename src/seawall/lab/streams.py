"""Seeded random streams: one seed and one name give the same bytes on every CPU and numpy.

A stream is Philox4x64 (Salmon et al. 2011) read through `random_raw`, whose bits numpy keeps
stable, and turned into floats by our own arithmetic: uniforms are odd multiples of 2**-53, so
exact and never 0 or 1; the rest comes from `seawall.kernels.elementary`. The key is a BLAKE2b hash of
seed and name, so streams with different names are independent and adding a stream moves no other.
Units: none. No rounding beyond that of float64.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.kernels.elementary import exp_array, log_array, normal_inverse_array, power_array

Floats = NDArray[np.float64]

_SHIFT = np.uint64(11)
_SCALE = 1.0 / 9007199254740992.0  # 2**-53
MAX_SEED = 2**64 - 1


def stream_key(seed: int, name: str) -> int:
    """The 128-bit Philox key of a seed and a name; InputError for a seed outside 0..2**64-1."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        raise InputError.at("seed", f"{seed!r} is not usable", f"Give a whole number from 0 to {MAX_SEED}.")
    text = seed.to_bytes(8, "little") + name.encode("utf-8")
    return int.from_bytes(hashlib.blake2b(text, digest_size=16, person=b"seawall.stream").digest(), "little")


class Stream:
    """A place in an endless sequence of random bits. Each call moves on; nothing else is shared."""

    __slots__ = ("_bits", "name", "seed")

    def __init__(self, seed: int, name: str) -> None:
        self.seed = seed
        self.name = name
        # The key goes in as two words: numpy then does no seeding of its own.
        key = stream_key(seed, name)
        words = np.array([key & MAX_SEED, key >> 64], dtype=np.uint64)
        self._bits = np.random.Philox(key=words, counter=np.zeros(4, dtype=np.uint64))

    def child(self, name: str) -> Stream:
        """An independent stream; the same child whatever has been drawn from this one."""
        return Stream(self.seed, f"{self.name}/{name}")

    def raw(self, count: int) -> NDArray[np.uint64]:
        """The next `count` 64-bit words."""
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64)

    def uniform(self, count: int) -> Floats:
        """Uniform on the open interval (0, 1): odd multiples of 2**-53 (52 random bits)."""
        k = (self.raw(count) >> _SHIFT) | np.uint64(1)
        return k.astype(np.float64) * _SCALE

    def normal(self, count: int) -> Floats:
        """Standard normals by the inverse of the distribution function: one word each."""
        return np.asarray(normal_inverse_array(self.uniform(count)), dtype=np.float64)

    def exponential(self, count: int) -> Floats:
        """Exponentials of mean 1."""
        return -np.asarray(log_array(self.uniform(count)), dtype=np.float64)

    def lognormal(self, count: int, log_mean: float, log_sd: float) -> Floats:
        """exp(log_mean + log_sd * Z)."""
        return np.asarray(exp_array(log_mean + log_sd * self.normal(count)), dtype=np.float64)

    def pareto(self, count: int, tail: float) -> Floats:
        """Pareto with minimum 1: P(X > x) = x**-tail."""
        return np.asarray(power_array(self.uniform(count), -1.0 / tail), dtype=np.float64)

    def student_t(self, count: int, freedom: int) -> Floats:
        """Student t scaled to unit variance; whole degrees of freedom above 2."""
        return self.normal(count) * self.t_mixing(count, freedom)

    def t_mixing(self, count: int, freedom: int) -> Floats:
        """sqrt((v-2) / chi2_v): the common factor that turns unit normals into unit-variance t_v.

        Several normals multiplied by the same draw have t-copula tail dependence. Whole v above 2.
        """
        if freedom <= 2:
            raise InputError.at("degrees of freedom", f"{freedom} has no variance", "Give 3 or more.")
        total = np.zeros(count, dtype=np.float64)
        for _ in range(freedom):  # added one by one: the same order, so the same bits, everywhere
            z = self.normal(count)
            total += z * z
        return np.sqrt((freedom - 2.0) / total)

    def poisson(self, mean: float) -> int:
        """One Poisson count, by adding exponentials until they pass `mean`."""
        count, reached = 0, 0.0
        while True:
            reached += float(self.exponential(1)[0])
            if reached > mean:
                return count
            count += 1

    def index(self, count: int, bound: int) -> NDArray[np.int64]:
        """Whole numbers in 0..bound-1 (bound at most 2**32; bias below 2**-20)."""
        return np.floor(self.uniform(count) * bound).astype(np.int64)
