"""How near the forecast of money comes to what came: sample companies, 24 months ahead, one line a world.

    python benchmarks/clv_worlds.py FOLDER [--kinds saas] [--seeds 401-405] [--accounts 1200] [--months 60] [--ahead 24]

A world is a sample company of a kind and seed, checked and staged. At an origin so many months before its end churn and
upsell are learned from what was known then; the forecast from there meets what came. In a line, what ends in `o` was
observed, `Sw` is survival by money, `g` growth of survivors, `noise` what chance alone moves the MRR at the end: a
world of 600 contracts cannot show a bias below it, the mean of several can. Worlds and scores stay in FOLDER, so that
another run costs the forecast alone; empty it when samples, staging, features or models have changed.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from companies import make_workspace, staged_company

from revml.backtesting.money_actual import lost_after, mrr_paths
from revml.backtesting.money_replay import published_bands, published_intervals
from revml.backtesting.money_scores import ForecastScores, no_scores, scores_at
from revml.clv import forecast_clv
from revml.clv.company.forecast import CompanyForecast, company_forecast
from revml.clv.flows import RelationFlows
from revml.clv.intervals.realised import realised_revenue
from revml.clv.value import MONTH_DAYS, MONTH_SECONDS
from revml.config import Workspace
from revml.evaluation.metrics import roc_auc
from revml.evaluation.money_metrics import bias, brier_ipcw, coverage, normalised_gini
from revml.sources.facts import Facts
from revml.windows import month_starts

KINDS = ("saas", "machinery", "manufacturing")
AIMS = {"cum": 0.03, "exit": 0.05}
SIGNED = ("cum", "exit", "exit12", "first12", "last12", "runrate", "scorehaz")


def world(folder: Path, kind: str, seed: int, accounts: int, months: int) -> tuple[Workspace, Facts]:
    """A staged company, made once."""
    place = folder / f"{kind}-{seed}-{accounts}-{months}"
    if (place / "whole").exists():
        workspace = make_workspace(place)
        return workspace, Facts.open(workspace.staged_dir)
    made = staged_company(place, kind=kind, accounts=accounts, months=months, seed=seed)
    (place / "whole").touch()
    return made


def scores(workspace: Workspace, facts: Facts, origin: datetime) -> ForecastScores:
    """The scores of the origin, made once."""
    place = workspace.work_dir / f"scores-{origin:%Y-%m}"
    base = no_scores(workspace)
    if not (place / "whole.json").exists():
        told = scores_at(workspace, facts, origin)
        place.mkdir(parents=True, exist_ok=True)
        for name in ("p_churn", "p_upsell"):
            if (frame := getattr(told, name)) is not None:
                frame.to_parquet(place / f"{name}.parquet")
        (place / "whole.json").write_text(json.dumps(told.notes), encoding="utf-8")
    known = {
        name: pd.read_parquet(place / f"{name}.parquet") if (place / f"{name}.parquet").exists() else None
        for name in ("p_churn", "p_upsell")
    }
    notes = tuple(json.loads((place / "whole.json").read_text(encoding="utf-8")))
    return ForecastScores(
        **known, churn_days=base.churn_days, upsell_days=base.upsell_days, uplift=base.uplift, notes=notes
    )


def measure(
    workspace: Workspace, facts: Facts, ahead: int, *, scored: bool = True, intervals: bool = False
) -> dict[str, float]:
    """The figures of one world."""
    span = timedelta(seconds=ahead * MONTH_SECONDS)
    closed = list(month_starts(facts.observed_until - span - timedelta(days=31), facts.observed_until - span))
    origin = closed[-1]
    known = scores(workspace, facts, origin) if scored else no_scores(workspace)
    began = time.perf_counter()
    made = forecast_clv(
        facts,
        origin,
        workspace.economics,
        known.published,
        horizon_months=ahead,
        seed=workspace.seed,
        intervals=intervals,
    )
    company = company_forecast(facts, origin, workspace.economics, made) if intervals else None
    took = time.perf_counter() - began
    found: dict[str, float] = {}
    for flows in made.relations:
        if len(flows.account_id) == 0:
            continue
        if flows.relation == "contract":
            found |= _contract(facts, origin, flows, known, ahead, company)
        else:
            found |= _orders(facts, origin, flows, ahead, company)
    return {**found, "seconds": took}


def _contract(
    facts: Facts,
    origin: datetime,
    flows: RelationFlows,
    known: ForecastScores,
    ahead: int,
    company: CompanyForecast | None,
) -> dict[str, float]:
    ids = list(flows.account_id)
    came = mrr_paths(facts, origin, ids, ahead)
    lost = lost_after(facts, origin, ids, ahead)
    first, total = came[:, 0], came[:, 1:].sum(axis=1)
    alive = lost > ahead
    expected = flows.revenue.sum(axis=1)
    steady = _score_times_hazard(ids, first, known, ahead)
    out = {
        "accounts": len(ids),
        "cum": bias(flows.revenue, came[:, 1:]),
        "exit": bias(flows.revenue[:, -1], came[:, -1]),
        "exit12": bias(flows.revenue[:, min(12, ahead) - 1], came[:, min(12, ahead)]),
        "runrate": bias(first * ahead, total),
        "scorehaz": bias(steady, total),
    }
    for k in (3, 6, 12, 24):
        if k <= ahead:
            out |= {
                f"S{k}": float(flows.survival[:, k - 1].mean()),
                f"S{k}o": float((lost > k).mean()),
                f"Sw{k}": float(flows.survival[:, k - 1] @ first / first.sum()),
                f"Sw{k}o": float((lost > k) @ first / first.sum()),
                f"brier{k}": brier_ipcw(flows.survival[:, k - 1], lost, np.full(len(lost), float(ahead)), float(k)),
            }
    grown = flows.revenue[:, -1].sum() / (flows.survival[:, -1] @ first)
    stays = flows.survival[:, -1]
    out |= {
        # standard deviation of the MRR at the end by the chance of losses alone: no forecast can be nearer
        "noise": float(np.sqrt((first**2 * stays * (1 - stays)).sum()) / (first @ stays)),
        "g": float(grown),
        "go": float(came[alive, -1].sum() / first[alive].sum()),
        "back": float(came[~alive, -1].sum() / came[:, -1].sum()),
        "gini": normalised_gini(expected, total),
        "gini_sh": normalised_gini(steady, total),
        "auc": roc_auc(flows.survival[:, -1], alive.astype(float)),
        "auc_sh": roc_auc(np.divide(steady, first, out=np.zeros_like(steady), where=first > 0), alive.astype(float)),
        "keep": normalised_gini(expected / np.maximum(first, 1e-9), total / np.maximum(first, 1e-9)),
        "keep_sh": normalised_gini(steady / np.maximum(first, 1e-9), total / np.maximum(first, 1e-9)),
    }
    return out | _covered("", flows, came[:, 1:], ahead, company)


def _covered(
    name: str, flows: RelationFlows, came: np.ndarray, ahead: int, company: CompanyForecast | None
) -> dict[str, float]:
    """Coverage of the published 80 % intervals of accounts, and whether the band of the last month's total held."""
    found = {}
    if ahead in (within := published_intervals(flows, came, (ahead,))):
        found[f"{name}cover"] = coverage(within[ahead].low, within[ahead].high, within[ahead].came)
    for low, high in published_bands(company, str(flows.relation), (ahead,)).values():
        found[f"{name}total_in"] = float(low <= came[:, ahead - 1].sum() <= high)
    return found


