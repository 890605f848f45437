"""The engine under snapshots: reports in, liquidation orders filled by dealers, expiries settled.

While a snapshot comes in, expiry by expiry, and while an expiry is settled, leg by leg, the venue's guardian
keeps the gate of liquidations closed: an account is judged on whole markets only. Snapshots are hours apart,
so this venue lets prices and surfaces stand for a day. Dealers are deep pockets outside of the experiment:
they take the other side of every opening trade at the mark, of liquidations at the mark less a cost, and bid
for accounts in auction.
Sizes lots, prices ticks, money atoms.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import msgspec

from benchmarks.february.accounts import Holder
from benchmarks.february.chains import Snapshot
from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.measure import pot_health
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS
from seawall.rulebooks.load import load_rulebook
from seawall.rulebooks.model import Rulebook

DAY_NS = 86_400 * 10**9
SECOND_NS = 10**9
PPB = 10**9
BID_AFTER_NS = 300 * SECOND_NS  # an auction's discount has grown by then
DEALERS = 64
DEEP = 10**9  # USDC of each dealer
OPTION_COST, PERP_COST, LEAST_COST = 0.02, 0.0005, 0.0002  # of the mark, and of the index
ROUNDS = 80  # of fills after a snapshot; what is still open then waits for the next


class Recorder(Protocol):
    def record(self, command: cmd.AnyCommand, events: tuple[ev.AnyEvent, ...]) -> None: ...


def rulebook_for(names: list[str]) -> Rulebook:
    """The reference venue for options with these listed, and with prices that may be a day old."""
    rules = load_rulebook("harbor-options").with_options(names)
    oracles = {
        name: msgspec.structs.replace(policy, max_age_ns=DAY_NS) for name, policy in rules.oracles.items()
    }
    margin = msgspec.structs.replace(rules.margin, quotes_max_age_ns=DAY_NS)
    return msgspec.structs.replace(rules, oracles=oracles, margin=margin)


class Venue:
    """One engine, its clock, its dealers. `seen` is told every event after it happened."""

    def __init__(self, rulebook: Rulebook, recorders: tuple[Recorder, ...] = ()) -> None:
        self.engine, self.recorders = Engine(rulebook), recorders
        self.now_ns = 0
        self.seen: Callable[[ev.AnyEvent], None] = lambda event: None
        self.holders: dict[int, Holder] = {}  # by pot
        self.refused = 0
        self.instruments = {instrument.name: instrument for instrument in rulebook.instruments}
        self.sources = {name: policy.sources for name, policy in rulebook.oracles.items()}

    def give(self, kind: type, **fields: Any) -> None:
        self.give_many([kind(time_ns=self.now_ns, **fields)])

    def give_many(self, commands: list[Any]) -> None:
        """Commands of one moment; the books are added up once, after the last."""
        for command, events in zip(commands, self.engine.step_many(commands), strict=True):
            for recorder in self.recorders:
                recorder.record(command, events)
            for event in events:
                self.refused += type(event) is ev.Refused
                self.seen(event)

    # -- markets ------------------------------------------------------------------------------------------

    def ticks(self, name: str, price: float) -> int:
        return max(round(Fraction(price) / self.instruments[name].tick_units), 1)

    def report(self, snapshot: Snapshot) -> None:
        """The whole market of a moment, and then the judgement on it."""
        self.now_ns = max(self.now_ns, snapshot.time_ns)
        self._hold("snapshot")
        marks: dict[str, float] = {}
        for expiry in snapshot.expiries:
            known = [quote for quote in expiry.quotes if quote.name in self.instruments]
            marks.update({quote.name: quote.mark_usd for quote in known})
            vols = tuple(cmd.OptionVol(quote.name, round(quote.vol * 1e9)) for quote in known)
            if vols:
                self.give(
                    cmd.ReportVols,
                    asset=expiry.asset,
                    expiry_ns=expiry.expiry_ns,
                    forward_e9=round(expiry.forward * 1e9),
                    vols=vols,
                )
        marks.update({f"{asset}-PERP": price for asset, price in snapshot.index.items()})
        prices = tuple(
            cmd.SourcePrice(name, source, self.ticks(name, price), self.now_ns)
            for name, price in marks.items()
            for source in self.sources[name]
        )
        self.give(cmd.ReportPrices, prices=prices)
        self._release()

    def settle(self, snapshots: list[Snapshot], until_ns: int) -> None:
        """What is held and expires up to a time, at the index of the snapshot nearest to its expiry."""
        state = self.engine.state
        due = sorted({
            (instrument.expiry_ns, instrument.name)
            for row, instrument in enumerate(state.instruments)
            if instrument.kind.option and instrument.expiry_ns <= until_ns and row not in state.settled
            and state.market.oi_lots[row]
        })  # fmt: skip
        for moment in dict.fromkeys(expiry_ns for expiry_ns, _ in due):
            nearest = min(snapshots, key=lambda each: abs(each.time_ns - moment))
            self.now_ns = max(self.now_ns, moment)
            self._hold("settlement")
            for name in (name for expiry_ns, name in due if expiry_ns == moment):
                option = self.instruments[name]
                price = self.ticks(option.underlying, nearest.index[option.base])
                self.give(cmd.SettleInstrument, instrument=name, price_ticks=price)
            self._release()

    def _hold(self, reason: str) -> None:
        self.give(
            cmd.Override, by="february", role="guardian", action="liquidate", instrument="", close=True,
            until_ns=self.now_ns + SECOND_NS, reason=reason,
        )  # fmt: skip

    def _release(self) -> None:
        """The gate opens by itself; then the liquidations that are due run, and their orders are filled."""
        self.now_ns += 2 * SECOND_NS
        self.give(cmd.Tick)
        for _ in range(ROUNDS):
            filled, halted = self.fill_liquidations(), self.engine.state.halted
            if halted or not (filled or self.engine.state.auctions):
                break
            self.now_ns += 11 * SECOND_NS if filled else BID_AFTER_NS
            if not filled:
                self.bid()
            self.give(cmd.Tick)

    # -- accounts -----------------------------------------------------------------------------------------

    def open_dealers(self) -> None:
        for place in range(DEALERS):
            self.give(cmd.OpenAccount, account=HOUSE_ACCOUNTS + place, owner="dealer")
            self.give_many([self._deposit(HOUSE_ACCOUNTS + place, "USDC", DEEP)])

    def enter(self, holder: Holder) -> None:
        """Open, fund amply, trade at the mark, then withdraw what is not wanted here."""
        state = self.engine.state
        account, pot = len(state.account_pot), state.book.n_pots
        self.holders[pot] = holder
        index = state.market.index_price.item(state.instrument_row[f"{holder.asset}-PERP"])
        price = float(index * self.instruments[f"{holder.asset}-PERP"].tick_units)
        ample = round(3 * price * sum(abs(leg.size) for leg in holder.legs)) + 1_000
        commands: list[Any] = [cmd.OpenAccount(time_ns=self.now_ns, account=account)]
        commands.append(self._deposit(account, "USDC", ample))
        if holder.coins:
            commands.append(self._deposit(account, holder.asset, holder.coins))
        for leg in holder.legs:
            mark = state.market.mark.item(state.instrument_row[leg.instrument])
            commands.append(self._fill(account, leg.instrument, self._lots(leg.instrument, leg.size), mark))
        self.give_many(commands)
        now = pot_health(state, pot, "initial")
        spare = now.margin_atoms - int((holder.slack - 1.0) * now.requirement_atoms)
        spare = min(spare, state.book.balances.item(pot, state.numeraire))
        if spare > 0:
            self.give(cmd.Withdraw, account=account, asset="USDC", amount_atoms=spare)

    def _deposit(self, account: int, asset: str, amount: float) -> cmd.Deposit:
        state = self.engine.state
        atoms = round(amount * state.rulebook.assets[state.asset_row[asset]].atoms_per_unit)
        return cmd.Deposit(time_ns=self.now_ns, account=account, asset=asset, amount_atoms=atoms)

    def _lots(self, name: str, size: float) -> int:
        return round(Fraction(str(size)) / self.instruments[name].lot_units)

    # -- the other side -----------------------------------------------------------------------------------

    def dealer(self, row: int) -> int:
        return HOUSE_ACCOUNTS + row % DEALERS

    def _fill(self, account: int, name: str, lots: int, price_ticks: int, order: int = 0) -> cmd.ReportFill:
        """`account` buys (or sells, below zero) from the dealer of the instrument."""
        dealer, buys = self.dealer(self.engine.state.instrument_row[name]), lots > 0
        return cmd.ReportFill(
            time_ns=self.now_ns,
            instrument=name,
            size_lots=abs(lots),
            price_ticks=price_ticks,
            buyer=account if buys else dealer,
            seller=dealer if buys else account,
            taker_is_buyer=buys,
            buyer_order=order if buys else 0,
            seller_order=0 if buys else order,
        )

    def fill_liquidations(self) -> int:
        """Every liquidation order out is filled at the mark less a cost, not beyond its limit."""
        state, answers = self.engine.state, list[Any]()
        for number, order in sorted(state.orders.items()):
            if not order.liquidation:
                continue
            if order.recalled:
                answers.append(cmd.ReportOrderDone(time_ns=self.now_ns, order=number))
                continue
            name = state.instruments[order.instrument].name
            price = self._price(order.instrument, order.size_lots > 0, order.price_ticks)
            account = state.book.pot_account.item(order.pot)
            answers.append(self._fill(account, name, order.size_lots, price, number))
        self.give_many(answers)
        return len(answers)

    def bid(self) -> None:
        """A dealer bids for the whole of every account in auction, with what discount there is by then."""
        for pot in sorted(self.engine.state.auctions):
            target = self.engine.state.book.pot_account.item(pot)
            bidder = HOUSE_ACCOUNTS + target % DEALERS
            self.give(cmd.Bid, account=bidder, target=target, share_ppb=PPB, most_atoms=DEEP * 10**6)

    def _price(self, row: int, buying: bool, limit_ticks: int) -> int:
        state, instrument = self.engine.state, self.engine.state.instruments[row]
        mark = state.market.mark.item(row)
        cost = round(mark * (OPTION_COST if instrument.kind.option else PERP_COST))
        if instrument.kind.option:
            via = state.underlying_row[row]
            index = float(state.market.index_price.item(via) * state.instruments[via].tick_units)
            cost = max(cost, self.ticks(instrument.name, index * LEAST_COST))
        price = mark + cost if buying else max(mark - cost, 1)
        if limit_ticks:
            price = min(price, limit_ticks) if buying else max(price, limit_ticks)
        return price
