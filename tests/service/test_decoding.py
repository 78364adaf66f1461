"""Rows straight into the matrix: every form gives the same, and what is wrong is named where it stands."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from revml.models.bundle import Bundle
from revml.service.decoding import Decoder
from revml.service.problems import Problem
from tests.service.conftest import FRAME, write_bundle_of

ROW = {"active_users_28d": 3, "seats": 5.5, "industry": "retail"}
ROWS = [ROW, {"active_users_28d": None, "seats": True, "industry": "mining"}, {**ROW, "industry": None}]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle over two numbers and a category."""
    return write_bundle_of(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def decoder(bundle: Bundle) -> Decoder:
    """Takes up to five rows."""
    return Decoder(bundle, max_rows=5)


def _columns() -> dict[str, list[Any]]:
    return {name: [row[name] for row in ROWS] for name in ("industry", "seats", "active_users_28d")}


def _table() -> pa.Table:
    columns = _columns()
    columns["seats"] = [float(v) for v in columns["seats"]]
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def _field(problem: Problem) -> str:
    return str(problem.content["field"])


def stream_of(table: pa.Table) -> bytes:
    """A table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def parquet_of(table: pa.Table) -> bytes:
    """A table as a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def test_all_forms_give_the_same_matrix(decoder: Decoder, bundle: Bundle) -> None:
    """Rows, columns, an Arrow stream and Parquet: the bits that the bundle's own encoding gives."""
    wanted = bundle.encoding.matrix(pd.DataFrame(_columns()).astype({"seats": float}))
    told = (
        decoder.rows(ROWS),
        decoder.columns(_columns()),
        decoder.arrow_stream(stream_of(_table())),
        decoder.parquet(parquet_of(_table())),
    )
    for one in told:
        assert np.array_equal(one.rows.matrix, wanted, equal_nan=True)
        assert one.unseen == {1: ["industry"]}
        assert list(one.rows.texts["industry"]) == ["retail", "mining", None]


def test_categories_may_come_as_a_dictionary(decoder: Decoder) -> None:
    """Arrow's dictionary columns are texts."""
    table = _table()
    coded = table.set_column(0, "industry", table["industry"].dictionary_encode())
    assert decoder.arrow_stream(stream_of(coded)).unseen == {1: ["industry"]}


def test_a_frame_of_hundreds_is_taken_whole(bundle: Bundle) -> None:
    """The rows of a training frame, each value where it belongs."""
    many = Decoder(bundle, max_rows=10_000)
    rows = json.loads(FRAME.to_json(orient="records")) * 50
    wanted = bundle.encoding.matrix(pd.concat([FRAME] * 50, ignore_index=True))
    assert np.array_equal(many.rows(rows).rows.matrix, wanted, equal_nan=True)


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"seats": [1], "industry": ["retail"]}, "columns.active_users_28d"),
        ({"active_users_28d": [1, 2], "seats": [1], "industry": ["retail"]}, "columns.seats"),
        ({"active_users_28d": [1], "seats": 1, "industry": ["retail"]}, "columns.seats"),
        ({"active_users_28d": [1], "seats": ["1"], "industry": ["retail"]}, "columns.seats[0]"),
        ({"active_users_28d": [1], "seats": [1e300], "industry": ["retail"]}, "columns.seats[0]"),
        ({"active_users_28d": [1], "seats": [10**400], "industry": ["retail"]}, "columns.seats[0]"),
        ({"active_users_28d": [1], "seats": [1], "industry": [5]}, "columns.industry[0]"),
        ({"active_users_28d": [1], "seats": [1], "industry": ["x" * 300]}, "columns.industry[0]"),
        ({"active_users_28d": [], "seats": [], "industry": []}, "rows"),
        ({"active_users_28d": [1] * 6, "seats": [1] * 6, "industry": [None] * 6}, "rows"),
        ({"active_users_28d": [1], "seats": [1], "industry": [None], "seets": [1]}, "columns.seets"),
    ],
)
def test_wrong_columns_are_named(decoder: Decoder, columns: dict[str, Any], field: str) -> None:
    """422 with the feature, and the place in it."""
    with pytest.raises(Problem) as caught:
        decoder.columns(columns)
    assert (caught.value.status, _field(caught.value)) == (422, field)


