"""Bids for a share of a pot in auction (decide.auction).

A bidder takes his share of every position at the mark, and the pot pays him the discount on his share of its
worth; cash that earlier bids earned it is reserved and not sold again. Of a pot worth nothing or less he
takes his share of what is missing, and the insurance fund pays him for it, from mark-to-market up to
maintenance as time goes by; while the fund is short nobody can bid. Collateral stays where it is. Atoms of
the pot's unit; lots of a share round up (the risk is to go), what the bidder gets down; shares of 1e-9.
Ours: his room at `initial` must cover his share of what the pot requires there, in place of Derive's account
that holds nothing but cash.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import msgspec

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.auction import figures, open_auction
from seawall.engine.decide.measure import pot_health
from seawall.engine.decide.pots import ensure_cross_pot
from seawall.engine.decide.refuse import Refusal, known_account, known_asset
from seawall.engine.decide.sweep import sweep_pots
from seawall.engine.decide.takeover import positions
from seawall.engine.decide.trades_write import pay, write_trade
from seawall.engine.state import FLAG_LIQUIDATING, FLAG_UNKNOWN, INSURANCE, State
from seawall.engine.writer import Writer
from seawall.ledger.columns import NONE
from seawall.liquidation import auction as formula
from seawall.liquidation.auction import AuctionTerms
from seawall.liquidation.rules import Step
from seawall.units import PPB


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a share goes for now. `paid_atoms` is from the pot to the bidder (insolvent: below zero)."""

    solvent: bool
    share_ppb: int
    largest_ppb: int
    worth_atoms: int
    cost_atoms: int
    paid_atoms: int
    payout_atoms: int


def bid(writer: Writer, command: cmd.Bid) -> None:
    state = writer.state
    account, target = known_account(state, command.account), known_account(state, command.target)
    unit = known_asset(state, command.asset) if command.asset else state.numeraire
    pot = state.cross_pot(target, unit)
    if pot == NONE or pot not in state.auctions:
        raise Refusal("this account is not in auction", account=target)
    if account == target:
        raise Refusal("nobody bids for his own account", account=account)
    if not 0 < command.share_ppb <= PPB:
        raise Refusal("a share is above 0 and at most 100 %", account=account, share_ppb=command.share_ppb)
    step = state.rulebook.liquidation.steps[state.ladders[pot].step]
    worth, health = figures(state, pot)
    offer = offer_of(state, pot, step, worth, health, command.share_ppb, writer.time_ns)
    _check(state, command, state.cross_pot(account, int(state.book.pot_unit[pot])), pot, offer)
    cause = writer.command_seq
    if state.auctions[pot].solvent and not offer.solvent:
        cause = open_auction(writer, pot, step, cause)
    mine = ensure_cross_pot(writer, account, int(state.book.pot_unit[pot]))
    _carry_out(writer, pot, mine, step, offer, cause)


def offer_of(
    state: State, pot: int, step: Step, worth: int, health: int, wanted_ppb: int, now_ns: int
) -> Offer:
    """The share for sale and its price at a moment; no state changes."""
    terms, auction = step.auction, state.auctions[pot]
    assert terms is not None
    if worth <= 0:
        return _insolvent(terms, auction.solvent, now_ns - auction.opened_ns, worth, health, wanted_ppb)
    discount = formula.discount_at(terms, now_ns - auction.opened_ns) if auction.solvent else Fraction(0)
    buffer = formula.buffer_margin(maintenance_atoms=health, worth_atoms=worth, buffer_ppb=terms.buffer_ppb)
    reserved = min(auction.reserved_atoms, worth)
    largest = formula.largest_share(
        buffer_atoms=buffer, worth_atoms=worth, discount=discount, reserved_atoms=reserved
    )
    largest_ppb = ceil(largest * PPB)
    share_ppb = min(wanted_ppb, largest_ppb)
    share = Fraction(share_ppb, PPB)
    return Offer(
        solvent=True,
        share_ppb=share_ppb,
        largest_ppb=largest_ppb,
        worth_atoms=worth,
        cost_atoms=formula.cost_atoms(
            share=share, worth_atoms=worth, discount=discount, reserved_atoms=reserved
        ),
        paid_atoms=int(share * (worth - reserved) * discount),
        payout_atoms=0,
    )


