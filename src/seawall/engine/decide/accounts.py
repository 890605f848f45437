"""Accounts and money: open, deposit, withdraw, transfer, chosen leverage.

Amounts atoms. Money may leave a pot only if what stays meets the `transfer` level (or `initial`
where the rulebook names none), on prices good enough to withdraw on, and past no closed gate; an
unknown pot may receive money but not give any. A withdrawal haircut rounds up, against who leaves.
"""

from __future__ import annotations

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.measure import convert, needed_instruments, pot_health
from seawall.engine.decide.pots import ensure_cross_pot, ensure_isolated_pot
from seawall.engine.decide.refuse import Refusal, known_account, known_asset, known_instrument, positive
from seawall.engine.decide.sweep import sweep_pots
from seawall.engine.state import (
    BACKSTOP,
    EXTERNAL,
    FEES,
    FLAG_LIQUIDATING,
    INSURANCE,
    SHORTFALL,
    WORTH,
    State,
)
from seawall.engine.writer import Writer
from seawall.instruments.model import InstrumentKind
from seawall.kernels.margin import Overlay
from seawall.ledger.columns import NONE
from seawall.market.policy import Action
from seawall.units import PPB

FUNDED = (FEES, INSURANCE, BACKSTOP, SHORTFALL)  # house accounts that may be paid into
MOST_ATOMS = 2**62


def open_account(writer: Writer, command: cmd.OpenAccount) -> None:
    state = writer.state
    if command.account != len(state.account_pot):
        raise Refusal(
            "account numbers are given in order", account=command.account, next=len(state.account_pot)
        )
    writer.put(
        ev.AccountOpened(
            seq=writer.state.seq + 1,
            cause_seq=writer.command_seq,
            time_ns=writer.time_ns,
            account=command.account,
            owner=command.owner,
            pot=state.book.n_pots,
            unit=state.numeraire,
            role=0,
        )
    )


def deposit(writer: Writer, command: cmd.Deposit) -> None:
    state = writer.state
    account = known_account(state, command.account, house=FUNDED)
    asset = known_asset(state, command.asset)
    amount = positive(command.amount_atoms, "a deposit")
    pot = state.cross_pot(account, asset)
    held = int(state.book.balances[pot, asset]) if pot != NONE else 0
    inside = int(-state.book.balances[EXTERNAL, asset]) + amount
    worth = convert(state, inside, asset, state.numeraire)
    if max(held + amount, inside, worth or 0) > MOST_ATOMS:
        raise Refusal("what the venue holds would pass 2**62 atoms", account=account, amount=amount)
    pot = ensure_cross_pot(writer, account, asset)
    writer.put(
        ev.Transferred(
            seq=writer.state.seq + 1,
            cause_seq=writer.command_seq,
            time_ns=writer.time_ns,
            kind="deposit",
            rule=state.tag,
            entries=(ev.Entry(EXTERNAL, asset, -amount), ev.Entry(pot, asset, amount)),
        )
    )
    sweep_pots(writer, [pot])


