"""A run in a few figures: what each question is about in money.

Comes in: a `ScoreRun`. Goes out: plain values that stand in JSON as they are; parts add up to their totals.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from revml.exports.records import records
from revml.store.long import parts_of
from revml.store.runs import ATTENTION, ATTENTIONS, ScoreRun

TOP = 10


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
        "attention": by_attention(scores),
        "bands": {str(band): int(n) for band, n in scores["band"].value_counts().sort_index().items()},
        "top": records(listed, (*named, "probability", "band", "money", "expected_money", "reason")),
    }


def by_attention(scores: pd.DataFrame) -> list[dict[str, Any]] | None:
    """Scores of a question by who was treated, held out, or neither in the horizon before `as_of`: counts and means.

    None where nothing is known of plays. The groups are not alike: their difference is no effect of a play.
    """
    if ATTENTION not in scores or scores[ATTENTION].isna().all():
        return None
    return [
        {
            "group": name,
            "accounts": int(part["account_id"].nunique()),
            "rows": len(part),
            "probability": float(part["probability"].mean()) if len(part) else None,
        }
        for name in ATTENTIONS
        for part in (scores[scores[ATTENTION] == name],)
    ]
