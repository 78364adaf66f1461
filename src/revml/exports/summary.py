"""A run in a few figures: what each question is about in money, and what the accounts are worth.

Comes in: a `ScoreRun`. Goes out: plain values that stand in JSON as they are; parts add up to their totals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from revml.clv.cautions import CAUTIONS
from revml.evaluation.treatment import GROUPS, NEITHER
from revml.locales import words
from revml.store.long import parts_of
from revml.store.runs import ScoreRun

TOP = 10
SEGMENTS = ("industry", "region", "country")


def run_head(run: ScoreRun) -> dict[str, Any]:
    """Which run this is, and by which models."""
    return {
        "as_of": run.as_of.isoformat(),
        "company": run.company,
        "currency": run.currency,
        "accounts": len(run.accounts),
        "models": [
            {"question": m.question, "version": m.version, "rung": m.rung, "horizon_days": m.horizon_days}
            for m in run.models
        ],
    }


def question_summary(run: ScoreRun, question: str, *, language: str, top: int = TOP) -> dict[str, Any]:
    """Sums of a question, and the accounts with most money at stake with their first reason."""
    scores = run.scores[run.scores["question"] == question]
    first = pd.concat([part[(part["question"] == question) & (part["rank"] == 1)] for part in parts_of(run.reasons)])
    listed = (
        scores.sort_values(
            ["expected_money", "probability", "account_id", "item"], ascending=[False, False, True, True]
        )
        .head(top)
        .merge(run.accounts[["account_id", "name"]], on="account_id")
        .merge(first[["account_id", "item", f"text_{language}"]], on=["account_id", "item"], how="left")
        .rename(columns={f"text_{language}": "reason"})
    )
    named = ("account_id", "name", *(("item",) if listed["item"].ne("").any() else ()))
    return {
        "question": question,
        "accounts": int(scores["account_id"].nunique()),
        "rows": len(scores),
        "money": float(scores["money"].sum()),
        "expected_money": float(scores["expected_money"].sum()),
        "unknown_money": int(scores["money"].isna().sum()),  # rows that add nothing to the sums
        "attention": by_attention(run, scores),
        "bands": {str(band): int(n) for band, n in scores["band"].value_counts().sort_index().items()},
        "top": _records(listed, (*named, "probability", "band", "money", "expected_money", "reason")),
    }


def by_attention(run: ScoreRun, scores: pd.DataFrame) -> list[dict[str, Any]] | None:
    """Scores of a question by who was treated, held out, or neither in the horizon before `as_of`: counts and means.

    None where nothing is known of plays. The groups are not alike: their difference is no effect of a play.
    """
    if run.attended is None or not len(scores):
        return None
    mine = run.attended[run.attended["question"] == scores["question"].iloc[0]].set_index("account_id")["group"]
    group = scores["account_id"].map(mine).fillna(NEITHER)
    return [
        {
            "group": name,
            "accounts": int(part["account_id"].nunique()),
            "rows": len(part),
            "probability": float(part["probability"].mean()) if len(part) else None,
        }
        for name in GROUPS
        for part in (scores[group == name],)
    ]


def forecast_summary(run: ScoreRun, *, top: int = TOP) -> dict[str, Any]:
    """Totals of the lifetime values by relation, and by the segment that is known of most accounts.

    Relations add up to `clv`; so do segments, with "not known" for the rest. `warnings` counts accounts by caution
    (`clv.cautions.CAUTIONS`).
    """
    clv = run.clv.merge(run.accounts[["account_id", "name", *SEGMENTS]], on="account_id", how="left")
    known = {name: int(clv[name].notna().sum()) for name in SEGMENTS}
    segment = max(SEGMENTS, key=lambda name: known[name])
    largest = clv.sort_values(["clv", "account_id", "relation"], ascending=[False, True, True]).head(top)
    columns = ("account_id", "name", "relation", "clv", "p_alive", "extrapolated_share", "warning")
    return {
        "horizon_months": int(clv["horizon_months"].max()) if len(clv) else 0,
        "clv": float(clv["clv"].sum()),
        "relations": _totals(clv, "relation", "relation"),
        "segment": segment,
        "segments": _totals(clv.fillna({segment: "not known"}), segment, "segment") if known[segment] else [],
        "top": _records(largest, columns),
        "warnings": _warnings(clv),
        "notes": [*run.score_notes, *run.notes],
    }


def _warnings(clv: pd.DataFrame) -> dict[str, int]:
    counts = {}
    for name in CAUTIONS:
        sentence = words("en").text(f"clv.caution.{name}")
        warned = clv.loc[clv["warning"].fillna("").str.contains(sentence, regex=False), "account_id"].nunique()
        if warned:
            counts[name] = int(warned)
    return counts


def _totals(clv: pd.DataFrame, by: str, called: str) -> list[dict[str, Any]]:
    clv = clv.assign(beyond=clv["clv"] * clv["extrapolated_share"].fillna(0.0))
    sums = clv.groupby(by).agg(
        accounts=("account_id", "nunique"),
        clv=("clv", "sum"),
        expected_revenue=("expected_revenue", "sum"),
        beyond=("beyond", "sum"),
    )
    sums["extrapolated_share"] = (sums["beyond"] / sums["clv"].where(sums["clv"] != 0)).fillna(0.0)
    sums = sums.rename_axis(called).reset_index().sort_values(["clv", called], ascending=[False, True])
    return _records(sums, (called, "accounts", "clv", "expected_revenue", "extrapolated_share"))


def _records(frame: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Rows as plain Python values; missing values become None."""
    plain = frame[list(columns)].astype("object")
    return [{str(k): v for k, v in row.items()} for row in plain.where(plain.notna(), None).to_dict("records")]
