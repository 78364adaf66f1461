"""Rows at risk: columns and parts are those of the joined frame."""

from __future__ import annotations

import pandas as pd
import pytest

from revml.at_risk import AtRisk

PAIRS = pd.DataFrame(
    {
        "account_id": ["B", "A", "A", "C"],
        "item": ["oil", "tyres", "oil", "oil"],
        "money": [2.0, 1.0, 1.5, 3.0],
    }
)
FEATURES = pd.DataFrame({"account_id": ["C", "A", "B"], "seats": [30, 10, 20], "industry": ["health", None, "retail"]})


def test_rows_stand_by_account_and_item() -> None:
    """However they came; every pair of an account has its account's features."""
    rows = AtRisk.of(PAIRS, FEATURES)
    assert rows.part(0, 4)[["account_id", "item", "seats"]].to_numpy().tolist() == [
        ["A", "oil", 10],
        ["A", "tyres", 10],
        ["B", "oil", 20],
        ["C", "oil", 30],
    ]


@pytest.mark.parametrize("size", [1, 3, 4, 9, None])
def test_parts_are_the_whole(size: int | None) -> None:
    """Parts of any size, put together, are the joined frame, and so is each column alone."""
    rows = AtRisk.of(PAIRS, FEATURES)
    joined = PAIRS.merge(FEATURES, on="account_id").sort_values(["account_id", "item"], ignore_index=True)
    parts = [rows.part(*span) for span in rows.parts(size)]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), joined)
    for name in rows.columns:
        pd.testing.assert_series_equal(rows.column(name), joined[name], check_names=False)


def test_an_account_without_features_has_nothing_known() -> None:
    """Its row is there; its features are missing, not another account's."""
    rows = AtRisk.of(PAIRS, FEATURES[FEATURES["account_id"] != "B"])
    told = rows.part(0, 4).set_index(["account_id", "item"])["seats"]
    assert pd.isna(told["B", "oil"])
    assert told["C", "oil"] == 30


def test_nobody_is_one_empty_part() -> None:
    """No rows still have their columns."""
    rows = AtRisk.of(PAIRS.iloc[:0], FEATURES)
    assert list(rows.parts(10)) == [(0, 0)]
    assert list(rows.part(0, 0).columns) == ["account_id", "item", "money", "seats", "industry"]
