"""A run's lifetime values in a few figures: by horizon, relation and segment, and whose are the greatest.

Comes in: a `ScoreRun`. Goes out: plain values that stand in JSON as they are. Relations and segments are at the main
(longest) horizon and add up to its total; horizons lie within one another and are never added.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from revml.clv.cautions import CAUTIONS
from revml.exports.records import records
from revml.locales import words
from revml.store.frames import worth_of
from revml.store.runs import ScoreRun

TOP = 10
SEGMENTS = ("industry", "region", "country")
PARTS = ("base", "expansion", "contraction", "referral")
QUANTILES = ("clv_p10", "clv_p50", "clv_p90")
SUMS = ("accounts", "clv", "expected_revenue", "extrapolated_share")


def forecast_summary(run: ScoreRun, *, top: int = TOP) -> dict[str, Any]:
    """Totals of the lifetime values by horizon, by relation and by segment (the workspace's).

    Relations add up to `clv`; so do segments, with "not known" for the rest, and the components `PARTS` of a relation
    to its `clv` (`contraction` is subtracted). `warnings` counts accounts by caution (`clv.cautions.CAUTIONS`).
    """
    every = run.clv.merge(run.accounts[["account_id", "name", *SEGMENTS]], on="account_id", how="left")
    clv = every[every["horizon_months"] == run.main_horizon]
    known = {name: int(clv[name].notna().sum()) for name in SEGMENTS}
    told_by = str(run.reports.get("forecast", {}).get("segments", {}).get("by"))
    segment = told_by if known.get(told_by) else max(SEGMENTS, key=lambda name: known[name])
    horizons = _totals(every, "horizon_months", "horizon_months", by_size=False)
    for one in horizons:
        one.update(_total_bands(run, every[every["horizon_months"] == one["horizon_months"]], one["horizon_months"]))
    return {
        "horizon_months": run.main_horizon,
        "clv": round(float(clv["clv"].sum()), 2),
        "discount_rate": run.discount_rate,
        "horizons": horizons,
        "relations": _totals(clv, "relation", "relation"),
        "segment": segment,
        "segments": _totals(clv.fillna({segment: "not known"}), segment, "segment") if known[segment] else [],
        "top": _worth_most(run, clv, top),
        "warnings": _warnings(clv),
        "company": run.reports.get("forecast", {}).get("summary"),
        "notes": [*run.score_notes, *run.notes],
    }


def _total_bands(run: ScoreRun, clv: pd.DataFrame, months: int) -> dict[str, float | None]:
    """The range of a total, as wide as that of the revenue forecast of each relation; None where there is none.

    Months and relations are taken to miss together, so that the range is never too narrow.
    """
    lines = run.reports.get("forecast", {}).get("lines", {})
    ends = {"clv_p10": 0.0, "clv_p90": 0.0}
    for relation, worth in clv.groupby("relation")["clv"].sum().items():
        line = lines.get(f"revenue_{relation}")
        mean = sum(line["mean"][:months]) if line else 0.0
        if line is None or mean <= 0:
            return dict.fromkeys(ends)
        for name in ends:
            ends[name] += float(worth) * sum(line[name.removeprefix("clv_")][:months]) / mean
    return dict(ends)


def _worth_most(run: ScoreRun, clv: pd.DataFrame, top: int) -> list[dict[str, Any]]:
    """Accounts by their value over all relations; a range is known where the run has one, or there is one relation."""
    worth = worth_of(run).rename("clv").rename_axis("account_id").reset_index()
    worth = worth.sort_values(["clv", "account_id"], ascending=[False, True]).head(top)
    mine = clv[clv["account_id"].isin(worth["account_id"])]
    told = run.values[run.values["horizon_months"] == run.main_horizon]
    if not len(told):
        told = mine[~mine.duplicated("account_id", keep=False)]
    more = [name for name in (*QUANTILES, "ltv_cac", "payback_months") if name in told]
    worth = worth.merge(told[["account_id", *more]], on="account_id", how="left")
    beyond = (mine["clv"].abs() * mine["extrapolated_share"].fillna(0.0)).groupby(mine["account_id"]).sum()
    size = mine["clv"].abs().groupby(mine["account_id"]).sum()
    ids = worth["account_id"]
    worth["extrapolated_share"] = ids.map(beyond / size.where(size != 0)).fillna(0.0).astype("float64")
    worth["relations"] = ids.map(mine.groupby("account_id")["relation"].agg(", ".join))
    worth["name"] = ids.map(run.accounts.set_index("account_id")["name"])
    for name in (*QUANTILES, "ltv_cac", "payback_months"):
        if name not in worth:
            worth[name] = None
    columns = ("account_id", "name", "relations", "clv", *QUANTILES, "ltv_cac", "payback_months", "extrapolated_share")
    return records(worth, columns)


def _warnings(clv: pd.DataFrame) -> dict[str, int]:
    counts = {}
    for name in CAUTIONS:
        sentence = words("en").text(f"clv.caution.{name}")
        warned = clv.loc[clv["warning"].fillna("").str.contains(sentence, regex=False), "account_id"].nunique()
        if warned:
            counts[name] = int(warned)
    return counts


def _totals(clv: pd.DataFrame, by: str, called: str, *, by_size: bool = True) -> list[dict[str, Any]]:
    clv = clv.assign(beyond=clv["clv"] * clv["extrapolated_share"].fillna(0.0))
    told = [name for name in PARTS if name in clv and clv[name].notna().any()]
    sums = clv.groupby(by).agg(
        accounts=("account_id", "nunique"),
        clv=("clv", "sum"),
        expected_revenue=("expected_revenue", "sum"),
        beyond=("beyond", "sum"),
        **{name: (name, "sum") for name in told},
    )
    sums["extrapolated_share"] = (sums["beyond"] / sums["clv"].where(sums["clv"] != 0)).fillna(0.0)
    sums = sums.round(dict.fromkeys(("clv", "expected_revenue", *told), 2)).rename_axis(called).reset_index()
    sums = sums.sort_values(["clv", called] if by_size else [called], ascending=[False, True] if by_size else True)
    return records(sums, (called, *SUMS, *told))
