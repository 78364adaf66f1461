"""Facts as sentences in both languages."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from revml.explanations.facts import KnownFacts
from revml.explanations.phrases import CLOCKS, PAST_WEEKS
from revml.explanations.sentences import Teller, Told, sentences
from revml.features.catalog import catalog, feature_words
from revml.features.spec import Feature, FeatureKind
from revml.locales import LANGUAGES, words
from revml.snapshots import PAST_DAYS

NAN = math.nan
ROOT = Path(__file__).parents[2]


def tell(kind: FeatureKind, language: str = "en", label: str = "Fact", **told: Any) -> str:
    """A sentence about a made-up feature."""
    given = {"value": NAN, "past": NAN, "peers": NAN} | told
    return Teller(language, "EUR").sentence(Told(Feature("made_up", kind, "usage"), label, **given))


def told_of(name: str, language: str = "en", **told: Any) -> str:
    """A sentence about a declared feature."""
    feature = catalog()[name]
    given = {"value": NAN, "past": NAN, "peers": NAN} | told
    return Teller(language, "EUR").sentence(Told(feature, feature_words(feature, language), **given))


@pytest.mark.parametrize(
    ("kind", "value", "english", "czech"),
    [
        ("count", 1234.0, "1,234", "1\xa0234"),
        ("number", 2.345678, "2.35", "2,35"),
        ("number", 34.56, "34.6", "34,6"),
        ("money", 1234.56, "€1,235", "1\xa0235\xa0€"),
        ("money", -1234.56, "-€1,235", "-1\xa0235\xa0€"),
        ("share", 0.123, "12%", "12\xa0%"),
        ("share", 0.0123, "1.2%", "1,2\xa0%"),
        ("share", 0.0, "0%", "0\xa0%"),
        ("ratio", 0.6, "40% lower", "o 40\xa0% nižší"),
        ("ratio", 1.25, "25% higher", "o 25\xa0% vyšší"),
        ("ratio", 1.01, "about the same", "přibližně stejně"),
        ("ratio", 2.34, "2.3×", "2,3×"),
        ("ratio", 0.0, "down to nothing", "pokles na nulu"),
        ("deviation", -2.51, "far fewer", "mnohem méně"),
        ("deviation", -1.9, "fewer", "méně"),
        ("deviation", -0.4, "about the same", "přibližně stejně"),
        ("deviation", 1.3, "more", "více"),
        ("deviation", 2.3, "far more", "mnohem více"),
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


@pytest.mark.parametrize(
    ("value", "past", "english", "czech"),
    [
        (19.0, 41.0, "Fact fell from 41 to 19 in 12 weeks", "Fact: pokles ze 41 na 19 za 12 týdnů"),
        (41.0, 19.0, "Fact rose from 19 to 41 in 12 weeks", "Fact: nárůst z 19 na 41 za 12 týdnů"),
        (0.0, 5.0, "Fact fell from 5 to zero in 12 weeks", "Fact: pokles z 5 na nulu za 12 týdnů"),
        (3.0, 0.0, "Fact rose from zero to 3 in 12 weeks", "Fact: nárůst z nuly na 3 za 12 týdnů"),
        (7.0, 7.0, "Fact: 7, as 12 weeks ago", "Fact: 7, stejně jako před 12 týdny"),
        (0.0, 0.0, "Fact: 0, as 12 weeks ago", "Fact: 0, stejně jako před 12 týdny"),
        (40.0, 41.0, "Fact hardly changed in 12 weeks (from 41 to 40)", None),
        (40.0, 41.0, None, "Fact: za 12 týdnů téměř beze změny (ze 41 na 40)"),
    ],
)
def test_an_amount_says_how_it_moved(value: float, past: float, english: str | None, czech: str | None) -> None:
    """It fell, rose, came to zero or from it, or did not move."""
    if english:
        assert tell("count", value=value, past=past) == english
    if czech:
        assert tell("count", "cs", value=value, past=past) == czech


def test_the_sentence_of_the_design() -> None:
    """The value, its past and its peers, in both languages."""
    told = {"value": 19.0, "past": 41.0, "peers": 38.0, "past_peers": 38.0}
    english = "Active users in the last 28 days fell from 41 to 19 in 12 weeks; similar accounts held at 38"
    assert told_of("active_users_28d", **told) == english
    assert (
        told_of("active_users_28d", "cs", **told)
        == "Aktivní uživatelé za posledních 28 dní: pokles ze 41 na 19 za 12 týdnů; u podobných zákazníků stabilně 38"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_about_reasons_quotes_what_is_told(language: str) -> None:
    """The examples of docs/reasons.md are sentences of these words."""
    page = (ROOT / "docs/reasons.md").read_text(encoding="utf-8")
    quotes = [" ".join(line.removeprefix("> ") for line in quote.splitlines()) for quote in page.split("\n\n")]
    told = {"value": 190.0, "past": 410.0, "peers": 380.0, "past_peers": 380.0, "since": 28}
    assert told_of("events_28d", language, **told) in quotes


@pytest.mark.parametrize(
    ("past_peers", "english", "czech"),
    [
        (NAN, "similar accounts 38", "u podobných zákazníků 38"),
        (38.0, "similar accounts held at 38", "u podobných zákazníků stabilně 38"),
        (39.0, "similar accounts held at 38", "u podobných zákazníků stabilně 38"),
        (50.0, "similar accounts fell from 50 to 38", "u podobných zákazníků pokles z 50 na 38"),
        (0.0, "similar accounts rose from zero to 38", "u podobných zákazníků nárůst z nuly na 38"),
    ],
)
def test_peers_move_too(past_peers: float, english: str, czech: str) -> None:
    """They are told to have moved only where they moved by more than a twentieth."""
    told = {"value": 19.0, "past": 41.0, "peers": 38.0, "past_peers": past_peers}
    assert tell("count", **told).endswith(f"; {english}")
    assert tell("count", "cs", **told).endswith(f"; {czech}")


def test_peers_do_not_move_where_the_account_has_no_past() -> None:
    """A movement of others stands beside a movement of one's own."""
    assert tell("count", value=19.0, peers=38.0, past_peers=50.0) == "Fact: 19; similar accounts 38"