@pytest.mark.parametrize(
    ("name", "values", "field"),
    [
        ("seats", pa.array(["5"]), "columns.seats"),
        ("seats", pa.array([[5.0]]), "columns.seats"),
        ("seats", pa.array([1e300]), "columns.seats[0]"),
        ("seats", pa.array([float("inf")]), "columns.seats[0]"),
        ("industry", pa.array([5]), "columns.industry"),
        ("seets", pa.array([5.0]), "columns.seets"),
    ],
)
def test_wrong_arrow_columns_are_named(decoder: Decoder, name: str, values: pa.Array, field: str) -> None:
    """Text for a number, lists, numbers beyond float32, numbers for text, columns too many."""
    table = _table().slice(0, 1)
    at = table.column_names.index(name) if name in table.column_names else -1
    changed = table.set_column(at, name, values) if at >= 0 else table.append_column(name, values)
    with pytest.raises(Problem) as caught:
        decoder.arrow_stream(stream_of(changed))
    assert (caught.value.status, _field(caught.value)) == (422, field)


@pytest.mark.parametrize(
    ("value", "detail"), [(1e39, "beyond float32"), (10**400, "beyond float32"), ("5", "not a number")]
)
def test_a_number_too_large_is_called_that(decoder: Decoder, value: object, detail: str) -> None:
    """It is a number, but none that the trees compare with."""
    with pytest.raises(Problem) as caught:
        decoder.columns({"active_users_28d": [1.0], "seats": [value], "industry": [None]})
    assert caught.value.content["detail"] == detail


def test_of_a_stream_that_is_too_long_the_rest_is_not_counted(decoder: Decoder) -> None:
    """What came is told as far as it was read."""
    table = pa.concat_tables([_table()] * 1000)
    with pytest.raises(Problem) as caught:
        decoder.arrow_stream(stream_of(table))
    assert caught.value.content["got"].endswith("rows or more")


def test_an_unknown_number_may_be_nan_in_arrow(decoder: Decoder) -> None:
    """Frames have NaN where JSON has null."""
    table = _table().slice(0, 1)
    told = decoder.table(table.set_column(1, "seats", pa.array([float("nan")])))
    assert np.isnan(told.rows.matrix).sum() == 1


def test_a_column_that_stands_twice_is_refused(decoder: Decoder) -> None:
    """Nobody could say which of them counts."""
    table = _table()
    twice = pa.Table.from_arrays([*table.columns, table.column("seats")], names=[*table.column_names, "seats"])
    with pytest.raises(Problem) as caught:
        decoder.arrow_stream(stream_of(twice))
    assert caught.value.status == 422


@pytest.mark.parametrize("form", ["arrow_stream", "parquet"])
def test_broken_bytes_are_told(decoder: Decoder, form: str) -> None:
    """Cut at any place, or flipped anywhere: 400 or 422, or the very same rows, never a crash."""
    whole = stream_of(_table()) if form == "arrow_stream" else parquet_of(_table())
    take = getattr(decoder, form)
    rng = np.random.default_rng(11)
    bodies = [whole[:cut] for cut in range(0, len(whole), max(len(whole) // 150, 1))]
    for at in rng.integers(0, len(whole), 300).tolist():
        bodies.append(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
    refused = []
    for body in [b"", b"PAR1", b"\xff" * 64, *bodies]:
        try:
            take(body)
        except Problem as problem:
            refused.append(problem.status)
    assert len(refused) > 50
    assert set(refused) <= {400, 422}


def test_an_arrow_stream_of_too_many_rows_is_not_read_to_its_end(decoder: Decoder) -> None:
    """The limit holds while the batches come in."""
    table = pa.concat_tables([_table()] * 1000)
    with pytest.raises(Problem) as caught:
        decoder.arrow_stream(stream_of(table))
    assert (caught.value.status, _field(caught.value)) == (422, "rows")


def test_parquet_that_unpacks_to_more_than_allowed_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    """The number of rows stands in the footer, before anything is unpacked."""
    many = pa.table({name: pa.nulls(2_000_000) for name in ("active_users_28d", "seats", "industry")})
    body = parquet_of(many)
    assert len(body) < 100_000
    with pytest.raises(Problem) as caught:
        Decoder(bundle, max_rows=1000).parquet(body)
    assert _field(caught.value) == "rows"
