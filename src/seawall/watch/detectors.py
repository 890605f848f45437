"""Signatures of known failures: each a comparison of a few figures with a threshold, and what was compared.

Prices in one unit, ages in seconds, shares as fractions. A detector that lacks a figure does not fire and
says nothing; `watch` names those that had all they need. Thresholds: rules/lending section 6, defaults
there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

Figures = Mapping[str, float]

JUMP = 3.0  # between two rounds of an oracle, either way
RANGE = 1.5  # of an ether derivative, in ether
APART_CORRELATED, APART_VOLATILE = 0.01, 0.05  # oracle and market
VENUE_APART = 0.05  # one venue and the rest
REDEMPTION_GAP = 0.02
LATE = 1.1  # times the heartbeat
FLOOR_NEAR = 0.01
QUORUM = 3
SAME_BLOCK_MOVE = 0.02
SUPPLY_GROWTH = 0.01
PIECES = 100
SAME_NUMBER = 0.02  # a price and the number it may have been taken for
CHANGE_S = 3_600.0  # what goes wrong so soon after a change of configuration
PEG_APART = 0.05


class Finding(NamedTuple):
    """A signature that was seen: its name, what was measured, and the threshold it passed."""

    name: str
    measured: float
    threshold: float


class Detector(NamedTuple):
    """Needs these figures; fires where `measure` of them is above the threshold, or at it (not `strict`)."""

    name: str
    needs: tuple[str, ...]
    measure: Callable[..., float]
    threshold: float
    strict: bool = True

    def look(self, figures: Figures) -> Finding | None:
        measured = self.measure(*(figures[name] for name in self.needs))
        fires = measured > self.threshold if self.strict else measured >= self.threshold
        return Finding(self.name, measured, self.threshold) if fires else None


def apart(one: float, other: float) -> float:
    """Relative distance of the first from the second."""
    return abs(one / other - 1.0)


def ratio(one: float, other: float) -> float:
    """The larger over the smaller."""
    return max(one / other, other / one)


def below_floor(answer: float, least: float) -> float:
    """Minus the distance from the least answer a feed may give."""
    return -apart(answer, least)


# In the order in which they are reported: what is wrong with the source, the configuration, the transaction,
# the venues, the age, the market, the collateral, the position, the liquidation.
DETECTORS: tuple[Detector, ...] = (
    Detector("SOURCE_COUNT_BELOW_QUORUM", ("sources_live",), lambda live: QUORUM - live, 0.0),
    Detector("ORACLE_JUMP", ("oracle_before", "oracle_after"), ratio, JUMP, strict=False),
    Detector(
        "UNIT_OR_SCALE_CHANGE", ("oracle_after", "known_price"), below_floor, -SAME_NUMBER, strict=False
    ),
    Detector(
        "CONFIG_CHANGE_PRECEDES_ANOMALY",
        ("anomalies", "since_change_s"),
        lambda seen, since: seen * (CHANGE_S - since),
        0.0,
    ),
    Detector("ORACLE_RANGE", ("oracle_in_ether",), lambda value: value, RANGE),
    Detector("SPOT_ORACLE_SAME_BLOCK", ("same_block_move",), lambda move: move, SAME_BLOCK_MOVE),
    Detector(
        "MEDIAN_MAJORITY_MANIPULABLE",
        ("spot_sources", "sources"),
        lambda spot, all_of: spot - (all_of / 2.0 - 1.0),
        0.0,
        strict=False,
    ),
    Detector("FLASH_LOAN_FUNDED", ("flash_loan",), lambda size: size, 0.0),
    Detector("SINGLE_VENUE_DEVIATION", ("venue_price", "other_venues"), apart, VENUE_APART),
    Detector("STABLE_DEPEG_INPUT", ("stable_input",), lambda price: apart(price, 1.0), PEG_APART),
    Detector("REDEMPTION_VALUE_GAP", ("venue_price", "redemption_value"), apart, REDEMPTION_GAP),
    Detector("SEQUENCER_DOWN", ("sequencer_down_s",), lambda seconds: seconds, 0.0),
    Detector("FEED_AT_FLOOR", ("oracle_after", "least_answer"), below_floor, -FLOOR_NEAR, strict=False),
    Detector("STALE_FEED", ("feed_age_s", "heartbeat_s"), lambda age, beat: age / beat, LATE),
    Detector("ORACLE_MARKET_DIVERGENCE", ("oracle_after", "market_price"), apart, APART_VOLATILE),
    Detector("SUPPLY_SHOCK", ("minted", "supply"), lambda new, before: new / before, SUPPLY_GROWTH),
    Detector("CAP_EXCEEDED", ("supplied", "supply_cap"), lambda held, cap: held / cap, 1.0),
    Detector("SHARE_PRICE_JUMP", ("share_price_multiple",), lambda by: by - 1.0, SUPPLY_GROWTH),
    Detector("POSITION_VS_DEPTH", ("position_value", "depth_value"), lambda held, depth: held / depth, 1.0),
    Detector("DEBT_VS_DEPTH", ("liquidatable", "depth_value"), lambda debt, depth: debt / depth, 1.0),
    Detector("UTILISATION_100", ("utilisation",), lambda used: used, 1.0, strict=False),
    Detector("UNREALISED_PNL_WITHDRAWAL", ("withdrawn", "own_funds"), lambda out, own: out / own, 1.0),
    Detector("TOXIC_LTV", ("worst_ltv", "bonus"), lambda ltv, bonus: ltv * (1.0 + bonus), 1.0),
    Detector(
        "LIQUIDATIONS_WITHOUT_MARKET_MOVE",
        ("liquidations_now", "market_move", "usual_move"),
        lambda now, move, usual: now if move < usual else 0.0,
        0.0,
    ),
    Detector("LIQUIDATION_FRAGMENTATION", ("liquidations",), lambda pieces: pieces, PIECES),
)  # fmt: skip
NAMES = tuple(detector.name for detector in DETECTORS)


class Watched(NamedTuple):
    """What fired, and which detectors had the figures they need."""

    findings: tuple[Finding, ...]
    looked: tuple[str, ...]


def watch(figures: Figures) -> Watched:
    """Every detector whose figures are there, in order."""
    able = [one for one in DETECTORS if all(name in figures for name in one.needs)]
    found = [finding for one in able if (finding := one.look(figures)) is not None]
    return Watched(tuple(found), tuple(one.name for one in able))
