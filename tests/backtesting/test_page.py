"""A back-test as a page and in sentences: one file, nothing from outside, every value escaped, both languages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from revml.backtesting import Backtest, Replayed, pictures, sentences
from revml.backtesting.figures import quality
from revml.backtesting.lists import reached, together
from revml.backtesting.page import render
from revml.config import QuestionSpec
from revml.locales import LANGUAGES, words

NASTY = '<script>alert("1")</script>'
CAPACITY = 4


def scores(seed: int) -> pd.DataFrame:
    """Twenty accounts at one origin, five of them leave, mostly those with a high probability."""
    rng = np.random.default_rng(seed)
    p = np.linspace(0.9, 0.05, 20)
    label = np.zeros(20, dtype=int)
    label[[0, 1, 2, 6, 11]] = 1
    frame = pd.DataFrame({"account_id": [f"a{k:02d}" for k in range(20)], "money": rng.integers(1, 9, 20) * 1000.0})
    frame["label"] = pd.array(label, dtype="Int8")
    frame = frame.assign(probability=p, rule=np.where(p > 0.5, 0.4, 0.1), days_to_renewal=rng.permutation(20) * 10.0)
    return frame.assign(expected=frame["probability"] * frame["money"])


def made(origins: int = 3, *, asked: int = 3, passed: bool = True) -> Backtest:
    """A back-test of that many origins."""
    as_ofs = [datetime(2026, 1, 1) + timedelta(days=31 * k) for k in range(origins)]  # noqa: DTZ001 - naive means UTC
    frames = [scores(k) for k in range(origins)]
    replayed = tuple(
        Replayed(
            as_of=at,
            ends=at + timedelta(days=90),
            chosen="lightgbm",
            served="lightgbm" if passed else "constant",
            passed=passed,
            rule="days_to_renewal",
            learned={"rows": 500, "accounts": 60, "events": 40},
            constant=0.1,
            scores=frame,
            lists=reached(frame, CAPACITY),
        )
        for at, frame in zip(as_ofs, frames, strict=True)
    )
    return Backtest(
        question="churn",
        company=NASTY,
        currency="EUR",
        spec=QuestionSpec(),
        capacity=CAPACITY,
        every="month",
        observed_until=datetime(2026, 9, 1),  # noqa: DTZ001
        fingerprint="f" * 64,
        origins=replayed,
        quality=quality(frames, as_ofs, [0.1] * origins, capacity=CAPACITY, seed=1, rounds=50),
        lists=together([one.lists for one in replayed]),
        asked=asked,
        note="" if asked == origins else "history is short",
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_one_file_without_a_script(language: str) -> None:
    """No request, no script, a policy that forbids both, and the company's name escaped."""
    text = render(made(), language=language)
    assert "default-src 'none'" in text
    assert not re.search(r"<script|<link|<img|<iframe|https?://|@import|url\(|\son\w+=", text)
    assert "&lt;script&gt;" in text
    assert f'<html lang="{language}">' in text


def test_the_headline_counts_what_the_list_reached() -> None:
    """Three of five at each of three origins: 9 of 15, with their money."""
    told = made()
    money = sum(float(scores(k)["money"].iloc[:3].sum()) for k in range(3))
    said = sentences.headline(told, words("en"))
    assert "You can call 4 accounts a month. Over 3 origins" in said
    assert "reached 9 of 15 leavers" in said
    assert words("en").money(money, "EUR", compact=True) in said


def test_a_list_of_pairs_counts_offers() -> None:
    """A cross-sell's list holds offers, in the headline, on the page and in its picture."""
    told = replace(made(), question="cross_sell")
    assert "You can make 4 offers a month." in sentences.headline(told, words("en"))
    page = render(told, language="en")
    assert "One list of 4 offers an origin" in page
    assert "accounts that each list reached" not in page
    assert "podat 4 nabídky" in sentences.headline(told, words("cs"))


def test_other_lists_are_named() -> None:
    """By rule, by renewal date, by money, at random as expected, and a perfect list."""
    said = sentences.others(made(), words("en"))
    for name in ("by the best rule", "by renewal date", "by money", "at random 3 ", "a perfect list 12"):
        assert name in said


def test_what_was_refused_is_told() -> None:
    """The average rate would have served, and the page says what was chosen and did not pass."""
    text = render(made(passed=False), language="en")
    assert "LightGBM was chosen and did not pass its test" in text
    assert "average rate" in text


def test_fewer_origins_than_asked_for_stand_on_the_page() -> None:
    """Three of six."""
    assert "Only 3 of the 6 origins asked for are possible." in render(made(asked=6), language="en")
    assert "Only" not in sentences.fewer(made(), words("en"))


def test_two_origins_tell_nothing_of_drift() -> None:
    """And the page says so."""
    assert "Three origins at least are needed to tell." in render(made(2, asked=2), language="en")


def test_pictures_show_every_origin_and_list() -> None:
    """Six lists a origin as bars, a dot an origin with its interval, ten tenths at most."""
    told, speak = made(), words("en")
    bars = pictures.reach(told, speak)
    assert [bars.count(f'<rect class="{name}"') for name in pictures.SHOWN] == [3] * 6
    assert pictures.quality(told, speak).count('class="dot"') == 3
    assert pictures.quality(told, speak).count('class="span"') == 3
    assert 2 <= pictures.reliability(told, speak).count('class="dot"') <= 10


def test_a_picture_stands_by_itself() -> None:
    """It brings its own style and is well-formed XML."""
    import xml.etree.ElementTree as ET

    told = made()
    for draw in (pictures.quality, pictures.reach, pictures.reliability):
        assert ET.fromstring(pictures.alone(draw(told, words("cs")))).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314


def test_czech_pages_speak_czech() -> None:
    """Headings, the headline, numbers."""
    text = render(made(), language="cs")
    for said in ("Minulost přehraná znovu", "zastihl seznam", "9 z 15 odchodů", "Drží kvalita?"):
        assert said in text
