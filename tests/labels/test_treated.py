"""Treated and held out: what was done about an account while its outcome was awaited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from revml.config import QuestionSpec
from revml.labels.treated import treated
from revml.windows import instant
from tests.labels.rows import UNTIL, term
from tests.literal_facts import stage

AT = "2026-01-01"  # the window of 90 days is (2026-01-01, 2026-04-01]
TERM = term("a", "2025-01-01")


def play(assigned: str, done: str | None = None, *, holdout: bool = False, number: int = 1) -> Any:
    """One row of `actions`."""
    row = {"action_id": f"p{number}", "account_id": "a", "play": "call", "assigned_at": assigned, "done_at": done}
    return row | {"holdout": holdout}


def group(folder: Path, *plays: Any, **definition: Any) -> str:
    """The group of account `a` at the snapshot; empty where it is in none."""
    facts = stage(folder, observed_until=UNTIL, subscriptions=[TERM], actions=list(plays))
    rows = pd.DataFrame({"account_id": ["a"], "as_of": [instant(AT)]})
    found = treated(facts, "churn", QuestionSpec(**definition), rows)
    assert found is not None
    return "".join(found["group"])


@pytest.mark.parametrize(
    ("done", "told"),
    [
        ("2026-01-01", ""),
        ("2026-01-01T00:00:01", "treated"),
        ("2026-04-01", "treated"),
        ("2026-04-01T00:00:01", ""),
        (None, ""),
    ],
)
def test_a_play_treats_when_it_is_done_in_the_window(tmp_path: Path, done: str | None, told: str) -> None:
    """Not when it is assigned, not before or at the snapshot, and up to the window's last instant."""
    assert group(tmp_path, play("2025-12-01", done)) == told


def test_a_hold_out_of_the_window_is_held_out(tmp_path: Path) -> None:
    """A hold-out that was assigned within the window; one of earlier is over."""
    assert group(tmp_path / "now", play("2026-02-01", holdout=True)) == "held_out"
    assert group(tmp_path / "before", play("2025-11-01", holdout=True)) == ""


def test_a_hold_out_that_was_called_all_the_same_is_treated(tmp_path: Path) -> None:
    """What was done counts, whatever was planned."""
    plays = play("2026-02-01", holdout=True), play("2026-02-02", "2026-02-03", number=2)
    assert group(tmp_path, *plays) == "treated"


def test_the_gap_belongs_to_the_time_of_attention(tmp_path: Path) -> None:
    """A call within the gap may well change what comes after it."""
    assert group(tmp_path, play("2026-01-02", "2026-01-03"), gap_days=30) == "treated"


def test_without_plays_nothing_is_told(tmp_path: Path) -> None:
    """A company that records no plays has neither group."""
    facts = stage(tmp_path, observed_until=UNTIL, subscriptions=[TERM])
    rows = pd.DataFrame({"account_id": ["a"], "as_of": [instant(AT)]})
    assert treated(facts, "churn", QuestionSpec(), rows) is None
