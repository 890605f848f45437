"""P9 with the executor "liquidator", and P14 of what is borrowed: collateral for a debt repaid, and interest.

A debt is a balance below zero; what a `seize` step allows comes from liquidation.seizure, priced at the index
in atoms of the numeraire. Health is haves over needs at the trigger level, rounded down; a pot that is still
liquidated above it (exit over trigger) counts as just below one. The liquidator pays out of what he holds;
what he gets and the venue's fee round as the terms say. Interest: debts round up, earnings down, odd atoms go
to the fee pot. What is owed when nothing is left to seize goes through the waterfall like any loss.
"""

from __future__ import annotations

import msgspec
import numpy as np

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.accounts import MOST_ATOMS
from seawall.engine.decide.ladder import forbidden, seizable
from seawall.engine.decide.measure import asset_rate, convert, open_slots
from seawall.engine.decide.pots import ensure_cross_pot
from seawall.engine.decide.refuse import Refusal, known_account, known_asset, positive
from seawall.engine.decide.sweep import sweep_all, sweep_pots
from seawall.engine.state import (
    EXTERNAL,
    FEES,
    FLAG_LIQUIDATING,
    FLAG_UNKNOWN,
    HOUSE_ACCOUNTS,
    Accrued,
    State,
)
from seawall.engine.writer import Writer
from seawall.errors import NumberError
from seawall.ledger.accrual import GROWTH_UNIT, growth, interest_atoms
from seawall.ledger.columns import NONE
from seawall.ledger.rates import KinkedRate
from seawall.liquidation.rules import Step
from seawall.liquidation.seizure import SeizeTerms, Seizure, Side, seize
from seawall.margin.collateral_debt import WAD, value_up
from seawall.margin.lending import needs_over_haves
from seawall.margin.statement import statement
from seawall.units import INT64_MAX, PPB


def report_debt(writer: Writer, command: cmd.ReportDebt) -> None:
    """A balance goes below zero, or further below; the money is outside already."""
    state = writer.state
    account, asset = known_account(state, command.account), known_asset(state, command.asset)
    amount = positive(command.amount_atoms, "a debt")
    if state.rulebook.curve(command.asset) is None:
        raise Refusal(f"{command.asset} cannot be borrowed here: no [interest.{command.asset}]")
    pot = state.cross_pot(account, asset)
    held = int(state.book.balances[pot, asset]) if pot != NONE else 0
    outside = int(state.book.balances[EXTERNAL, asset]) + amount
    if held > 0:
        raise Refusal("who has a balance owes nothing of it", account=account, balance_atoms=held)
    if max(amount - held, outside, convert(state, outside, asset, state.numeraire) or 0) > MOST_ATOMS:
        raise Refusal("what the venue has lent would pass 2**62 atoms", account=account, amount=amount)
    pot = ensure_cross_pot(writer, account, asset)
    entries = (ev.Entry(pot, asset, -amount), ev.Entry(EXTERNAL, asset, amount))
    writer.emit(ev.Transferred, kind="debt", entries=entries, rule=state.tag)
    sweep_pots(writer, [pot])


def liquidate(writer: Writer, command: cmd.Liquidate) -> None:
    """Check, price, move: the debt is repaid, the collateral goes over, and the pot is looked at again."""
    state = writer.state
    account, target = known_account(state, command.account), known_account(state, command.target)
    debt, good = known_asset(state, command.debt), known_asset(state, command.collateral)
    wanted = positive(command.repay_atoms, "what is repaid")
    if account == target:
        raise Refusal("nobody liquidates his own account", account=account)
    pot, mine = state.cross_pot(target, debt), state.cross_pot(account, debt)
    step, terms = _open(state, pot, target)
    health = health_e18(state, pot)
    found = price(state, pot, terms, debt=debt, good=good, wanted=wanted, health=health)
    _check(state, command, mine, found)
    mine = ensure_cross_pot(writer, account, debt)
    rule = f"{state.tag} liquidation.{step.name}"
    seq = writer.emit(
        ev.Seized,
        pot=pot,
        to_pot=mine,
        debt=debt,
        collateral=good,
        repaid_atoms=found.repaid,
        seized_atoms=found.to_liquidator,
        fee_atoms=found.fee,
        most_atoms=found.most_debt,
        health_e18=health,
        rule=rule,
    )
    shares = (
        (mine, debt, -found.repaid),
        (pot, debt, found.repaid),
        (pot, good, -found.to_liquidator - found.fee),
        (mine, good, found.to_liquidator),
        (FEES, good, found.fee),
    )
    entries = tuple(ev.Entry(*share) for share in shares if share[2])
    seq = writer.emit(ev.Transferred, cause=seq, kind="seizure", entries=entries, rule=rule)
    sweep_pots(writer, [pot, mine], cause=seq)


def _open(state: State, pot: int, target: int) -> tuple[Step, SeizeTerms]:
    """The step that lets outsiders in, or a refusal."""
    if pot == NONE or not seizable(state, pot):
        raise Refusal("this account has nothing that could be seized now", account=target)
    if state.flags[pot] & FLAG_UNKNOWN or forbidden(state, pot):
        raise Refusal("a price or a gate forbids to liquidate this account now", account=target)
    step = state.rulebook.liquidation.steps[state.ladders[pot].step]
    assert not isinstance(step.seize, msgspec.UnsetType)
    return step, step.seize


