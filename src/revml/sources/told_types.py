"""What a column of a ready table holds, told by its values: numbers, flags, days, or categories.

Comes in: a column as its source gives it (a CSV gives text). Goes out: its kind, its values in one form (float64 or
text, missing where unknown) and what a person should hear. A number that is written as text becomes a number, with what
was not a number missing; a code with leading zeros, and a column that says so itself, stays a name. Serving converts by
the kinds that training found and never tells them anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

ColumnKind = Literal["number", "flag", "days", "category"]
GREATEST = 3.4e38  # float32, what trees compare
UNKNOWN = frozenset({"", "na", "n/a", "nan", "none", "null", "nil", "-", "?", "#n/a", "\\n"})
NEARLY = 0.95  # share of the texts that must be numbers for the rest to count as missing
STRAYS = 3  # and how many different texts the rest may hold
DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?")


@dataclass(frozen=True)
class Column:
    """A column after its type was told.

    Attributes:
        kind: what it holds; None where it is left out.
        values: float64, or text with None where unknown; days are times until they meet an as_of.
        note: what was done to it, if anything; for a column left out, why.
    """

    kind: ColumnKind | None
    values: pd.Series[Any]
    note: str = ""


def tell(values: pd.Series[Any], *, categorical: bool = False) -> Column:
    """The kind of a column and its values in one form.

    >>> tell(pd.Series(["1.5", " ", "20"])).values.tolist()
    [1.5, nan, 20.0]
    >>> tell(pd.Series(["01234", "99999"])).kind
    'category'
    """
    if values.isna().all():
        return Column(None, values, "it is empty")
    if categorical:
        return _category(texts(values))
    if pd.api.types.is_bool_dtype(values):
        return Column("flag", values.astype("float64"))
    if pd.api.types.is_numeric_dtype(values):
        return _number(_finite(values), "")
    if pd.api.types.is_datetime64_any_dtype(values):
        return Column("days", times(values))
    if isinstance(values.dtype, pd.StringDtype):
        return _plain_numbers(values) or _of_text(texts(values))
    if any(isinstance(v, (list, dict, bytes, bytearray, np.ndarray)) for v in values.dropna().head(20)):
        return Column(None, values, "it holds lists or bytes")
    if values.dropna().map(lambda v: isinstance(v, bool)).all():
        return Column("flag", values.astype("float64"))
    return _of_text(texts(values))


def convert(values: pd.Series[Any], kind: str) -> pd.Series[Any]:
    """A column as the kind that training found.

    Raises:
        ValueError: it holds a text where the model wants a number; the text is the message.
    """
    if kind == "category":
        return texts(values)
    if kind == "days":
        return times(values)
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        return _finite(values)
    told = texts(values)
    numbers = pd.to_numeric(told, errors="coerce")
    stray = told[told.notna() & numbers.isna()]
    # What training counted as missing is missing here too, as long as it is the exception.
    if len(stray) and (stray.nunique() > STRAYS or len(stray) > max(1, (1 - NEARLY) * told.notna().sum())):
        raise ValueError(repr(stray.iloc[0])[:80])
    return _finite(numbers)


def texts(values: pd.Series[Any]) -> pd.Series[Any]:
    """Values as text without spaces around; None where unknown; whole numbers without a decimal point."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    plain = values.astype("object").where(values.notna(), None)
    told = [None if v is None else str(v).strip() for v in plain]
    return pd.Series([None if t is None or t.casefold() in UNKNOWN else t for t in told], values.index, dtype="object")


def times(values: pd.Series[Any]) -> pd.Series[Any]:
    """Instants as naive UTC; NaT where there is none."""
    if not pd.api.types.is_datetime64_any_dtype(values):
        values = pd.to_datetime(texts(values), errors="coerce", format="ISO8601", utc=True)
    elif values.dt.tz is None:
        return values.astype("datetime64[us]")
    told: pd.Series[Any] = values.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[us]")
    return told


def _finite(values: pd.Series[Any]) -> pd.Series[Any]:
    numbers = pd.Series(values.to_numpy(dtype="float64", na_value=np.nan), values.index)
    return numbers.where(numbers.abs() <= GREATEST)


def _number(numbers: pd.Series[Any], note: str) -> Column:
    known = numbers.dropna()
    if known.empty:
        return Column(None, numbers, "it is empty")
    if known.nunique() == 1 and len(known) == len(numbers):
        return Column(None, numbers, f"every row holds {known.iloc[0]:g}")
    whole = bool((known % 1 == 0).all())
    if whole and len(known) >= 30 and known.nunique() == len(numbers) and np.ptp(known) < 2 * len(numbers):
        return Column(None, numbers, "it numbers the rows: an id, not a property")
    return Column("flag" if set(known.unique()) == {0.0, 1.0} else "number", numbers, note)


def _plain_numbers(values: pd.Series[Any]) -> Column | None:
    """A column of texts each of which is a number or missing; None where one is not. No text is looked at by itself."""
    numbers = pd.to_numeric(values, errors="coerce")
    if (numbers.isna() & values.notna()).any() or values.str.match(r"\s*0\d").any():
        return None
    return _number(_finite(numbers), "")


def _of_text(told: pd.Series[Any]) -> Column:
    known = told.dropna()
    if known.empty:
        return Column(None, told, "it is empty")
    numbers = pd.to_numeric(known, errors="coerce")
    stray = known[numbers.isna()]
    coded = bool(known.str.fullmatch(r"0\d+").any())
    if not coded and len(stray) <= (1 - NEARLY) * len(known) and stray.nunique() <= STRAYS:
        parts = [f"{len(told) - len(known):,} blank" if len(known) < len(told) else ""]
        parts += [f"{len(stray):,} that say {', '.join(map(repr, sorted(stray.unique())))}" if len(stray) else ""]
        missing = " and ".join(filter(None, parts))
        note = f"numbers written as text; missing: {missing}" if missing else ""
        return _number(_finite(numbers.reindex(told.index)), note)
    if bool(known.str.fullmatch(DATE).all()):
        return Column("days", times(told))
    return _category(told)


def _category(told: pd.Series[Any]) -> Column:
    known = told.dropna()
    if known.empty:
        return Column(None, told, "it is empty")
    if known.nunique() == 1 and len(known) == len(told):
        return Column(None, told, f"every row holds {known.iloc[0]!r}")
    return Column("category", told)
