"""A ready table through the command line: check, train, score, export, MLflow and the service, dated and not."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from revml.config import load_workspace
from revml.service.application import make_application
from revml.service.gate import Gate
from revml.service.serving import Serving
from revml.store import Store
from tests.cli.commands import answer, call
from tests.ready_company import DATED, HONEST, dated_company, dated_table, undated_company, undated_table

SHEET = "question: churn\nbootstrap_rounds: 50\nmax_rounds: 60\ncandidates: [{num_leaves: 4, learning_rate: 0.1}]\n"


def light(root: Path) -> None:
    """A sheet that trains quickly."""
    (root / "models").mkdir()
    (root / "models" / "own.yaml").write_text(SHEET, encoding="utf-8")


@pytest.fixture(scope="module")
def undated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with a table without dates, trained and scored."""
    root = tmp_path_factory.mktemp("undated")
    undated_company(root, score_path="today.csv")
    undated_table(80, seed=9).drop(columns=["Left", "Why", "Row"]).to_csv(root / "today.csv", index=False)
    light(root)
    said = answer(root, "train", "all")
    assert said[0]["passed"], said
    return root


@pytest.fixture(scope="module")
def scored(undated: Path) -> dict[str, object]:
    """What `revml score` says of it."""
    said: dict[str, object] = answer(undated, "score", "--as-of", "2026-03-01")
    return said


def test_check_names_the_leaks_and_says_that_there_are_no_dates(undated: Path) -> None:
    """In words and as JSON."""
    said = call(undated, "check")
    assert said.exit_code == 0, said.output
    for word in ("Health index:", "Why: filled in 100%", "less certain", "out of sample, not out of time", "2 blank"):
        assert word in said.output
    [table] = answer(undated, "check")["ready"]
    assert {one["column"] for one in table["held_back"]} == {"Health index", "Why", "propensity_v2"}


def test_train_says_out_of_sample_and_registers(undated: Path) -> None:
    """Trained again: the same bundle, the same version in MLflow, and honest words."""
    [said] = answer(undated, "train", "churn")
    assert (said["tested"], said["version"], said["alias"]) == ("out of sample", "1", "champion")
    assert set(said["held_back"]) == {"Health index", "Why", "propensity_v2"}
    assert "no dates: out of sample, not out of time" in call(undated, "train", "churn").output


def test_score_publishes_the_rows_of_score_path(undated: Path, scored: dict[str, object]) -> None:
    """Eighty accounts with names, money and reasons that bear the columns' own names."""
    assert scored["accounts"] == 80
    with Store.open(load_workspace(undated).store_url) as store:
        page = store.accounts("churn", limit=1)
        detail = store.account(page.rows[0].account.account_id)
    assert page.rows[0].account.name.startswith("[red]Company")  # type: ignore[union-attr]
    assert page.rows[0].score.money > 0
    texts = [reason.text_en for reason in detail.reasons]
    assert texts
    assert all(text.startswith(HONEST) for text in texts)


def test_export_writes_them(undated: Path, scored: dict[str, object]) -> None:
    """One line an account."""
    result = call(undated, "export", "--out", str(undated / "out.csv"), "--question", "churn")
    assert result.exit_code == 0, result.output
    assert len(pd.read_csv(undated / "out.csv")) == scored["accounts"]


def test_the_service_scores_rows_and_names_what_is_missing(undated: Path, scored: dict[str, object]) -> None:
    """A sent row gives what the store has; a missing column is named; an unknown category counts as unknown."""
    serving = Serving(load_workspace(undated))
    serving.champions.load_all()
    client = TestClient(Gate(Starlette(), make_application(serving)), base_url="http://localhost")
    row = pd.read_csv(undated / "today.csv").iloc[7]
    told = {name: None if pd.isna(row[name]) else row[name] for name in HONEST}
    sent = {k: v.item() if hasattr(v, "item") else v for k, v in told.items()}
    sent[HONEST[2]] = float(row[HONEST[2]])  # numbers written as text in the table are numbers to the service
    got = client.post("/v1/score", json={"question": "churn", "rows": [sent, {**sent, "Plan": "new"}]})
    assert got.status_code == 200, got.text
    with Store.open(load_workspace(undated).store_url) as store:
        detail = store.account(row["Customer"])
    assert got.json()["rows"][0]["probability"] == pytest.approx(detail.scores[0].probability)
    assert "Plan" in got.json()["rows"][1]["unseen_categories"]
    assert all(r["text"].startswith(HONEST) for r in got.json()["rows"][0]["reasons"])
    short = {k: v for k, v in sent.items() if k != "Plan"}
    refused = client.post("/v1/score", json={"question": "churn", "rows": [short]})
    assert refused.status_code == 422
    assert "'Plan'" in refused.json()["detail"]
    listed = client.get("/v1/accounts?question=churn&limit=5")
    assert listed.status_code == 200


def test_forecast_says_what_is_missing(undated: Path) -> None:
    """Without contract tables nothing is forecast, and the message says so."""
    result = call(undated, "forecast")
    assert result.exit_code == 4
    assert "lifetime value" in result.stderr


def test_a_question_without_a_table_names_those_that_have_one(undated: Path) -> None:
    """Upsell is not what the table answers."""
    result = call(undated, "train", "upsell")
    assert result.exit_code == 2
    assert "ready tables for churn" in result.stderr


def test_a_table_by_week_is_scored_at_its_newest_week(tmp_path: Path) -> None:
    """Split by time, scored at the newest as_of with its own past, without money ordered by probability."""
    dated_company(tmp_path)
    dated_table(100, weeks=40).to_parquet(tmp_path / "table.parquet")
    (tmp_path / "revml.yaml").write_text(DATED.replace("horizon_days: 60", "horizon_days: 21"), encoding="utf-8")
    light(tmp_path)
    assert "knows the future" in call(tmp_path, "check").output
    [said] = answer(tmp_path, "train", "churn")
    assert (said["chosen"], said["tested"]) == ("out of time", "out of time")
    run = answer(tmp_path, "score")
    assert run["as_of"].startswith("2025-10-01")
    assert run["accounts"] == 100
    assert "nothing is known of their money" in call(tmp_path, "score").output
    with Store.open(load_workspace(tmp_path).store_url) as store:
        rows = store.accounts("churn", limit=20).rows
        reasons = store.account(rows[0].account.account_id).reasons
    chances = [row.score.probability for row in rows]
    assert chances == sorted(chances, reverse=True)
    assert any("12 weeks" in reason.text_en for reason in reasons)


def test_a_pipeline_names_the_table(tmp_path: Path) -> None:
    """check, train: {ready: own}, score in one file; a wrong name is found before the first step."""
    undated_company(tmp_path)
    light(tmp_path)
    steps = "title: Own\nsteps:\n  - check\n  - train: {ready: NAME}\n  - score: {as_of: 2026-03-01}\n"
    (tmp_path / "p.yaml").write_text(steps.replace("NAME", "owm"), encoding="utf-8")
    wrong = call(tmp_path, "run", str(tmp_path / "p.yaml"))
    assert wrong.exit_code == 2
    assert "did you mean 'own'" in wrong.stderr
    (tmp_path / "p.yaml").write_text(steps.replace("NAME", "own"), encoding="utf-8")
    done = call(tmp_path, "run", str(tmp_path / "p.yaml"))
    assert done.exit_code == 0, done.output
    assert "held back: " in done.output
    assert json.loads((tmp_path / ".revml" / "bundles" / "churn" / "champion.json").read_text())["version"] == "1"
