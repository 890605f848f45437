"""Accounts and money: open, deposit, withdraw, transfer, chosen leverage.

Amounts atoms. Money may leave a pot only if what stays meets the `transfer` level (or `initial`
where the rulebook names none); an unknown pot may receive money but not give any.
"""

from __future__ import annotations

import numpy as np

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.pots import ensure_cross_pot, ensure_isolated_pot
from seawall.engine.decide.refuse import Refusal, known_account, known_asset, known_instrument, positive
from seawall.engine.decide.sweep import sweep_pots
from seawall.engine.state import EXTERNAL, FLAG_LIQUIDATING, SHORTFALL, State
from seawall.engine.writer import Writer
from seawall.kernels.margin import Overlay
from seawall.ledger.columns import NONE
from seawall.margin.statement import health
from seawall.units import PPB


def open_account(writer: Writer, command: cmd.OpenAccount) -> None:
    state = writer.state
    if command.account != len(state.account_pot):
        raise Refusal(
            "account numbers are given in order", account=command.account, next=len(state.account_pot)
        )
    unit = state.asset_row[state.rulebook.margin.numeraire]
    writer.emit(
        ev.AccountOpened,
        account=command.account,
        owner=command.owner,
        pot=state.book.n_pots,
        unit=unit,
        role=0,
    )


def deposit(writer: Writer, command: cmd.Deposit) -> None:
    state = writer.state
    account = known_account(state, command.account, house=True)
    asset = known_asset(state, command.asset)
    amount = positive(command.amount_atoms, "a deposit")
    pot = state.cross_pot(account, asset)
    held = int(state.book.balances[pot, asset]) if pot != NONE else 0
    if held + amount > 2**62 or int(-state.book.balances[EXTERNAL, asset]) + amount > 2**62:
        raise Refusal("the balance would pass 2**62 atoms", account=account, amount=amount)
    pot = ensure_cross_pot(writer, account, asset)
    writer.emit(
        ev.Transferred,
        kind="deposit",
        rule=state.tag,
        entries=(ev.Entry(EXTERNAL, asset, -amount), ev.Entry(pot, asset, amount)),
    )
    sweep_pots(writer, np.array([pot], np.int64))


def withdraw(writer: Writer, command: cmd.Withdraw) -> None:
    state = writer.state
    account = known_account(state, command.account)
    asset = known_asset(state, command.asset)
    amount = positive(command.amount_atoms, "a withdrawal")
    if until := state.gate_closed("withdraw", NONE):
        raise Refusal("withdrawals are closed", account=account, until_ns=until)
    pot = state.cross_pot(account, asset)
    _may_leave(state, pot, asset, amount, account)
    haircut = amount * state.haircut_ppb[asset] // PPB
    entries = [ev.Entry(pot, asset, -amount), ev.Entry(EXTERNAL, asset, amount - haircut)]
    if haircut:
        entries.append(ev.Entry(SHORTFALL, asset, haircut))
    writer.emit(ev.Transferred, kind="withdrawal", rule=state.tag, entries=tuple(entries))


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
    if isolated != NONE and state.settle_row[isolated] != asset:
        raise Refusal(
            f"an isolated {command.to_isolated} pot holds only its settlement asset", account=target
        )
    _may_leave(state, giver, asset, amount, source)
    taker = (
        ensure_isolated_pot(writer, target, isolated)
        if isolated != NONE
        else ensure_cross_pot(writer, target, asset)
    )
    writer.emit(
        ev.Transferred,
        kind="transfer",
        rule=state.tag,
        entries=(ev.Entry(giver, asset, -amount), ev.Entry(taker, asset, amount)),
    )
    sweep_pots(writer, np.array([giver, taker], np.int64))


def _may_leave(state: State, pot: int, asset: int, amount: int, account: int) -> None:
    """Refuse unless the pot holds the amount and what stays meets the transfer level."""
    held = int(state.book.balances[pot, asset]) if pot != NONE else 0
    if held < amount:
        raise Refusal("the balance is too small", account=account, balance_atoms=held, amount_atoms=amount)
    if state.flags[pot] & FLAG_LIQUIDATING:
        raise Refusal("the account is being liquidated", account=account)
    level = transfer_level(state)
    after = health(state.book, state.margin, state.market, pot, level, Overlay(asset=asset, cash=-amount))
    if not after.known:
        raise Refusal("a price this account needs is unknown", account=account, instrument=after.unknown)
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
    schedules = state.rulebook.margin.instruments[command.instrument].schedules.values()
    cap = max((schedule.max_leverage for schedule in schedules), default=0)
    if not 1 <= command.leverage <= (cap or 1000):
        raise Refusal(
            "leverage outside what the venue offers",
            account=account,
            leverage=command.leverage,
            most=cap or 1000,
        )
    settle = state.settle_row[instrument]
    pot = state.isolated_pot(account, instrument) if command.isolated else state.cross_pot(account, settle)
    if pot != NONE:
        slot = state.book.position(pot, instrument)
        before = int(state.book.pos_leverage[slot]) if slot != NONE else 0
        if slot != NONE and state.book.pos_lots[slot] and (not before or command.leverage < before):
            _leverage_fits(state, pot, slot, command.leverage, account)
    if command.isolated:
        pot = ensure_isolated_pot(writer, account, instrument)
    else:
        pot = ensure_cross_pot(writer, account, settle)
    writer.emit(ev.LeverageSet, pot=pot, instrument=instrument, leverage=command.leverage)


def _leverage_fits(state: State, pot: int, slot: int, leverage: int, account: int) -> None:
    """Lower leverage asks for more initial margin: refuse if the pot does not have it."""
    instrument = int(state.book.pos_instrument[slot])
    after = health(
        state.book,
        state.margin,
        state.market,
        pot,
        "initial",
        Overlay(instrument=instrument, leverage=leverage),
    )
    if not after.known or after.margin_atoms < 0:
        raise Refusal(
            "the position needs more initial margin at this leverage",
            account=account,
            short_atoms=-after.margin_atoms if after.known else 0,
        )
