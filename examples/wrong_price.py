"""A ratio published as a price: what it does to a loan market, and the rule that would have held it.

On 2026-02-15 Moonwell's feed said 1.12 for a coin worth some 2,200: a ratio to ETH, taken for dollars after a
change of configuration. Within four minutes 1,096 coins were seized and 1.78 M USD of debt was left (press,
after Anthias Labs). Here a market of that size, on Harbor Lending with ETH for the coin, reads the same wrong
price for as long. Run it with `python examples/wrong_price.py`. The loans are drawn: the figures are of the
size of the incident's and not its own.
"""

import msgspec

from seawall.engine import commands as cmd
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS
from seawall.lab.keepers import Keeper
from seawall.lab.loan_crash import LoanCrash, LoanOutcome, Misread
from seawall.lab.shock import parse_shock, shock_path
from seawall.lab.streams import Stream
from seawall.market.amm.constant_product import ConstantProductPool
from seawall.rulebooks.load import load_rulebook
from seawall.rulebooks.model import Rulebook
from seawall.watch.detectors import watch

START = 1_770_000_000 * 10**9
MINUTE = 60 * 10**9
MARKET, REPORTED, COINS = 2_200.0, 1.12, 1_096
USDC, ETH, BTC = 10**6, 10**9, 10**8  # atoms of one
WRONG = Misread(
    asset="ETH", start_ns=START + 10 * MINUTE, end_ns=START + 14 * MINUTE, multiple=REPORTED / MARKET
)


def guarded(rulebook: Rulebook) -> Rulebook:
    """The same venue, where a price that moves by more than a quarter at once is not believed for an hour."""
    oracles = dict(rulebook.oracles)
    oracles["ETH-SPOT"] = msgspec.structs.replace(
        oracles["ETH-SPOT"], max_step_ppb=250_000_000, step_window_ns=60 * MINUTE
    )
    return msgspec.structs.replace(rulebook, oracles=oracles)


def open_market(rulebook: Rulebook, borrowers: int) -> Engine:
    """A lender, and borrowers at 60 to 79 % of their collateral, with 1,096 coins between them."""
    engine = Engine(rulebook)
    quotes = tuple(
        cmd.SourcePrice(name, source, ticks, START)
        for name, ticks in (("ETH-SPOT", 220_000), ("BTC-SPOT", 1_000_000))
        for source in ("alpha", "beta", "gamma")
    )
    engine.step(cmd.ReportPrices(time_ns=START, prices=quotes))
    lender = HOUSE_ACCOUNTS
    engine.step(cmd.OpenAccount(time_ns=START, account=lender))
    engine.step(cmd.Deposit(time_ns=START, account=lender, asset="USDC", amount_atoms=10**7 * USDC))
    stream = Stream(1, "borrowers")
    weights, shares = stream.lognormal(borrowers, 0.0, 1.0), 0.60 + 0.19 * stream.uniform(borrowers)
    for place, (weight, share) in enumerate(zip(weights.tolist(), shares.tolist(), strict=True)):
        account, coins = lender + 1 + place, round(weight / float(weights.sum()) * COINS * ETH)
        owed = int(coins * MARKET * share) * USDC // ETH
        engine.step(cmd.OpenAccount(time_ns=START, account=account))
        engine.step(cmd.Deposit(time_ns=START, account=account, asset="ETH", amount_atoms=coins))
        engine.step(cmd.Withdraw(time_ns=START, account=account, asset="USDC", amount_atoms=owed))
    return engine


def run(rulebook: Rulebook, borrowers: int, misread: tuple[Misread, ...]) -> LoanOutcome:
    path = shock_path(
        {"ETH": MARKET, "BTC": 100_000.0}, [parse_shock("ETH:-1%:10m:5m:20%")],
        duration_seconds=1_800.0, step_seconds=60.0, start_ns=START,
    )  # fmt: skip
    pools = {
        "ETH": ConstantProductPool(reserve0_atoms=50_000 * ETH, reserve1_atoms=50_000 * 2_200 * USDC),
        "BTC": ConstantProductPool(reserve0_atoms=2_000 * BTC, reserve1_atoms=2_000 * 100_000 * USDC),
    }
    keepers = (Keeper(name="searcher", flash=True, least_profit_ppb=2 * 10**6),)
    engine = open_market(rulebook, borrowers)
    return LoanCrash(engine, path, keepers, pools, feedback=False, misread=misread).run()


def main(borrowers: int = 180) -> dict[str, LoanOutcome]:
    venue = load_rulebook("harbor-lending")
    runs = {
        "the right price": run(venue, borrowers, ()),
        "as it was: 1.12 for four minutes": run(venue, borrowers, (WRONG,)),
        "a step of 25 % at most, for an hour": run(guarded(venue), borrowers, (WRONG,)),
    }
    print("what fires at the first wrong price, in order:")
    figures = {"oracle_before": MARKET, "oracle_after": REPORTED, "market_price": MARKET}
    for finding in watch(figures).findings:
        print(f"  {finding.name:<26} measured {finding.measured:,.4g}, fires from {finding.threshold:g}")
    print(f"{'run':<38}{'liquidated':>12}{'repaid USDC':>13}{'deficit':>13}{'keepers gain':>14}")
    for name, found in runs.items():
        gain = sum(found.profit_atoms.values())
        figures_of = (found.repaid_atoms, found.deficit_atoms, gain)
        print(f"{name:<38}{found.started:>12,}" + "{:>13,.0f}{:>13,.0f}{:>14,.0f}".format(
            *(atoms / USDC for atoms in figures_of)
        ))  # fmt: skip
    return runs


if __name__ == "__main__":
    main()