@pytest.mark.parametrize(
    ("since", "english", "czech"),
    [
        (28, ", most of it in the last 4 weeks", ", z toho většina za poslední 4 týdny"),
        (7, ", most of it in the last week", ", z toho většina za poslední týden"),
        (-28, ", most of it more than 4 weeks ago", ", z toho většina dříve než před 4 týdny"),
        (-7, ", most of it more than a week ago", ", z toho většina dříve než před týdnem"),
        (0, "", ""),
    ],
)
def test_since_when_is_said_where_it_is_known(since: int, english: str, czech: str) -> None:
    """Most of a movement came lately, or before, or nothing is said."""
    told = {"value": 19.0, "past": 41.0, "since": since}
    assert tell("count", **told) == f"Fact fell from 41 to 19 in 12 weeks{english}"
    assert tell("count", "cs", **told) == f"Fact: pokles ze 41 na 19 za 12 týdnů{czech}"


def test_what_did_not_move_has_no_since() -> None:
    """There is no beginning of nothing."""
    assert tell("count", value=19.0, past=19.0, since=28) == "Fact: 19, as 12 weeks ago"


@pytest.mark.parametrize("kind", ["count", "money", "share", "ratio", "deviation", "days", "score", "flag", "category"])
def test_a_missing_value_is_said_to_be_missing(kind: FeatureKind) -> None:
    """No kind prints a nan or an empty place, and peers are still told."""
    assert tell(kind) == "Fact: not known"
    assert tell(kind, "cs") == "Fact: není známo"
    assert tell("score", peers=8.0) == "Fact: not known; similar accounts 8"


def test_a_missing_value_keeps_its_past() -> None:
    """What was known before is still told."""
    assert tell("score", past=8.0) == "Fact: not known now (12 weeks ago 8)"
    assert tell("score", "cs", past=8.0) == "Fact: nyní není známo (před 12 týdny 8)"


def test_what_is_known_for_the_first_time_is_told_so() -> None:
    """Only of an account that was looked at before: of a new one nothing could be known."""
    assert tell("score", value=8.0, seen=True) == "Fact: 8 (not known 12 weeks ago)"
    assert tell("score", "cs", value=8.0, seen=True) == "Fact: 8 (před 12 týdny neznámo)"
    assert tell("score", value=8.0, seen=False) == "Fact: 8"


