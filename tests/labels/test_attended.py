"""Attended to before a scoring: plays of the last horizon, as far as was known then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from revml.labels.attended import attended
from revml.windows import instant
from tests.labels.rows import UNTIL, term
from tests.labels.test_treated import play
from tests.literal_facts import stage

AT = instant("2026-04-01")  # the horizon of 90 days before it is (2026-01-01, 2026-04-01]


def group(folder: Path, *plays: Any) -> str:
    """The group of account `a`; empty where it is in none."""
    facts = stage(folder, observed_until=UNTIL, subscriptions=[term("a", "2025-01-01")], actions=list(plays))
    found = attended(facts, AT, 90, ["a"])
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
def test_a_play_counts_when_it_was_done_in_the_horizon_before(tmp_path: Path, done: str | None, told: str) -> None:
    """Up to the instant of the scoring itself, and not a second later."""
    assert group(tmp_path, play("2025-12-01", done)) == told


def test_a_hold_out_of_the_horizon_is_held_out(tmp_path: Path) -> None:
    """One of earlier is over; one that was called all the same is treated by the play that was done."""
    held = play("2026-02-01", holdout=True)
    assert group(tmp_path / "now", held) == "held_out"
    assert group(tmp_path / "before", play("2025-11-01", holdout=True)) == ""
    assert group(tmp_path / "both", held, play("2026-02-02", "2026-02-03", number=2)) == "treated"


def test_what_was_not_known_yet_does_not_count(tmp_path: Path) -> None:
    """A play that came into the books after the scoring is not seen by it."""
    assert group(tmp_path, play("2026-02-02", "2026-02-03") | {"known_at": "2026-05-01"}) == ""


def test_other_accounts_are_left_alone(tmp_path: Path) -> None:
    """Only the accounts asked for are told of, and without plays nothing is claimed."""
    terms = [term("a", "2025-01-01")]
    facts = stage(
        tmp_path / "told", observed_until=UNTIL, subscriptions=terms, actions=[play("2026-02-02", "2026-02-03")]
    )
    found = attended(facts, AT, 90, ["b"])
    assert found is not None
    assert found.empty
    assert attended(stage(tmp_path / "none", observed_until=UNTIL, subscriptions=terms), AT, 90, ["a"]) is None
