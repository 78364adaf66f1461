"""The model card: whole in both languages, and true to its manifest."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from revml.config import QUESTIONS, Workspace
from revml.evaluation.card import card
from revml.evaluation.figures import NAMES
from revml.evaluation.verdict import SENTENCES
from revml.locales import words
from revml.models.sheet import LADDER, load_sheet
from revml.training import train_dataset
from tests.made_dataset import made_dataset


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The manifest of a small training."""
    workspace = Workspace().at(tmp_path_factory.mktemp("card"))
    sheet = load_sheet(workspace, "churn").model_copy(update={"bootstrap_rounds": 50, "max_rounds": 60})
    return dict(train_dataset(workspace, made_dataset(), sheet=sheet).bundle.manifest)


@pytest.mark.parametrize("language", ["en", "cs"])
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("rung", LADDER)
def test_every_question_and_rung_has_a_card(manifest: dict[str, Any], language: str, question: str, rung: str) -> None:
    """No text is missing and no placeholder stays open, whatever was asked and whatever serves."""
    told = copy.deepcopy(manifest)
    told["question"], told["rung"] = question, rung
    told["rule"] = {"feature": "mrr", "bins": [{"upto": 5.0, "rate": 0.1}, {"above": 5.0, "rate": 0.2}, {"rate": 0.3}]}
    text = card(language, told)
    assert not re.search(r"[{}]|\bNone\b|\bnan\b", text)
    assert text.count("\n## ") >= 8


@pytest.mark.parametrize("reason", SENTENCES)
def test_a_model_that_failed_says_why_first(manifest: dict[str, Any], reason: str) -> None:
    """The reason of a failed verdict stands in the quoted line under the title."""
    told = {**manifest, "verdict": {"passed": False, "reasons": [reason], "borrowed": False}}
    quoted = card("en", told).split("\n## ")[0].split("\n> ")[1]
    assert words("en").text(f"card.verdict.{reason}") in quoted


def test_short_history_is_confessed(manifest: dict[str, Any]) -> None:
    """A model chosen across accounts says that its ageing could not be seen."""
    told = copy.deepcopy(manifest)
    told["data"]["by_time"] = False
    told["data"]["split"]["valid"] = []
    assert "too short" in card("en", told)


def test_too_few_events_are_confessed(manifest: dict[str, Any]) -> None:
    """A rule that serves for want of events says so."""
    assert "too few events" in card("en", {**manifest, "enough": False})


def test_every_figure_stands_in_the_card(manifest: dict[str, Any]) -> None:
    """Each figure has its line."""
    text = card("en", manifest)
    assert all(words("en").text(f"card.figure.{name}") in text for name in NAMES)


def test_the_bundle_holds_both_cards(tmp_path: Path) -> None:
    """Both languages stand in the bundle, and name the company."""
    workspace = Workspace().at(tmp_path)
    sheet = load_sheet(workspace, "churn").model_copy(update={"bootstrap_rounds": 50, "max_rounds": 60})
    bundle = train_dataset(workspace, made_dataset(accounts=120), sheet=sheet).bundle
    assert bundle.card("en").startswith("# Who will leave: our company")
    assert bundle.card("cs").startswith("# Kdo odejde: our company")
