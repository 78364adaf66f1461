"""Cross-sell end to end on a sample manufacturer: trained, scored, explained, published, over white space only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
import pytest

from revml.config import QuestionSpec, Workspace
from revml.datasets import Dataset, build_dataset
from revml.features.item import PAIR_FEATURES
from revml.models.registry import appoint
from revml.models.sheet import MinEvents, ModelSheet, load_sheet
from revml.scoring import publish_run, score_workspace
from revml.sources.facts import Facts
from revml.sources.samples import write_sample
from revml.sources.staging import stage_workspace
from revml.store import Store
from revml.store.frames import check
from revml.store.runs import ScoreRun
from revml.training import TrainingResult, train_dataset

pytestmark = pytest.mark.slow
LOOKBACK = timedelta(days=180)


@dataclass(frozen=True)
class Company:
    """A staged sample company, its dataset, its model and what that published."""

    workspace: Workspace
    facts: Facts
    dataset: Dataset
    trained: TrainingResult
    run: ScoreRun


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A manufacturer with 200 customers, who order from six families."""
    root = tmp_path_factory.mktemp("manufacturer")
    write_sample(root / "data", kind="manufacturing", accounts=200, months=24, seed=5)
    workspace = Workspace(data="data", questions={"cross_sell": QuestionSpec()}).at(root)
    stage_workspace(workspace)
    facts = Facts.open(workspace.staged_dir)
    dataset = build_dataset(workspace, facts, "cross_sell")
    trained = train_dataset(workspace, dataset, sheet=_trees(workspace))
    appoint(trained.bundle.folder.parent, trained.bundle.folder.name, None)
    run = score_workspace(workspace, facts)
    publish_run(workspace, run)
    return Company(workspace, facts, dataset, trained, run)


def _trees(workspace: Workspace) -> ModelSheet:
    """A sheet that leaves no choice, so that there are contributions to explain."""
    change = {"rungs": ("lightgbm",), "min_events": MinEvents(train=1, valid=1), "max_rounds": 40}
    return load_sheet(workspace, "cross_sell").model_copy(update=change)


def had(facts: Facts, at: datetime) -> set[tuple[str, str]]:
    """Account and family of every order within the look-back."""
    rows = facts.con.execute(
        """SELECT DISTINCT o.account_id, p.family FROM orders o JOIN products p ON p.product = o.product
           WHERE o.quantity > 0 AND o.amount > 0 AND o.known_at <= $at
             AND o.ordered_at <= $at AND o.ordered_at > $since""",
        {"at": at, "since": at - LOOKBACK},
    ).fetchall()
    return {(str(account), str(family)) for account, family in rows}


def pairs_of(frame: pd.DataFrame) -> set[tuple[str, str]]:
    """Account and family of each row."""
    return set(zip(frame["account_id"], frame["item"], strict=True))


def test_the_dataset_is_white_space_only(company: Company) -> None:
    """At no snapshot is an account asked about a family that it has; what it has not is asked of every customer."""
    families = set(company.dataset.frame["item"])
    assert len(families) == 6
    for at, rows in company.dataset.frame.groupby("as_of"):
        owned = had(company.facts, at)
        asked = pairs_of(rows)
        assert not asked & owned
        customers = {account for account, _ in owned}
        every = {(account, family) for account in customers for family in families}
        assert asked <= every - owned
        assert {account for account, _ in asked} == {account for account, _ in every - owned}


def test_an_event_is_an_order_of_the_family_in_the_window(company: Company) -> None:
    """Rows with the event are those whose account ordered the family within 90 days."""
    frame = company.dataset.frame
    at = frame["as_of"].max()
    ordered = company.facts.con.execute(
        """SELECT DISTINCT o.account_id, p.family AS item FROM orders o JOIN products p ON p.product = o.product
           WHERE o.quantity > 0 AND o.amount > 0 AND o.ordered_at > $at AND o.ordered_at <= $until""",
        {"at": at, "until": at + timedelta(days=90)},
    ).df()
    rows = frame[frame["as_of"] == at]
    assert pairs_of(rows[rows["label"] == 1]) == pairs_of(ordered) & pairs_of(rows)


def test_the_model_learns_from_accounts_and_pairs(company: Company) -> None:
    """Features of both kinds are there, rows are pairs, and intervals count accounts."""
    bundle, figures = company.trained.bundle, company.trained.figures
    assert {f.name for f in PAIR_FEATURES} <= set(bundle.features)
    assert "orders_84d" in bundle.features
    assert bundle.manifest["entity"] == "pair"
    assert figures.accounts < figures.rows == len(company.dataset.part("test"))
    assert list(company.trained.predictions.columns[:3]) == ["account_id", "as_of", "item"]


def test_the_same_pairs_give_the_same_bundle(company: Company) -> None:
    """Built and trained again, on two threads, the hash is the same."""
    again = build_dataset(company.workspace, company.facts, "cross_sell")
    assert again.fingerprint == company.dataset.fingerprint
    trained = train_dataset(company.workspace, again, sheet=_trees(company.workspace), threads=2)
    assert trained.bundle.hash == company.trained.bundle.hash


def test_scores_are_white_space_only_with_reasons(company: Company) -> None:
    """Each offer has its probability, the family's typical money and reasons in both languages."""
    run = company.run
    check(run)
    assert not pairs_of(run.scores) & had(company.facts, run.as_of)
    assert run.scores["item"].nunique() == 6
    assert (run.scores.groupby("item")["money"].nunique() == 1).all()
    assert run.scores["money"].gt(0).all()
    explained = pairs_of(run.reasons)
    assert explained <= pairs_of(run.scores)
    assert len(explained) > 0.9 * len(run.scores)
    about_pairs = run.reasons[run.reasons["feature"].isin([f.name for f in PAIR_FEATURES])]
    assert about_pairs["text_en"].str.contains("famil|Complements").all()
    assert about_pairs["text_cs"].str.contains("řad|Doplňuje", case=False).all()


def test_accounts_are_published_with_their_best_families(company: Company) -> None:
    """The store lists offers by expected money, and an account has its families in that order."""
    with Store.open(company.workspace.store_url) as store:
        page = store.accounts("cross_sell", limit=5)
        expected = [row.score.expected_money for row in page.rows]
        assert expected == sorted(expected, reverse=True)
        assert page.total == len(company.run.scores)
        best = page.rows[0]
        detail = store.account(best.account.account_id)
    assert detail.scores[0].item == best.score.item
    assert {score.item for score in detail.scores} == {
        item for account, item in pairs_of(company.run.scores) if account == best.account.account_id
    }
