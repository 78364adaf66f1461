"""What changed since the score before: adds up exactly, the model told apart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pytest

from revml.explanations.amounts import Value
from revml.explanations.changes import Scored, change, told
from revml.features.catalog import catalog
from revml.features.spec import Feature

FEBRUARY, MARCH = datetime(2026, 2, 1), datetime(2026, 3, 1)  # noqa: DTZ001 - naive means UTC


class Rows:
    """What the present model says of the old row, and one fact of usage."""

    bridge: tuple[float, Mapping[str, float]] = (-1.5, {"usage": 0.4, "price": 0.2})

    def fact(self, concept: str, sign: float) -> tuple[Feature, Value, Value] | None:
        """Only of usage."""
        return (catalog()["active_days_28d"], 20.0, 4.0) if concept == "usage" else None


def scored(at: datetime, bundle: str, base: float, **parts: float) -> Scored:
    """A score of a probability that plays no part here."""
    return Scored(at, 0.2 if at == FEBRUARY else 0.4, "medium", bundle[:1], bundle, base, parts)


def test_one_model_and_two_rows() -> None:
    """The difference is that of the concepts; what did not move has no line."""
    found = change(
        "churn",
        "",
        scored(FEBRUARY, "a", -2.0, usage=0.1, price=0.3),
        scored(MARCH, "a", -2.0, usage=0.7, price=0.3),
        None,
    )
    assert [(line.kind, line.concept, line.log_odds) for line in found.lines] == [("concept", "usage", 0.6)]
    assert found.log_odds == pytest.approx(0.6, abs=1e-9)
    assert found.split


def test_another_model_is_told_apart() -> None:
    """What it makes of the old row is its own line, the rest is of the rows, and all of it adds up."""
    before, after = scored(FEBRUARY, "a", -2.0, usage=0.1, seats=0.3), scored(MARCH, "b", -1.5, usage=1.0, price=-0.1)
    found = change("churn", "", before, after, Rows())
    told_apart = {(line.kind, line.concept): line.log_odds for line in found.lines}
    assert told_apart == {("model", ""): 0.7, ("concept", "usage"): 0.6, ("concept", "price"): -0.3}
    assert sum(told_apart.values()) == pytest.approx(after.log_odds - before.log_odds, abs=1e-9)


def test_another_model_without_the_old_row() -> None:
    """The bases are a line, every concept of either model is one, it adds up, and what is not known is said."""
    before, after = scored(FEBRUARY, "a", -2.0, usage=0.1, seats=0.3), scored(MARCH, "b", -1.5, usage=1.0)
    found = change("churn", "", before, after, None)
    assert {(line.kind, line.concept) for line in found.lines} == {
        ("base", ""),
        ("concept", "usage"),
        ("concept", "seats"),
    }
    assert sum(line.log_odds for line in found.lines) == pytest.approx(found.log_odds, abs=1e-9)
    assert not found.split
    assert "cannot be told apart" in told(found, "en", "EUR")["text"]


@pytest.mark.parametrize(
    ("language", "summary", "line"),
    [
        ("en", "It rose from 20.0% to 40.0% since Feb 1, 2026.", "Days with use in the last 28 days: 20 → 4"),
        ("cs", "Od 1. 2. 2026 vzrostla z 20,0\xa0% na 40,0\xa0%.", ": 20 → 4"),
    ],
)
def test_the_words(language: str, summary: str, line: str) -> None:
    """The difference, what it did to the odds, and the fact behind it, in both languages."""
    found = change("churn", "", scored(FEBRUARY, "a", -2.0, usage=0.1), scored(MARCH, "a", -2.0, usage=0.7), Rows())
    document = told(found, language, "EUR")
    assert document["text"] == summary
    assert document["lines"][0]["text"].endswith(line)
    assert "1.82" in document["lines"][0]["text"].replace(",", ".")