def test_a_flag_is_compared_with_the_share_of_yes() -> None:
    """A median of yes and no would say nothing."""
    told = {"value": 0.0, "past": 1.0, "peers": 0.84}
    assert tell("flag", **told) == "Fact: now no, 12 weeks ago yes; yes for 84% of similar accounts"
    assert tell("flag", "cs", **told) == "Fact: nyní ne, před 12 týdny ano; ano u 84\xa0% podobných zákazníků"
    assert tell("flag", value=1.0, past=1.0) == "Fact: yes"


def test_a_category_is_compared_with_those_that_share_it() -> None:
    """The value is the company's own word; the past is told only when it was another."""
    told = {"category": "{basic}", "past_category": "pro", "peers": 0.34}
    assert tell("category", **told) == "Fact: {basic} (12 weeks ago pro); the same for 34% of all accounts"
    told["past_category"] = "{basic}"
    assert tell("category", "cs", **told) == "Fact: {basic}; totéž u 34\xa0% všech zákazníků"


@pytest.mark.parametrize(
    ("name", "value", "english", "czech"),
    [
        ("days_since_order", 41.0, "Last order 41 days ago", "Poslední objednávka před 41 dny"),
        ("days_since_order", 1.0, "Last order 1 day ago", "Poslední objednávka před 1 dnem"),
        ("days_since_order", 0.0, "Last order less than a day ago", "Poslední objednávka před méně než jedním dnem"),
        ("days_since_order", NAN, "No order on record", "Žádná objednávka není evidována"),
        ("days_to_renewal", 41.0, "Next renewal in 41 days", "Příští obnova smlouvy za 41 dní"),
        ("days_to_renewal", 2.0, "Next renewal in 2 days", "Příští obnova smlouvy za 2 dny"),
        ("tenure_days", 400.0, "A customer for 400 days", "Zákazníkem 400 dní"),
    ],
)
def test_a_clock_tells_the_time(name: str, value: float, english: str, czech: str) -> None:
    """Days since, until and for how long are told as one says them."""
    assert told_of(name, value=value) == english
    assert told_of(name, "cs", value=value) == czech


def test_a_clock_is_compared_in_days() -> None:
    """Its own past only where more than time has passed, and its peers."""
    said = told_of("days_since_order", value=3.0, past=40.0, peers=12.4)
    assert said == "Last order 3 days ago (12 weeks earlier: 40 days); similar accounts 12 days"
    said = told_of("days_since_order", "cs", value=3.0, past=40.0, peers=2.0)
    assert said == "Poslední objednávka před 3 dny (o 12 týdnů dříve: 40 dní); u podobných zákazníků 2 dny"


def test_the_passing_of_time_is_no_news() -> None:
    """Days that grew by exactly the days that passed have no past worth telling."""
    assert told_of("days_since_order", value=100.0, past=100.0 - PAST_DAYS) == "Last order 100 days ago"
    assert tell("days", value=400.0, past=400.0 - PAST_DAYS, seen=True) == "Fact: 400"
    assert tell("days", value=10.0, past=10.0 + PAST_DAYS) == "Fact: 10"
    assert tell("days", value=10.0, past=90.0) == "Fact fell from 90 to 10 in 12 weeks"
    assert tell("count", value=100.0, past=16.0) == "Fact rose from 16 to 100 in 12 weeks"


def test_what_is_compared_already_keeps_its_past_in_brackets() -> None:
    """A ratio does not fall from a ratio; a time is longer, not higher."""
    said = told_of("events_trend_28d", value=0.6, past=1.05, peers=1.0)
    label = "Use in the last 28 days compared with the 28 days before"
    assert said == f"{label}: 40% lower (12 weeks ago 5% higher); similar accounts about the same"
    said = told_of("order_overdue_ratio", "cs", value=1.6)
    assert said == "Doba od poslední objednávky oproti obvyklému rozestupu: o 60\xa0% delší"
    assert told_of("nps_change", value=2.0).endswith(": +2")


