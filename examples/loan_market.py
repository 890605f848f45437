"""A loan market in a crash: the same fall with liquidators at work, away for an hour, and before a thin pool.

400 borrowers hold ETH and owe USDC on Harbor Lending; ETH falls by 35 % in 40 minutes. Run it with
`python examples/loan_market.py`. Every figure comes out of the engine: prices, seizures and withdrawals are
commands, and what nobody repaid is a deficit that the insurance fund and then the lenders pay.
"""

from seawall.engine import commands as cmd
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS
from seawall.lab.keepers import Keeper
from seawall.lab.loan_crash import LoanCrash, LoanOutcome
from seawall.lab.shock import parse_shock, shock_path
from seawall.lab.streams import Stream
from seawall.market.amm.constant_product import ConstantProductPool
from seawall.rulebooks.load import load_rulebook

START = 1_770_000_000 * 10**9
MINUTE = 60 * 10**9
PRICES = {"ETH": 4_000.0, "BTC": 100_000.0}
USDC, ETH, BTC = 10**6, 10**9, 10**8  # atoms of one


def open_market(borrowers: int, seed: int = 1) -> Engine:
    """Lenders with USDC, and borrowers at 50 to 79 % of their collateral."""
    engine = Engine(load_rulebook("harbor-lending"))
    quotes = tuple(
        cmd.SourcePrice(name, source, ticks, START)
        for name, ticks in (("ETH-SPOT", 400_000), ("BTC-SPOT", 1_000_000))
        for source in ("alpha", "beta", "gamma")
    )
    commands = [cmd.ReportPrices(time_ns=START, prices=quotes)]
    lender = HOUSE_ACCOUNTS
    commands += [
        cmd.OpenAccount(time_ns=START, account=lender),
        cmd.Deposit(time_ns=START, account=lender, asset="USDC", amount_atoms=borrowers * 100_000 * USDC),
    ]
    stream = Stream(seed, "borrowers")
    sizes, shares = stream.lognormal(borrowers, 2.0, 1.0), 0.50 + 0.29 * stream.uniform(borrowers)
    for place, (size, share) in enumerate(zip(sizes.tolist(), shares.tolist(), strict=True)):
        account, coins = lender + 1 + place, round(size * ETH)
        owed = int(coins * 4_000 * share) * USDC // ETH
        commands += [
            cmd.OpenAccount(time_ns=START, account=account),
            cmd.Deposit(time_ns=START, account=account, asset="ETH", amount_atoms=coins),
            cmd.Withdraw(time_ns=START, account=account, asset="USDC", amount_atoms=owed),
        ]
    engine.step_many(commands)
    return engine


def pool(coins: int, coin_atoms: int, price: int) -> ConstantProductPool:
    return ConstantProductPool(reserve0_atoms=coins * coin_atoms, reserve1_atoms=coins * price * USDC)


def crash(
    borrowers: int, *, deep: int, away: tuple[tuple[int, int], ...] = (), feedback: bool = True
) -> LoanOutcome:
    """ETH -35 % in 40 minutes, a fifth of it back; `deep`: ETH in the pool."""
    path = shock_path(
        PRICES,
        [parse_shock("ETH:-35%:40m:5m:20%")],
        duration_seconds=7_200.0,
        step_seconds=60.0,
        start_ns=START,
    )
    keepers = (
        Keeper(
            name="desk",
            capital_atoms=2_000_000 * USDC,
            latency_ns=MINUTE,
            least_profit_ppb=10**7,
            away_ns=away,
        ),
        Keeper(name="searcher", flash=True, least_profit_ppb=2 * 10**6, away_ns=away),
    )
    pools = {"ETH": pool(deep, ETH, 4_000), "BTC": pool(2_000, BTC, 100_000)}
    return LoanCrash(open_market(borrowers), path, keepers, pools, feedback=feedback).run()


def main(borrowers: int = 400) -> dict[str, LoanOutcome]:
    hour = ((START, START + 60 * MINUTE),)
    runs = {
        "deep pool": crash(borrowers, deep=30 * borrowers),
        "the same, oracle apart": crash(borrowers, deep=30 * borrowers, feedback=False),
        "keepers away for an hour": crash(borrowers, deep=30 * borrowers, away=hour),
        "thin pool": crash(borrowers, deep=3 * borrowers),
        "thin pool, oracle apart": crash(borrowers, deep=3 * borrowers, feedback=False),
    }
    heads = ("liquidations", "repaid USDC", "deficit", "fund paid", "lowest ETH", "waiting")
    print(f"{'run':<26}" + "".join(f"{head:>13}" for head in heads))
    for name, run in runs.items():
        lowest = min(step.price_usd["ETH"] for step in run.steps)
        print(
            f"{name:<26}{run.started:>13,}{run.repaid_atoms / USDC:>13,.0f}{run.deficit_atoms / USDC:>13,.0f}"
            f"{run.fund_paid_atoms / USDC:>13,.0f}{lowest:>13,.0f}{run.waiting:>13,}"
        )
    for name, run in runs.items():
        shares = ", ".join(f"{who} {atoms / USDC:,.0f}" for who, atoms in run.profit_atoms.items())
        print(f"profit, {name}: {shares} USDC" + (f"; halted: {run.halted}" if run.halted else ""))
    return runs


if __name__ == "__main__":
    main()
