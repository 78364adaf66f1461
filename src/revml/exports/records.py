"""Rows of a frame as plain values for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd


def records(frame: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Rows as plain Python values; missing values become None.

    >>> records(pd.DataFrame({"a": [1.5, float("nan")]}), ["a"])
    [{'a': 1.5}, {'a': None}]
    """
    plain = frame[list(columns)].astype("object")
    return [{str(k): v for k, v in row.items()} for row in plain.where(plain.notna(), None).to_dict("records")]
