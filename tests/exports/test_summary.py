"""A run in a few figures."""

from __future__ import annotations

import dataclasses
import json

import pytest

from revml.exports.forecast import forecast_summary
from revml.exports.summary import question_summary, run_head
from tests.literal_runs import literal_run
from tests.literal_values import FORECAST, with_values


def test_the_head_names_the_models() -> None:
    """Day, currency and the version behind each question."""
    head = run_head(literal_run())
    assert (head["as_of"], head["currency"], head["accounts"]) == ("2026-03-01T00:00:00", "EUR", 5)
    assert head["models"] == [{"question": "churn", "version": "7", "rung": "lightgbm", "horizon_days": 90}]


def test_a_question_adds_up_its_accounts() -> None:
    """Money, expected money and bands are sums over the scored accounts; the most money at stake comes first."""
    told = question_summary(literal_run(), "churn", language="en", top=2)
    assert (told["accounts"], told["money"]) == (5, 75480.0)
    assert told["expected_money"] == pytest.approx(12 * (420 + 250 + 30 + 36))
    assert told["bands"] == {"high": 3, "low": 1, "medium": 1}
    assert [row["account_id"] for row in told["top"]] == ["acme", "bolt"]


@pytest.mark.parametrize(("language", "start"), [("en", "A customer"), ("cs", "Zákazník")])
def test_the_first_reason_is_in_the_language(language: str, start: str) -> None:
    """The reason of rank 1 stands beside the account."""
    told = question_summary(literal_run(), "churn", language=language)
    assert all(row["reason"].startswith(start) for row in told["top"])


def test_relations_and_segments_add_up_to_the_whole() -> None:
    """No account is counted twice or lost, also where its industry is not known."""
    run = literal_run()
    accounts = run.accounts.assign(industry=["Software", None, "Machinery", None, "Health"])
    told = forecast_summary(dataclasses.replace(run, accounts=accounts))
    whole = 20 * (1000 + 5000 + 250 + 40)
    assert told["clv"] == whole
    assert sum(row["clv"] for row in told["relations"]) == whole
    assert sum(row["clv"] for row in told["segments"]) == whole


def test_the_segment_is_what_is_known_of_most() -> None:
    """Country is known of all, industry of three, region of none."""
    run = literal_run()
    accounts = run.accounts.assign(industry=["Software", None, "Machinery", None, "Health"])
    assert forecast_summary(dataclasses.replace(run, accounts=accounts))["segment"] == "country"


def test_the_extrapolated_share_is_weighed_by_value() -> None:
    """A quarter of each account's value is a quarter of the sum."""
    assert forecast_summary(literal_run())["relations"][0]["extrapolated_share"] == pytest.approx(0.25)


def test_summaries_are_json() -> None:
    """Nothing needs a special encoder, and empty forecasts are no error."""
    run = literal_run()
    empty = dataclasses.replace(run, clv=run.clv.iloc[:0], notes=("nothing to forecast",))
    text = json.dumps([run_head(run), question_summary(run, "churn", language="en"), forecast_summary(empty)])
    assert "nothing to forecast" in text


def test_totals_by_horizon_have_the_forecasts_range() -> None:
    """As wide as the revenue of each relation: a fifth either way; the summary of the company stands beside."""
    told = forecast_summary(with_values(literal_run(), FORECAST))
    assert [one["horizon_months"] for one in told["horizons"]] == [12, 24]
    assert told["clv"] == told["horizons"][-1]["clv"] == 127_800
    for one in told["horizons"]:
        assert one["clv_p10"] == pytest.approx(0.8 * one["clv"])
        assert one["clv_p90"] == pytest.approx(1.2 * one["clv"])
    assert [row["clv"] for row in told["relations"]] == [125_800, 2_000]
    assert told["company"]["mrr_now"] == 6000
    first = told["top"][0]
    assert (first["account_id"], first["clv"], first["clv_p90"], first["ltv_cac"]) == ("bolt", 100_000, 135_000, None)
