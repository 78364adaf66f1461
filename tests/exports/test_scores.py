"""The current run as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from revml.errors import ConfigError, NotFound
from revml.exports import export_scores, score_table
from revml.exports.scores import SCHEMA
from revml.store.scores import Store
from tests.literal_runs import literal_run, made_run, with_horizons


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A database with one published run of two questions."""
    with Store.open(f"sqlite:///{tmp_path / 'scores.db'}") as opened:
        opened.publish(literal_run(churn={"acme": 0.42, "cogs": 0.9, "skoda": 0.12}, upsell={"acme": 0.2}))
        yield opened


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_csv_holds_every_score_of_the_run(store: Store, tmp_path: Path) -> None:
    """One row an account and question, the most money first within a question."""
    assert export_scores(store, tmp_path / "all.csv") == 4
    rows = _csv(tmp_path / "all.csv")
    assert [(r["question"], r["account_id"]) for r in rows] == [
        ("churn", "acme"),
        ("churn", "cogs"),
        ("churn", "skoda"),
        ("upsell", "acme"),
    ]


def test_numbers_in_the_file_are_the_published_ones(store: Store, tmp_path: Path) -> None:
    """Probability and money come back from the file as they were published."""
    export_scores(store, tmp_path / "churn.csv", question="churn")
    acme = _csv(tmp_path / "churn.csv")[0]
    assert (float(acme["probability"]), float(acme["money"]), float(acme["expected_money"])) == (0.42, 12000, 5040)


def test_the_horizons_stand_in_columns_of_their_own(tmp_path: Path) -> None:
    """Empty where the question has one horizon."""
    with Store.open(f"sqlite:///{tmp_path / 'scores.db'}") as opened:
        opened.publish(with_horizons(literal_run(churn={"acme": 0.42}, upsell={"acme": 0.2})))
        export_scores(opened, tmp_path / "all.csv")
    churn, upsell = _csv(tmp_path / "all.csv")
    names = ("probability_30d", "probability_90d", "probability_180d", "probability_365d")
    assert [float(churn[name]) for name in names] == [0.14, 0.42, 0.565, 0.71]
    assert [upsell[name] for name in names] == [""] * 4


def test_a_name_that_looks_like_a_formula_is_neutral(store: Store, tmp_path: Path) -> None:
    """`=Cogs & Sons` is shown, not run; Škoda keeps its accent."""
    export_scores(store, tmp_path / "churn.csv", question="churn")
    assert {r["name"] for r in _csv(tmp_path / "churn.csv")} == {"Acme", "'=Cogs & Sons", "Škoda Servis"}


@pytest.mark.parametrize(("language", "word"), [("en", "Active users"), ("cs", "Aktivních uživatelů")])
def test_the_reason_is_in_the_language_asked_for(store: Store, tmp_path: Path, language: str, word: str) -> None:
    """The strongest reason that raises the probability stands in the row."""
    export_scores(store, tmp_path / "churn.csv", question="churn", language=language)
    assert all(r["reason"].startswith(word) for r in _csv(tmp_path / "churn.csv"))


def test_parquet_has_the_declared_types(store: Store, tmp_path: Path) -> None:
    """A warehouse gets times as times and money as numbers."""
    export_scores(store, tmp_path / "all.parquet")
    assert pq.read_schema(tmp_path / "all.parquet") == SCHEMA


def test_a_list_of_several_pages_is_whole(tmp_path: Path) -> None:
    """More accounts than a page holds are all there, once."""
    with Store.open(f"sqlite:///{tmp_path / 'scores.db'}") as store:
        store.publish(made_run("2026-03-01", 2500))
        ids = score_table(store)["account_id"].to_pylist()
    assert len(ids) == len(set(ids)) == 2500


def test_the_ending_of_the_file_must_tell_its_form(store: Store, tmp_path: Path) -> None:
    """An unknown ending is refused before anything is written."""
    with pytest.raises(ConfigError, match=r"scores\.csv"):
        export_scores(store, tmp_path / "scores.xlsx")
    assert not (tmp_path / "scores.xlsx").exists()


def test_an_empty_database_has_nothing_to_export(tmp_path: Path) -> None:
    """The way out is named."""
    with Store.open(f"sqlite:///{tmp_path / 'new.db'}") as store, pytest.raises(NotFound, match="revml score"):
        export_scores(store, tmp_path / "all.csv")


def test_a_question_that_was_not_scored_is_told(store: Store, tmp_path: Path) -> None:
    """Asking for lapse names the questions there are."""
    with pytest.raises(NotFound, match="churn, upsell"):
        export_scores(store, tmp_path / "all.csv", question="lapse")