def withdraw(writer: Writer, command: cmd.Withdraw) -> None:
    state = writer.state
    account = known_account(state, command.account)
    asset = known_asset(state, command.asset)
    amount = positive(command.amount_atoms, "a withdrawal")
    pot = state.cross_pot(account, asset)
    _may_go_out(state, pot, account)
    _may_leave(state, pot, asset, amount, account, borrow=True)
    shortfall = max(-int(state.book.balances[SHORTFALL, asset]), 0)
    haircut = min(-(-amount * state.haircut_ppb[asset] // PPB), shortfall)
    shares = ((pot, -amount), (EXTERNAL, amount - haircut), (SHORTFALL, haircut))
    entries = tuple(ev.Entry(taker, asset, atoms) for taker, atoms in shares if atoms)
    writer.put(
        ev.Transferred(
            seq=writer.state.seq + 1,
            cause_seq=writer.command_seq,
            time_ns=writer.time_ns,
            kind="withdrawal",
            rule=state.tag,
            entries=entries,
        )
    )


def transfer(writer: Writer, command: cmd.Transfer) -> None:
    state = writer.state
    asset = known_asset(state, command.asset)
    amount = positive(command.amount_atoms, "a transfer")
    source = known_account(state, command.from_account)
    target = known_account(state, command.to_account)
    if command.from_isolated:
        giver = state.isolated_pot(source, known_instrument(state, command.from_isolated))
    else:
        giver = state.cross_pot(source, asset)
    isolated = known_instrument(state, command.to_isolated) if command.to_isolated else NONE
    if isolated != NONE and not _isolates(state, isolated, asset):
        raise Refusal(
            f"an isolated {command.to_isolated} pot holds only its settlement asset", account=target
        )
    if source == target and command.from_isolated == command.to_isolated:
        raise Refusal("a transfer needs two different pots", account=source)
    if source != target:
        _may_go_out(state, giver, source)
    _may_leave(state, giver, asset, amount, source)
    taker = (
        ensure_isolated_pot(writer, target, isolated)
        if isolated != NONE
        else ensure_cross_pot(writer, target, asset)
    )
    writer.put(
        ev.Transferred(
            seq=writer.state.seq + 1,
            cause_seq=writer.command_seq,
            time_ns=writer.time_ns,
            kind="transfer",
            rule=state.tag,
            entries=(ev.Entry(giver, asset, -amount), ev.Entry(taker, asset, amount)),
        )
    )
    sweep_pots(writer, [giver, taker])


def _isolates(state: State, instrument: int, asset: int) -> bool:
    spot = state.instruments[instrument].kind is InstrumentKind.SPOT
    return not spot and state.settle_row[instrument] == asset


def _may_go_out(state: State, pot: int, account: int) -> None:
    """Refuse where withdrawals are closed, or another cross pot of the account is in trouble.

    Holds for withdrawals and for transfers to another account (dYdX gates both), not within one account.
    """
    rows = needed_instruments(state, pot) if pot != NONE else []
    until = max([state.gate_closed("withdraw", row) for row in (NONE, *rows)])
    if until:
        raise Refusal("withdrawals are closed", account=account, until_ns=until)
    for other in state.pots_of(account):
        if other == pot or state.book.pot_instrument[other] != NONE:
            continue
        found = pot_health(state, other, WORTH)
        if not found.known or found.equity_atoms < 0 or state.flags[other] & FLAG_LIQUIDATING:
            raise Refusal(
                "another pot of the account is below zero, unknown or being liquidated",
                account=account,
                pot=other,
                equity_atoms=found.equity_atoms,
            )


def _may_leave(
    state: State, pot: int, asset: int, amount: int, account: int, *, borrow: bool = False
) -> None:
    """Refuse unless the pot holds the amount and what stays meets the transfer level on good prices.

    borrow: an asset with an interest curve may be taken beyond what the pot holds, if the venue has it.
    """
    held = int(state.book.balances[pot, asset]) if pot != NONE else 0
    lent = borrow and pot != NONE and state.rulebook.curve(state.rulebook.assets[asset].name) is not None
    if held < amount and not lent:
        raise Refusal("the balance is too small", account=account, balance_atoms=held, amount_atoms=amount)
    if lent and amount > (cash := int(-state.book.balances[EXTERNAL, asset])):
        raise Refusal(
            "the venue has lent out the rest", account=account, cash_atoms=cash, amount_atoms=amount
        )
    if state.flags[pot] & FLAG_LIQUIDATING:
        raise Refusal("the account is being liquidated", account=account)
    level = transfer_level(state)
    after = pot_health(state, pot, level, Overlay(asset=asset, cash=-amount))
    if not after.known:
        raise Refusal("a price this account needs is unknown", account=account, instrument=after.unknown)
    for row in needed_instruments(state, pot):
        conditions = state.prices[row].conditions
        if not state.policies[row].allows(Action.WITHDRAW, conditions):
            raise Refusal(
                f"the price of {state.instruments[row].name} is not good enough to take money out",
                account=account,
                conditions=conditions,
            )
    if after.margin_atoms < 0:
        raise Refusal(
            f"what stays would not meet the {level} level",
            account=account,
            equity_atoms=after.equity_atoms,
            requirement_atoms=after.requirement_atoms,
            short_atoms=-after.margin_atoms,
        )


def transfer_level(state: State) -> str:
    return "transfer" if "transfer" in state.margin.levels else "initial"


def set_leverage(writer: Writer, command: cmd.SetLeverage) -> None:
    state = writer.state
    account = known_account(state, command.account)
    instrument = known_instrument(state, command.instrument)
    margin = state.rulebook.margin.instruments.get(command.instrument)
    if margin is None:
        raise Refusal(f"{command.instrument} is not margined and has no leverage", account=account)
    cap = max((schedule.max_leverage for schedule in margin.schedules.values()), default=0)
    if not 1 <= command.leverage <= (cap or 1000):
        raise Refusal(
            "leverage outside what the venue offers",
            account=account,
            leverage=command.leverage,
            most=cap or 1000,
        )
    settle = state.settle_row[instrument]
    pot = state.isolated_pot(account, instrument) if command.isolated else state.cross_pot(account, settle)
    slot = state.book.position(pot, instrument) if pot != NONE else NONE
    if slot != NONE and (state.book.pos_lots[slot] or state.book.pos_orders[slot]):
        before = int(state.book.pos_leverage[slot])
        if not before or command.leverage < before:
            _leverage_fits(state, pot, instrument, command.leverage, account)
    if command.isolated:
        pot = ensure_isolated_pot(writer, account, instrument)
    else:
        pot = ensure_cross_pot(writer, account, settle)
    writer.emit(ev.LeverageSet, pot=pot, instrument=instrument, leverage=command.leverage)
    sweep_pots(writer, [pot])


def _leverage_fits(state: State, pot: int, instrument: int, leverage: int, account: int) -> None:
    """Lower leverage asks for more initial margin: refuse if the pot does not have it."""
    after = pot_health(state, pot, "initial", Overlay(instrument=instrument, leverage=leverage))
    if not after.known or after.margin_atoms < 0:
        raise Refusal(
            "the position needs more initial margin at this leverage",
            account=account,
            short_atoms=-after.margin_atoms if after.known else 0,
        )
