"""Streams: the same seed gives the same bytes, and the shapes are the ones named."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from scipy import stats

from seawall.errors import InputError
from seawall.lab.streams import MAX_SEED, Stream, stream_key

# Recorded once; a change here means that every stored scenario changes its numbers.
GOLDEN_WORDS = [7956927706114802877, 16977212467582767165, 8685388123556339667, 14965996734127549218]
GOLDEN_NORMALS = "b1c6bb51713793c2"


def philox4x64(counter: list[int], key: list[int]) -> list[int]:
    """Ten rounds of Philox4x64 as published (Salmon et al. 2011), in plain integers."""
    mask = 2**64 - 1
    for _ in range(10):
        a = 0xD2E7470EE14C6C93 * counter[0]
        b = 0xCA5A826395121157 * counter[2]
        counter = [(b >> 64) ^ counter[1] ^ key[0], b & mask, (a >> 64) ^ counter[3] ^ key[1], a & mask]
        key = [(key[0] + 0x9E3779B97F4A7C15) & mask, (key[1] + 0xBB67AE8584CAA73B) & mask]
    return counter


def test_the_bits_are_philox_as_published() -> None:
    key = stream_key(9, "reference")
    words = [key & MAX_SEED, key >> 64]
    expected = philox4x64([1, 0, 0, 0], words) + philox4x64([2, 0, 0, 0], words)
    assert Stream(9, "reference").raw(8).tolist() == expected


def test_same_seed_and_name_give_the_same_bytes() -> None:
    a, b = Stream(7, "prices"), Stream(7, "prices")
    assert a.normal(1000).tobytes() == b.normal(1000).tobytes()


def test_the_bytes_are_the_recorded_ones() -> None:
    stream = Stream(20251010, "golden")
    words = stream.raw(4).tolist()
    digest = hashlib.blake2b(stream.normal(10_000).tobytes(), digest_size=8).hexdigest()
    assert words == GOLDEN_WORDS
    assert digest == GOLDEN_NORMALS


def test_drawing_in_parts_is_drawing_at_once() -> None:
    whole = Stream(1, "x").uniform(1001)
    parts = Stream(1, "x")
    assert np.concatenate([parts.uniform(n) for n in (1, 3, 500, 497)]).tobytes() == whole.tobytes()


def test_names_and_seeds_give_different_streams() -> None:
    first = {Stream(s, n).raw(1)[0] for s in range(50) for n in ("a", "b", "a/b")}
    assert len(first) == 150


def test_a_child_does_not_depend_on_what_was_drawn() -> None:
    parent = Stream(3, "p")
    before = parent.child("c").raw(5).tolist()
    parent.raw(100)
    assert parent.child("c").raw(5).tolist() == before


def test_uniforms_are_open_and_uniform() -> None:
    u = Stream(5, "u").uniform(200_000)
    assert 0.0 < u.min() and u.max() < 1.0
    assert stats.kstest(u, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    ("draw", "law"),
    [
        (lambda s: s.normal(100_000), stats.norm()),
        (lambda s: s.exponential(100_000), stats.expon()),
        (lambda s: s.lognormal(100_000, 0.3, 0.7), stats.lognorm(0.7, scale=np.exp(0.3))),
        (lambda s: s.pareto(100_000, 1.3), stats.pareto(1.3)),
        (lambda s: s.student_t(100_000, 4), stats.t(4, scale=np.sqrt(0.5))),
    ],
)
def test_the_law_is_the_one_named(draw, law) -> None:  # type: ignore[no-untyped-def]
    assert stats.kstest(draw(Stream(11, "law")), law.cdf).pvalue > 1e-3


def test_poisson_has_its_mean_and_variance() -> None:
    stream = Stream(2, "poisson")
    counts = np.array([stream.poisson(3.0) for _ in range(20_000)])
    assert abs(counts.mean() - 3.0) < 0.05
    assert abs(counts.var() - 3.0) < 0.15


def test_index_stays_inside_and_reaches_both_ends() -> None:
    drawn = Stream(2, "index").index(10_000, 7)
    assert sorted(set(drawn.tolist())) == list(range(7))


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 1.5, True, "7"])
def test_a_bad_seed_is_refused(seed: object) -> None:
    with pytest.raises(InputError, match="seed"):
        stream_key(seed, "x")  # type: ignore[arg-type]


def test_a_t_without_variance_is_refused() -> None:
    with pytest.raises(InputError, match="no variance"):
        Stream(1, "t").student_t(10, 2)
