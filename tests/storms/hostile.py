"""Commands no sane driver sends: numbers at the edges, names that do not exist, the venue's own accounts."""

from __future__ import annotations

from random import Random

import msgspec

from seawall.engine import commands as cmd
from seawall.rulebooks.model import Rulebook

EDGES = (0, -1, 1, 7, 2**31, -(2**31), 2**53 + 1, 2**61, 2**62, 2**63 - 1, -(2**63), 2**64, 10**30)
NAMES = ("BTC-PERP", "BTCUSD", "BTC-SPOT", "BTC-DEC", "", "NOSUCH", "USDC", "BTC", "\x00", "a")
KINDS = (
    cmd.OpenAccount,
    cmd.Deposit,
    cmd.Withdraw,
    cmd.Transfer,
    cmd.SetLeverage,
    cmd.PlaceOrder,
    cmd.CancelOrder,
    cmd.ReportFill,
    cmd.ReportOrderDone,
    cmd.ApplyFunding,
    cmd.SettleInstrument,
    cmd.Override,
    cmd.Propose,
    cmd.Approve,
    cmd.Enact,
    cmd.ReportPrices,
)


def hostile_command(rng: Random, now: int, orders: list[int], rulebook: Rulebook) -> cmd.AnyCommand:
    """A command whose fields are drawn from the edges, mixed with values that nearly make sense."""
    kind = rng.choice(KINDS)
    if kind is cmd.ReportPrices:
        return kind(time_ns=now, prices=tuple(_price(rng, now) for _ in range(rng.randint(0, 3))))
    fields = {}
    for field in msgspec.structs.fields(kind):
        if field.name != "time_ns":
            fields[field.name] = _value(rng, field.name, field.type, orders, rulebook, now)
    backwards = rng.random() < 0.05
    return kind(time_ns=now - 5 if backwards else now, **fields)


def _value(rng: Random, name: str, kind: object, orders: list[int], rulebook: Rulebook, now: int) -> object:
    if kind is bool:
        return rng.random() < 0.5
    if kind is bytes:
        return _rulebook(rng, rulebook)
    if kind is str:
        if name in ("by", "owner", "reason"):
            return rng.choice(["ann", "bob", "cyd", ""])
        if name == "role":
            return rng.choice(["guardian", "governor", "king"])
        if name == "action":
            return rng.choice(["open", "withdraw", "liquidate", "adl", "dance"])
        return rng.choice(NAMES)
    if "order" in name and orders and rng.random() < 0.7:
        return rng.choice(orders)
    if name in ("account", "buyer", "seller", "from_account", "to_account"):
        return rng.choice([*range(-1, 14), 10**6, *EDGES])
    if name == "proposal":
        return rng.choice([1, 2, 3, *EDGES])
    if name == "until_ns":
        return rng.choice([now + 10**9, now - 1, *EDGES])
    return rng.choice([*EDGES, rng.randint(1, 10**6), rng.randint(1, 10**6)])


def _rulebook(rng: Random, rulebook: Rulebook) -> bytes:
    """Nonsense, an unsound rulebook, or a sound change of the one in force."""
    replace = msgspec.structs.replace
    changed = rng.choice(
        [
            replace(rulebook, oracles={}),
            replace(rulebook, margin=replace(rulebook.margin, instruments={})),
            replace(rulebook, instruments=rulebook.instruments[:2]),
            replace(rulebook, title="renamed"),
            replace(rulebook, liquidation=replace(rulebook.liquidation, order="account")),
            replace(rulebook, waterfall=rulebook.waterfall[:1]),
        ]
    )
    return rng.choice([b"", b"{}", b"\xff\x00", msgspec.json.encode(changed)])


def _price(rng: Random, now: int) -> cmd.SourcePrice:
    return cmd.SourcePrice(
        rng.choice(NAMES),
        rng.choice(["a", "b", "zz"]),
        rng.choice([*EDGES, 500_000]),
        rng.choice([now, now + 1, now - 10**9, *EDGES]),
        rng.choice([0, 0, -1, 2**63 - 1]),
    )
