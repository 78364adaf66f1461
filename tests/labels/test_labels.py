"""Labels in general: which questions can be answered, and what a label may see."""

from __future__ import annotations

import inspect
from pathlib import Path

import pandas as pd
import pytest
import sqlglot

from revml.config import QUESTIONS, QuestionSpec
from revml.errors import ConfigError, NotEnoughData
from revml.labels import DEFINITIONS, answerable, label, question_named, require
from revml.snapshots import ITEM, KEYS, PAIR_QUESTIONS, population
from revml.windows import instant
from tests.labels.rows import UNTIL, labels_of, machine, order, term
from tests.literal_facts import stage

CONTRACT = ("churn", "contraction", "upsell", "upsell_seats", "upsell_module")


def test_every_question_has_its_definition_in_words() -> None:
    """The class of a question tells who is at risk and what counts."""
    assert set(DEFINITIONS) == set(QUESTIONS)
    for question in DEFINITIONS.values():
        assert "At risk:" in (inspect.getdoc(question) or "")


def test_tables_decide_which_questions_can_be_answered(tmp_path: Path) -> None:
    """Contracts with ends answer churn, contraction and upsell, orders lapse and growth, assets the rest."""
    ended, open_ended, orders = [term("a", "2025-01-01", "2026-01-01")], [term("a", "2025-01-01")], [order("a", UNTIL)]
    assert answerable(stage(tmp_path / "1", subscriptions=ended)) == CONTRACT
    assert answerable(stage(tmp_path / "2", subscriptions=open_ended)) == ()
    assert answerable(stage(tmp_path / "3", orders=orders)) == ("lapse", "growth")
    assert answerable(stage(tmp_path / "4", subscriptions=ended, orders=orders)) == (*CONTRACT, "lapse", "growth")
    tables = {
        "products": [{"product": "p", "family": "f", "tier": 1}],
        "assets": [machine("a", "1", "2025-01-01", "2026-01-01")],
    }
    assert answerable(stage(tmp_path / "5", subscriptions=ended, orders=orders, **tables)) == QUESTIONS


def test_a_question_without_its_table_says_what_is_missing(tmp_path: Path) -> None:
    """The message names the column that is missing and the questions that can be asked instead."""
    facts = stage(tmp_path, orders=[order("a", UNTIL)])
    with pytest.raises(NotEnoughData) as error:
        require(facts, "churn")
    assert error.value.wanted == "subscriptions.ended_at"
    assert "lapse, growth" in error.value.do


def test_an_unknown_question_names_the_nearest() -> None:
    """A misspelt question is met with the one that was probably meant."""
    with pytest.raises(ConfigError) as error:
        question_named("upsel")
    assert error.value.do == "did you mean 'upsell'?"
    assert question_named("growth") == "growth"


@pytest.mark.parametrize("question", QUESTIONS)
def test_facts_after_the_window_never_move_a_label(tmp_path: Path, question: str) -> None:
    """One tick after the window and its grace, new facts leave every label as it was."""
    name = question_named(question)
    spec = QuestionSpec()
    history = {
        "subscriptions": [
            term("a", "2025-01-01", "2026-02-01"),
            term("b", "2025-01-01"),
            term("c", "2025-01-01", "2026-02-01"),
            term("c", "2026-02-01", mrr=300.0),
        ],
        "orders": [order("a", "2025-12-01"), order("b", "2025-12-01"), order("b", "2026-02-01", 300.0)],
        "products": [{"product": "q", "family": "f"}],
    }
    history["assets"] = [machine(a, f"{a}1", "2024-01-01") for a in ("x", "y")]
    history["assets"] += [machine("x", "x2", "2024-01-01", "2026-03-20"), machine("y", "y2", "2026-03-10")]
    history["orders"] += [order(f"o{n}", "2025-12-01", product="q") for n in range(5)]
    later = "2026-05-01T00:00:01"
    more = {
        "subscriptions": [*history["subscriptions"], term("a", later, line="x"), term("b", later, line="y", mrr=900.0)],
        "orders": [*history["orders"], order("a", later, 900.0, product="q"), order("b", later, -300.0, -1.0)],
        "products": history["products"],
        "assets": [machine("y", "y3", later), machine("x", "x3", later), *history["assets"]],
    }
    more["subscriptions"] += [term("x", later), term("y", later)]
    before, after = (stage(tmp_path / n, observed_until=UNTIL, **rows) for n, rows in (("1", history), ("2", more)))
    at_risk = population(before, name, spec, [instant("2026-01-01")])
    assert len(at_risk) >= 2
    pd.testing.assert_frame_equal(label(before, name, spec, at_risk), label(after, name, spec, at_risk))


def test_labels_come_in_the_order_of_the_population(tmp_path: Path) -> None:
    """A population in any order, with columns of its own, gets its labels row by row."""
    facts = stage(tmp_path, observed_until=UNTIL, orders=[order("b", "2026-02-01")])
    at = instant("2026-01-01")
    given = pd.DataFrame({"money": [1.0, 2.0], "account_id": ["b", "a"], "as_of": [at, at]}, index=[7, 3])
    rows = label(facts, "lapse", QuestionSpec(), given)
    assert list(labels_of(rows).items()) == [("b", 0), ("a", 1)]
    assert rows["label"].dtype == "Int8"


def test_no_closed_window_gives_no_label(tmp_path: Path) -> None:
    """A population of nothing but open windows is returned with nothing but NA."""
    facts = stage(tmp_path, observed_until="2026-01-02", orders=[order("a", "2025-12-01")])
    at_risk = population(facts, "lapse", QuestionSpec(), [instant("2026-01-01")])
    assert labels_of(label(facts, "lapse", QuestionSpec(), at_risk)) == {"a": None}


@pytest.mark.parametrize("dialect", ["spark", "postgres", "snowflake"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_definitions_are_portable_sql(question: str, dialect: str) -> None:
    """Each definition is one SELECT that other engines' dialects can say."""
    item = [ITEM] if question in PAIR_QUESTIONS else []
    sql = DEFINITIONS[question_named(question)].sql(QuestionSpec(), instant(UNTIL))
    (said,) = sqlglot.transpile(sql, read="duckdb", write=dialect, unsupported_level=sqlglot.ErrorLevel.RAISE)
    assert sqlglot.parse_one(said, read=dialect).named_selects == [*KEYS, *item, "label"]
