"""Labelled snapshots: which part each snapshot plays, and when there is too little to learn from."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from revml.config import QuestionSpec, SnapshotSpec, Workspace
from revml.errors import NotEnoughData
from revml.labels.labelled import labelled_snapshots
from revml.windows import instant
from tests.labels.rows import order, term
from tests.literal_facts import stage
from tests.small_company import FIRST_END, NAMES, ended_at, small_company, subscriptions


def test_labels_count_the_ends_by_hand(tmp_path: Path) -> None:
    """At each snapshot the accounts at risk and those that end within 90 days are exactly the company's."""
    rows = labelled_snapshots(Workspace(), small_company(tmp_path), "churn").rows
    for as_of, there in rows.groupby("as_of"):
        ends = {a: ended_at(n) for n, a in enumerate(NAMES)}
        alive = {a for a, end in ends.items() if end is None or end > as_of}
        lost = {a for a in alive if (end := ends[a]) is not None and end <= as_of + timedelta(days=90)}
        assert set(there["account_id"]) == alive
        assert set(there.loc[there["label"] == 1, "account_id"]) == lost


def test_no_label_window_of_training_reaches_a_later_part(tmp_path: Path) -> None:
    """Windows of training end by validation, those of validation by the test, and the newest closed one is the test."""
    split = labelled_snapshots(Workspace(), small_company(tmp_path), "churn").split
    window = QuestionSpec().window("churn")
    assert max(map(window.end, split.train)) <= split.valid[0]
    assert max(map(window.end, split.valid)) <= split.test[0]
    assert split.test[-1] == instant("2026-06-01")


def test_few_events_take_three_test_snapshots(tmp_path: Path) -> None:
    """One snapshot with plenty of events is a test; with a handful, three are taken together."""
    few = labelled_snapshots(Workspace(), small_company(tmp_path / "few"), "churn")
    assert len(few.split.test) == 3
    often = [order(a, f"2026-{month:02d}-15") for a in NAMES for month in range(1, 10)]
    rarely = [order(f"{a} rare", day) for a in NAMES for day in ("2025-09-15", "2026-01-15", "2026-05-15")]
    many = labelled_snapshots(Workspace(), small_company(tmp_path / "many", orders=[*often, *rarely]), "lapse")
    assert len(many.split.test) == 1


def test_snapshots_before_renewals_are_for_training_alone(tmp_path: Path) -> None:
    """They join training as far as their windows end in time; validation and test stay whole companies."""
    yearly = [row | {"renews_at": "2026-06-15"} for row in subscriptions()]
    facts = small_company(tmp_path, subscriptions=yearly)
    plain = labelled_snapshots(Workspace(), facts, "churn")
    spec = SnapshotSpec(before_renewal_days=(30, 365))
    with_renewals = labelled_snapshots(Workspace(snapshots=spec), facts, "churn")
    assert set(with_renewals.split.train) - set(plain.split.train) == {instant("2025-06-15")}
    assert (with_renewals.split.valid, with_renewals.split.test) == (plain.split.valid, plain.split.test)
    daily = Workspace(snapshots=SnapshotSpec(before_renewal_days=tuple(range(1, 400))))
    split = labelled_snapshots(daily, facts, "churn").split
    assert max(map(QuestionSpec().window("churn").end, split.train)) <= (split.valid or split.test)[0]


def test_renewals_alone_make_parts_by_the_month(tmp_path: Path) -> None:
    """Where only renewals are snapshotted, the newest month of them is the test and windows still do not overlap."""
    days = [FIRST_END + timedelta(days=14 * (n // 3)) for n in range(len(NAMES))]  # who ends, ends at the renewal
    rows = [row | {"renews_at": day.isoformat()} for row, day in zip(subscriptions(), days, strict=True)]
    facts = small_company(tmp_path, subscriptions=rows)
    spec = SnapshotSpec(every="none", before_renewal_days=(30, 60))
    split = labelled_snapshots(Workspace(snapshots=spec), facts, "churn").split
    window = QuestionSpec().window("churn")
    assert split.test[-1] - split.test[0] < timedelta(days=31)
    assert max(map(window.end, split.train)) <= (split.valid or split.test)[0]


def test_one_class_is_refused(tmp_path: Path) -> None:
    """Where nobody ever ended in a closed window, there is nothing to learn and the message says so."""
    rows = [term(a, "2024-01-01") for a in NAMES] + [term("last", "2024-01-01", "2026-09-29")]
    facts = small_company(tmp_path, subscriptions=rows)
    with pytest.raises(NotEnoughData, match="too little happened") as error:
        labelled_snapshots(Workspace(), facts, "churn")
    assert error.value.got == "0 of 121 accounts at risk"
    assert "revml preview churn" in error.value.do


def test_a_handful_of_accounts_is_refused(tmp_path: Path) -> None:
    """Thirty accounts with a few ends are too little even for a rate."""
    rows = [row for n, row in enumerate(subscriptions()) if n % 12 < 3]
    with pytest.raises(NotEnoughData, match="too little happened") as error:
        labelled_snapshots(Workspace(), small_company(tmp_path, subscriptions=rows), "churn")
    assert error.value.wanted == "at least 10 accounts with an event"


def test_no_closed_window_is_refused(tmp_path: Path) -> None:
    """A young company hears how much longer it takes."""
    facts = stage(tmp_path, observed_until="2026-06-01", subscriptions=[term("a", "2026-01-01", "2026-05-01")])
    with pytest.raises(NotEnoughData, match="no label window has closed yet") as error:
        labelled_snapshots(Workspace(), facts, "churn")
    assert "120 days" in error.value.wanted
    assert error.value.got.startswith("3 snapshots")


def test_nobody_at_risk_is_refused(tmp_path: Path) -> None:
    """Closed windows without a single account at risk point to the columns that decide it."""
    rows = [term("a", "2024-01-01", "2024-01-02")]
    facts = stage(tmp_path, observed_until="2026-06-01", subscriptions=rows)
    with pytest.raises(NotEnoughData, match="nobody was at risk"):
        labelled_snapshots(Workspace(), facts, "churn")
