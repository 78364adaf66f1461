"""Facts as sentences in both languages."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from revml.explanations.sentences import PAST_DAYS, PAST_WEEKS, Teller, Told
from revml.features.catalog import catalog, feature_words
from revml.features.spec import Feature, FeatureKind
from revml.locales import LANGUAGES, words

NAN = math.nan


def tell(kind: FeatureKind, language: str = "en", label: str = "Fact", **told: Any) -> str:
    """A sentence about a made-up feature."""
    given = {"value": NAN, "past": NAN, "peers": NAN} | told
    return Teller(language, "EUR").sentence(Told(Feature("made_up", kind, "usage"), label, **given))


@pytest.mark.parametrize(
    ("kind", "value", "english", "czech"),
    [
        ("count", 1234.0, "1,234", "1\xa0234"),
        ("number", 2.345678, "2.35", "2,35"),
        ("number", 34.56, "34.6", "34,6"),
        ("money", 1234.56, "€1,235", "1\xa0235\xa0€"),
        ("share", 0.123, "12%", "12\xa0%"),
        ("share", 0.0123, "1.2%", "1,2\xa0%"),
        ("share", 0.0, "0%", "0\xa0%"),
        ("ratio", 0.6, "0.6×", "0,6×"),
        ("deviation", -2.51, "far fewer", "mnohem méně"),
        ("deviation", -0.4, "about the same", "přibližně stejně"),
        ("deviation", 1.3, "more", "více"),
        ("days", 41.0, "41", "41"),
        ("score", 7.25, "7.2", "7,2"),
        ("flag", 1.0, "yes", "ano"),
        ("flag", 0.0, "no", "ne"),
    ],
)
def test_a_value_is_written_by_its_kind(kind: FeatureKind, value: float, english: str, czech: str) -> None:
    """Each kind has its form in each language."""
    assert tell(kind, value=value) == f"Fact: {english}"
    assert tell(kind, "cs", value=value) == f"Fact: {czech}"


def test_past_and_peers_stand_in_brackets() -> None:
    """The sentence of the design, in both languages."""
    told = {"value": 19.0, "past": 41.0, "peers": 38.0}
    assert tell("count", **told) == "Fact: 19 (12 weeks ago 41; similar accounts 38)"
    assert tell("count", "cs", **told) == "Fact: 19 (před 12 týdny 41; u podobných zákazníků 38)"


@pytest.mark.parametrize("kind", ["count", "money", "share", "ratio", "deviation", "days", "score", "flag", "category"])
def test_a_missing_value_is_said_to_be_missing(kind: FeatureKind) -> None:
    """No kind prints a nan or an empty place."""
    assert tell(kind) == "Fact: not known"
    assert tell(kind, "cs") == "Fact: není známo"


def test_a_missing_value_keeps_its_past() -> None:
    """What was known before is still told."""
    assert tell("score", past=8.0) == "Fact: not known (12 weeks ago 8)"


def test_a_flag_is_compared_with_the_share_of_yes() -> None:
    """A median of yes and no would say nothing."""
    told = {"value": 0.0, "past": 1.0, "peers": 0.84}
    assert tell("flag", **told) == "Fact: no (12 weeks ago yes; yes for 84% of similar accounts)"
    assert tell("flag", "cs", **told) == "Fact: ne (před 12 týdny ano; ano u 84\xa0% podobných zákazníků)"


def test_a_category_is_compared_with_those_that_share_it() -> None:
    """The value is the company's own word; the past is told only when it was another."""
    told = {"category": "{basic}", "past_category": "pro", "peers": 0.34}
    assert tell("category", **told) == "Fact: {basic} (12 weeks ago pro; the same for 34% of all accounts)"
    told["past_category"] = "{basic}"
    assert tell("category", "cs", **told) == "Fact: {basic} (totéž u 34\xa0% všech zákazníků)"


def test_the_passing_of_time_is_no_news() -> None:
    """Days that grew by exactly the days that passed have no past worth telling."""
    assert tell("days", value=400.0, past=400.0 - PAST_DAYS) == "Fact: 400"
    assert tell("days", value=10.0, past=10.0 + PAST_DAYS) == "Fact: 10"
    assert tell("days", value=10.0, past=90.0) == "Fact: 10 (12 weeks ago 90)"
    assert tell("count", value=100.0, past=16.0) == "Fact: 100 (12 weeks ago 16)"


def test_rounding_never_gives_minus_nothing() -> None:
    """A tiny loss is 0, not -0."""
    assert tell("money", value=-0.2) == "Fact: €0"
    assert tell("number", value=-0.001) == "Fact: 0"


def test_weeks_are_the_days_that_features_look_back() -> None:
    """The sentence says the span that the past was taken at."""
    assert PAST_WEEKS * 7 == PAST_DAYS


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_declared_feature_can_be_told(language: str) -> None:
    """No kind and no label of the catalogue breaks a sentence."""
    teller = Teller(language, "CZK")
    for feature in catalog().values():
        label = feature_words(feature, language)
        said = teller.sentence(Told(feature, label, 1.0, 0.0, 0.5, category="x", past_category="y"))
        assert said.startswith(f"{label}: ")
        assert "{" not in said
        assert not re.search(r"\bnan\b", said)


def test_both_languages_hold_the_same_keys() -> None:
    """No sentence form exists in one language only."""
    forms = [{k for k in words(language).keys() if k.startswith("reason.")} for language in LANGUAGES]  # noqa: SIM118
    assert forms[0] == forms[1] != set()
