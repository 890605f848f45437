"""Saying no: a refusal is an event with the numbers that led to it, and nothing else happens."""

from __future__ import annotations

from seawall.engine import events as ev
from seawall.engine.state import HOUSE_ACCOUNTS, HOUSE_NAMES, State
from seawall.engine.writer import Writer
from seawall.units import INT64_MAX


class Refusal(Exception):
    """Raised inside a decider before its first event; the engine turns it into `Refused`."""

    def __init__(self, reason: str, *, account: int = -1, **numbers: int) -> None:
        super().__init__(reason)
        self.reason, self.account, self.numbers = reason, account, numbers

    def write(self, writer: Writer, command: str) -> None:
        # What was refused may have been a number too large for a record: it shows as the largest.
        writer.emit(
            ev.Refused,
            command=command,
            reason=self.reason,
            account=_shown(self.account),
            numbers={name: _shown(number) for name, number in self.numbers.items()},
        )


def _shown(number: int) -> int:
    return max(min(int(number), INT64_MAX), -INT64_MAX)


def known_account(state: State, account: int, *, house: tuple[int, ...] = ()) -> int:
    """The account number if it may be used; refuses unknown ones and the venue's own but those in `house`."""
    if not 0 <= account < len(state.account_pot):
        raise Refusal("unknown account: open it first", account=account)
    if account < HOUSE_ACCOUNTS and account not in house:
        raise Refusal(f"{HOUSE_NAMES[account]} is the venue's own account and not for this", account=account)
    return account


def known_instrument(state: State, name: str) -> int:
    row = state.instrument_row.get(name)
    if row is None:
        raise Refusal(f"unknown instrument {name!r}: this rulebook lists {', '.join(state.instrument_row)}")
    if row in state.settled:
        raise Refusal(f"{name} has been settled and no longer trades")
    return row


def known_asset(state: State, name: str) -> int:
    row = state.asset_row.get(name)
    if row is None:
        raise Refusal(f"unknown asset {name!r}: this rulebook lists {', '.join(state.asset_row)}")
    return row


def positive(amount: int, what: str, **numbers: int) -> int:
    if not 0 < amount <= INT64_MAX:
        raise Refusal(f"{what} must be positive and fit 64 bits", amount=amount, **numbers)
    return amount
