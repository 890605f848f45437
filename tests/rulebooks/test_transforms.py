"""Transforms written in a rulebook: read into the structs, refused with place, value and fix; hashes stay."""

from __future__ import annotations

import msgspec
import pytest

from seawall.errors import RulebookError
from seawall.market.transforms.aggregate import Aggregate
from seawall.market.transforms.anchor import Anchor, Breaker
from seawall.market.transforms.average import HalfLife, Twap
from seawall.market.transforms.confidence import Confidence
from seawall.market.transforms.delay import DelayQueue, SequencerGate
from seawall.market.transforms.fallback import Fallback
from seawall.market.transforms.latency import LatencyFee
from seawall.market.transforms.publish import Clamp, DeviationHeartbeat, Limiter
from seawall.market.transforms.ratio import Peg, RateCap, Ratio
from seawall.market.transforms.reading import WAD
from seawall.market.transforms.stable import StablePrice
from seawall.market.transforms.validity import Validity
from seawall.rulebooks.model import Rulebook
from seawall.rulebooks.parse_transforms import _KINDS
from tests.rulebooks.mini import MINI, changed, read

SECOND, HOUR = 10**9, 3600 * 10**9
JUMPS = 'max_step = "10 %"\nstep_window = "30 s"'
ROWS = {
    '{ kind = "aggregate", by = ["alpha", "beta"], rule = "mean", quorum = 2 }': Aggregate(
        sources=("alpha", "beta"), rule="mean", quorum=2
    ),
    '{ kind = "anchor", by = "gamma", tolerance = "20 %" }': Anchor(source="gamma", tolerance_wad=WAD // 5),
    '{ kind = "breaker", factor = "3 x" }': Breaker(factor_wad=3 * WAD),
    '{ kind = "clamp", least = "0.1 USDC", most = "1_000_000 USDC" }': Clamp(least=1, most=10**7),
    '{ kind = "confidence", side = "low", times = "2 x" }': Confidence(side="low", times_ppb=2 * 10**9),
    '{ kind = "delay", hop = "1 h" }': DelayQueue(hop_ns=HOUR),
    '{ kind = "deviation_heartbeat", deviation = "0.5 %", heartbeat = "1 h" }': DeviationHeartbeat(
        deviation_ppb=5_000_000, heartbeat_ns=HOUR
    ),
    '{ kind = "ema", half_life = "1 h" }': HalfLife(half_life_ns=HOUR),
    '{ kind = "fallback", by = "gamma", frozen_after = "4 h", max_change = "50 %", agreement = "5 %" }': (
        Fallback(secondary="gamma")
    ),
    '{ kind = "latency_fee", threshold = "0.4 %", decay = "90 %", max_fee = "1 %" }': LatencyFee(
        threshold_wad=4 * 10**15, decay_wad=9 * 10**17, max_fee_wad=10**16
    ),
    '{ kind = "limiter", factor = "1.25 x", window = "2 min" }': Limiter(
        factor_wad=WAD * 5 // 4, window_ns=120 * SECOND
    ),
    '{ kind = "peg", price = "1 USDC", tolerance = "1 %" }': Peg(price=10, tolerance_ppb=10**7),
    '{ kind = "rate_cap", growth = "9.68 %", snapshot = "50_000 USDC", '
    'snapshot_at = "2026-01-01T00:00:00Z" }': (
        RateCap(growth_ppb=96_800_000, snapshot=500_000, snapshot_ns=1_767_225_600 * SECOND)
    ),
    '{ kind = "ratio", by = "gamma", unit = 1_000_000, max_step = "3 %" }': Ratio(
        source="gamma", unit=10**6, max_step_ppb=3 * 10**7
    ),
    '{ kind = "sequencer_gate", by = "gamma", grace = "1 h" }': SequencerGate(source="gamma", grace_ns=HOUR),
    '{ kind = "stable" }': StablePrice(),
    '{ kind = "twap", window = "30 min", mean = "geometric", whole = false }': Twap(
        window_ns=HOUR // 2, mean="geometric", whole=False
    ),
    '{ kind = "validity", by = "gamma", too_volatile = 5, max_confidence = "2 %", stale_after = "48 s", '
    'late_after = "4 s" }': Validity(twap="gamma", max_age_ns=48 * SECOND, late_after_ns=4 * SECOND),
}


def written(*rows: str, jumps: str = 'max_step = "0 %"\nstep_window = "0 s"') -> str:
    return changed((JUMPS, f"{jumps}\ntransforms = [{', '.join(rows)}]"))


@pytest.mark.parametrize("row", ROWS)
def test_every_kind_is_read_into_its_struct(row):
    rulebook = read(written(row))
    assert rulebook.pipeline("BTC-PERP") == rulebook.pipeline("BTC-SPOT") == (ROWS[row],)
    copy = msgspec.json.decode(msgspec.json.encode(rulebook), type=Rulebook)
    assert copy == rulebook and copy.sha256 == rulebook.sha256


def test_all_kinds_are_tried_here_and_their_order_is_kept_and_hashed():
    assert {row.split('"')[1] for row in ROWS} == set(_KINDS)
    one, other = '{ kind = "breaker", factor = "3 x" }', '{ kind = "delay", hop = "1 h" }'
    assert read(written(one, other)).pipeline("BTC-PERP") == (ROWS[one], ROWS[other])
    assert read(written(one, other)).sha256 != read(written(other, one)).sha256


def test_a_rulebook_without_transforms_has_no_trace_of_them():
    rulebook = read(MINI)
    assert rulebook.pipeline("BTC-PERP") == ()
    assert b'"transforms"' not in msgspec.json.encode(rulebook)
    paths = read(written('{ kind = "breaker", factor = "3 x" }')).provenance
    assert paths['oracles."BTC-PERP".transforms[0].factor'] == ("ppb", "a document")


@pytest.mark.parametrize(
    "row,place,text",
    [
        ('{ kind = "breakr", factor = "3 x" }', ".kind", "Did you mean 'breaker'?"),
        ('{ factor = "3 x" }', ".kind", "is missing"),
        ('{ kind = "breaker" }', ".factor", "is missing"),
        ('{ kind = "breaker", factor = "3 x", window = "1 h" }', ".window", "is not a key this table has"),
        ('{ kind = "breaker", factor = "3" }', ".factor", "It has no unit"),
        ('{ kind = "delay", hop = 3600 }', ".hop", "in quotes with its unit"),
        ('{ kind = "peg", price = "1.05 USDC" }', ".price", "no whole number of ticks of 0.1"),
        ('{ kind = "peg", price = "1 USD" }', ".price", "write it like '100 USDC'"),
        ('{ kind = "peg", price = "0 USDC" }', ".price", "not above zero"),
        ('{ kind = "twap", window = "1 h", mean = "harmonic" }', ".mean", "arithmetic, geometric"),
        ('{ kind = "stable", interval = "1.5 s" }', ".interval", "no whole number of seconds"),
        (
            '{ kind = "latency_fee", threshold = "1 %", decay = "90 %", max_fee = "1 %", rounds = 5000 }',
            ".rounds",
            "beyond 1000",
        ),
        ('"breaker"', "", "is not a list of tables"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(row, place, text):
    with pytest.raises(RulebookError) as refused:
        read(written(row))
    where = 'oracles."BTC-PERP".transforms' + ("[0]" + place if place else "")
    assert where in str(refused.value) and text in str(refused.value)


@pytest.mark.parametrize(
    "row,key,text",
    [
        ('{ kind = "anchor", by = "delta", tolerance = "20 %" }', "transforms[0].by", "names 'delta'"),
        ('{ kind = "aggregate", by = ["alpha", "delta"] }', "transforms[0].by", "names 'delta'"),
        ('{ kind = "aggregate", by = ["alpha"], quorum = 2 }', "transforms[0].quorum", "never be met"),
        ('{ kind = "aggregate", by = ["alpha", "alpha"] }', "transforms[0].by", "names a source twice"),
        ('{ kind = "anchor", by = "gamma", tolerance = "100 %" }', "transforms[0].tolerance", "between"),
        ('{ kind = "breaker", factor = "1 x" }', "transforms[0].factor", "one or less"),
        ('{ kind = "clamp", least = "5 USDC", most = "5 USDC" }', "transforms[0].most", "not above"),
        ('{ kind = "limiter", factor = "1.2 x", window = "0 s" }', "transforms[0].window", "is zero"),
        ('{ kind = "delay", hop = "0 s" }', "transforms[0].hop", "is zero"),
        ('{ kind = "twap", window = "0 s" }', "transforms[0].window", "is zero"),
        ('{ kind = "ema", half_life = "0 s" }', "transforms[0].half_life", "is zero"),
        ('{ kind = "rate_cap", growth = "0 %" }', "transforms[0].growth", "may never rise"),
        (
            '{ kind = "deviation_heartbeat", deviation = "0 %", heartbeat = "1 h" }',
            "transforms[0].deviation",
            "never waits",
        ),
        (
            '{ kind = "latency_fee", threshold = "1 %", decay = "100 %", max_fee = "1 %" }',
            "transforms[0].decay",
            "never be forgotten",
        ),
        (
            '{ kind = "fallback", by = "gamma", frozen_after = "0 s", max_change = "50 %", '
            'agreement = "5 %" }',
            "transforms[0].frozen_after",
            "is zero",
        ),
        ('{ kind = "stable", min_gap = "20 min" }', "transforms[0].min_gap", "min <= max"),
        ('{ kind = "stable", intervals = 2000 }', "transforms[0].intervals", "too many"),
        (
            '{ kind = "validity", by = "gamma", too_volatile = 5, max_confidence = "2 %", '
            'stale_after = "4 s", late_after = "48 s" }',
            "transforms[0].late_after",
            "after a price is stale",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_at_its_place(row, key, text):
    with pytest.raises(RulebookError) as refused:
        read(written(row))
    assert f'oracles."BTC-PERP".{key}' in str(refused.value) and text in str(refused.value)


def test_sources_asked_by_name_are_missing_from_the_quorum_and_jumps_are_doubted_once():
    rows = [f'{{ kind = "anchor", by = "{name}", tolerance = "20 %" }}' for name in ("alpha", "beta")]
    with pytest.raises(RulebookError, match="is 2, and 1 sources are left"):
        read(written(*rows))
    with pytest.raises(RulebookError, match="max_step holds back the price before"):
        read(written('{ kind = "breaker", factor = "3 x" }', jumps=JUMPS))
