"""The further questions from label to export: contraction, kinds of upsell, attach and replacement."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from revml.clv import Published, forecast_clv
from revml.config import UPSELL_KINDS, QuestionName, Workspace, load_workspace
from revml.exports import export_scores
from revml.exports.summary import question_summary
from revml.models.registry import champion
from revml.models.sheet import load_sheet
from revml.retraining import Trained, train_questions
from revml.scoring import publish_run, score_workspace
from revml.sources.facts import Facts
from revml.store import Store
from revml.store.runs import ScoreRun
from tests.changing_company import UNTIL, contracts, machines
from tests.literal_facts import Rows, stage

CONTRACT: tuple[QuestionName, ...] = ("churn", "contraction", "upsell", *UPSELL_KINDS)
DURABLE: tuple[QuestionName, ...] = ("attach", "replacement")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent


@dataclasses.dataclass(frozen=True)
class Lived:
    """A company that was trained, scored and published."""

    workspace: Workspace
    facts: Facts
    trained: dict[str, Trained]
    run: ScoreRun


def _live(root: Path, tables: dict[str, Rows], questions: tuple[QuestionName, ...]) -> Lived:
    """Train with the shipped sheets up to the rule, score, publish."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "models").mkdir()
    for question in questions:
        text = (ROOT / "models" / f"{question}.yaml").read_text(encoding="utf-8")
        quick = text.replace("rungs: [constant, rule, logistic, lightgbm, blend]", "rungs: [constant, rule]")
        (root / "models" / f"{question}.yaml").write_text(
            quick.replace("bootstrap_rounds: 300", "bootstrap_rounds: 60")
        )
    named = "".join(f"  {question}: {{}}\n" for question in questions)
    (root / "revml.yaml").write_text(f"company: {{name: Changing, currency: EUR}}\ndata: data\nquestions:\n{named}")
    workspace = load_workspace(root)
    facts = stage(workspace.staged_dir, observed_until=UNTIL, **tables)
    trained = {one.question: one for one in train_questions(workspace, facts)}
    run = score_workspace(workspace, facts)
    publish_run(workspace, run)
    return Lived(workspace, facts, trained, run)


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return _live(tmp_path_factory.mktemp("contract"), contracts(), CONTRACT)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return _live(tmp_path_factory.mktemp("durable"), machines(), DURABLE)  # type: ignore[arg-type]


def _lived(question: str, contract: Lived, durable: Lived) -> Lived:
    return durable if question in DURABLE else contract


@pytest.mark.parametrize("question", [*CONTRACT, *DURABLE])
def test_it_is_trained_with_its_sheet_and_carded(question: QuestionName, contract: Lived, durable: Lived) -> None:
    """Training ends with a tested bundle and a card that asks the question in words; something serves."""
    lived = _lived(question, contract, durable)
    result = lived.trained[question].result
    assert result is not None
    assert result.figures.events > 0
    card = (result.bundle.folder / "card.md").read_text(encoding="utf-8")
    assert load_sheet(lived.workspace, question).title in card
    assert champion(lived.workspace, question).question == question


@pytest.mark.parametrize("question", [*CONTRACT, *DURABLE])
def test_everyone_at_risk_is_scored_with_money(question: QuestionName, contract: Lived, durable: Lived) -> None:
    """Those whom the question is about get a probability, and the part of their money that the event moves."""
    scores = _lived(question, contract, durable).run.scores
    mine = scores[scores["question"] == question]
    share = {"churn": 1.0, "attach": 1.0, "replacement": 1.0}.get(question, 0.1)
    assert len(mine) == {"attach": 80, "replacement": 130}.get(question, 150)
    assert mine["probability"].between(0, 1).all()
    assert (mine["money"] > 0).all()
    np.testing.assert_allclose(mine["expected_money"], mine["probability"] * share * mine["money"])


def test_money_of_machines(durable: Lived) -> None:
    """A contract like the median one for each machine; the list price of the machine there is."""
    money = {q: rows.set_index("account_id")["money"] for q, rows in durable.run.scores.groupby("question")}
    assert money["attach"]["b001"] == 12 * 200.0
    assert (money["replacement"]["b000"], money["replacement"]["b001"]) == (40_000.0, 55_000.0)


def test_unknown_money_does_not_stop_anything(tmp_path: Path) -> None:
    """Without prices and with free contracts alone nothing is known of the money, and the scores are there."""
    tables = machines()
    tables = {
        "accounts": tables["accounts"],
        "products": [{k: v for k, v in row.items() if k != "price"} for row in tables["products"]],
        "assets": tables["assets"],
        "subscriptions": [row | {"mrr": 0.0} for row in tables["subscriptions"]],
    }
    lived = _live(tmp_path / "work", tables, DURABLE)  # type: ignore[arg-type]
    assert lived.run.scores["money"].isna().all()
    assert (lived.run.scores["expected_money"].fillna(0.0) == 0).all()
    assert question_summary(lived.run, "replacement", language="en")["money"] == 0
    export_scores(_store(lived), tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").stat().st_size > 0


def _store(lived: Lived) -> Store:
    return Store.open(lived.workspace.store_url)


def test_the_list_for_a_crm_names_each_question(tmp_path: Path, contract: Lived, durable: Lived) -> None:
    """An export holds every question that was scored, and one alone where asked."""
    for lived, questions in ((contract, CONTRACT), (durable, DURABLE)):
        with _store(lived) as store:
            export_scores(store, tmp_path / "all.csv")
            export_scores(store, tmp_path / "one.csv", question=questions[-1])
        with (tmp_path / "all.csv").open(encoding="utf-8-sig") as file:
            assert {row["question"] for row in csv.DictReader(file)} == set(questions)
        with (tmp_path / "one.csv").open(encoding="utf-8-sig") as file:
            assert {row["question"] for row in csv.DictReader(file)} == {questions[-1]}


def test_the_head_of_the_page_sums_up_each_question(contract: Lived) -> None:
    """The totals that the pages show have a line a question, in the order of the questions: churn comes first."""
    with _store(contract) as store:
        assert tuple(one.question for one in store.totals().questions) == CONTRACT


def test_contraction_scores_share_the_falls_out_and_add_none(contract: Lived) -> None:
    """Who is likely to shrink is worth less, the others more; what all of them lose stays what the past says."""
    scores = contract.run.scores
    falls = scores.loc[scores["question"] == "churn", ["account_id"]]
    falls = falls.assign(probability=np.where(np.arange(len(falls)) % 2, 0.3, 0.1))
    one, other = (
        forecast_clv(contract.facts, contract.run.as_of, contract.workspace.economics, scored).clv
        for scored in (Published(), Published(p_contraction=falls))
    )
    assert (one["contraction"].round(2) != other["contraction"].round(2)).any()
    assert other["contraction"].sum() == pytest.approx(one["contraction"].sum(), rel=0.15)
