"""What-if and levers on real bundles written by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from revml.errors import BundleError, ConfigError
from revml.explanations.amounts import Value
from revml.explanations.lever_words import levers_told, what_if_told
from revml.explanations.levers import levers
from revml.explanations.one_row import ask, values_of_row
from revml.explanations.what_if import what_if
from revml.models.bundle import Bundle
from revml.models.reference import reference
from revml.models.sheet import Actionable
from tests.explanations.literal_bundles import FEATURES, bundle, frame, linear

ROWS = frame(200)
BECAUSE = "because people can do it"


def made(folder: Path, *, question: str = "churn", **weights: float) -> Bundle:
    """A linear model with the training distributions of its rows, in bands from 0.1 and 0.3."""
    found = bundle(folder, linear(weights, ROWS), ROWS, question=question)
    told = reference(ROWS, FEATURES, ("plan",), np.linspace(0, 1, 20))
    loaded = replace(found)
    loaded.__dict__["reference"] = told  # as the file would give it
    return loaded


def row(**values: Value) -> dict[str, Value]:
    """A row of all features, and two that the model does not look at."""
    known: dict[str, Value] = {
        "active_users_28d": 10.0,
        "active_users_84d": 12.0,
        "mrr": 400.0,
        "days_to_renewal": 100.0,
        "auto_renew": 1.0,
        "seats_trend_84d": 1.0,
        "plan": "pro",
        "seats": 40.0,
    }
    return known | values


def test_the_answer_is_the_models_own(tmp_path: Path) -> None:
    """Before and after are what the model says of both rows, and concepts and base add up to the log-odds."""
    model = made(tmp_path, active_users_28d=-0.9, mrr=0.3)
    found = what_if(model, row(), {"active_users_28d": 30})
    assert found.after.probability == ask(model, [row(active_users_28d=30.0)])[0].probability
    assert found.after.probability < found.before.probability
    for said in (found.before, found.after):
        assert said.base + sum(said.concepts.values()) == pytest.approx(said.log_odds, abs=1e-9)


def test_what_is_made_of_it_moves_along(tmp_path: Path) -> None:
    """Seats in proportion, longer windows, each with its value before; what is set is not among them."""
    model = made(tmp_path, seats_trend_84d=-0.9)
    found = what_if(model, row(), {"seats": 20})
    assert found.moved == {"seats_trend_84d": (1.0, 0.5)}
    assert found.after.log_odds > found.before.log_odds


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("active_users_28d", -1, "cannot be negative"),
        ("active_users_28d", 2.5, "whole number"),
        ("active_users_28d", float("nan"), "float32"),
        ("active_users_28d", float("inf"), "float32"),
        ("active_users_28d", 1e39, "float32"),
        ("active_users_28d", "many", "not a number"),
        ("active_users_28d", True, "not a number"),
        ("active_users_28d", [1], "not a number"),
        ("mrr", -5.0, "cannot be negative"),
        ("auto_renew", 2, "yes or no"),
        ("plan", 3, "a category is a text"),
        ("plan", "bassic", "never saw"),
        ("item_share", 0.5, "no feature"),
        ("active_user_28d", 3, "no feature"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, name: str, value: Any, says: str) -> None:
    """An impossible value names its feature."""
    model = made(tmp_path, active_users_28d=-0.9)
    with pytest.raises(ConfigError, match=says) as refused:
        what_if(model, row(), {name: value})
    assert refused.value.where == name


def test_the_nearest_name_is_told(tmp_path: Path) -> None:
    """Of a misspelt feature, and of a misspelt category."""
    model = made(tmp_path, active_users_28d=-0.9)
    for name, value, near in (("activ_users_28d", 3, "active_users_28d"), ("plan", "bassic", "basic")):
        with pytest.raises(ConfigError) as refused:
            what_if(model, row(), {name: value})
        assert near in refused.value.do


def test_beyond_the_known_is_warned_of(tmp_path: Path) -> None:
    """Further than the training rows reach, more than there are seats, and what the model does not look at."""
    model = made(tmp_path, active_users_28d=-0.9)
    kinds = [one.kind for one in what_if(model, row(), {"active_users_28d": 400}).warnings]
    assert kinds == ["beyond", "more"]
    assert [one.kind for one in what_if(model, row(tickets_open=1.0), {"tickets_open": 0}).warnings] == ["unused"]
    assert what_if(model, row(), {"active_users_28d": 30}).warnings == ()


def test_nothing_known_can_be_asked(tmp_path: Path) -> None:
    """None makes a value unknown, as an empty cell was in training."""
    model = made(tmp_path, active_users_28d=-0.9)
    found = what_if(model, row(), {"plan": None, "days_to_renewal": None})
    assert found.row["plan"] is None
    assert 0 < found.after.probability < 1


def test_nothing_asked_is_refused(tmp_path: Path) -> None:
    """An empty question has no answer."""
    with pytest.raises(ConfigError, match="nothing was asked"):
        what_if(made(tmp_path, mrr=0.3), row(), {})


def test_a_row_without_a_feature_is_refused(tmp_path: Path) -> None:
    """A row of another company's tables, or of an older revml, is not asked about in silence."""
    short = {name: value for name, value in row().items() if name != "mrr"}
    with pytest.raises(BundleError, match="lacks features"):
        what_if(made(tmp_path, mrr=0.3), short, {"active_users_28d": 3})