def _score_times_hazard(ids: list[str], first: np.ndarray, known: ForecastScores, ahead: int) -> np.ndarray:
    """Revenue if the churn score were a constant monthly hazard, without growth."""
    if known.p_churn is None:
        return first * ahead
    p = known.p_churn.set_index("account_id")["probability"].reindex(ids)
    p = p.fillna(p.mean()).to_numpy(float)
    stays = (1 - p) ** (MONTH_DAYS / known.churn_days)
    return first * (stays[:, None] ** np.arange(1, ahead + 1)).sum(axis=1)


def _orders(
    facts: Facts, origin: datetime, flows: RelationFlows, ahead: int, company: CompanyForecast | None
) -> dict[str, float]:
    ids, name = list(flows.account_id), str(flows.relation)[:3]
    start = origin - timedelta(seconds=ahead * MONTH_SECONDS)
    past = realised_revenue(facts, flows.relation, start, flows.account_id, ahead, as_of=origin)
    after = realised_revenue(facts, flows.relation, origin, flows.account_id, ahead, as_of=facts.observed_until)
    came = np.hstack([past, after])
    before, total = came[:, :ahead].sum(axis=1), came[:, ahead:].sum(axis=1)
    expected = flows.revenue.sum(axis=1)
    return {
        f"{name}_accounts": len(ids),
        f"{name}_cum": bias(expected, total),
        f"{name}_last12": bias(flows.revenue[:, -12:], came[:, -12:]),
        f"{name}_first12": bias(flows.revenue[:, :12], came[:, ahead : ahead + 12]),
        f"{name}_runrate": bias(before, total),
        f"{name}_gini": normalised_gini(expected, total),
        f"{name}_gini_rr": normalised_gini(before, total),
    } | _covered(f"{name}_", flows, after, ahead, company)


def told(found: dict[str, float]) -> str:
    """One line of figures; what ends in `o` is what was observed."""
    return " ".join(
        f"{name} {value:+.3f}"
        if name.endswith(SIGNED)
        else f"{name} {value:.3f}"
        if abs(value) < 100
        else f"{name} {value:,.0f}"
        for name, value in found.items()
    )


def main() -> None:
    """Run the worlds that were asked for and print the means of each kind."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    asked.add_argument("--seeds", default="401-403", help="a span such as 401-405")
    asked.add_argument("--accounts", type=int, default=1_200)
    asked.add_argument("--months", type=int, default=60)
    asked.add_argument("--ahead", type=int, default=24)
    asked.add_argument("--without-scores", action="store_true")
    asked.add_argument("--intervals", action="store_true", help="intervals and bands, too, which takes minutes a world")
    given = asked.parse_args()
    first, _, last = given.seeds.partition("-")
    for kind in given.kinds:
        lines = []
        for seed in range(int(first), int(last or first) + 1):
            workspace, facts = world(given.folder, kind, seed, given.accounts, given.months)
            lines.append(
                measure(workspace, facts, given.ahead, scored=not given.without_scores, intervals=given.intervals)
            )
            facts.con.close()
            print(f"{kind} {seed}: {told(lines[-1])}", flush=True)
        mean = pd.DataFrame(lines)
        print(f"{kind} mean: {told(mean.mean().to_dict())}", flush=True)
        for name, aim in AIMS.items():
            if name in mean:
                print(
                    f"{kind}: |{name}| <= {aim:.0%} in {int((mean[name].abs() <= aim).sum())} of {len(mean)} worlds",
                    flush=True,
                )


if __name__ == "__main__":
    main()
