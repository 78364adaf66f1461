"""A ready table as a dataset: what is held back, how it is split, and that dates decide what may be said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.config import load_workspace
from revml.errors import ConfigError, NotEnoughData
from revml.models.bundle import load_bundle
from revml.ready import check_ready, ready_dataset
from revml.retraining import train_questions
from revml.scoring import publish_run, score_workspace
from revml.training import train_dataset
from tests.order_company import order_company
from tests.ready_company import HONEST, dated_company, undated_company, undated_table


def quick_sheet(root: Path, rung: str = "logistic") -> None:
    """A sheet whose training takes a second."""
    (root / "models").mkdir()
    (root / "models" / "own.yaml").write_text(
        f"question: churn\nrungs: [constant, rule, {rung}]\nmax_rounds: 40\nbootstrap_rounds: 50\n", encoding="utf-8"
    )


def test_leaks_are_held_back_and_the_rest_are_features(tmp_path: Path) -> None:
    """The score, the reason and the propensity are held back; ids, empties and constants are no features."""
    found = check_ready(undated_company(tmp_path), "own")
    assert {one.column for one in found.held_back} == {"Health index", "Why", "propensity_v2"}
    assert set(found.features) == set(HONEST)
    assert set(found.left_out) == {"Row", "Empty", "Country"}
    assert found.pooled == {"Town": (1, found.pooled["Town"][1])}


def test_allow_lets_a_column_in(tmp_path: Path) -> None:
    """What the company vouches for is a feature, and the report still says what speaks against it."""
    found = check_ready(undated_company(tmp_path, allow="[propensity_v2]"), "own")
    assert "propensity_v2" in found.features
    assert [one.column for one in found.allowed] == ["propensity_v2"]


def test_without_dates_a_fifth_of_each_outcome_is_held_out(tmp_path: Path) -> None:
    """The same share of events on both sides, no account on both, whatever the order of rows."""
    workspace = undated_company(tmp_path)
    dataset = ready_dataset(workspace, "own")
    train, test = dataset.part("train"), dataset.part("test")
    assert len(test) == pytest.approx(120, abs=1)
    assert test["label"].mean() == pytest.approx(train["label"].mean(), abs=0.01)
    assert not set(train["account_id"]) & set(test["account_id"])
    assert dataset.part("valid").empty
    undated_table().sample(frac=1.0, random_state=3).to_csv(tmp_path / "table.csv", index=False)
    again = ready_dataset(workspace, "own")
    assert again.held_out == dataset.held_out
    assert again.fingerprint == dataset.fingerprint


def test_with_dates_no_label_looks_into_a_later_part(tmp_path: Path) -> None:
    """Horizon and gap lie between the parts; months without a label are not learned from."""
    dataset = ready_dataset(dated_company(tmp_path, gap_days="5"), "own")
    reach = pd.Timedelta(days=65)
    assert dataset.split.valid
    assert max(dataset.split.train) + reach <= min(dataset.split.valid)
    assert max(dataset.split.valid) + reach <= min(dataset.split.test)
    assert dataset.frame["label"].isin([0, 1]).all()
    assert set(dataset.features) == {"health", "signed", "vip"}


def test_one_outcome_is_too_little(tmp_path: Path) -> None:
    """Nobody left: nothing to learn, and the error asks whether `positive` is right."""
    workspace = undated_company(tmp_path)
    undated_table().assign(Left="No").to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(ConfigError, match="not clear which value"):
        check_ready(workspace, "own")
    table = undated_table()
    table.loc[table.index[5:], "Left"] = "No"
    table.loc[0, "Left"] = "Yes"
    table.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(NotEnoughData, match="too little happened"):
        check_ready(workspace, "own")


def test_one_question_has_one_table(tmp_path: Path) -> None:
    """Two tables that answer churn are a mistake, and so is a table named like a question."""
    (tmp_path / "revml.yaml").write_text(
        "ready:\n  a: {path: x, account: i, label: l}\n  b: {path: x, account: i, label: l}\n", encoding="utf-8"
    )
    with pytest.raises(ConfigError, match="both answer 'churn'"):
        load_workspace(tmp_path)
    (tmp_path / "revml.yaml").write_text("ready:\n  churn: {path: x, account: i, label: l}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="name of a question"):
        load_workspace(tmp_path)


def test_two_hundred_columns_with_awkward_names(tmp_path: Path) -> None:
    """Names with JSON's own characters and a column called like one of revml's features train and serve."""
    rng = np.random.default_rng(0)
    table = undated_table(400)
    extra = {f'x{i} {{"[,:]}}\t🦊': rng.normal(size=400).round(4) for i in range(220)}
    more = pd.DataFrame({**extra, "mrr": rng.normal(size=400), "industry": rng.choice(["a", "b"], 400)})
    table = pd.concat([table, more], axis=1)
    workspace = undated_company(tmp_path)
    table.to_csv(tmp_path / "table.csv", index=False)
    quick_sheet(tmp_path, "lightgbm")
    bundle = load_bundle(train_dataset(workspace, ready_dataset(workspace, "own")).bundle.folder)
    assert len(bundle.features) == 220 + len(HONEST) + 2
    frame = ready_dataset(workspace, "own").frame
    base, parts = bundle.contributions(frame)
    assert base + parts.sum(axis=1) == pytest.approx(bundle.raw(frame), abs=1e-9)


def test_ready_and_contract_tables_make_one_run(tmp_path: Path) -> None:
    """A question each: one run with both models; whom the facts know keeps what they tell of it."""
    _, facts = order_company(tmp_path)
    table = undated_table()
    table.loc[:29, "Customer"] = [f"c{i:02d}" for i in range(30)]
    undated_company(tmp_path)
    table.to_csv(tmp_path / "table.csv", index=False)
    quick_sheet(tmp_path)
    text = (tmp_path / "revml.yaml").read_text(encoding="utf-8")
    (tmp_path / "revml.yaml").write_text(f"data: data\n{text}", encoding="utf-8")
    workspace = load_workspace(tmp_path)
    [trained] = train_questions(workspace, facts, "churn")
    assert trained.registered is not None
    assert trained.registered.champion
    run = score_workspace(workspace, facts)
    assert {model.question for model in run.models} == {"churn", "lapse"}
    assert len(run.accounts) == 600
    assert run.accounts.set_index("account_id").loc["c07", "name"] == "[red]Buyer 7[/red]"
    assert run.scores.groupby("question").size().to_dict() == {"churn": 600, "lapse": 30}
    assert publish_run(workspace, run) == 1


def test_the_card_says_out_of_sample_and_what_was_held_back(tmp_path: Path) -> None:
    """Both languages; a table with dates says nothing of the kind."""
    companies = undated_company(tmp_path / "a"), dated_company(tmp_path / "b")
    for company in companies:
        quick_sheet(company.root)
    undated, dated = (train_dataset(company, ready_dataset(company, "own")) for company in companies)
    card, czech = (undated.bundle.card(language) for language in ("en", "cs"))
    assert "out of sample and not out of time" in card
    assert "ne na pozdějším čase" in czech
    assert all(f"`{name}`" in card and f"`{name}`" in czech for name in ("Health index", "Why", "propensity_v2"))
    assert "1970" not in card + czech
    assert "out of sample, not out of time" in undated.summary()
    assert "out of sample and not out of time" not in dated.bundle.card("en")
    assert dated.by_time