def _insolvent(
    terms: AuctionTerms, just_now: bool, elapsed_ns: int, worth: int, health: int, wanted_ppb: int
) -> Offer:
    """`just_now`: it was put up solvent, so its clock starts with this bid."""
    offer = formula.insolvent_offer(
        worth_atoms=worth,
        maintenance_atoms=health,
        elapsed_ns=0 if just_now else elapsed_ns,
        total_ns=terms.insolvent_ns,
    )
    share = Fraction(wanted_ppb, PPB)
    payout, _cash = formula.insolvent_bid(share=share, offer=offer, maintenance_atoms=health)
    return Offer(
        solvent=False,
        share_ppb=wanted_ppb,
        largest_ppb=PPB,
        worth_atoms=worth,
        cost_atoms=0,
        paid_atoms=-ceil(-worth * share),
        payout_atoms=payout,
    )


def _check(state: State, command: cmd.Bid, mine: int, pot: int, offer: Offer) -> None:
    """All that a bid can be refused for once its price is known."""
    if not offer.share_ppb:
        raise Refusal("nothing is for sale: its margin is met", account=command.account)
    price = offer.cost_atoms if offer.solvent else -offer.payout_atoms
    if price > command.most_atoms:
        raise Refusal(
            "the share costs more than the bid allows",
            account=command.account,
            cost_atoms=price,
            most_atoms=command.most_atoms,
        )
    unit = int(state.book.pot_unit[pot])
    fund = max(int(state.book.balances[INSURANCE, unit]), 0)
    if offer.payout_atoms > fund:
        raise Refusal(
            "the insurance fund cannot pay for the share",
            account=command.account,
            payout_atoms=offer.payout_atoms,
            fund_atoms=fund,
        )
    if mine == NONE or state.flags[mine] & (FLAG_LIQUIDATING | FLAG_UNKNOWN):
        raise Refusal("the bidder has no account that could take anything", account=command.account)
    own, whole = pot_health(state, mine, "initial"), pot_health(state, pot, "initial")
    if not own.known or not whole.known:
        raise Refusal("bidder or account cannot be valued", account=command.account)
    gained = offer.paid_atoms + offer.payout_atoms
    needs = -(-whole.requirement_atoms * offer.share_ppb // PPB) - gained
    if own.margin_atoms < needs:
        raise Refusal(
            "the bidder has no room at initial for the share",
            account=command.account,
            margin_atoms=own.margin_atoms,
            needs_atoms=needs,
        )


def _carry_out(writer: Writer, pot: int, mine: int, step: Step, offer: Offer, cause: int) -> None:
    state, rule = writer.state, f"{writer.state.tag} liquidation.{step.name}"
    held, unit = positions(state, pot), int(state.book.pot_unit[pot])
    seq = writer.emit(
        ev.AuctionBid,
        cause=cause,
        pot=pot,
        to_pot=mine,
        share_ppb=offer.share_ppb,
        largest_ppb=offer.largest_ppb,
        worth_atoms=offer.worth_atoms,
        cost_atoms=offer.cost_atoms,
        discount_atoms=offer.paid_atoms,
        payout_atoms=offer.payout_atoms,
        rule=rule,
    )
    for row, lots in held:
        size = -(-abs(lots) * offer.share_ppb // PPB) * (1 if lots > 0 else -1)
        legs = [(pot, -size), (mine, size)]
        write_trade(writer, row, int(state.market.mark[row]), legs, kind="auction", cause=seq, rule=rule)
    if offer.paid_atoms > 0:
        pay(writer, pot, unit, [(mine, offer.paid_atoms)], kind="auction", cause=seq, rule=rule)
    elif offer.paid_atoms < 0:
        pay(writer, mine, unit, [(pot, -offer.paid_atoms)], kind="auction", cause=seq, rule=rule)
    if offer.payout_atoms:
        pay(writer, INSURANCE, unit, [(mine, offer.payout_atoms)], kind="auction", cause=seq, rule=rule)
    sweep_pots(writer, [pot, mine], cause=seq)
