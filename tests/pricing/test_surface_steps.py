"""A jump of vol is doubted until it persists."""

from __future__ import annotations

import msgspec
import pytest

from seawall.market.policy import Action
from seawall.pricing.ssvi import PowerLaw, to_raw
from seawall.pricing.surface import Smile, Surface, SurfaceCondition, SurfacePolicy, make_surface, read
from seawall.pricing.surface_steps import follow, vol_at_the_money

MINUTE = 60_000_000_000
DAY = 1440 * MINUTE
POLICY = SurfacePolicy(max_age_ns=30 * MINUTE, max_step_vol=0.1, step_window_ns=5 * MINUTE)
LAW = PowerLaw(eta=1.0, gamma=0.45, rho=-0.3)


def surface(vol, minute, *, days=(30,)):
    smiles = []
    for expiry in days:
        left = expiry * DAY - minute * MINUTE
        smiles.append(
            Smile(
                expiry_ns=expiry * DAY,
                observed_ns=minute * MINUTE,
                svi=to_raw(LAW.slice_at(vol**2 * left / (365 * DAY))),
                low_k=-0.5,
                high_k=0.5,
                quotes=20,
                rmse_vol=0.002,
                half_spread_vol=0.004,
            )
        )
    return make_surface(tuple(smiles))


def play(vols):
    """The vol that stands after each minute's surface, and whether it is doubted."""
    standing: Surface | None = None
    seen = []
    for minute, vol in enumerate(vols):
        standing = follow(standing, surface(vol, minute), POLICY, now_ns=minute * MINUTE)
        (smile,) = standing.smiles
        seen.append((round(vol_at_the_money(smile), 6), smile.doubted_since_ns >= 0))
    return seen


def test_a_small_move_is_taken_at_once():
    assert play([0.5, 0.58, 0.66]) == [(0.5, False), (0.58, False), (0.66, False)]


def test_a_jump_waits_and_is_then_believed_even_if_it_goes_on():
    assert play([0.5, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2]) == [(0.5, False)] + [(0.5, True)] * 5 + [(1.2, False)]


def test_a_jump_that_comes_back_was_none_and_the_next_waits_anew():
    assert play([0.5, 0.9, 0.5, 0.9, 0.9, 0.9, 0.9, 0.9]) == [
        (0.5, False),
        (0.5, True),
        (0.5, False),
        *[(0.5, True)] * 5,
    ]


def test_a_doubted_smile_is_refused_unless_tolerated():
    standing = follow(surface(0.5, 0), surface(0.9, 1), POLICY, now_ns=MINUTE)
    told = {"forward": 100.0, "strike": 100.0, "expiry_ns": 30 * DAY, "now_ns": MINUTE}
    found = read(standing, POLICY, action=Action.VALUE, **told)
    assert found.conditions == SurfaceCondition.DIVERGENT and found.verdict.name == "REFUSE"
    lenient = msgspec.structs.replace(POLICY, tolerated=(int(SurfaceCondition.DIVERGENT),) * 5)
    assert read(standing, lenient, action=Action.VALUE, **told).verdict.name == "DEGRADE"


def test_an_expiry_that_is_gone_grows_stale_and_one_that_is_over_goes():
    both = surface(0.5, 0, days=(1, 30))
    later = follow(both, surface(0.5, 10, days=(30,)), POLICY, now_ns=10 * MINUTE)
    assert [smile.observed_ns for smile in later.smiles] == [0, 10 * MINUTE]
    over = follow(both, surface(0.5, 1441, days=(30,)), POLICY, now_ns=1441 * MINUTE)
    assert [smile.expiry_ns for smile in over.smiles] == [30 * DAY]


def test_without_a_limit_every_surface_is_taken():
    free = msgspec.structs.replace(POLICY, max_step_vol=0.0)
    (smile,) = follow(surface(0.5, 0), surface(2.0, 1), free, now_ns=MINUTE).smiles
    assert vol_at_the_money(smile) == pytest.approx(2.0)