@pytest.mark.parametrize(
    ("past", "preposition"),
    [(2, "ze"), (3, "ze"), (5, "z"), (8, "z"), (11, "z"), (14, "ze"), (25, "z"), (37, "ze"), (99, "z"), (100, "ze")],
)
def test_czech_softens_the_preposition(past: int, preposition: str) -> None:
    """Ze tří, ze čtrnácti, ze sta, but z pěti: by the first word of the number."""
    assert f" {preposition} {past} na " in tell("count", "cs", value=1000.0, past=float(past))


def test_a_point_of_percent_is_hardly_a_change() -> None:
    """Shares move from one whole percent to the next by chance."""
    assert tell("share", value=0.11, past=0.10) == "Fact hardly changed in 12 weeks (from 10% to 11%)"
    assert tell("share", value=0.12, past=0.10) == "Fact rose from 10% to 12% in 12 weeks"


def test_what_reads_the_same_has_not_moved() -> None:
    """Movement is told of the numbers as they are printed."""
    assert tell("money", value=100.4, past=100.1) == "Fact: €100, as 12 weeks ago"


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
        for numbers in ((1.0, 0.0, 0.5), (5.0, 90.0, 0.0), (NAN, 1.0, NAN), (NAN, NAN, 1.0), (0.0, NAN, NAN)):
            told = Told(feature, label, *numbers, category="x", past_category="y", past_peers=3.0, since=28, seen=True)
            said = teller.sentence(told)
            assert said[0].isupper()
            assert not re.search(r"[{}]|\bnan\b|None|  ", said), said


def test_both_languages_hold_the_same_keys() -> None:
    """No sentence form exists in one language only."""
    forms = [{k for k in words(language).keys() if k.startswith("reason.")} for language in LANGUAGES]  # noqa: SIM118
    assert forms[0] == forms[1] != set()


def test_every_clock_is_a_feature_and_says_what_it_lacks() -> None:
    """Words of a clock belong to a feature in days, and have words for none."""
    keys = words("en").keys()
    clocks = {key.partition(".")[2] for key in keys if key.partition(".")[0] in CLOCKS}
    assert clocks <= {f.key.removeprefix("feature.") for f in catalog().values() if f.kind == "days"}
    assert {f"none.{name}" for name in clocks} == {key for key in keys if key.startswith("none.")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_many_are_told_as_each_alone(language: str) -> None:
    """Facts that are worded together read like facts told one by one."""
    rng = np.random.default_rng(0)
    names = ("active_users_28d", "mrr", "late_share_364d", "days_since_order", "auto_renew", "events_trend_28d", "plan")
    features = tuple(catalog()[name] for name in names)
    shape = (40, len(features))

    def some() -> np.ndarray:
        return np.where(rng.random(shape) < 0.2, np.nan, rng.integers(0, 5, shape).astype(float))

    plans = rng.choice(np.array(["basic", "pro", None], dtype=object), (2, 40))
    facts = KnownFacts(
        features,
        value=some(),
        past=some(),
        category={"plan": plans[0]},
        past_category={"plan": plans[1]},
        peers=some() / 5,
        known=np.ones(shape, dtype=bool),
        past_peers=some(),
        since=rng.choice([0, 28, -28], shape),
        seen=rng.random(shape) < 0.5,
    )
    row, column = (a.ravel() for a in np.indices(shape))
    said = sentences(facts, row, column, currency="EUR", language=language)
    teller = Teller(language, "EUR")
    assert facts.past_peers is not None
    assert facts.since is not None
    assert facts.seen is not None
    for text, r, c in zip(said, row, column, strict=True):
        told = Told(
            features[c],
            feature_words(features[c], language),
            *(float(numbers[r, c]) for numbers in (facts.value, facts.past, facts.peers)),
            past_peers=float(facts.past_peers[r, c]),
            since=int(facts.since[r, c]),
            seen=bool(facts.seen[r, c]),
        )
        if features[c].kind == "category":
            told = replace(told, category=plans[0][r], past_category=plans[1][r])
        assert text == teller.sentence(told)


def test_nobody_is_told_nothing() -> None:
    """No facts, no sentences."""
    empty = np.zeros((0, 1))
    facts = KnownFacts((catalog()["mrr"],), empty, empty, {}, {}, empty, empty.astype(bool))
    none = np.zeros(0, dtype=int)
    assert sentences(facts, none, none, currency="EUR", language="en") == []
