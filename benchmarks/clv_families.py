"""Orders by product family, a year ahead, beside `statsforecast` on the families' own series.

Sample companies of five years; the forecast is made a year before their end. revml shares the accounts' forecasts out
by family and takes the mean with each family's own past carried on; the library (its own environment in the cache
folder) sees the monthly sums of each family. A line a company gives the sum of absolute misses by family and month
against what came (WAPE), and the bias of the year's sum.
"""

from __future__ import annotations

import subprocess
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from companies import room, staged_company
from figures import QUICK, Figures
from peers.environment import python_with

from revml.clv.company.arrivals import triangles
from revml.clv.company.family_orders import family_history, family_orders
from revml.clv.company.new_business import new_business
from revml.clv.forecast import forecast_clv
from revml.clv.relations import Relation
from revml.clv.value import MONTH_SECONDS
from revml.config import Economics
from revml.sources.facts import Facts

KINDS = ("manufacturing", "machinery")
SEEDS = (501,) if QUICK else (501, 502, 503)
ACCOUNTS, MONTHS, AHEAD = (600 if QUICK else 2_000), 60, 12
LIBRARY = "statsforecast==2.1.1"
PEER = Path(__file__).parent / "peers" / "statsforecast_families.py"
MEASURES = ("revenue", "lines")


def main() -> None:
    """Print a line a company, then the figures."""
    figures = Figures()
    python = python_with(LIBRARY)
    marks: dict[str, list[dict[str, float]]] = {measure: [] for measure in MEASURES}
    with room() as folder:
        for kind in KINDS:
            for seed in SEEDS:
                place = folder / f"{kind}-{seed}"
                _, facts = staged_company(place, kind=kind, accounts=ACCOUNTS, months=MONTHS, events=0, seed=seed)
                for measure, found in _company(facts, python, place).items():
                    marks[measure].append({name: wape for name, (wape, _) in found.items()})
                    told = "  ".join(f"{name} {wape:.3f} ({bias:+.1%})" for name, (wape, bias) in found.items())
                    print(f"  {kind} {seed} {measure:<8} {told}", flush=True)
    for measure, rows in marks.items():
        means = pd.DataFrame(rows).mean()
        print(
            f"  mean WAPE, {measure}: " + "  ".join(f"{name} {value:.3f}" for name, value in means.items()), flush=True
        )
        others = means.drop(["revml", "accounts alone"])
        for name in others.index:
            figures.at_most(f"WAPE of {measure} by family: revml / {name}", means["revml"] / others[name], 1.0)
    figures.end()


def _company(facts: Facts, python: Path | None, folder: Path) -> dict[str, dict[str, tuple[float, float]]]:
    as_of = facts.observed_until
    origin = as_of - timedelta(seconds=AHEAD * MONTH_SECONDS)
    started = time.perf_counter()
    made = forecast_clv(facts, origin, Economics(), horizon_months=AHEAD)
    fresh = [part for triangle in triangles(facts, origin).values() for part in new_business(triangle, AHEAD)]
    told = family_orders(facts, origin, made.relations, fresh, AHEAD)[Relation.ORDERS]
    mine = time.perf_counter() - started
    then, came = (family_history(facts, at, Relation.ORDERS) for at in (origin, as_of))
    place = [list(came.names).index(name) for name in told.names]
    out = {}
    for measure in MEASURES:
        past, real = getattr(then, measure), getattr(came, measure)[place][:, -AHEAD:]
        forecasts = {
            "revml": told.mixed(measure, 0.5),
            "accounts alone": told.by_accounts[measure],
            "run-rate": np.repeat(past[:, -12:].mean(axis=1, keepdims=True), AHEAD, axis=1),
        }
        if python is not None:
            forecasts |= _library(python, past, folder, mine)
        else:
            forecasts["year before"] = past[:, -12:][:, :AHEAD]
        out[measure] = {
            name: (float(np.abs(one - real).sum() / real.sum()), float(one.sum() / real.sum() - 1))
            for name, one in forecasts.items()
        }
    return out


def _library(python: Path, series: np.ndarray, folder: Path, mine: float) -> dict[str, np.ndarray]:
    np.savez(folder / "series.npz", series=series, ahead=AHEAD)
    subprocess.run([str(python), str(PEER), str(folder / "series.npz"), str(folder / "told.npz")], check=True)
    made = dict(np.load(folder / "told.npz"))
    print(
        f"  {len(series)} series of {series.shape[1]} months: {made.pop('seconds'):.1f} s; revml {mine:.1f} s",
        flush=True,
    )
    return made


if __name__ == "__main__":
    main()
