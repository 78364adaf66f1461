"""Lists of numbers as JSON text, a million months at a time: the flows of a run are by far the most that it holds.

`JsonText` is JSON already; the database's serializer lets it through as it is.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


class JsonText(str):
    """A text that is JSON."""

    __slots__ = ()


def serialize(value: Any) -> str:
    """A value as JSON text.

    >>> serialize(JsonText("[1.5]")), serialize({"a": None})
    ('[1.5]', '{"a": null}')
    """
    return value if type(value) is JsonText else json.dumps(value)


def as_lists(
    values: pd.Series[float], ends: npt.NDArray[np.int64], *, none_where_empty: bool = False
) -> list[JsonText | None]:
    """A column cut into lists; what is no number is null.

    Args:
        ends: where each list begins, and where the last one ends.
        none_where_empty: None in place of a list that holds no number at all.

    >>> as_lists(pd.Series([0.5, float("nan"), 2.0]), np.array([0, 2, 3]))
    ['[0.5,null]', '[2]']
    """
    numbers = values.to_numpy(dtype="float64", na_value=np.nan)
    text = pa.array(numbers).cast(pa.string())
    strange = ~np.isfinite(numbers)
    if strange.any():
        text = pc.if_else(pa.array(strange), "null", text)
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(ends, pa.int32()), text), ",")
    out: list[JsonText | None] = [JsonText(f"[{one}]") for one in joined.to_pylist()]
    if none_where_empty and strange.any():
        for place in np.flatnonzero(np.logical_and.reduceat(strange, ends[:-1])):
            out[place] = None
    return out
