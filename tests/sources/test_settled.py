"""Months of usage that are over are counted once; what the check says is what a scan of all rows says."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from revml.config import Workspace, load_workspace
from revml.contract.report import TableReport
from revml.sources import noticing
from revml.sources.staging import stage_workspace

FIRST = datetime(2025, 1, 1)  # noqa: DTZ001


@pytest.fixture
def company(tmp_path: Path) -> Workspace:
    """Eight months of use: a unit that changes in June, an account with most rows, rows known before they happened."""
    draw = random.Random(5)  # noqa: S311
    (tmp_path / "data" / "usage").mkdir(parents=True)
    accounts = [f"a{n}" for n in range(24)]
    lines = ["account_id,event,occurred_at,known_at,quantity,user_id"]
    for day in range(240):
        for _ in range(40):
            at = FIRST + timedelta(days=day, seconds=draw.randrange(86_400))
            known = at - timedelta(days=3) if draw.random() < 0.05 else at
            event = draw.choice(["open", "save"])
            account = accounts[0] if draw.random() < 0.7 else draw.choice(accounts)
            size = draw.choice([1, 2, 3]) * (100 if day > 150 else 1)
            lines.append(f"{account},{event},{at.isoformat()},{known.isoformat()},{size},u{draw.randrange(50)}")
    (tmp_path / "data" / "usage" / "all.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "data" / "accounts.csv").write_text(
        "account_id,created_at\n" + "".join(f"{a},2024-01-01\n" for a in accounts)
    )
    (tmp_path / "data" / "orders.csv").write_text(
        "order_id,line,ordered_at,account_id,product,quantity,amount\no,1,2025-08-30,a0,p,1,10\n"
    )
    (tmp_path / "revml.yaml").write_text("data: data\n")
    return load_workspace(tmp_path)


def _usage(workspace: Workspace, *, full: bool = False) -> TableReport:
    """The report of usage, without what it says of the files that were read."""
    return replace(stage_workspace(workspace, full=full).table("usage"), reading="")


def _by_scan(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> TableReport:
    with monkeypatch.context() as patch:
        patch.setattr(noticing, "settled", lambda *_: None)
        return _usage(workspace)


def test_counts_say_what_a_scan_says(company: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """First counted, then read from the counts, then scanned: one report, with something in it."""
    first, again = _usage(company), _usage(company)
    assert first == again == _by_scan(company, monkeypatch)
    said = " ".join(first.notes)
    for word in ("'a0'", "known_at more than a day before", "quantity is about 100 times larger"):
        assert word in said
    months = {file.name[:6] for file in (company.work_dir / "counted").glob("*.json")}
    assert months == {f"2025{month:02}" for month in range(1, 9)}


def test_a_month_that_was_touched_is_counted_anew(company: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Late rows of March change the counts of March, and leave those of April as they are."""
    _usage(company)
    before = {file.name for file in (company.work_dir / "counted").glob("*.json")}
    late = company.root / "data" / "usage" / "late.csv"
    rows = [f"a1,open,2025-03-10T{n // 60:02}:{n % 60:02}:30,2025-08-01,9,u1" for n in range(900)]
    late.write_text("account_id,event,occurred_at,known_at,quantity,user_id\n" + "\n".join(rows) + "\n")
    assert _usage(company) == _by_scan(company, monkeypatch)
    after = {file.name for file in (company.work_dir / "counted").glob("*.json")}
    assert {name[:6] for name in after - before} == {"202503"}


def test_counts_that_are_damaged_are_made_anew(company: Workspace) -> None:
    """A file that cannot be read costs a scan of its month and no note."""
    first = _usage(company)
    for file in (company.work_dir / "counted").glob("202502*.json"):
        file.write_text("{")
    assert _usage(company) == first
