"""Whether intervals of accounts hold out of time, and what they cost.

    python benchmarks/clv_intervals.py FOLDER [--kinds saas] [--seeds 401-405] [--without-scores] [--no-speed]

Coverage  sample companies as in `clv_worlds.py` (the same folder serves both): intervals are given at an origin 24
          months before the end, corrected by what was known then alone, and meet the revenue that came
Speed     100,000 accounts x 36 months, contracts and orders, 200 draws each: draws, bands by month and by horizon
"""

from __future__ import annotations

import argparse
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
from clv_worlds import KINDS, scores, world
from companies import SEED
from figures import QUICK, Figures, peak_mib

from revml.backtesting.money_scores import no_scores
from revml.clv import forecast_clv
from revml.clv.flows import RelationFlows
from revml.clv.intervals.bands import with_bands
from revml.clv.intervals.mrr_changes import Changes
from revml.clv.intervals.realised import realised_revenue
from revml.clv.intervals.simulation import contract_draw, order_draw
from revml.clv.orders.fitting import fit_process
from revml.clv.relations import Relation
from revml.clv.value import MONTH_SECONDS, MONTH_WEEKS
from revml.config import Economics, Workspace
from revml.sources.facts import Facts
from revml.windows import month_starts

HORIZONS = (12, 24)
ACCOUNTS, MONTHS = (5_000 if QUICK else 100_000), 36
# With these a value is the revenue itself, so that its interval can meet what came.
PLAIN = Economics(margin=1.0, order_margin=1.0, discount_rate=0.0)


def measure(workspace: Workspace, facts: Facts, *, scored: bool) -> dict[str, float]:
    """Share of accounts whose revenue lay in its interval, by relation and horizon, and below and above it."""
    span = timedelta(seconds=HORIZONS[-1] * MONTH_SECONDS)
    origin = next(
        iter(
            reversed(list(month_starts(facts.observed_until - span - timedelta(days=31), facts.observed_until - span)))
        )
    )
    known = scores(workspace, facts, origin) if scored else no_scores(workspace)
    began = time.perf_counter()
    made = forecast_clv(
        facts,
        origin,
        PLAIN,
        known.published,
        horizon_months=HORIZONS,
        intervals=True,
    )
    found = {"seconds": time.perf_counter() - began}
    for flows in made.relations:
        # bands of revenue: margins of single products stay in values, so values are divided by them
        rate = np.where(np.abs(flows.margin_rate) > 1e-9, flows.margin_rate, np.nan)
        came = realised_revenue(
            facts, flows.relation, origin, flows.account_id, HORIZONS[-1], as_of=facts.observed_until
        ).cumsum(axis=1)
        for horizon in HORIZONS:
            low, high = (flows.value_bands[horizon][name] / rate for name in ("p10", "p90"))
            total = came[:, horizon - 1]
            slack = 0.02 / np.abs(rate)
            name = f"{flows.relation}{horizon}"
            found[name] = float(((total >= low - slack) & (total <= high + slack)).mean())
            found[f"{name}_below"] = float((total < low - slack).mean())
    return found


def speed(figures: Figures) -> None:
    """Simulated flows with bands of many accounts; the number of accounts is what counts, so they are made up."""
    rng = np.random.default_rng(SEED)
    for name, flows in (("contracts", _contracts(rng)), ("orders", _orders(rng))):
        began, used = time.perf_counter(), time.process_time()
        with_bands([flows], (12, 24, MONTHS), seed=SEED)
        took, cpu = time.perf_counter() - began, time.process_time() - used
        print(f"  {name}: {took:.1f} s, {cpu:.1f} s of one core, {peak_mib():,.0f} MiB at most", flush=True)
        told = f"{ACCOUNTS:,} accounts x {MONTHS} months with intervals, {name}"
        figures.at_most(told, cpu, 60 * ACCOUNTS / 100_000, "s")


def _contracts(rng: np.random.Generator) -> RelationFlows:
    survival = (1 - rng.beta(2, 60, ACCOUNTS)[:, None]) ** np.arange(1, MONTHS + 1)
    revenue = survival * rng.lognormal(6, 1, ACCOUNTS)[:, None] * 1.01 ** np.arange(1, MONTHS + 1)
    paths = np.exp(rng.normal(0, 0.05, (5_000, 24)).cumsum(axis=1))
    past = Changes(((paths / paths.mean(axis=0)).astype(np.float32),), {("", -1): 0}, np.zeros(2), len(paths))
    cells = np.zeros(ACCOUNTS, dtype=np.int64)
    return _flows(Relation.CONTRACT, survival, revenue, contract_draw(survival, revenue, lambda: (past, cells)))


def _orders(rng: np.random.Generator) -> RelationFlows:
    T = rng.uniform(26, 104, ACCOUNTS).round()
    x = rng.poisson(rng.gamma(1.0, 0.25, ACCOUNTS) * T).astype(float)
    t_x = np.where(x > 0, (T * rng.beta(np.maximum(x, 1), 1)).round(), 0.0)
    process = fit_process(x, t_x, T)
    ends = np.arange(1, MONTHS + 1) * MONTH_WEEKS
    revenue = 100 * np.diff(process.expected_orders(x, t_x, T, ends), axis=1, prepend=0.0)
    spend, known = np.full(ACCOUNTS, 100.0), x + 2.0
    draw = order_draw(process, x, t_x, T, revenue=revenue, spend=spend, shape=3.0, known=known)
    return _flows(Relation.ORDERS, np.ones_like(revenue), revenue, draw)


def _flows(relation: Relation, survival: np.ndarray, revenue: np.ndarray, draw: object) -> RelationFlows:
    nothing, half = np.zeros_like(revenue), 0.5 * revenue
    return RelationFlows(
        relation=relation,
        account_id=np.array([f"a{i:06}" for i in range(ACCOUNTS)], dtype=object),
        survival=survival,
        revenue=revenue,
        margin=half,
        base=half,
        expansion=nothing,
        contraction=nothing,
        referral=nothing,
        margin_rate=np.full(ACCOUNTS, 0.5),
        seen_months=np.full(ACCOUNTS, MONTHS),
        alive={MONTHS: survival[:, -1]},
        draw=draw,
    )


def main() -> None:
    """Run the worlds that were asked for, then the speed."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS)
    asked.add_argument("--seeds", default="401-403", help="a span such as 401-405")
    asked.add_argument("--accounts", type=int, default=1_200)
    asked.add_argument("--months", type=int, default=60)
    asked.add_argument("--without-scores", action="store_true")
    asked.add_argument("--no-speed", action="store_true")
    given = asked.parse_args()
    first, _, last = given.seeds.partition("-")
    figures = Figures()
    for kind in given.kinds:
        worlds = []
        for seed in range(int(first), int(last or first) + 1):
            workspace, facts = world(given.folder, kind, seed, given.accounts, given.months)
            worlds.append(measure(workspace, facts, scored=not given.without_scores))
            facts.con.close()
            print(f"  {kind} {seed}: " + " ".join(f"{k} {v:.3f}" for k, v in worlds[-1].items()), flush=True)
        for name in worlds[0]:
            if name != "seconds" and not name.endswith("below"):
                mean = float(np.mean([one[name] for one in worlds]))
                figures.at_most(f"{kind}: |coverage - 80 %|, {name}", abs(mean - 0.8), 0.03, "")
    if not given.no_speed:
        speed(figures)
    figures.end()


if __name__ == "__main__":
    main()
