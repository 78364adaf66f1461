"""Preview: what a definition gives, as numbers and as the command prints them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from revml.cli.preview import preview as command
from revml.config import QuestionSpec, Workspace
from revml.errors import ConfigError, NotEnoughData
from revml.preview import preview, preview_question
from revml.windows import instant
from tests.labels.rows import change, order
from tests.literal_facts import stage
from tests.small_company import NAMES, orders, small_company, subscriptions


def test_each_snapshot_has_its_count(tmp_path: Path) -> None:
    """At risk, events and base rate of the first snapshot are those counted by hand, and open windows have none."""
    found = preview(small_company(tmp_path), Workspace(), "churn")
    assert list(found.columns) == ["month", "at_risk", "events", "base_rate", "closed"]
    january = found[found["month"] == instant("2025-01-01")].iloc[0]
    assert (january["at_risk"], january["events"], january["closed"]) == (120, 6, True)
    assert january["base_rate"] == pytest.approx(6 / 120)
    newest = found.iloc[-1]
    assert (newest["at_risk"], newest["closed"]) == (80, False)
    assert found.iloc[-1][["events", "base_rate"]].isna().all()


def test_accounts_without_a_label_are_not_in_the_base_rate(tmp_path: Path) -> None:
    """An account lost within the gap is at risk but has no label, and the rate is one of labels."""
    workspace = Workspace(questions={"churn": QuestionSpec(gap_days=20)})
    found = preview(small_company(tmp_path), workspace, "churn").set_index("month")
    january = found.loc[instant("2025-01-01")]
    assert (january["at_risk"], january["events"]) == (120, 6)
    assert january["base_rate"] == pytest.approx(6 / 119)


def test_few_events_are_said_in_plain_words(tmp_path: Path) -> None:
    """Below thirty accounts with an event the preview foretells that a rule will be served."""
    half = [row for n, row in enumerate(subscriptions()) if n % 6 < 3]
    found = preview_question(small_company(tmp_path, subscriptions=half), Workspace(), "churn")
    assert "expect a simple rule" in found.warnings[0]
    assert list(found.parts["part"]) == ["train", "valid", "test"]


def test_what_cannot_be_trained_is_still_previewed(tmp_path: Path) -> None:
    """With nothing to learn from, the counts are there and the reason is a warning."""
    found = preview_question(small_company(tmp_path, orders=orders()[:30]), Workspace(), "lapse")
    assert len(found.months) > 12
    assert found.parts.empty
    assert found.warnings[0].startswith("Cannot be trained: ")


def test_longer_horizons_see_more(tmp_path: Path) -> None:
    """Other horizons stand beside the chosen one, and a longer one has no lower base rate."""
    workspace = Workspace(questions={"churn": QuestionSpec(horizon_days=60)})
    found = preview_question(small_company(tmp_path), workspace, "churn").horizons
    assert list(found["horizon_days"]) == [30, 60, 90, 180]
    assert found["base_rate"].is_monotonic_increasing


def test_prices_that_are_left_out_are_told_where_they_are_most(tmp_path: Path) -> None:
    """Forty contracts rise by a price and ten by seats: the preview says that thirty and more do not count, and why."""
    rows = []
    for n in range(50):
        at = f"2026-0{1 + n % 5}-15"
        rows += change(f"a{n}", {}, {"quantity": 2.0 if n < 10 else 1.0, "mrr": 150.0}, at=at)
    facts = stage(tmp_path, observed_until="2026-10-01", subscriptions=rows)
    [warning] = [w for w in preview_question(facts, Workspace(), "upsell").warnings if "price" in w]
    assert "120 of 150 changes of MRR" in warning
    counted = Workspace(questions={"upsell": QuestionSpec(price_changes=True)})
    assert not any("price" in w for w in preview_question(facts, counted, "upsell").warnings)


def test_a_question_that_cannot_be_answered_is_refused(tmp_path: Path) -> None:
    """Without orders there is no lapse to preview."""
    with pytest.raises(NotEnoughData, match="cannot answer 'lapse'"):
        preview(small_company(tmp_path), Workspace(), "lapse")


@pytest.fixture
def workspace_folder(tmp_path: Path) -> Path:
    """A workspace folder with the small company checked."""
    (tmp_path / "revml.yaml").write_text("data: .", encoding="utf-8")
    half = [row for n, row in enumerate(subscriptions()) if n % 6 < 3]
    small_company(tmp_path / ".revml" / "staged", subscriptions=half)
    return tmp_path


def test_the_command_prints_json_and_nothing_else(workspace_folder: Path) -> None:
    """`--json` gives months, parts, horizons and warnings as plain values."""
    result = CliRunner().invoke(command, ["churn", "-w", str(workspace_folder), "--json"])
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert set(told) == {"question", "definition", "observed_until", "months", "horizons", "parts", "warnings"}
    assert told["months"][-1]["events"] is None
    assert told["months"][-1]["month"] == "2026-09-01T00:00:00"


def test_the_command_prints_tables(workspace_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The definition, each snapshot, the parts and other horizons are printed."""
    command(["churn", "-w", str(workspace_folder)], standalone_mode=False)
    text = capsys.readouterr().out
    assert "none starts within the grace period" in text.replace("\n", " ")
    for words in ("still open", "train", "180 days", "Warning: Only"):
        assert words in text


def test_the_command_names_the_nearest_question(workspace_folder: Path) -> None:
    """A misspelt question ends in a message, not in a traceback."""
    with pytest.raises(ConfigError, match="no such question"):
        command(["chrun", "-w", str(workspace_folder)], standalone_mode=False)


def test_a_company_with_one_order_previews(tmp_path: Path) -> None:
    """The smallest order book gives counts and a warning, not a crash."""
    facts = stage(tmp_path, observed_until="2026-12-31", orders=[order(NAMES[0], "2026-01-05")])
    found = preview_question(facts, Workspace(), "growth")
    assert found.warnings
    assert found.months["at_risk"].sum() == 1
