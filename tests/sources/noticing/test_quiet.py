"""No false alarms: companies in order get no note, and the outages that samples have are the only gaps told."""

from __future__ import annotations

from pathlib import Path

import pytest

from revml.config import Workspace
from revml.sources.samples.kinds import KindName
from revml.sources.staging import stage_workspace
from tests.sources.samples import sample


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["saas", "machinery", "manufacturing"])
def test_a_sample_company_gets_no_note(tmp_path: Path, kind: KindName) -> None:
    """Seasons, growth, churn, weekends and holidays of three years; only usage has real outages of a few days."""
    report = stage_workspace(Workspace(data=str(sample(kind).folder)).at(tmp_path))
    assert [(table.table, table.notes) for table in report.tables if table.notes] == []
    gaps = {table.table: table.profile.gaps for table in report.tables if table.profile and table.profile.gaps}
    assert set(gaps) <= {"usage"}
    assert all(gap.rows < 0.06 * gap.expected for gap in gaps.get("usage", ()))
