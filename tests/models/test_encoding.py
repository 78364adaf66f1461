"""Encoding: fitted once, applied as it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revml.errors import BundleError
from revml.models.encoding import Encoding

TRAIN = pd.DataFrame({"seats": [1.0, 2.0, 3.0], "industry": ["retail", "banking", None]})
ENCODING = Encoding.fit(TRAIN, ("seats", "industry"), categorical=("industry",))


def test_unknown_and_missing_categories_are_missing() -> None:
    """A category that training never saw is encoded as nothing at all is."""
    got = ENCODING.matrix(pd.DataFrame({"seats": [1, 1], "industry": ["mining", None]}))
    assert np.isnan(got[:, 1]).all()


def test_infinite_is_missing() -> None:
    """Infinity never reaches a model."""
    assert np.isnan(ENCODING.matrix(pd.DataFrame({"seats": [np.inf], "industry": ["retail"]}))[0, 0])


def test_a_lone_row_is_encoded_as_in_a_batch() -> None:
    """Codes do not depend on what else is in the frame."""
    batch = ENCODING.matrix(TRAIN)
    alone = np.vstack([ENCODING.matrix(TRAIN.iloc[[i]]) for i in range(len(TRAIN))])
    assert np.array_equal(batch, alone, equal_nan=True)


def test_json_round_trip() -> None:
    """What `features.json` holds gives the same encoding."""
    assert Encoding.from_json(ENCODING.to_json()) == ENCODING


def test_rows_name_the_missing_feature() -> None:
    """A row without a feature is an error that names it."""
    with pytest.raises(BundleError, match="'industry' is missing"):
        ENCODING.rows([{"seats": 1}])


def test_rows_refuse_text_for_numbers() -> None:
    """A text where a number belongs is an error that shows it."""
    with pytest.raises(BundleError, match="'three'"):
        ENCODING.rows([{"seats": "three", "industry": "retail"}])


@given(st.lists(st.tuples(st.one_of(st.none(), st.floats(), st.integers(-(2**40), 2**40)), st.text(max_size=4))))
def test_rows_equal_frames(rows: list[tuple[float | None, str]]) -> None:
    """Whatever a row holds, the service's way and the frame's way give the same matrix."""
    records = [{"seats": seats, "industry": industry} for seats, industry in rows]
    frame = pd.DataFrame({"seats": [r[0] for r in rows], "industry": [r[1] for r in rows]}, dtype=object)
    assert np.array_equal(ENCODING.rows(records), ENCODING.matrix(frame), equal_nan=True)
