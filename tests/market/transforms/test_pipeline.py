"""Laws of every transform and of their composition: nothing in, states as bytes, order, hostile words."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.market.policy import Condition
from seawall.market.transforms.aggregate import Aggregate
from seawall.market.transforms.anchor import Anchor, Breaker
from seawall.market.transforms.average import HalfLife, Twap
from seawall.market.transforms.confidence import Confidence
from seawall.market.transforms.delay import DelayQueue, SequencerGate
from seawall.market.transforms.fallback import Fallback
from seawall.market.transforms.latency import LatencyFee
from seawall.market.transforms.pipeline import (
    Pipeline,
    Transform,
    aside,
    run,
    start,
    states_from_bytes,
    states_to_bytes,
)
from seawall.market.transforms.publish import Clamp, DeviationHeartbeat, Limiter
from seawall.market.transforms.ratio import Peg, RateCap, Ratio
from seawall.market.transforms.reading import WAD, Reading
from seawall.market.transforms.stable import StablePrice
from seawall.market.transforms.validity import Validity
from tests.market.transforms.test_memory import HOUR, SECOND, said

ALL: tuple[Transform, ...] = (
    Aggregate(sources=("a", "b", "c")),
    Anchor(source="a", tolerance_wad=WAD // 5),
    Breaker(factor_wad=3 * WAD),
    Clamp(least=10, most=10**12),
    Confidence(side="low"),
    DelayQueue(hop_ns=HOUR),
    DeviationHeartbeat(deviation_ppb=5_000_000, heartbeat_ns=HOUR),
    Fallback(secondary="b"),
    HalfLife(half_life_ns=HOUR),
    LatencyFee(threshold_wad=4 * 10**15, decay_wad=9 * 10**17),
    Limiter(factor_wad=WAD * 5 // 4, window_ns=120 * SECOND),
    Peg(price=1000, tolerance_ppb=10**7),
    RateCap(growth_ppb=10**8),
    Ratio(source="c", max_step_ppb=10**8),
    SequencerGate(source="c", grace_ns=HOUR),
    StablePrice(),
    Twap(window_ns=HOUR),
    Validity(twap="a", max_age_ns=HOUR, late_after_ns=SECOND),
)
PRICE = st.one_of(st.none(), st.integers(-3, 3), st.integers(1, 2**63), st.integers(1, 10**30))
FLAGS = st.sampled_from([0, 0, 0, *(int(flag) for flag in Condition)])
WORD = st.builds(
    lambda price, at, confidence, flags: said(price, at, confidence=confidence, conditions=flags),
    PRICE,
    st.integers(-1, 10**6 * SECOND),
    st.integers(0, 10**20),
    FLAGS,
)
STREAM = st.lists(
    st.tuples(WORD, st.dictionaries(st.sampled_from("abc"), WORD), st.integers(0, HOUR)), max_size=12
)


def test_all_kinds_are_here():
    assert {type(transform) for transform in ALL} == set(Transform.__args__)


@given(st.lists(st.sampled_from(ALL), min_size=1, max_size=5), STREAM)
def test_whatever_is_said_a_pipeline_gives_a_positive_price_or_nothing_flagged(pipeline, stream):
    states, now = start(pipeline), 10**6 * SECOND
    for word, sources, gap in stream:
        now += gap
        before = states
        states, out = run(pipeline, states, word, sources, now_ns=now)
        assert (out.price is None and out.conditions & Condition.MISSING) or out.price > 0
        assert type(out.price) in (int, type(None)) and type(out.confidence) is int
        data = states_to_bytes(states)
        assert states_from_bytes(data) == states and states_to_bytes(states_from_bytes(data)) == data
        assert run(pipeline, before, word, sources, now_ns=now) == (states, out)


@pytest.mark.parametrize("transform", ALL, ids=lambda transform: type(transform).__name__)
@pytest.mark.parametrize("price", [None, 0, -7])
def test_fed_with_nothing_no_transform_but_a_peg_gives_a_price(transform, price):
    states, out = run((transform,), start((transform,)), said(price), {}, now_ns=HOUR)
    assert (out.price == 1000) if isinstance(transform, Peg) else out.price is None
    assert out.conditions & (Condition.STALE if isinstance(transform, Peg) else Condition.MISSING)
    assert states_from_bytes(states_to_bytes(states)) == states


@given(st.sampled_from(ALL), st.sampled_from(ALL), STREAM)
def test_two_steps_are_one_after_the_other(first, second, stream):
    both: Pipeline = (first, second)
    states, one, two, now = start(both), start((first,)), start((second,)), 10**6 * SECOND
    for word, sources, gap in stream:
        now += gap
        states, out = run(both, states, word, sources, now_ns=now)
        one, between = run((first,), one, word, sources, now_ns=now)
        two, last = run((second,), two, between, sources, now_ns=now)
        assert (states, out) == ((*one, *two), last)


def test_order_matters_and_none_changes_nothing():
    word = said(5, 1)
    assert run((), (), word, {}, now_ns=1) == ((), word)
    clamp, peg = Clamp(least=10, most=20), Peg(price=7)
    assert run((peg, clamp), start((peg, clamp)), word, {}, now_ns=1)[1].price == 10
    assert run((clamp, peg), start((clamp, peg)), word, {}, now_ns=1)[1].price == 7


def test_states_of_another_pipeline_are_refused():
    with pytest.raises(InputError, match="Start the pipeline anew"):
        run(ALL, (), Reading(), {}, now_ns=0)
    for altered in (b"\xc1", b"{}", b'[["fuse","x",false]]', b'[["strange"]]'):
        with pytest.raises(ValueError):
            states_from_bytes(altered)


def test_pipelines_are_data():
    data = msgspec.json.encode(ALL)
    assert msgspec.json.decode(data, type=Pipeline) == ALL
    assert aside(ALL) == ("a", "b", "c")
    assert aside((Aggregate(sources=("x",)), Clamp(least=1, most=2))) == ()
