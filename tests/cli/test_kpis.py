"""`revml kpis` as a reader meets it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from revml.cli import main
from tests.clv.companies import accounts_of, order
from tests.literal_facts import stage
from tests.literal_kpis import kpi_document, segmented


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose data is checked."""
    made = tmp_path_factory.mktemp("kpis")
    segmented(made / ".revml" / "staged")
    (made / "revml.yaml").write_text("data: data\n", encoding="utf-8")
    return made


def run(folder: Path, *options: str) -> Result:
    """The command's output in a wide terminal."""
    return CliRunner().invoke(main, ["kpis", "-w", str(folder), *options], env={"COLUMNS": "220"})


def test_segments_stand_beside_each_other(folder: Path) -> None:
    """A row a segment, those not known under words; an asterisk where a figure needs care."""
    shown = run(folder, "--by", "industry")
    assert shown.exit_code == 0
    assert all(text in shown.output for text in ("Machinery", "Software", "not known", "By segment", " *"))
    assert "MRR by month" not in shown.output


def test_cohorts_have_empty_cells(folder: Path) -> None:
    """A table of accounts, one of MRR and one of orders, with the line over all."""
    shown = run(folder, "--cohorts").output
    assert "Accounts still paying, by months since the start" in shown
    assert "Buying again, by quarters since the first purchase" in shown
    assert shown.count("All cohorts") == 3
    [newest] = [row for row in shown.splitlines() if "2025 Q1" in row and "100%" in row and row.count("%") < 6]
    assert newest.split("│")[-2].strip() == ""


def test_json_is_the_document_with_words(folder: Path) -> None:
    """Every kind of segment, cohorts and months; values as a run publishes them."""
    told: dict[str, Any] = json.loads(run(folder, "--json").stdout)
    assert {one["by"] for one in told["segments"]} == {"industry", "country", "plan", "cohort"}
    values = {kpi["name"]: kpi["value"] for kpi in told["kpis"]}
    published = {kpi["name"]: kpi["value"] for kpi in kpi_document()["kpis"]}
    assert values["mrr"] == published["mrr"]
    assert all(kpi["definition"] and kpi["caveat"] for kpi in told["kpis"])


def test_figures_as_csv(folder: Path, tmp_path: Path) -> None:
    """The company, each segment and each month; an absent value is empty and has its reason."""
    file = tmp_path / "kpis.csv"
    assert run(folder, "--by", "country", "--csv", str(file)).exit_code == 0
    with file.open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    assert {row["segment"] for row in rows if row["by"] == "country"} == {"CZ", "DE"}
    assert len({row["month"] for row in rows if row["month"]}) == 12
    assert all(bool(row["reason"]) == (row["value"] == "") for row in rows)
    mrr = {row["segment"]: float(row["value"]) for row in rows if row["name"] == "mrr" and not row["month"]}
    assert mrr["CZ"] + mrr["DE"] == pytest.approx(mrr[""])


def test_an_earlier_day_shows_what_was_known_then(folder: Path) -> None:
    """The title names the day, and the months end with it."""
    shown = run(folder, "--as-of", "2025-06-01", "--months", "3").output
    assert "Jun 1, 2025" in shown
    assert "2025-05" in shown
    assert "2025-06" not in shown.split("MRR by month")[1]


def test_a_day_beyond_the_data_is_refused(folder: Path) -> None:
    """The message names the last possible day."""
    refused = run(folder, "--as-of", "2027-01-01")
    assert refused.exit_code == 2
    assert "2026-03-02 or earlier" in refused.output


def test_what_a_whole_group_lacks_is_said_once(tmp_path: Path) -> None:
    """Without subscriptions one line names the absent figures; a kind of segment that is not there is told."""
    rows = [order("a", "2025-02-01", 100), order("a", "2025-12-15", 300)]
    stage(tmp_path / ".revml" / "staged", accounts=accounts_of(rows), orders=rows)
    (tmp_path / "revml.yaml").write_text("data: data\n", encoding="utf-8")
    shown = run(tmp_path, "--by", "plan").output
    assert shown.count("There are no subscriptions in the data.") == 1
    assert "the data has no plan" in shown
