"""P9 with the protocol itself as executor: a loan is absorbed whole, its collateral sold later at a discount.

`Absorb` may be asked by anyone: every collateral of the pot goes to the reserves (the insurance pot), which
credit its value times a liquidation factor against the debt in the base asset; what is over is the
account's, what is missing is a deficit in the shortfall pot. `BuyCollateral` sells from the reserves at the
index less a part of that factor's penalty. What buyers pay fills the deficit first. Values round down in
the numeraire, credits and what buyers get down in atoms. Source: Compound v3, Comet.
"""

from __future__ import annotations

import msgspec

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.ladder import absorb_terms, forbidden, held_goods
from seawall.engine.decide.loans import balances_only
from seawall.engine.decide.measure import asset_rate
from seawall.engine.decide.pots import ensure_cross_pot
from seawall.engine.decide.refuse import Refusal, known_account, known_asset, positive
from seawall.engine.decide.sweep import sweep_pots
from seawall.engine.state import FLAG_UNKNOWN, INSURANCE, SHORTFALL, State
from seawall.engine.writer import Writer
from seawall.ledger.columns import NONE
from seawall.liquidation.seizure import (
    AbsorbTerms,
    Side,
    inventory_discount,
    inventory_open,
    inventory_quote,
)
from seawall.margin.collateral_debt import WAD
from seawall.market.policy import Action


def absorb(writer: Writer, command: cmd.Absorb) -> None:
    """Everything at once: collateral to the reserves, their credit to the account."""
    state = writer.state
    account, target = known_account(state, command.account), known_account(state, command.target)
    pot = state.cross_pot(target, state.numeraire)
    terms = absorb_terms(state, pot)
    if terms is None or not held_goods(state, pot):
        raise Refusal("this account has nothing that could be absorbed now", account=target)
    if state.flags[pot] & FLAG_UNKNOWN or forbidden(state, pot):
        raise Refusal("a price or a gate forbids to liquidate this account now", account=target)
    base = state.asset_row[terms.base]
    taken = held_goods(state, pot)
    credit, owed = _credit(state, pot, terms, taken, base), -int(state.book.balances[pot, base])
    paid, deficit = max(credit, owed), max(owed - credit, 0)
    rule = f"{state.tag} liquidation.{state.rulebook.liquidation.steps[state.ladders[pot].step].name}"
    seq = writer.emit(
        ev.Absorbed,
        pot=pot,
        by_account=account,
        debt=base,
        owed_atoms=owed,
        credit_atoms=credit,
        deficit_atoms=deficit,
        rule=rule,
    )
    entries = [ev.Entry(pot, base, paid), *_reserves(state, base, -paid)]
    for asset in taken:
        atoms = int(state.book.balances[pot, asset])
        entries += [ev.Entry(pot, asset, -atoms), ev.Entry(INSURANCE, asset, atoms)]
    writer.emit(ev.Transferred, cause=seq, kind="absorption", entries=tuple(entries), rule=rule)
    sweep_pots(writer, [pot], cause=seq)


def _credit(state: State, pot: int, terms: AbsorbTerms, taken: list[int], base: int) -> int:
    """What the collateral counts for, in atoms of the base asset."""
    value = 0
    for asset in taken:
        side = _side(state, asset, int(state.book.balances[pot, asset]))
        value += side.value * terms.credit_wad[state.rulebook.assets[asset].name] // WAD
    price = _side(state, base, 0)
    return value * price.unit // price.price


def _side(state: State, asset: int, atoms: int) -> Side:
    rate = asset_rate(state, asset)
    if rate is None:
        raise Refusal(f"there is no usable price of {state.rulebook.assets[asset].name}")
    return Side(atoms, *rate)


