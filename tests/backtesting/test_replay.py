"""A replayed past is the past that was lived: the same probabilities as training and scoring on that day's facts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from revml.backtesting import Backtest, Replayed, backtest
from revml.config import QuestionName, Workspace, load_workspace
from revml.contract.tables import LATER_COLUMNS, TABLES
from revml.datasets import scoring_frame
from revml.errors import ConfigError, NotEnoughData
from revml.models.registry import champion
from revml.models.sheet import RungName, load_sheet
from revml.retraining import train_questions
from revml.sources.facts import Facts
from revml.sources.samples import write_sample
from revml.sources.staging import stage_workspace
from revml.windows import instant
from tests.literal_facts import stage
from tests.small_company import ended_at, orders, small_company, subscriptions

RUNGS: tuple[RungName, ...] = ("constant", "rule", "logistic")
SHEET = "{{question: {question}, rungs: [{rungs}], bootstrap_rounds: 50}}\n"


def workspace_at(root: Path, *questions: QuestionName, rungs: Sequence[RungName] = RUNGS) -> Workspace:
    """A workspace with quick sheets, ten calls a month and no MLflow but its own."""
    (root / "models").mkdir(parents=True, exist_ok=True)
    (root / "revml.yaml").write_text("data: data\ncapacity: {accounts_per_month: 10}\n")
    for question in questions:
        text = SHEET.format(question=question, rungs=", ".join(rungs))
        (root / "models" / f"{question}.yaml").write_text(text)
    return load_workspace(root)


def truncated(facts: Facts, folder: Path, at: datetime) -> Facts:
    """What would have been staged at an instant, row by row and without the code under test."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for name in facts.present:
        frame = facts.con.sql(f"SELECT * FROM {name}").to_arrow_table().to_pylist()
        there = facts.columns[name] | {"known_at"}
        later = LATER_COLUMNS.get(name, {})
        rows = []
        for row in frame:
            if row["known_at"] > at:
                continue
            kept = {column: value for column, value in row.items() if column in there}
            for column, when in later.items():
                if column in kept and (row[when] is None or row[when] > at):
                    kept[column] = None
            rows.append(kept)
        if rows:
            tables[name] = rows
    assert set(tables) <= set(TABLES)
    return stage(folder, observed_until=at.isoformat(), **tables)


def lived(root: Path, facts: Facts, question: QuestionName, one: Replayed) -> pd.DataFrame:
    """`revml train` and `revml score` at an origin on that day's facts: account_id, probability; and what served."""
    workspace = workspace_at(root, question)
    then = truncated(facts, workspace.staged_dir, one.as_of)
    train_questions(workspace, then, question)
    serving = champion(workspace, question)
    frame = scoring_frame(then, workspace, question, one.as_of)
    assert serving.rung == one.served
    return frame[["account_id"]].assign(probability=serving.predict(frame)).sort_values("account_id")


def assert_as_lived(told: Backtest, root: Path, facts: Facts, which: Sequence[int]) -> None:
    """The replayed probabilities are the lived ones, to the bit."""
    for k in which:
        one = told.origins[k]
        then = lived(root / f"origin{k}", facts, told.question, one)
        assert then["account_id"].tolist() == one.scores["account_id"].tolist()
        assert (then["probability"].to_numpy() == one.scores["probability"].to_numpy()).all()


def known_late() -> tuple[list[Any], list[Any]]:
    """Its contracts, six of which were entered in April 2026, and its orders, some known three weeks later."""
    late = {f"a{n:03d}" for n in (1, 2, 31, 32, 61, 91)}
    contracts = [row | ({"known_at": "2026-04-15"} if row["account_id"] in late else {}) for row in subscriptions()]
    weeks = timedelta(days=21)
    lines = [
        row | ({"known_at": (instant(row["ordered_at"]) + weeks).isoformat()} if row["account_id"][-1] == "7" else {})
        for row in orders()
    ]
    return contracts, lines


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Facts]:
    """The company that can be counted by hand, with contracts and orders."""
    root = tmp_path_factory.mktemp("small")
    workspace = workspace_at(root, "churn", "lapse")
    contracts, lines = known_late()
    return workspace, small_company(workspace.staged_dir, subscriptions=contracts, orders=lines)


@pytest.fixture(scope="module")
def churn(company: tuple[Workspace, Facts]) -> Backtest:
    """Four origins of its churn."""
    return backtest(*company, "churn", origins=4)


def test_origins_are_the_newest_whose_window_has_closed(churn: Backtest) -> None:
    """Data until the end of September, windows of 90 days and 30 more of grace: June is the newest origin."""
    assert [one.as_of for one in churn.origins] == [instant(f"2026-0{month}-01") for month in (3, 4, 5, 6)]
    assert all(one.ends <= churn.observed_until for one in churn.origins)


