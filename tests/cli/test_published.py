"""Looking at published runs: accounts, one account, export, runs, rollback."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from revml.cli.published import LANGUAGES, ORDERS
from revml.config import load_workspace
from revml.locales import LANGUAGES as SPOKEN
from revml.store import Store
from revml.store.views import ORDERS as KNOWN_ORDERS
from tests.cli.commands import answer, call
from tests.literal_runs import literal_run, with_horizons
from tests.literal_values import FORECAST, with_values


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with two published runs."""
    (tmp_path / "revml.yaml").write_text("company: {name: Literal}\n", encoding="utf-8")
    with Store.open(load_workspace(tmp_path).store_url) as store:
        store.publish(literal_run("2026-02-01"))
        store.publish(literal_run("2026-03-01", churn={"acme": 0.52, "skoda": 0.12}, upsell={"acme": 0.2}))
    return tmp_path


def test_accounts_lists_the_first_question_by_money(root: Path) -> None:
    """Without a question churn is listed, the most money at stake first."""
    assert [row["account"]["account_id"] for row in answer(root, "accounts")] == ["acme", "skoda"]
    assert "Škoda Servis (skoda)" in call(root, "accounts").output


def test_accounts_can_be_searched_and_ordered(root: Path) -> None:
    """Search ignores accents; another question has its own list."""
    assert [row["account"]["account_id"] for row in answer(root, "accounts", "--search", "skod")] == ["skoda"]
    assert len(answer(root, "accounts", "--question", "upsell", "--order", "name")) == 1


@pytest.mark.parametrize(("language", "word"), [("en", "Active users"), ("cs", "Aktivních uživatelů")])
def test_account_tells_scores_and_reasons(root: Path, language: str, word: str) -> None:
    """Both questions, the change since the run before, reasons in the language, the lifetime value."""
    said = call(root, "account", "acme", "--language", language).output
    for part in ("Acme (acme)", "churn: 52", "+10.0 points", "upsell: 20", word, "lifetime value"):
        assert part in said


def test_account_tells_the_horizons(tmp_path: Path) -> None:
    """One line below the score, what lies beyond the history marked; in JSON by day."""
    (tmp_path / "revml.yaml").write_text("company: {name: Literal}\n", encoding="utf-8")
    with Store.open(load_workspace(tmp_path).store_url) as store:
        store.publish(with_horizons(literal_run(churn={"acme": 0.42})))
    said = call(tmp_path, "account", "acme", "--language", "en").output
    assert "30 days 14.0%, 90 days 42.0%, 180 days 56.5%, 365 days (extrapolated) 71.0%" in said
    assert "extrapolated: the history does not reach that far, so the average rate" in said
    assert [one["days"] for one in answer(tmp_path, "account", "acme")["scores"][0]["horizons"]] == [30, 90, 180, 365]


@pytest.mark.parametrize(
    ("rung", "told"),
    [
        ("constant", "no model of churn serves: every account has the average rate"),
        ("rule", "no learned model of churn serves: a rule over one column gives these"),
        ("blend", None),
    ],
)
def test_what_no_learned_model_gives_is_called_that(tmp_path: Path, rung: str, told: str | None) -> None:
    """The list and the account say that a rule or the average rate answers, and nothing where a model does."""
    (tmp_path / "revml.yaml").write_text("company: {name: Literal}\n", encoding="utf-8")
    run = literal_run()
    with Store.open(load_workspace(tmp_path).store_url) as store:
        store.publish(replace(run, models=tuple(replace(model, rung=rung) for model in run.models)))
    for words in (["accounts"], ["account", "acme"]):
        said = call(tmp_path, *words).output
        assert told in said if told else "serves" not in said


@pytest.mark.parametrize(("language", "peer"), [("en", "A similar account"), ("cs", "Podobný zákazník")])
def test_account_tells_what_it_is_worth(tmp_path: Path, language: str, peer: str) -> None:
    """By horizon with its range, by relation with parts that add up, LTV/CAC, payback, and what drives it."""
    (tmp_path / "revml.yaml").write_text("company: {name: Literal}\n", encoding="utf-8")
    with Store.open(load_workspace(tmp_path).store_url) as store:
        store.publish(with_values(literal_run(), FORECAST))
    said = " ".join(call(tmp_path, "account", "acme", "--language", language).output.split())
    assert peer in said
    if language == "en":
        for part in (
            "lifetime value in 12 months: €12,100 (€8.1K to €15.1K in 80 % of cases)",
            "5.5 times its acquisition cost, paid back after 5.7 months",
            "contract: €20,000 = base €18,000, expansion +€4,000, contraction −€2,500, referral +€500",
            "−€3,000 Use of the product",
        ):
            assert part in said
    told = answer(tmp_path, "account", "acme")
    assert [one["clv"] for one in told["values"]] == [12_100, 22_000]
    assert answer(tmp_path, "export", "--what", "values", "--out", str(tmp_path / "values.csv"))["rows"] == 8
    assert answer(tmp_path, "export", "--what", "relations", "--out", str(tmp_path / "parts.csv"))["rows"] == 10


def test_an_unknown_account_is_told(root: Path) -> None:
    """Exit code 7."""
    result = call(root, "account", "nobody")
    assert result.exit_code == 7
    assert "nobody" in result.stderr


def test_export_writes_a_file(root: Path) -> None:
    """Rows in the file are rows told."""
    path = root / "churn.csv"
    assert answer(root, "export", "--question", "churn", "--out", str(path)) == {"file": str(path), "rows": 2}
    with path.open(encoding="utf-8", newline="") as file:
        assert [row["account_id"] for row in csv.DictReader(file)] == ["acme", "skoda"]


def test_rollback_goes_back_and_runs_shows_it(root: Path) -> None:
    """The arrow moves to the run before, and the later one is marked."""
    assert [run["current"] for run in answer(root, "runs")] == [True, False]
    assert answer(root, "rollback") == {"run": 1}
    assert [(run["id"], run["current"]) for run in answer(root, "runs")] == [(2, False), (1, True)]
    assert "rolled back" in call(root, "runs").output
    assert answer(root, "rollback", "2") == {"run": 2}


def test_nothing_published_names_the_way_out(tmp_path: Path) -> None:
    """An empty scores database says what to run."""
    (tmp_path / "revml.yaml").write_text("company: {name: Literal}\n", encoding="utf-8")
    result = call(tmp_path, "accounts")
    assert result.exit_code == 7
    assert "revml score" in result.stderr


def test_the_choices_are_those_of_the_parts_below() -> None:
    """The command line lists them itself to start quickly; the lists are the same."""
    assert LANGUAGES == SPOKEN
    assert ORDERS == KNOWN_ORDERS
