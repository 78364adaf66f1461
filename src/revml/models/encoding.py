"""One frozen, fitted encoding for training and serving: a frame of features becomes a matrix of numbers.

Comes in: a frame, or Arrow's table or batch, with at least the named columns, in any order. Goes out: float64, one
column a feature in the fitted order; categories are codes; missing, unknown and infinite values are NaN. A missing
column is an error that names it; extra columns are ignored; nothing is ever refitted on what is scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from revml.errors import BundleError
from revml.models import arrow_rows

ColumnKind = Literal["number", "category"]
Rows: TypeAlias = pd.DataFrame | pa.Table | pa.RecordBatch


@dataclass(frozen=True)
class EncodedColumn:
    """A feature as the model sees it.

    Args:
        name: the feature's name.
        kind: number, or category (text in the frame, a code in the matrix).
        dtype: what the column was in the training frame, for the record.
        codes: the categories seen in training, in the order of their codes.
        monotone: 1, -1 or 0; which way the prediction may move with the feature.
        window_days: the feature's trailing window, where it has one.
    """

    name: str
    kind: ColumnKind
    dtype: str
    codes: tuple[str, ...] = ()
    monotone: int = 0
    window_days: int | None = None


@dataclass(frozen=True)
class Encoding:
    """The fitted encoding; equal encodings give equal matrices.

    >>> frame = pd.DataFrame({"seats": [3, 5], "industry": ["retail", "banking"]})
    >>> encoding = Encoding.fit(frame, ("seats", "industry"), categorical=("industry",))
    >>> encoding.matrix(pd.DataFrame({"industry": ["banking", "mining"], "seats": [7, None]})).tolist()
    [[7.0, 0.0], [nan, nan]]
    """

    columns: tuple[EncodedColumn, ...]

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        features: Sequence[str],
        *,
        categorical: Sequence[str] = (),
        monotone: Mapping[str, int] | None = None,
        windows: Mapping[str, int | None] | None = None,
        least: int = 1,
    ) -> Encoding:
        """Learn the order, the types and the categories of a training frame.

        Args:
            least: accounts (rows, where the frame names none) that a category needs to have a code; rarer ones count as
                unknown, like those never seen, so that a postcode of three accounts cannot be learned by heart.
        """
        made = []
        for name in features:
            values = _column(frame, name)
            is_category = name in categorical
            codes = common_values(values, frame.get("account_id"), least) if is_category else ()
            made.append(
                EncodedColumn(
                    name,
                    "category" if is_category else "number",
                    str(values.dtype),
                    codes,
                    0 if is_category else (monotone or {}).get(name, 0),
                    (windows or {}).get(name),
                )
            )
        return cls(tuple(made))

    @property
    def names(self) -> tuple[str, ...]:
        """Features in the order of the matrix."""
        return tuple(c.name for c in self.columns)

    @property
    def categorical(self) -> tuple[str, ...]:
        """The features that are categories."""
        return tuple(c.name for c in self.columns if c.kind == "category")

    @cached_property
    def _codes(self) -> dict[str, dict[str, float]]:
        return {c.name: {v: float(i) for i, v in enumerate(c.codes)} for c in self.columns if c.kind == "category"}

    def matrix(self, rows: Rows) -> np.ndarray:
        """Encode a frame, or rows in Arrow; shape (rows, features), float64.

        Raises:
            BundleError: a column is missing, or holds text where the model wants numbers.
        """
        out = np.empty((len(rows), len(self.columns)))
        for j, column in enumerate(self.columns):
            out[:, j] = self._encoded(rows, column)
        out[~np.isfinite(out)] = np.nan
        return out

    def _encoded(self, rows: Rows, column: EncodedColumn) -> np.ndarray:
        if not isinstance(rows, pd.DataFrame):
            return self._encoded_arrow(rows, column)
        values = _column(rows, column.name)
        if column.kind == "number":
            return _numbers(values, column.name)
        codes = self._codes[column.name]
        if isinstance(values.dtype, pd.StringDtype | pd.CategoricalDtype):
            places, known = pd.factorize(values)
            return np.array([*(codes.get(str(v), np.nan) for v in known), np.nan])[places]
        texts = values.astype("object").where(values.notna(), None)
        return np.array([np.nan if v is None else codes.get(str(v), np.nan) for v in texts], dtype=float)

    def _encoded_arrow(self, rows: pa.Table | pa.RecordBatch, column: EncodedColumn) -> np.ndarray:
        try:
            values = arrow_rows.column_of(rows, column.name)
        except KeyError:
            raise _missing(column.name, rows.schema.names) from None
        if column.kind == "category":
            return arrow_rows.category_codes(values, self._codes[column.name])
        try:
            return arrow_rows.numbers(values)
        except TypeError:
            raise _not_a_number(column.name, values.drop_null()[0].as_py()) from None

    def rows(self, records: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Encode rows as a service receives them (name: value, null where unknown) without building a frame.

        Raises:
            BundleError: a feature is absent from a row, or is text where the model wants a number.
        """
        out = np.empty((len(records), len(self.columns)))
        for i, record in enumerate(records):
            for j, column in enumerate(self.columns):
                try:
                    value = record[column.name]
                except KeyError:
                    raise _missing(column.name, record) from None
                if value is None:
                    out[i, j] = np.nan
                elif column.kind == "category":
                    out[i, j] = self._codes[column.name].get(str(value), np.nan)
                elif isinstance(value, (int, float)):
                    out[i, j] = value
                else:
                    raise _not_a_number(column.name, value)
        out[~np.isfinite(out)] = np.nan
        return out

    def to_json(self) -> dict[str, Any]:
        """What `features.json` holds."""
        return {"columns": [asdict(c) for c in self.columns]}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Encoding:
        """Read what `to_json` wrote."""
        return cls(tuple(EncodedColumn(**{**c, "codes": tuple(c["codes"])}) for c in raw["columns"]))


def common_values(values: pd.Series[Any], accounts: pd.Series[Any] | None = None, least: int = 1) -> tuple[str, ...]:
    """The values of a category that at least so many accounts have, in order.

    >>> common_values(pd.Series(["a", "b", "b"]), least=2)
    ('b',)
    """
    known = values.dropna().astype(str)
    counts = known.value_counts() if accounts is None else accounts[known.index].groupby(known).nunique()
    return tuple(sorted(str(value) for value, n in counts.items() if n >= least))


def _column(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    try:
        return frame[name]
    except KeyError:
        raise _missing(name, frame.columns) from None


def _missing(name: str, known: Any) -> BundleError:
    return BundleError(
        f"the feature {name!r} is missing",
        where="features",
        wanted=f"a column {name!r}; leave its values empty where they are unknown",
        got=f"{len(list(known))} columns without it",
        do="build the features with the revml that trained the model, or train again",
    )


def _numbers(values: pd.Series[Any], name: str) -> np.ndarray:
    try:
        return np.asarray(values.to_numpy(dtype="float64", na_value=np.nan))
    except (TypeError, ValueError):
        bad = next((v for v in values if v is not None and not isinstance(v, (int, float, np.number))), None)
        raise _not_a_number(name, bad) from None


def _not_a_number(name: str, value: Any) -> BundleError:
    return BundleError(
        f"the feature {name!r} is not a number", where="features", wanted="a number or nothing", got=repr(value)[:80]
    )
