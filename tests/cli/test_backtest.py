"""`revml backtest` on the company that can be counted by hand: a table and sentences, JSON, a page, a run in MLflow."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import Any

import mlflow
import pytest

from revml.config import load_workspace
from revml.errors import NotEnoughData, NotFound
from revml.models.registry import newest_bundle
from tests.cli.commands import answer, call
from tests.small_company import small_company, subscriptions


def company(root: Path, **more: Any) -> Path:
    """A workspace with that company's contracts and a quick sheet."""
    (root / "models").mkdir(parents=True, exist_ok=True)
    settings = {"capacity": {"accounts_per_month": 10}, "language": "cs", **more}
    (root / "revml.yaml").write_text(json.dumps({"data": "data", **settings}))
    sheet = "{question: churn, rungs: [constant, rule], bootstrap_rounds: 50}\n"
    (root / "models" / "churn.yaml").write_text(sheet)
    small_company(load_workspace(root).staged_dir, subscriptions=subscriptions())
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One workspace, shared."""
    return company(tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def told(root: Path) -> Any:
    """What three origins say as JSON."""
    return answer(root, "backtest", "churn", "--origins", "3")


def test_json_tells_origins_totals_and_the_page(root: Path, told: Any) -> None:
    """Three origins, the newest last; the page stands in the work folder and speaks the workspace's language."""
    assert [one["as_of"][:10] for one in told["origins"]] == ["2026-04-01", "2026-05-01", "2026-06-01"]
    assert told["capacity"] == 10
    assert told["tracking_away"] == ""
    assert Path(told["page"]) == root / ".revml" / "backtests" / "churn.html"
    assert '<html lang="cs">' in Path(told["page"]).read_text(encoding="utf-8")


def test_mlflow_has_one_run_with_a_step_an_origin(root: Path, told: Any) -> None:
    """Tagged as a back-test, with metrics by origin, the definition, pictures, the page and the figures."""
    uri = load_workspace(root).tracking_uri
    client = mlflow.MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name("churn")
    [run] = client.search_runs([experiment.experiment_id], filter_string="tags.kind = 'backtest'")
    assert run.info.status == "FINISHED"
    history = sorted(client.get_metric_history(run.info.run_id, "by_origin/observed"), key=lambda metric: metric.step)
    assert [metric.value for metric in history] == [one["events"] for one in told["origins"]]
    headline = run.data.tags["mlflow.note.content"].split("\n\n")[0]
    assert headline in unescape(Path(told["page"]).read_text(encoding="utf-8"))
    assert run.data.params["origins"] == "3"
    assert run.data.params["definition.horizon_days"] == "90"
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"backtest.html", "backtest.json", "pictures"} <= names


def test_nothing_that_serves_is_touched(root: Path, told: Any) -> None:
    """No bundle is written."""
    with pytest.raises(NotFound):
        newest_bundle(load_workspace(root), "churn")


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_people_read_a_table_and_sentences(tmp_path: Path, root: Path, option: str) -> None:
    """The list in words beside other lists, and a page where it was asked for, by either name of the option."""
    result = call(root, "backtest", "churn", "--origins", "1", option, str(tmp_path / "past.html"))
    assert result.exit_code == 0, result.output
    assert "You can call 10 accounts a month. Over 1 origin, the list" in result.output
    assert "a perfect list 4" in result.output
    assert (tmp_path / "past.html").is_file()


def test_more_origins_than_history_gives_are_capped_with_a_note(root: Path) -> None:
    """Sixty were asked for."""
    result = call(root, "backtest", "churn", "--origins", "60")
    assert result.exit_code == 0, result.output
    assert "of the 60 origins asked for are possible" in result.output


def test_mlflow_away_is_a_note(tmp_path: Path) -> None:
    """A store that cannot be opened costs neither the figures nor the page."""
    away = company(tmp_path, tracking={"uri": "sqlite:////dev/null/mlflow.db"})
    told = answer(away, "backtest", "churn", "--origins", "1")
    assert "MLflow could not be told" in told["tracking_away"]
    assert Path(told["page"]).is_file()


def test_a_short_history_is_refused_with_its_exit_code(tmp_path: Path) -> None:
    """The windows of a horizon of two years have not closed."""
    short = company(tmp_path, questions={"churn": {"horizon_days": 720}})
    result = call(short, "backtest", "churn")
    assert result.exit_code == NotEnoughData.exit_code
    assert "0 origins are possible" in result.output