def test_what_came_is_what_happened(churn: Backtest) -> None:
    """Those that end within 90 days of the origin are the events, with a year's money, and a perfect list has them."""
    for one in churn.origins:
        ends = {n: ended_at(n) for n in range(120)}
        leavers = [n for n, end in ends.items() if end and one.as_of < end <= one.ends]
        assert one.events == len(leavers) == one.lists["perfect"].events
        assert one.scores.loc[one.scores["label"] == 1, "account_id"].tolist() == [f"a{n:03d}" for n in leavers]
        assert one.money == sum(12 * (100.0 + n) for n in leavers)


def test_who_was_not_known_was_not_at_risk(churn: Backtest) -> None:
    """Six contracts were entered in April: nobody could have called them in March."""
    assert ["a031" in set(one.scores["account_id"]) for one in churn.origins] == [False, False, True, True]


@pytest.mark.slow
def test_a_replayed_origin_is_the_one_that_was_lived(
    tmp_path: Path, company: tuple[Workspace, Facts], churn: Backtest
) -> None:
    """Contracts: facts cut off at the origin, trained and scored, give the same probabilities to the bit."""
    assert_as_lived(churn, tmp_path, company[1], (3,))


@pytest.mark.slow
def test_orders_too_are_as_they_were_lived(tmp_path: Path, company: tuple[Workspace, Facts]) -> None:
    """Lapse of the same company."""
    told = backtest(*company, "lapse", origins=2)
    assert_as_lived(told, tmp_path, company[1], (0,))


@pytest.mark.slow
def test_a_company_with_all_its_tables_is_as_it_was_lived(tmp_path: Path) -> None:
    """Usage, tickets, invoices, surveys: a sample company at the oldest of four origins."""
    write_sample(tmp_path / "data", kind="saas", accounts=250, months=26, seed=7, events=30_000)
    workspace = workspace_at(tmp_path, "churn")
    stage_workspace(workspace)
    facts = Facts.open(workspace.staged_dir)
    told = backtest(workspace, facts, "churn", origins=4)
    assert_as_lived(told, tmp_path, facts, (0,))


def test_fewer_origins_than_asked_for_are_told(company: tuple[Workspace, Facts]) -> None:
    """History gives some of sixty: the note says why there are no more."""
    workspace, facts = company
    told = backtest(workspace, facts, "churn", origins=60)
    assert 4 < len(told.origins) < 60
    assert told.asked == 60
    assert "wanted" in told.note or "snapshots begin" in told.note


def test_quarters_are_three_months_apart(company: tuple[Workspace, Facts]) -> None:
    """Counted back from the newest."""
    told = backtest(*company, "lapse", origins=2, every="quarter")
    first, second = (one.as_of for one in told.origins)
    assert (second.year - first.year) * 12 + second.month - first.month == 3


def test_a_history_too_short_is_refused(tmp_path: Path) -> None:
    """Nine months: enough to train on perhaps, nothing to replay; the error counts the origins."""
    workspace = workspace_at(tmp_path, "churn")
    rows = [{**row, "started_at": "2026-01-15"} for row in subscriptions() if (row["ended_at"] or "2027") > "2026-02"]
    facts = small_company(workspace.staged_dir, subscriptions=rows)
    with pytest.raises(NotEnoughData, match="0 origins are possible"):
        backtest(workspace, facts, "churn")


def test_a_ready_table_cannot_be_replayed(tmp_path: Path) -> None:
    """It does not say what was known when."""
    (tmp_path / "revml.yaml").write_text("ready: {own: {path: own.csv, question: churn, label: left, account: id}}\n")
    workspace = load_workspace(tmp_path)
    facts = small_company(tmp_path / "staged")
    with pytest.raises(ConfigError, match="cannot be replayed"):
        backtest(workspace, facts, "churn")


def test_the_shape_of_json(churn: Backtest) -> None:
    """Plain numbers: origins with figures, expected events and lists; totals; the trend; nothing but JSON's types."""
    import json

    told = json.loads(json.dumps(churn.to_json(), allow_nan=False))
    assert [one["as_of"][:7] for one in told["origins"]] == ["2026-03", "2026-04", "2026-05", "2026-06"]
    assert told["overall"]["events"] == sum(one["events"] for one in told["origins"])
    assert set(told["origins"][0]["figures"]["roc_auc"]) == {"value", "low", "high"}
    assert {"model", "expected", "rule", "money", "random", "perfect"} <= set(told["overall"]["lists"])
    assert told["overall"]["lists"]["model"]["accounts"] == 40
    assert "roc_auc" in told["trend"]


def test_the_same_past_is_replayed_the_same_way(company: tuple[Workspace, Facts], churn: Backtest) -> None:
    """Same data and seed: same numbers."""
    workspace, facts = company
    sheet = load_sheet(workspace, "churn")
    assert backtest(workspace, facts, "churn", origins=4, sheet=sheet).to_json() == churn.to_json()


def test_probabilities_are_probabilities(churn: Backtest) -> None:
    """Between zero and one, for everyone at risk."""
    for one in churn.origins:
        p = one.scores["probability"].to_numpy()
        assert np.isfinite(p).all()
        assert ((p > 0) & (p < 1)).all()
