"""A back-test of money as a page and in sentences: one file, nothing from outside, losses told."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from revml.backtesting import money_pictures, money_sentences
from revml.backtesting.money import MoneyBacktest
from revml.backtesting.money_page import render
from revml.backtesting.money_table import Loss
from revml.backtesting.pictures import alone
from revml.locales import LANGUAGES, words
from tests.backtesting.test_money import CONTRACTS, ORDERS, replayed

NASTY = '<script>alert("1")</script>'


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> MoneyBacktest:
    """One origin of a company with contracts and orders, whose name is an attack."""
    made = replayed(tmp_path_factory.mktemp("money"), subscriptions=CONTRACTS, orders=ORDERS)
    return replace(made, company=NASTY)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_one_file_without_a_script(told: MoneyBacktest, language: str) -> None:
    """No request, no script, a policy that forbids both, and the company's name escaped."""
    text = render(told, language=language)
    assert "default-src 'none'" in text
    assert not re.search(r"<script|<link|<img|<iframe|https?://|@import|url\(|\son\w+=", text)
    assert "&lt;script&gt;" in text
    assert f'<html lang="{language}">' in text


def test_the_page_has_every_method_of_every_relation(told: MoneyBacktest) -> None:
    """At each horizon and origin, with the best of each figure marked."""
    text = render(told, language="en")
    for name in ("run-rate", "pooled churn", "past NRR", "Contracts", "Repeat orders", "All relations"):
        assert name in text
    assert text.count('class="number best"') > 10
    assert "first in 2023" in text
    assert "1 to 2 years" in text


def test_the_headline_tells_forecast_and_reality(told: MoneyBacktest) -> None:
    """By relation, with the MRR at the end for contracts alone."""
    contract, orders, total = money_sentences.headlines(told, words("en"))
    assert contract.startswith("Contracts, 12 months from 1 origin: ")
    assert "and €2,800 came" in contract
    assert "MRR at the end" in contract
    assert "MRR at the end" not in orders + total


def test_losses_are_told_in_both_languages(told: MoneyBacktest) -> None:
    """Which method was better on what, with both figures; that there is none, where there is none."""
    lost = replace(told, losses=(Loss("contract", 12, "bias", "run_rate", -0.052, -0.004),))
    assert money_sentences.lost(lost, words("en")) == [
        "Contracts, 12 months, Bias of revenue: run-rate was better (−0.4% against −5.2%)."
    ]
    [said] = money_sentences.lost(lost, words("cs"))
    assert "setrvalý stav" in said
    assert money_sentences.lost(lost, words("en"), horizon=3) == ["In no figure was a baseline better than revml."]


def test_fewer_origins_than_asked_for_stand_on_the_page(told: MoneyBacktest) -> None:
    """One of six."""
    assert "Only 1 of the 6 origins asked for is possible." in render(replace(told, asked=6), language="en")
    assert money_sentences.fewer(told, words("en")) == ""


def test_pictures_show_every_method(told: MoneyBacktest) -> None:
    """A bar a method and the outline of what came; a bar a method and horizon of biases; well-formed by themselves."""
    speak = words("en")
    totals = money_pictures.totals(told, "contract", speak)
    assert [totals.count(f'class="{name}"') for name in ("model", "money", "renewal", "rule", "perfect")] == [1] * 5
    assert money_pictures.biases(told, "contract", speak).count('<rect class="model"') == 3
    for picture in (totals, money_pictures.biases(told, "total", speak)):
        ET.fromstring(alone(picture))  # noqa: S314 - our own text
