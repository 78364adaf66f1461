"""Outcomes at several horizons: one story in time, coherent with the question's own label."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from revml.config import QuestionName, QuestionSpec
from revml.labels import label
from revml.labels.outcomes import horizons, outcomes
from revml.snapshots import population
from revml.windows import instant
from tests.labels.rows import order, term
from tests.literal_facts import stage


def told(folder: Path, question: QuestionName, as_of: str = "2025-06-01", **tables: Any) -> dict[str, list[Any]]:
    """account -> what had happened by 30, 90, 180 and 365 days; None where that is open."""
    facts, spec = stage(folder, observed_until="2026-03-01", **tables), QuestionSpec()
    at_risk = population(facts, question, spec, [instant(as_of)])
    found = outcomes(facts, question, spec, label(facts, question, spec, at_risk))
    assert found is not None
    names = [f"within_{days}" for days in horizons(spec.horizon_days)]
    return {
        row["account_id"]: [None if pd.isna(row[name]) else int(row[name]) for name in names]
        for row in found.to_dict("records")
    }


def test_an_end_counts_from_its_day_on(tmp_path: Path) -> None:
    """Ended after 20, 100 and 300 days; a year has not closed nine months on."""
    ends = {"a": "2025-06-21", "b": "2025-09-09", "c": "2026-02-20", "d": None}
    rows = [term(name, "2025-01-01", end) for name, end in ends.items()]
    assert told(tmp_path, "churn", subscriptions=rows) == {
        "a": [1, 1, 1, None],
        "b": [0, 0, 1, None],
        "c": [0, 0, 0, None],
        "d": [0, 0, 0, None],
    }


def test_growth_that_was_taken_back_is_none_at_a_shorter_horizon(tmp_path: Path) -> None:
    """Higher after a month and no longer after three: no upsell by 30 days, but one that came later is kept by 180."""
    rows = [
        term("back", "2025-01-01", "2025-06-15", mrr=100.0),
        term("back", "2025-06-15", "2025-08-01", quantity=2.0, mrr=150.0),
        term("back", "2025-08-01", mrr=100.0),
        term("stays", "2025-01-01", "2025-06-15", mrr=100.0),
        term("stays", "2025-06-15", "2025-11-01", quantity=2.0, mrr=150.0),
        term("stays", "2025-11-01", mrr=100.0),
        term("gone", "2024-01-01", "2025-02-01"),
    ]
    assert told(tmp_path, "upsell", subscriptions=rows) == {"back": [0, 0, 0, None], "stays": [1, 1, 1, None]}


def test_the_event_of_a_lapse_is_the_next_order(tmp_path: Path) -> None:
    """An order after 40 days had not come by 30 and had by 90; the label at 90 is its opposite."""
    rows = [order("a", "2025-05-01"), order("a", "2025-07-11"), order("b", "2025-05-01")]
    assert told(tmp_path, "lapse", orders=rows) == {"a": [0, 1, 1, None], "b": [0, 0, 0, None]}


def test_growth_has_no_story_in_time(tmp_path: Path) -> None:
    """Its horizon is also the span it compares with."""
    facts = stage(tmp_path, observed_until="2026-03-01", orders=[order("a", "2025-05-01")])
    at_risk = population(facts, "growth", QuestionSpec(), [instant("2025-06-01")])
    rows = label(facts, "growth", QuestionSpec(), at_risk)
    assert outcomes(facts, "growth", QuestionSpec(), rows) is None


def test_the_own_horizon_is_the_label(tmp_path: Path) -> None:
    """A horizon of 60 days is added between 30 and 90, with the label as it stands."""
    facts = stage(tmp_path, observed_until="2026-03-01", subscriptions=[term("a", "2025-01-01", "2025-07-20")])
    spec = QuestionSpec(horizon_days=60)
    rows = label(facts, "churn", spec, population(facts, "churn", spec, [instant("2025-06-01")]))
    found = outcomes(facts, "churn", spec, rows)
    assert found is not None
    assert found.iloc[0, 2:].tolist() == [0, 1, 1, 1, pd.NA]
