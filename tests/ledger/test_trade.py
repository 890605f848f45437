"""What a trade does to a position: nothing is lost on any way in or out."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from seawall.instruments.model import Asset, Instrument, InstrumentKind, make_instrument
from seawall.kernels import position
from seawall.ledger.trade import fee_atoms, notional, trade_leg, trade_value

USD, BTC = Asset(name="USD", decimals=6), Asset(name="BTC", decimals=8)
LINEAR = make_instrument(
    name="L",
    kind=InstrumentKind.LINEAR_PERPETUAL,
    base="BTC",
    quote="USD",
    lot="0.001",
    tick="0.1",
    settle=USD,
)
INVERSE = make_instrument(
    name="I", kind=InstrumentKind.INVERSE_PERPETUAL, base="BTC", quote="USD", lot="1", tick="0.5", settle=BTC
)
contracts = st.sampled_from([LINEAR, INVERSE])


@st.composite
def trades(draw: st.DrawFn) -> list[tuple[int, int]]:
    """(lots, price) of one regime: single lots, one giant among small, closing to the lot, any."""
    regime = draw(st.sampled_from(["single", "giant", "closing", "any"]))
    most = {"single": 1, "giant": 9, "closing": 5}.get(regime, 10**9)
    lots = draw(st.lists(st.integers(-most, most).filter(bool), min_size=1, max_size=8))
    if regime == "giant":
        lots[0] = draw(st.integers(10**11, 10**12))
    if regime == "closing" and sum(lots):
        lots.append(-sum(lots))
    prices = st.one_of(st.integers(1, 3), st.integers(100_000, 2_000_000))
    return [(size, draw(prices)) for size in lots]


@given(contracts, trades())
def test_cost_and_profit_account_for_every_atom_paid(
    contract: Instrument, drawn: list[tuple[int, int]]
) -> None:
    lots = cost = paid = profit = 0
    for size, ticks in drawn:
        atoms = trade_value(contract, size, ticks)
        added, realised = trade_leg(lots=lots, cost_atoms=cost, trade_lots=size, trade_atoms=atoms)
        lots, cost, paid, profit = lots + size, cost + added, paid + atoms, profit + realised
        assert cost - profit == paid
        assert lots != 0 or cost == 0
    if lots == 0:
        assert profit == -paid


@given(contracts, trades(), trades())
def test_a_trade_whose_values_add_to_zero_moves_no_atom(
    contract: Instrument, mine: list[tuple[int, int]], theirs: list[tuple[int, int]]
) -> None:
    sides = []
    for history in (mine, theirs):
        lots = sum(size for size, _ in history)
        sides.append((lots, trade_value(contract, lots, 123_456)))
    size, ticks = mine[-1]
    value = trade_value(contract, size, ticks)
    moved = 0
    for (lots, cost), trade_lots, atoms in zip(sides, (size, -size), (value, -value)):
        added, realised = trade_leg(lots=lots, cost_atoms=cost, trade_lots=trade_lots, trade_atoms=atoms)
        moved += added - realised
    assert moved == 0


@given(contracts, st.integers(2, 10**6), st.integers(1, 10**6), st.integers(-(10**12), 10**12), st.booleans())
def test_closing_a_part_realises_its_share_rounded_down(
    contract: Instrument, lots: int, closed: int, cost: int, long: bool
) -> None:
    closed = min(closed, lots - 1)
    side = 1 if long else -1
    atoms = trade_value(contract, -side * closed, 600_000)
    added, realised = trade_leg(
        lots=side * lots, cost_atoms=cost, trade_lots=-side * closed, trade_atoms=atoms
    )
    exact = -atoms - Fraction(cost * closed, lots)
    assert 0 <= exact - realised < 1
    assert cost + added == cost - -(-cost * closed // lots)


@given(contracts, st.integers(1, 10**6), st.integers(1, 10**6), st.integers(-(10**12), 10**12), st.booleans())
def test_turning_a_position_realises_all_of_it_rounded_down(
    contract: Instrument, lots: int, beyond: int, cost: int, long: bool
) -> None:
    side = 1 if long else -1
    size = -side * (lots + beyond)
    atoms = trade_value(contract, size, 600_000)
    added, realised = trade_leg(lots=side * lots, cost_atoms=cost, trade_lots=size, trade_atoms=atoms)
    exact = -Fraction(atoms * lots, lots + beyond) - cost
    assert 0 <= exact - realised < 1
    assert cost + added - realised == cost + atoms


def test_adding_averages_the_entry() -> None:
    cost = 0
    for lots, ticks in ((10, 600_000), (30, 640_000)):
        added, realised = trade_leg(
            lots=lots, cost_atoms=cost, trade_lots=lots, trade_atoms=trade_value(LINEAR, lots, ticks)
        )
        assert realised == 0
        cost += added
    assert cost == trade_value(LINEAR, 40, 630_000)


def test_an_inverse_long_bought_at_8000_and_closed_at_10000_earns_a_fortieth_coin_per_thousand_dollars() -> (
    None
):
    cost = trade_value(INVERSE, 1000, 16_000)
    assert cost == -12_500_000
    _, realised = trade_leg(
        lots=1000, cost_atoms=cost, trade_lots=-1000, trade_atoms=trade_value(INVERSE, -1000, 20_000)
    )
    assert realised == 2_500_000


@given(contracts, st.integers(-(10**9), 10**9), st.integers(1, 10**7))
def test_the_ledger_and_the_kernels_value_alike(contract: Instrument, lots: int, ticks: int) -> None:
    terms = (contract.kind.inverse, contract.value_num, lots, ticks)
    assert position.position_value(*terms) == trade_value(contract, lots, ticks)
    assert position.notional_atoms(*terms) == notional(contract, lots, ticks)
    assert notional(contract, lots, ticks) >= abs(trade_value(contract, lots, ticks)) - 1


@given(st.integers(0, 10**18), st.integers(-(10**6), 10**7))
def test_fees_round_up_and_rebates_down_in_size(size: int, rate: int) -> None:
    assert 0 <= fee_atoms(size, rate) - Fraction(size * rate, 10**9) < 1
