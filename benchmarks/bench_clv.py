"""How fast customer lifetime values are made, that they are what the plain way gives, and how well orders are forecast.

orders      BG/NBD and Gamma-Gamma, fitted, then expected orders in the next 26 weeks and the value of one, against
            `lifetimes` 0.11.3 (its own environment in the cache folder); the same models, parameters and
            expectations equal; and Pareto/NBD likewise, P(alive) in place of money
contracts   survival tied to the churn score, growth, discounted flows of 5,000 accounts x 36 months, against
            `peers/flows_by_loop.py`, the same formulas account by account; flows equal
whole       `forecast_clv` of a sample company out of its facts against that loop alone
intervals   100,000 accounts x 36 months with bands by month and horizon (`clv_intervals.py`)
marks       two real shops, account by account, against what came (`clv_order_marks.py`)
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from clv_intervals import speed
from clv_order_marks import order_marks
from clv_orders import order_figures
from companies import SEED, room, staged_company
from figures import QUICK, Figures, in_turns, seconds
from peers.flows_by_loop import flows, shift_of

from revml.clv.contracts.flows import contract_flows
from revml.clv.contracts.growth import HALF_LIFE_MONTHS, Growth, GrowthModel, Movements, past_movements
from revml.clv.contracts.hazard import fit_hazard
from revml.clv.contracts.subscriptions import account_months, active_contracts
from revml.clv.contracts.tie import LEVEL_HALF_LIFE_MONTHS, SHIFT_HALF_LIFE_MONTHS, tie
from revml.clv.forecast import forecast_clv
from revml.clv.published import Published
from revml.config import Economics
from revml.sources.facts import Facts

ACCOUNTS = 800 if QUICK else 5_000
MONTHS, DAYS = 36, 90
RUNS = 3


def main() -> None:
    """Print the figures."""
    figures = Figures()
    with room() as folder:
        order_figures(figures, folder)
        order_marks(figures, folder)
        speed(figures)
        _, facts = staged_company(folder / "saas", kind="saas", accounts=2 * ACCOUNTS, events=0)
        _contracts(figures, facts)
    figures.end()


def _contracts(figures: Figures, facts: Facts) -> None:
    at = facts.observed_until
    contracts = active_contracts(facts, at, margin=0.75).iloc[:ACCOUNTS]
    n = len(contracts)
    log_odds = fit_hazard(account_months(facts, at)).log_odds(contracts, MONTHS)
    rng = np.random.default_rng(SEED)
    churn, upsell = rng.beta(1.2, 10, n), rng.beta(1.5, 12, n)
    mrr, margin = contracts["mrr"].to_numpy(float), contracts["margin"].to_numpy(float)
    moves, rate = past_movements(facts, at, threshold=0.1, days=DAYS), Economics().discount_rate
    made: dict[str, np.ndarray] = {}

    def at_once() -> None:
        survival = tie(log_odds, churn, DAYS).curve
        growth = Growth(GrowthModel.UPLIFT, upsell, moves)
        made["revml"] = contract_flows(mrr, margin, survival, growth, rate).margin

    def by_loop() -> None:
        made["loop"] = _loop(log_odds, churn, upsell, mrr, margin, moves, rate)

    ours, theirs = in_turns(at_once, by_loop, runs=RUNS)
    np.testing.assert_allclose(made["revml"], made["loop"], rtol=1e-9)
    print(f"  {n:,} accounts x {MONTHS} months: {ours:.3f} s against {theirs:.2f} s; flows equal to 1e-9", flush=True)
    figures.at_least(f"loop / revml: contract flows, {n:,} accounts x {MONTHS} months", theirs / ours, 5)
    scores = {"p_churn": churn, "p_upsell": upsell}
    frames = {k: pd.DataFrame({"account_id": contracts["account_id"], "probability": p}) for k, p in scores.items()}

    def whole() -> None:
        forecast_clv(facts, at, Economics(), Published(**frames, churn_days=DAYS), horizon_months=MONTHS)

    took = seconds(whole, runs=RUNS)
    # Reads the contracts' history and learns the hazards from it, which the loop is spared.
    everybody = len(active_contracts(facts, at, margin=0.75))
    print(f"  the whole forecast out of the facts, {everybody:,} accounts: {took:.2f} s", flush=True)
    figures.at_most("whole forecast out of the facts / the loop alone", took / theirs, 20 if QUICK else 10)


def _loop(
    log_odds: np.ndarray,
    churn: np.ndarray,
    upsell: np.ndarray,
    mrr: np.ndarray,
    margin: np.ndarray,
    moves: Movements,
    discount_rate: float,
) -> np.ndarray:
    same = {
        "churn_days": DAYS,
        "level_half_life": LEVEL_HALF_LIFE_MONTHS,
        "half_life": SHIFT_HALF_LIFE_MONTHS,
        "upsell_days": moves.days,
        "upsell_rate": moves.upsell_rate,
        "upsell_size": moves.upsell_size,
        "contraction": moves.contraction,
        "growth_half_life": HALF_LIFE_MONTHS,
        "discount_rate": discount_rate,
    }
    odds = log_odds.tolist()
    shifts = [shift_of(row, p, DAYS) for row, p in zip(odds, churn.tolist(), strict=True)]
    same["level"] = sum(shifts) / len(shifts)
    columns = (odds, shifts, upsell.tolist(), mrr.tolist(), margin.tolist())
    return np.array([flows(*row, **same) for row in zip(*columns, strict=True)])


if __name__ == "__main__":
    main()
