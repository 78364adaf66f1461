"""A reader: what scoring publishes, of rows that come without a frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.explanations import explain
from revml.explanations.coded import Coded
from revml.explanations.reader import Reader, Rows
from revml.models.bundle import Bundle
from tests.explanations.literal_bundles import FEATURES, bundle, frame, linear

WEIGHTS = {"active_users_28d": -0.8, "mrr": 0.3, "days_to_renewal": -0.4, "auto_renew": -0.2, "plan": 0.6}


@pytest.fixture
def rows() -> pd.DataFrame:
    """Sixty made accounts."""
    return frame(60)


@pytest.fixture
def made(tmp_path: Path, rows: pd.DataFrame) -> Bundle:
    """A linear model over all features."""
    return bundle(tmp_path, linear(WEIGHTS, rows), rows)


def as_rows(bundle: Bundle, rows: pd.DataFrame) -> Rows:
    """A frame as a service decodes it."""
    plan = rows["plan"].astype(object).where(rows["plan"].notna(), None).tolist()
    return Rows(bundle.encoding.matrix(rows), {"plan": plan})


def test_probability_and_band_are_the_bundles(made: Bundle, rows: pd.DataFrame) -> None:
    """To the last bit, with reasons and without."""
    reader = Reader(made, currency="EUR")
    wanted = made.predict(rows)
    for top in (0, 4):
        read = reader.read(as_rows(made, rows), top=top)
        assert read.probability.tolist() == wanted.tolist()
        assert read.band.tolist() == made.bands.of(wanted).tolist()


def test_concepts_and_contributions_are_those_that_are_published(made: Bundle, rows: pd.DataFrame) -> None:
    """The same concepts in the same order, each adding the same to the log-odds."""
    reader = Reader(made, currency="EUR")
    told = reader.reasons(reader.read(as_rows(made, rows)), "en")
    published = explain(made, rows, None, currency="EUR")
    for i, account in enumerate(rows["account_id"]):
        mine = published[published["account_id"] == account]
        assert [one["concept"] for one in told[i]] == mine["concept"].tolist()
        assert [one["side"] for one in told[i]] == mine["side"].tolist()
        assert np.allclose([one["contribution"] for one in told[i]], mine["contribution"], atol=1e-12)


def test_a_part_says_what_its_rows_say_alone(made: Bundle, rows: pd.DataFrame) -> None:
    """Rows of several callers in one block: each gets its own, in both languages."""
    reader = Reader(made, currency="EUR")
    whole = reader.read(as_rows(made, rows))
    for start, stop in ((0, 1), (7, 31), (59, 60)):
        alone = reader.read(as_rows(made, rows.iloc[start:stop]))
        part = whole.part(start, stop)
        assert part.probability.tolist() == alone.probability.tolist()
        for language in ("en", "cs"):
            assert reader.reasons(part, language) == reader.reasons(alone, language)


def test_no_reasons_are_made_where_none_are_asked_for(made: Bundle, rows: pd.DataFrame) -> None:
    """A score alone costs no explanation."""
    reader = Reader(made, currency="EUR")
    read = reader.read(as_rows(made, rows), top=0)
    assert read.chosen is None
    assert reader.reasons(read, "en") == [[] for _ in range(len(rows))]


def test_features_of_the_reasons_are_the_models(made: Bundle, rows: pd.DataFrame) -> None:
    """Each reason names one of them, at most so many as were asked for."""
    reader = Reader(made, currency="EUR")
    told = reader.reasons(reader.read(as_rows(made, rows), top=2), "cs")
    assert {one["feature"] for row in told for one in row} <= set(FEATURES)
    assert max(len(row) for row in told) == 2


def test_many_sentences_are_those_of_each_row(made: Bundle, rows: pd.DataFrame) -> None:
    """Told together, with categories in codes, as told one by one, in both languages."""
    reader = Reader(made, currency="EUR")
    plain = as_rows(made, rows)
    values = (*sorted({text for text in plain.texts["plan"] if text}), "never seen", None)
    coded = Coded(values, np.array([values.index(text) for text in plain.texts["plan"]]))
    read = reader.read(Rows(plain.matrix, {"plan": coded}))
    for language in ("en", "cs"):
        wanted = [one["text"] for row in reader.reasons(reader.read(plain), language) for one in row]
        assert reader.texts(read, language) == wanted