def health_e18(state: State, pot: int) -> int:
    """Haves over needs at the trigger level, 1e-18, below one: see the head of this file."""
    trigger = state.rulebook.liquidation.trigger
    ratio = needs_over_haves(statement(state.book, state.margin, state.market, pot, trigger))
    return min(ratio.haves_atoms * WAD // max(ratio.needs_atoms, 1), WAD - 1)


def price(
    state: State, pot: int, terms: SeizeTerms, *, debt: int, good: int, wanted: int, health: int
) -> Seizure:
    """What would change hands; no state changes. Refuses assets the pot does not owe or have, and dust."""
    names = [asset.name for asset in state.rulebook.assets]
    sides = [_side(state, pot, row) for row in range(len(names))]
    if names[good] not in terms.bonus_wad:
        raise Refusal(f"{names[good]} cannot be seized: {', '.join(terms.bonus_wad)} can")
    if sides[debt].amount >= 0 or sides[good].amount <= 0:
        raise Refusal(f"the account owes no {names[debt]}, or has no {names[good]}")
    others = [side for row, side in enumerate(sides) if row not in (debt, good)]
    found = seize(
        terms.close,
        sides[good],
        sides[debt]._replace(amount=-sides[debt].amount),
        wanted=wanted,
        bonus=terms.bonus(names[good], health),
        per=WAD,
        fee_bps=terms.fee_bps,
        health=health,
        other_debt=sum(value_up(-s.amount, s.price, s.unit) for s in others if s.amount < 0),
        rounding=terms.rounding,
    )
    if found.leaves_dust:
        raise Refusal("both sides would be left below the least: repay more, or less", repaid=found.repaid)
    if not found.repaid:
        raise Refusal("the close factor leaves nothing to repay", most_atoms=found.most_debt)
    return found


def _side(state: State, pot: int, asset: int) -> Side:
    rate = asset_rate(state, asset) or (0, 1)
    return Side(int(state.book.balances[pot, asset]), *rate)


def _check(state: State, command: cmd.Liquidate, mine: int, found: Seizure) -> None:
    """The liquidator: he gets what he asked for, has what he pays, and nothing of his own at risk."""
    account = command.account
    if found.to_liquidator < command.least_atoms:
        raise Refusal(
            "less collateral than the liquidator asks for",
            account=account,
            seized_atoms=found.to_liquidator,
            least_atoms=command.least_atoms,
        )
    held = int(state.book.balances[mine, state.asset_row[command.debt]]) if mine != NONE else 0
    if held < found.repaid:
        raise Refusal("the liquidator holds too little", account=account, held=held, repaid=found.repaid)
    balances_only(state, mine, account)


def balances_only(state: State, pot: int, account: int) -> None:
    """Refuse a liquidator with something of his own at risk: what he gets must not be needed at once."""
    busy = int(state.flags[pot]) & (FLAG_LIQUIDATING | FLAG_UNKNOWN)
    if busy or open_slots(state, pot) or min(state.book.balances[pot].tolist()) < 0:
        raise Refusal("a liquidator's account has balances only: no positions, no debts", account=account)


def accrue_interest(writer: Writer, command: cmd.AccrueInterest) -> None:
    """Charge every borrower and pay every lender of an asset for the time since the last time."""
    state = writer.state
    asset = known_asset(state, command.asset)
    curve = state.rulebook.curve(command.asset)
    if curve is None:
        raise Refusal(f"{command.asset} cannot be borrowed here: no [interest.{command.asset}]")
    before = state.interest.get(asset, Accrued(writer.time_ns, GROWTH_UNIT))
    column = state.book.balances[: state.book.n_pots, asset]
    held = [(pot, atoms) for pot, atoms in enumerate(column.tolist()) if atoms and pot >= HOUSE_ACCOUNTS]
    borrowed, supplied = (sum(max(sign * atoms, 0) for _pot, atoms in held) for sign in (-1, 1))
    used_ppb = min(-(-borrowed * PPB // max(supplied, 1)), PPB)
    rate = curve.borrow_ppb(used_ppb)
    try:
        grown = growth(rate, writer.time_ns - before.at_ns)
    except NumberError as error:
        raise Refusal(str(error), rate_ppb=rate) from None
    index = before.index_e15 + interest_atoms(before.index_e15, grown)
    if index > INT64_MAX:
        raise Refusal("the interest index would pass 64 bits: settle the debts", index_e15=before.index_e15)
    amounts = _shares(held, grown, curve, borrowed, supplied)
    pots = [pot for (pot, _atoms), amount in zip(held, amounts, strict=True) if amount]
    writer.emit(
        ev.InterestPaid,
        asset=asset,
        rate_ppb=rate,
        utilisation_ppb=used_ppb,
        index_e15=index,
        pots=np.array(pots, "<i8").tobytes(),
        amounts_atoms=np.array([amount for amount in amounts if amount], "<i8").tobytes(),
        rest_atoms=-sum(amounts),
    )
    if pots:
        sweep_all(writer)


def _shares(
    held: list[tuple[int, int]], grown: int, curve: KinkedRate, borrowed: int, supplied: int
) -> list[int]:
    """What each balance gets (+) or pays (-). What is borrowed beyond all deposits earns for the venue."""
    paid = sum(interest_atoms(-atoms, grown) for _pot, atoms in held if atoms < 0)
    kept = -(-paid * curve.kept_ppb // PPB)
    lenders = (paid - kept) * min(supplied, borrowed) // max(borrowed, 1)
    return [
        -interest_atoms(-atoms, grown) if atoms < 0 else lenders * atoms // supplied for _pot, atoms in held
    ]
