"""Types told by the values: each column by one fact."""

from __future__ import annotations

import pandas as pd
import pytest

from revml.sources.told_types import convert, tell


def test_blanks_among_numbers_are_missing_and_said() -> None:
    """Numbers as text with two blanks become numbers, and the note counts the blanks."""
    told = tell(pd.Series(["29.85", " ", "", "1889.5"] * 10))
    assert told.kind == "number"
    assert told.values.isna().sum() == 20
    assert "20 blank" in told.note


def test_a_stray_word_among_numbers_is_missing_and_quoted() -> None:
    """One word in a hundred numbers is missing, and the note says which word."""
    told = tell(pd.Series([str(i / 7) for i in range(99)] + ["ask Jan"]))
    assert told.kind == "number"
    assert "'ask Jan'" in told.note


def test_many_words_among_numbers_make_a_category() -> None:
    """A column that is half words is no column of numbers."""
    assert tell(pd.Series(["1", "two"] * 10)).kind == "category"


def test_codes_with_leading_zeros_stay_names() -> None:
    """01234 is a postcode and no number."""
    assert tell(pd.Series(["01234", "10115", "80331"])).kind == "category"


def test_a_number_declared_as_a_name_is_one() -> None:
    """What revml.yaml lists as categorical is a category, whole numbers without a decimal point."""
    told = tell(pd.Series([90003.0, 90005.0]), categorical=True)
    assert (told.kind, told.values.tolist()) == ("category", ["90003", "90005"])


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([None, None], "empty"),
        (["", " "], "empty"),
        (["CZ", "CZ"], "every row holds 'CZ'"),
        ([1, 1], "every row holds 1"),
        (list(range(100)), "numbers the rows"),
        ([[1], [2]], "lists"),
    ],
)
def test_what_tells_nothing_is_left_out_with_a_reason(values: list[object], why: str) -> None:
    """Empty, constant, numbering and nested columns are no features."""
    told = tell(pd.Series(values))
    assert told.kind is None
    assert why in told.note


def test_infinity_is_missing() -> None:
    """What 32 bits cannot hold is unknown."""
    assert tell(pd.Series([1.0, float("inf"), 1e300, 2.0])).values.isna().tolist() == [False, True, True, False]


def test_truth_values_are_flags() -> None:
    """Booleans, with or without missing ones, and columns of 0 and 1."""
    assert tell(pd.Series([True, False])).kind == "flag"
    assert tell(pd.Series([True, None, False], dtype="object")).kind == "flag"
    assert tell(pd.Series([0, 1, 1])).kind == "flag"


def test_dates_as_text_are_times() -> None:
    """ISO dates are instants in UTC."""
    told = tell(pd.Series(["2026-03-01", "2026-03-01T02:00:00+02:00"]))
    assert told.kind == "days"
    assert told.values.nunique() == 1


def test_serving_keeps_the_kind_of_training() -> None:
    """A batch whose numbers are all blank stays a column of numbers, one with words is refused."""
    assert convert(pd.Series(["", ""]), "number").isna().all()
    with pytest.raises(ValueError, match="ask Jan"):
        convert(pd.Series(["ask Jan", "1"] * 5), "number")
