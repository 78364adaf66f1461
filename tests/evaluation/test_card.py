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


@pytest.mark.parametrize("question", ["contraction", "upsell"])
def test_a_card_says_whether_a_price_counts(manifest: dict[str, Any], question: str) -> None:
    """A model that learned without changes of price says so; one that learned with them, and churn, do not."""
    sentence = words("en").text("card.question.no_price")
    assert sentence in card("en", {**manifest, "question": question})
    assert sentence not in card("en", manifest)
    priced = {**manifest["definition"], "price_changes": True}
    assert sentence not in card("en", {**manifest, "question": question, "definition": priced})


def test_short_history_is_confessed(manifest: dict[str, Any]) -> None:
    """A model chosen across accounts says that its ageing could not be seen."""
    told = copy.deepcopy(manifest)
    told["data"]["by_time"] = False
    told["data"]["split"]["valid"] = []
    assert "too short" in card("en", told)


def test_too_few_events_are_confessed(manifest: dict[str, Any]) -> None:
    """A rule that serves for want of events says so."""
    assert "too few events" in card("en", {**manifest, "enough": False})


def test_a_mean_says_what_it_holds_and_what_was_asked_of_it(manifest: dict[str, Any]) -> None:
    """A blend that is not the lowest of its table serves all the same, and the card says by which measure."""
    told = copy.deepcopy(manifest)
    row = {"rung": "blend", "log_loss": 0.4, "better": 0.3, "ranks": 0.5, "asked": 0.2}
    told["ladder"] = [one for one in told["ladder"] if one["rung"] != "blend"]
    told["ladder"].append({**row, "setting": {"share": 0.6, "rule": 0.25}})
    told["rung"] = "blend"
    text = card("en", told)
    assert "60% LightGBM, 30% logistic regression, 10% best single-column rule" in text
    assert "its own log-loss need not be the lowest in the table" in text
    assert "a lower log-loss in at least 20% of the resamples is enough" in text


def test_horizons_that_tell_no_more_than_the_average_are_named(manifest: dict[str, Any]) -> None:
    """One beyond the history, one of few events and one that was measured and no better are told apart."""
    figures = {"observed": 30, "expected": 29.0, "roc_auc": 0.48, "on": "judged", "log_loss_constant": 0.4}
    spans = ((30, "average", 0.3), (90, "fitted", 0.3), (180, "fitted", 0.4), (365, "extrapolated", None))
    horizons = [
        {**figures, "days": days, "kind": kind, "extrapolated": kind == "extrapolated", "log_loss": loss}
        for days, kind, loss in spans
    ]
    text = card("en", {**manifest, "curve": {"main": 90, "falls": False, "horizons": horizons}})
    assert "Up to 30 days too few events were seen" in text
    assert "At 180 days the curve tells no more than the average rate" in text
    assert "The history does not reach 365 days" in text


def test_every_figure_stands_in_the_card(manifest: dict[str, Any]) -> None:
    """Each figure has its line."""
    text = card("en", manifest)
    assert all(words("en").text(f"card.figure.{name}") in text for name in NAMES)


def test_a_list_of_pairs_holds_offers(manifest: dict[str, Any]) -> None:
    """The capacity of a cross-sell is counted in offers, of other questions in accounts."""
    length = manifest["figures"]["capacity"]
    assert f"The list holds {length} offers at each snapshot" in card("en", {**manifest, "question": "cross_sell"})
    assert f"The list holds {length} accounts at each snapshot" in card("en", {**manifest, "question": "churn"})


def test_the_bundle_holds_both_cards(tmp_path: Path) -> None:
    """Both languages stand in the bundle, and name the company."""
    workspace = Workspace().at(tmp_path)
    sheet = load_sheet(workspace, "churn").model_copy(update={"bootstrap_rounds": 50, "max_rounds": 60})
    bundle = train_dataset(workspace, made_dataset(accounts=120), sheet=sheet).bundle
    assert bundle.card("en").startswith("# Who will leave: our company")
    assert bundle.card("cs").startswith("# Kdo odejde: our company")


def test_a_section_without_anything_to_say_is_left_out(manifest: dict[str, Any]) -> None:
    """A manifest from before there were expected events, curves or reasons for drift still has a card."""
    old = copy.deepcopy(manifest)
    for name in ("uncertainty", "leaks", "tuning", "horizons", "treated"):
        old.pop(name, None)
    del old["figures"]["expected"]
    old["figures"]["segments"], old["importance"] = [], {"concepts": {}, "features": {}}
    for row in old["figures"]["reliability"]:
        del row["low"], row["high"]
    headings = [line for line in card("en", old).splitlines() if line.startswith("## ")]
    assert "## By segment" not in headings
    assert "## What it looks at" not in headings
    assert "## Do the probabilities mean what they say?" in headings


@pytest.mark.parametrize(("observed", "told"), [(40, "which the interval holds"), (90, "does not hold")])
def test_totals_that_were_off_are_confessed(manifest: dict[str, Any], observed: int, told: str) -> None:
    """The card says whether the interval of expected events held what came, at its top and where it is shown."""
    new = copy.deepcopy(manifest)
    inside = observed < 60
    new["figures"]["expected"] = {"events": 41.0, "low": 30.0, "high": 60.0, "observed": observed, "inside": inside}
    text = card("en", new)
    assert told in text
    assert ("**outside** what it allowed for (30 to 60)" in text) is not inside


def test_a_segment_that_is_off_is_a_warning(manifest: dict[str, Any]) -> None:
    """A segment that chance does not explain is named below the table."""
    new = copy.deepcopy(manifest)
    new["figures"]["segments"][0]["calibrated"] = "no"
    assert "Its probabilities are off in: " in card("en", new)
    assert "Its probabilities are off in: " not in card("en", manifest)


@pytest.mark.parametrize(
    ("language", "tenures"),
    [("en", "up to 1 year, 1 to 3 years, over 3 years"), ("cs", "do 1 roku, 1 až 3 roky, přes 3 roky")],
)
def test_bands_are_told_in_the_reader_s_units(manifest: dict[str, Any], language: str, tenures: str) -> None:
    """A tenure in days is told in years, any other number by its edges."""
    new = copy.deepcopy(manifest)
    row = {**new["figures"]["segments"][0], "column": "contract_age_days"}
    edges = [(None, 365.0), (365.0, 1095.0), (1095.0, None)]
    new["figures"]["segments"] = [{**row, "low": low, "high": high} for low, high in edges]
    text = card(language, new)
    assert all(f": {told} |" in text for told in tenures.split(", "))


def test_the_picture_marks_the_predicted_share(manifest: dict[str, Any]) -> None:
    """Each tenth has a bar of equal width with one mark."""
    bars = re.findall(r"`([█◆·]+)`", card("en", manifest))
    assert len(bars) == len(manifest["figures"]["reliability"])
    assert {(len(bar), bar.count("◆")) for bar in bars} == {(24, 1)}


@pytest.mark.parametrize("language", ["en", "cs"])
def test_the_card_says_how_to_get_it_again(manifest: dict[str, Any], language: str) -> None:
    """Command, sheet, seed and the data's fingerprint stand in it, and no day of writing."""
    text = card(language, manifest)
    for told in (
        "`revml train churn`",
        "`models/churn.yaml`",
        str(manifest["seed"]),
        manifest["data"]["fingerprint"][:12],
    ):
        assert told in text
