"""What a run keeps: the rows that it scored, found again one account at a time, and what each concept added."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.at_risk import AtRisk
from revml.config import Workspace
from revml.errors import NotFound, StoreError
from revml.explanations.one_row import ask, values_of_row
from revml.models.registry import appoint, champion
from revml.scoring import publish_run, score_workspace
from revml.scoring.asking import asked_what_if, standing
from revml.scoring.changed import changes_of
from revml.scoring.kept_rows import kept_row, kept_rows
from revml.sources.facts import Facts
from revml.store import Store
from revml.store.kept import GROUP_ROWS, KeptRows
from revml.store.kept import kept_rows as kept_in
from tests.explanations.literal_bundles import bundle, linear
from tests.order_company import AS_OF, order_company


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Facts]:
    """Thirty buyers with two runs of one model, four weeks apart."""
    workspace, facts = order_company(tmp_path_factory.mktemp("kept"))
    for as_of in (AS_OF - timedelta(days=28), AS_OF):
        publish_run(workspace, score_workspace(workspace, facts, as_of=as_of))
    return workspace, facts


def test_a_kept_row_gives_the_published_score(company: tuple[Workspace, Facts]) -> None:
    """Of every account and either run, to the bit."""
    workspace, _ = company
    model = champion(workspace, "lapse")
    with sqlite3.connect(workspace.work_dir / "scores.db") as con:
        scores = con.execute("SELECT run_id, account_id, probability FROM scores").fetchall()
    assert len(scores) > 40
    for run, account, probability in scores:
        row = kept_row(workspace, run, "lapse", account)
        assert ask(model, [values_of_row(row)])[0].probability == probability


def test_every_feature_is_kept_not_only_the_models(company: tuple[Workspace, Facts]) -> None:
    """What is made of others can only be moved with them where they are there too."""
    row = kept_rows(company[0], 2, "lapse", "c00")
    assert len(row.columns) > 3 * len(champion(company[0], "lapse").features)
    assert str(row["orders_84d"].dtype) == "float32"


def test_contributions_add_up_to_the_score(company: tuple[Workspace, Facts]) -> None:
    """Base and parts of the database are the log-odds of the published probability, within the rounding."""
    workspace, _ = company
    model = champion(workspace, "lapse")
    with sqlite3.connect(workspace.work_dir / "scores.db") as con:
        found = con.execute(
            """SELECT s.account_id, s.probability, k.base, k.names, c.parts FROM scores s
               JOIN concepts k ON k.run_id = s.run_id AND k.question = s.question
               JOIN contributions c ON c.run_id = s.run_id AND c.question = s.question AND c.account_id = s.account_id
               WHERE s.run_id = 2"""
        ).fetchall()
    assert len(found) > 20
    for account, probability, base, names, parts in found:
        told = json.loads(parts)
        assert len(told) == len(json.loads(names))
        logit = base + sum(told)
        assert model.calibration.apply(np.array([logit]))[0] == pytest.approx(probability, abs=1e-5), account


def test_what_changed_adds_up(company: tuple[Workspace, Facts]) -> None:
    """Of every account: the lines are the difference of the log-odds, with the features that moved."""
    workspace, _ = company
    with Store.open(workspace.store_url) as store:
        found = [changes_of(workspace, store, f"c{i:02d}") for i in range(30)]
    changes = [one for account in found for one in account.changes]
    assert len(changes) > 20
    for one in changes:
        assert sum(line.log_odds for line in one.lines) == pytest.approx(one.log_odds, abs=1e-9)
        assert one.same_model
    assert any(line.feature is not None and line.before != line.after for one in changes for line in one.lines)


def test_another_model_between_two_runs_is_told_apart(tmp_path: Path) -> None:
    """The old row under the new model is the bridge: model and rows are separate, and add up to the difference."""
    workspace, facts = order_company(tmp_path)
    publish_run(workspace, score_workspace(workspace, facts, as_of=AS_OF - timedelta(days=28)))
    rows = kept_frame_of(workspace)
    model = champion(workspace, "lapse")
    other = bundle(
        workspace.bundles_dir / "lapse",
        linear({"orders_84d": -1.5}, rows, model.encoding),
        rows,
        question="lapse",
        encoding=model.encoding,
    )
    appoint(workspace.bundles_dir / "lapse", other.folder.name, "4")
    publish_run(workspace, score_workspace(workspace, facts, as_of=AS_OF))
    with Store.open(workspace.store_url) as store:
        [one] = changes_of(workspace, store, "c00").changes
    old = values_of_row(kept_row(workspace, 1, "lapse", "c00"))
    bridge = ask(champion(workspace, "lapse"), [old])[0].log_odds
    told = {line.kind: line.log_odds for line in one.lines if line.kind == "model"}
    assert told["model"] == pytest.approx(bridge - one.before.log_odds, abs=1e-5)
    assert sum(line.log_odds for line in one.lines) == pytest.approx(one.log_odds, abs=1e-9)
    assert (one.same_model, one.split) == (False, True)


def kept_frame_of(workspace: Workspace) -> pd.DataFrame:
    """All rows that the first run kept."""
    parts = [kept_rows(workspace, 1, "lapse", f"c{i:02d}") for i in range(3, 12)]
    made = pd.concat(parts, ignore_index=True)
    return made.assign(
        mrr=1.0, active_users_28d=1.0, days_to_renewal=1.0, auto_renew=1.0, seats_trend_84d=1.0, plan="pro"
    )


def test_the_first_run_has_nothing_to_compare_with(tmp_path: Path) -> None:
    """No earlier day, no change."""
    workspace, facts = order_company(tmp_path)
    publish_run(workspace, score_workspace(workspace, facts))
    with Store.open(workspace.store_url) as store:
        found = changes_of(workspace, store, "c00")
    assert (found.since, found.changes, found.untold) == (None, (), (("lapse", ""),))


def test_rows_go_with_their_run(company: tuple[Workspace, Facts], tmp_path: Path) -> None:
    """Where the files are gone what-if says so, and what changed is told from the database alone."""
    workspace, _ = company
    away = workspace.work_dir / "runs" / "1"
    shutil.move(away, tmp_path / "away")
    try:
        with Store.open(workspace.store_url) as store:
            [one] = changes_of(workspace, store, "c00").changes
        assert all(line.feature is None for line in one.lines)
        with pytest.raises(NotFound, match="kept no feature rows"):
            kept_rows(workspace, 1, "lapse", "c00")
    finally:
        shutil.move(tmp_path / "away", away)


def test_an_account_that_was_not_scored(company: tuple[Workspace, Facts]) -> None:
    """One that is nobody, and one that the question is not about."""
    workspace, _ = company
    with pytest.raises(NotFound, match="not scored for lapse"):
        kept_rows(workspace, 2, "lapse", "nobody")
    with Store.open(workspace.store_url) as store:
        with pytest.raises(NotFound, match="no such account"):
            standing(workspace, store, "nobody")
        with pytest.raises(NotFound, match="not scored for churn"):
            standing(workspace, store, "c00", "churn")


def test_before_is_what_was_published(company: tuple[Workspace, Facts]) -> None:
    """Also when another model serves by now."""
    workspace, _ = company
    with Store.open(workspace.store_url) as store:
        of = standing(workspace, store, "c01")
        told = asked_what_if(of, {"days_since_order": 300}, "en")
        published = next(s.probability for s in store.account("c01").scores)
    assert told["before"]["probability"] == published
    assert "order_overdue_ratio" in {one["feature"] for one in told["recomputed"]}


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    """A flipped byte, a cut file and one that is none are refused by name."""
    kept = KeptRows(tmp_path / "work")
    frame = pd.DataFrame({"account_id": [f"a{i}" for i in range(50)], "x": np.arange(50, dtype="float32")})
    kept.add("churn", AtRisk.of(frame))
    kept.copy_to(tmp_path)
    file = tmp_path / "features_churn.parquet"
    whole = file.read_bytes()
    for broken in (whole[: len(whole) // 2], b"not Parquet", b""):
        file.write_bytes(broken)
        with pytest.raises(StoreError, match="cannot be read"):
            kept_in(tmp_path, "churn", "a3")


def test_one_account_among_many_groups(tmp_path: Path) -> None:
    """Ids at the edges of groups, with strange characters, and rows of pairs over an edge, are all found."""
    ids = sorted([f"a{i:06d}" for i in range(2 * GROUP_ROWS + 5)] + ["ž/ˇ%2F", "a b\u00a0c", "~"])
    frame = pd.DataFrame({"account_id": ids, "x": np.arange(len(ids), dtype="float32")})
    pairs = pd.concat([frame.assign(item="one"), frame.assign(item="two")])
    kept = KeptRows(tmp_path / "work")
    kept.add("churn", AtRisk.of(frame[["account_id"]], frame))
    kept.add("cross_sell", AtRisk.of(pairs[["account_id", "item"]], frame))
    kept.copy_to(tmp_path)
    for at in (0, GROUP_ROWS - 1, GROUP_ROWS, len(ids) - 1, ids.index("ž/ˇ%2F")):
        found = kept_in(tmp_path, "churn", ids[at])
        assert found is not None
        assert found["x"].tolist() == [float(at)]
        both = kept_in(tmp_path, "cross_sell", ids[at])
        assert both is not None
        assert both[["item", "x"]].to_numpy().tolist() == [["one", float(at)], ["two", float(at)]]
    nobody = kept_in(tmp_path, "churn", "nobody")
    assert nobody is not None
    assert nobody.empty