@pytest.mark.parametrize("language", ["en", "cs"])
def test_the_answer_is_a_document_in_words(tmp_path: Path, language: str) -> None:
    """JSON through and through, with reasons of the changed row."""
    model = made(tmp_path, active_users_28d=-0.9)
    found = what_if(model, row(), {"active_users_28d": 1})
    document = what_if_told(model, found, language, "EUR")
    assert json.loads(json.dumps(document, allow_nan=False))["set"][0]["text"].endswith("10 → 1")
    assert document["reasons"][0]["feature"] == "active_users_28d"


# --- levers -----------------------------------------------------------------------------------------------------------


def up(to: float | str) -> Actionable:
    """More of it, up to a bound."""
    return Actionable(direction="up", to=to, reason=BECAUSE)


def test_the_smallest_change_that_is_enough(tmp_path: Path) -> None:
    """One feature leaves the band: it is alone, not further than needed, and the model itself says so."""
    model = made(tmp_path, active_users_28d=-0.9)
    start = row(active_users_28d=20.0)
    found = levers(model, start, {"active_users_28d": up("p75"), "auto_renew": up(1)})
    assert (found.band, found.wanted, found.threshold) == ("high", "medium", 0.3)
    assert found.best is not None
    assert [step.feature for step in found.best.steps] == ["active_users_28d"]
    assert found.best.enough
    moved = {**start, "active_users_28d": found.best.steps[0].after}
    assert ask(model, [moved])[0].probability == found.best.probability < 0.3
    smaller = [one.after for one in _goals(found) if one.after < found.best.steps[0].after]
    assert all(ask(model, [{**start, "active_users_28d": at}])[0].probability >= 0.3 for at in smaller)


def _goals(found: Any) -> list[Any]:
    return [step for lever in found.singles for step in lever.steps]


def test_two_together_where_one_is_not_enough(tmp_path: Path) -> None:
    """A pair is tried on the model, and is the best where no single change leaves the band."""
    model = made(tmp_path, active_users_28d=-0.5, days_to_renewal=-0.5)
    start = row(active_users_28d=20.0, days_to_renewal=20.0)
    found = levers(model, start, {"active_users_28d": up(24), "days_to_renewal": up(60)})
    assert not any(lever.enough for lever in found.singles)
    assert found.best is not None
    assert len(found.best.steps) == 2
    assert found.best.probability < min(lever.probability for lever in found.singles)


def test_what_does_not_suffice_is_said(tmp_path: Path) -> None:
    """The best within reach, with the probability that it gives, and that it is not enough."""
    model = made(tmp_path, active_users_28d=-0.05, mrr=1.5)
    found = levers(model, row(active_users_28d=20.0, mrr=3000.0), {"active_users_28d": up("p75")})
    assert found.best is not None
    assert not found.best.enough
    assert "Nothing within reach" in levers_told(model, found, "en", "EUR")["text"]


def test_gains_are_raised(tmp_path: Path) -> None:
    """Of an upsell a lever raises the probability, to the next band up."""
    model = made(tmp_path, question="upsell", active_users_28d=0.9)
    found = levers(model, row(active_users_28d=20.0), {"active_users_28d": up("p75")})
    assert (found.band, found.wanted) == ("low", "medium")
    assert found.best is not None
    assert found.best.probability > found.probability


def test_a_bound_is_not_passed(tmp_path: Path) -> None:
    """Neither the sheet's number, nor a percentile, nor the seats; and no goal against the direction."""
    model = made(tmp_path, active_users_28d=-0.9)
    start = row(active_users_28d=20.0)
    assert max(step.after for step in _goals(levers(model, start, {"active_users_28d": up(23)}))) <= 23
    seats = _goals(levers(model, {**start, "seats": 22.0}, {"active_users_28d": up("p99")}))
    assert max(step.after for step in seats) <= 22
    assert levers(model, start, {"active_users_28d": up(12)}).singles == ()


def test_a_lever_that_makes_it_worse_is_none(tmp_path: Path) -> None:
    """Where the model has it the other way round, nothing is proposed."""
    model = made(tmp_path, active_users_28d=0.9)
    found = levers(model, row(active_users_28d=35.0), {"active_users_28d": up("p90")})
    assert (found.singles, found.best) == ((), None)
    assert "No lever" in levers_told(model, found, "en", "EUR")["text"]


def test_the_best_band_needs_no_lever(tmp_path: Path) -> None:
    """Nothing is wanted of an account in the lowest band of a loss."""
    model = made(tmp_path, active_users_28d=-0.9)
    found = levers(model, row(active_users_28d=45.0), {"active_users_28d": up("p90")})
    assert (found.band, found.wanted) == ("low", None)
    assert levers_told(model, found, "cs", "EUR")["text"].startswith("Už je v nejnižším")


def test_without_a_sheet_nothing_is_looked_for(tmp_path: Path) -> None:
    """It says where levers are declared."""
    model = made(tmp_path, active_users_28d=-0.9)
    assert "actionable:" in levers_told(model, levers(model, row(), {}), "en", "EUR")["text"]


def test_an_unknown_value_is_no_lever(tmp_path: Path) -> None:
    """What is not known of the account cannot be moved from where it is."""
    model = made(tmp_path, active_users_28d=-0.9)
    assert levers(model, row(active_users_28d=None), {"active_users_28d": up("p75")}).tried == {}


def test_a_row_is_read_as_it_was_kept() -> None:
    """Numbers, texts and nothing; keys and money are no features."""
    told = values_of_row(ROWS.iloc[:1])
    assert set(told) == set(FEATURES)
    assert isinstance(told["plan"], str)
