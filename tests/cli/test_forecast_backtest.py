"""`revml forecast --backtest`: a table and sentences, JSON, a page, a document for the next run, a run in MLflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import pytest

from revml.backtesting.money import last_backtest
from revml.config import load_workspace
from tests.backtesting.test_money import CONTRACTS, UNTIL
from tests.cli.commands import answer, call
from tests.clv.companies import accounts_of
from tests.literal_facts import stage

ONE = ("forecast", "--backtest", "--origins", "1", "--without-scores", "--without-intervals")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Czech workspace with a few contracts."""
    root = tmp_path_factory.mktemp("company")
    (root / "revml.yaml").write_text(json.dumps({"data": "data", "language": "cs"}))
    stage(
        load_workspace(root).staged_dir,
        observed_until=UNTIL,
        accounts=accounts_of(CONTRACTS),
        subscriptions=CONTRACTS,
    )
    return root


@pytest.fixture(scope="module")
def told(root: Path) -> Any:
    """What one origin says as JSON."""
    return answer(root, *ONE)


def test_json_has_the_table_and_the_page(root: Path, told: Any) -> None:
    """The page stands in the work folder and speaks the workspace's language; nothing is published."""
    [row] = [r for r in told["rows"] if (r["cut"], r["horizon_months"], r["method"]) == ("all", 12, "run_rate")]
    assert (row["actual"], row["forecast"]) == (2800.0, 3000.0)
    assert told["tracking_away"] == ""
    page = Path(told["page"])
    assert page == root / ".revml" / "backtests" / "forecast.html"
    assert '<html lang="cs">' in page.read_text(encoding="utf-8")
    assert "nothing was published yet" in call(root, "runs").output


def test_the_document_stays_for_the_next_run(root: Path, told: Any) -> None:
    """What a scoring run may publish is what was told."""
    kept = last_backtest(load_workspace(root))
    assert kept is not None
    assert kept["rows"] == told["rows"]


def test_mlflow_has_one_run(root: Path, told: Any) -> None:
    """Tagged as a back-test, with a metric a relation, horizon, figure and method, the page and pictures."""
    uri = load_workspace(root).tracking_uri
    client = mlflow.MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name("forecast")
    [run] = client.search_runs([experiment.experiment_id], filter_string="tags.kind = 'backtest'")
    assert run.info.status == "FINISHED"
    assert run.data.metrics["contract_12m_bias/run_rate"] == 0.0714
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"backtest.html", "backtest.json", "pictures"} <= names


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_people_read_a_table_and_where_it_lost(tmp_path: Path, root: Path, option: str) -> None:
    """The page where it was asked for, by either name of the option; baselines by name; how often each was beaten."""
    result = call(root, *ONE, option, str(tmp_path / "past.html"))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "past.html").exists()
    for text in ("Contracts, 12 months from 1 origin", "run-rate", "Against pooled churn revml was better in"):
        assert text in result.output


@pytest.mark.parametrize(
    "given",
    [("--origins", "3"), ("--out", "x.html"), ("--backtest", "--as-of", "2025-01-01"), ("--without-scores",)],
)
def test_options_of_the_other_way_are_refused(root: Path, given: tuple[str, ...]) -> None:
    """They would be ignored otherwise."""
    result = call(root, "forecast", *given)
    assert result.exit_code == 2
    assert "--backtest" in result.output
