"""One pass over a frame, and rows in Arrow: the same bits that each call gives alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from revml.errors import BundleError
from revml.explanations.one_pass import raw_and_parts
from revml.models.baselines import Constant, Logistic, Rule, Rung
from revml.models.blend import Blend
from revml.models.encoding import Encoding
from revml.models.learner import dataset, fit_trees

ROWS = 300
FRAME = pd.DataFrame(
    {
        "seats": np.arange(ROWS) % 17,
        "mrr": pd.Series(np.arange(ROWS) * 0.37, dtype="float32").where(np.arange(ROWS) % 5 != 0),
        "auto_renew": np.arange(ROWS) % 3 == 0,
        "industry": pd.Series(["retail", "health", None], dtype="str").take(np.arange(ROWS) % 3).to_numpy(),
    }
)
LABEL = (FRAME["seats"] + 2 * (FRAME["industry"] == "retail") > 9).to_numpy(float)
ENCODING = Encoding.fit(FRAME, tuple(FRAME.columns), categorical=("industry",))
MATRIX = ENCODING.matrix(FRAME)
ACCOUNTS = np.arange(ROWS)


def _trees() -> Rung:
    params = {"num_leaves": 7, "min_data_in_leaf": 5}
    return fit_trees(dataset(MATRIX, LABEL, ENCODING, params), ENCODING, params, rounds=20, seed=1, threads=1)


def _line() -> Rung:
    return Logistic.path(MATRIX, LABEL, ACCOUNTS, ENCODING, strengths=[0.1])[0]


RUNGS: dict[str, Callable[[], Rung | None]] = {
    "constant": lambda: Constant.fit(LABEL),
    "rule": lambda: Rule.fit(MATRIX, LABEL, ACCOUNTS, ENCODING),
    "logistic": _line,
    "lightgbm": _trees,
    "blend": lambda: Blend(_line(), _trees(), 0.7),
}


@pytest.mark.parametrize("name", RUNGS)
def test_one_pass_gives_what_each_call_gives(name: str) -> None:
    """Log-odds are to the bit what the rung gives; base and parts are the same numbers."""
    model = RUNGS[name]()
    assert model is not None
    raw, base, parts = raw_and_parts(model, MATRIX)
    alone, parts_alone = model.contributions(MATRIX)
    assert np.ptp(raw) > 0 or name == "constant"
    assert raw.tobytes() == model.raw(MATRIX).tobytes()
    assert base == pytest.approx(alone, abs=1e-12)
    np.testing.assert_allclose(parts, parts_alone, atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", RUNGS)
def test_a_row_has_the_same_bits_alone_and_among_others(name: str) -> None:
    """Parts of the rows, of seven each, give what all at once give."""
    model = RUNGS[name]()
    assert model is not None
    raw, _, parts = raw_and_parts(model, MATRIX)
    some = [raw_and_parts(model, MATRIX[k : k + 7]) for k in range(0, ROWS, 7)]
    assert np.concatenate([s[0] for s in some]).tobytes() == raw.tobytes()
    assert np.concatenate([s[2] for s in some]).tobytes() == parts.tobytes()


@pytest.mark.parametrize("as_dictionary", [False, True])
def test_arrow_gives_the_bits_of_a_frame(as_dictionary: bool) -> None:
    """A table in several pieces and its batches encode like the frame of the same values, dictionaries too."""
    table = pa.Table.from_pandas(FRAME, preserve_index=False)
    if as_dictionary:
        table = table.set_column(3, "industry", table["industry"].dictionary_encode())
    pieces = pa.concat_tables([table.slice(0, 100), table.slice(100)])
    assert ENCODING.matrix(pieces).tobytes() == MATRIX.tobytes()
    batches = [ENCODING.matrix(batch) for batch in pieces.to_batches(max_chunksize=64)]
    assert np.concatenate(batches).tobytes() == MATRIX.tobytes()


def test_text_columns_of_each_kind_are_one() -> None:
    """Objects, text and categories of pandas give the same codes, unseen values none."""
    rows = FRAME.assign(industry=["retail", "mining", None] * (ROWS // 3))
    made = [ENCODING.matrix(rows.astype({"industry": kind})).tobytes() for kind in ("object", "str", "category")]
    assert made[0] == made[1] == made[2]


def test_arrow_names_what_is_wrong() -> None:
    """A missing column and text for a number are errors that tell, as they are for frames."""
    table = pa.Table.from_pandas(FRAME, preserve_index=False)
    with pytest.raises(BundleError, match="'seats' is missing"):
        ENCODING.matrix(table.drop_columns(["seats"]))
    text = pa.array([None, "many", *["1"] * (ROWS - 2)])
    with pytest.raises(BundleError, match="'seats' is not a number"):
        ENCODING.matrix(table.set_column(0, "seats", text))