def _reserves(state: State, base: int, atoms: int) -> list[ev.Entry]:
    """Base atoms into (+) or out of the reserves: the shortfall pot is what they are below zero."""
    missing = -min(int(state.book.balances[SHORTFALL, base]), 0)
    if atoms >= 0:
        filled = min(atoms, missing)
        parts = ((SHORTFALL, filled), (INSURANCE, atoms - filled))
    else:
        there = min(max(int(state.book.balances[INSURANCE, base]), 0), -atoms)
        parts = ((INSURANCE, -there), (SHORTFALL, atoms + there))
    return [ev.Entry(pot, base, part) for pot, part in parts if part]


def buy_collateral(writer: Writer, command: cmd.BuyCollateral) -> None:
    """Sell from the reserves what the buyer's payment fetches. Refuses more than there is."""
    state = writer.state
    account, good = known_account(state, command.account), known_asset(state, command.collateral)
    pays = positive(command.pay_atoms, "what is paid")
    terms = _seller(state)
    if command.collateral not in terms.credit_wad:
        raise Refusal(f"{command.collateral} is not sold here: {', '.join(terms.credit_wad)} can be")
    base = state.asset_row[terms.base]
    _check_open(state, terms, good, base)
    sold = quote(state, terms, good, base, pays)
    held, pot = int(state.book.balances[INSURANCE, good]), state.cross_pot(account, base)
    money = int(state.book.balances[pot, base]) if pot != NONE else 0
    if not command.least_atoms <= sold <= held or not sold:
        raise Refusal(
            "the reserves would give less than is asked for, or hold less",
            account=account,
            sold_atoms=sold,
            least_atoms=command.least_atoms,
            held_atoms=held,
        )
    if money < pays:
        raise Refusal("the buyer holds too little", account=account, held=money, paid=pays)
    balances_only(state, pot, account)
    pot = ensure_cross_pot(writer, account, base)
    rule = f"{state.tag} liquidation.inventory"
    seq = writer.emit(
        ev.CollateralSold, pot=pot, collateral=good, sold_atoms=sold, asset=base, paid_atoms=pays, rule=rule
    )
    entries = (
        ev.Entry(pot, base, -pays), *_reserves(state, base, pays),
        ev.Entry(INSURANCE, good, -sold), ev.Entry(pot, good, sold),
    )  # fmt: skip
    writer.emit(ev.Transferred, cause=seq, kind="inventory sale", entries=entries, rule=rule)
    sweep_pots(writer, [pot], cause=seq)


def quote(state: State, terms: AbsorbTerms, good: int, base: int, pays: int) -> int:
    """Collateral for a payment, at the index less the buyers' part of the penalty. May refuse."""
    asset, money = _side(state, good, 0), _side(state, base, 0)
    factor = terms.credit_wad[state.rulebook.assets[good].name]
    return inventory_quote(
        pays,
        base_price=money.price,
        asset_price=asset.price,
        base_unit=money.unit,
        asset_unit=asset.unit,
        discount=inventory_discount(terms.front_factor_wad, factor),
    )


def _seller(state: State) -> AbsorbTerms:
    for step in state.rulebook.liquidation.steps:
        if not isinstance(step.absorb, msgspec.UnsetType):
            return step.absorb
    raise Refusal("this venue absorbs no loans and sells no collateral")


def _check_open(state: State, terms: AbsorbTerms, good: int, base: int) -> None:
    for row in {state.priced_by[good], state.priced_by[base]} - {NONE}:
        name = state.instruments[row].name
        if not state.policies[row].allows(Action.LIQUIDATE, state.prices[row].conditions):
            raise Refusal(f"the price of {name} is not good enough to sell at")
        if state.gate_closed("liquidate", row):
            raise Refusal(f"a gate forbids to sell at the price of {name} now")
    reserves = int(state.book.balances[INSURANCE, base]) + int(state.book.balances[SHORTFALL, base])
    if terms.target_atoms and not inventory_open(reserves, terms.target_atoms):
        raise Refusal("the reserves have reached their target", reserves=reserves, target=terms.target_atoms)
