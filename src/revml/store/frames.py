"""A `ScoreRun`'s frames, checked before they are published, because a published run is taken at its word.

Comes in: a `ScoreRun`. Goes out: the same, or a refusal: a frame that lacks a column, repeats a key, holds a
probability outside [0, 1] or money that is no number is refused by name. Also the rows of its small tables, and what
`store.columns` makes the columns of the large ones of.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.errors import StoreError
from revml.store.adding_up import check_sums
from revml.store.long import LongFrame, parts_of
from revml.store.runs import (
    ACCOUNT_COLUMNS,
    ATTENTION,
    ATTENTIONS,
    CLV_COLUMNS,
    COMING_COLUMNS,
    CONTRIBUTION_COLUMNS,
    DRIVER_COLUMNS,
    FLOW_COLUMNS,
    HORIZON_COLUMNS,
    OPTIONAL_COLUMNS,
    REASON_COLUMNS,
    SCORE_COLUMNS,
    VALUE_COLUMNS,
    ScoreRun,
)

Row = dict[str, Any]
BANDS = ("high", "medium", "low")
SIDES = ("raises", "lowers")
NO_CLV = -1.0e300
"""Sorts accounts without a CLV after all others."""

_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "accounts": (ACCOUNT_COLUMNS, ("account_id",)),
    "scores": (SCORE_COLUMNS, ("account_id", "question", "item")),
    "reasons": (REASON_COLUMNS, ("account_id", "question", "item", "rank")),
    "clv": (CLV_COLUMNS, ("account_id", "relation", "horizon_months")),
    "flows": (FLOW_COLUMNS, ("account_id", "relation", "month")),
    "values": (VALUE_COLUMNS, ("account_id", "horizon_months")),
    "drivers": (DRIVER_COLUMNS, ("account_id", "concept")),
    "coming": (COMING_COLUMNS, ("account_id",)),
    "contributions": (CONTRIBUTION_COLUMNS, ("account_id", "question", "item")),
}

LONG = ("reasons", "contributions", "flows")  # may come in parts

_SHARE, _PERCENT, _FINITE = (0.0, 1.0), (0.0, 100.0), (-math.inf, math.inf)
_RANGES: dict[str, dict[str, tuple[float, float]]] = {
    "accounts": {"mrr": _FINITE, "order_revenue_12m": _FINITE},
    "scores": {
        "probability": _SHARE,
        **dict.fromkeys(HORIZON_COLUMNS.values(), _SHARE),
        "percentile": _PERCENT,
        "money": _FINITE,
        "expected_money": _FINITE,
    },
    "reasons": {"contribution": _FINITE},
    "clv": {"clv": _FINITE},
    "flows": {"survival": _SHARE},
    "values": {"clv": _FINITE},
    "drivers": {"money": _FINITE},
    "coming": {"p_order_3m": _SHARE, "p_order_12m": _SHARE},
}


def in_parts(frame: LongFrame, most: int) -> Iterator[pd.DataFrame]:
    """A frame cut into parts of at most so many rows."""
    for part in parts_of(frame):
        for start in range(0, len(part), most):
            yield part.iloc[start : start + most]


def fold(text: str) -> str:
    """Text without case and accents, the form in which names are searched and sorted.

    >>> fold("Škoda Auto")
    'skoda auto'
    """
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def check(run: ScoreRun) -> None:
    """Refuse a run whose frames could not be read back as what they claim to be.

    Raises:
        StoreError: names the frame, the column and the first account concerned.
    """
    check_short(run)
    for name in LONG:
        for _part in checked(run, name):
            pass


def check_short(run: ScoreRun) -> None:
    """`check` of all frames but those that may come in parts, which are looked at as they go by: `checked`."""
    known = _known(run)
    for name in _KEYS:
        if name not in LONG:
            _check(getattr(run, name), name, f"run as of {run.as_of:%Y-%m-%d}: {name}", known)
    check_sums(run)


def checked(run: ScoreRun, name: str, most: int | None = None) -> Iterator[pd.DataFrame]:
    """The parts of a frame in `LONG`, each checked before it is given; cut into parts of at most so many rows.

    A key that stands in two parts is refused by the database.

    Raises:
        StoreError: as `check`.
    """
    known = _known(run)
    for part in parts_of(getattr(run, name)):
        _check(part, name, f"run as of {run.as_of:%Y-%m-%d}: {name}", known)
        yield from (part,) if most is None else in_parts(part, most)


def _known(run: ScoreRun) -> pd.Index[Any]:
    return pd.Index(run.accounts.get("account_id", []), dtype=object)


def _check(frame: pd.DataFrame, name: str, where: str, known: pd.Index[Any]) -> None:
    columns, key = _KEYS[name]
    optional = OPTIONAL_COLUMNS.get(name, ())
    missing = [c for c in columns if c not in frame.columns and c not in optional]
    if missing:
        raise StoreError("a column is missing", where=where, wanted=", ".join(columns), got=f"no {missing[0]!r}")
    if frame[list(key)].isna().any(axis=None):
        raise StoreError("a key is empty", where=where, wanted=f"a value in each of {', '.join(key)}")
    starts = first_months(frame) if name == "flows" and len(frame) else None
    # Months in order repeat nothing; then it is enough to look at the first of each account.
    heads, named = (frame, list(key)) if starts is None else (frame.iloc[starts], ["account_id", "relation"])
    if (twice := heads.duplicated(named)).any():
        raise StoreError("a key stands twice", where=where, got=_first(heads, twice, key))
    # An index looks up by a hash that it makes once; the accounts themselves stand in it.
    if name != "accounts" and (known.get_indexer(pd.Index(frame["account_id"].unique(), dtype=object)) < 0).any():
        strange = ~frame["account_id"].isin(known)
        raise StoreError("an account is not in the run's accounts", where=where, got=_first(frame, strange, key))
    for column, (low, high) in _RANGES.get(name, {}).items():
        if column in frame:
            _in_range(frame, name, where, column, low, high)
    for table, column, allowed in (
        ("scores", "band", BANDS),
        ("scores", ATTENTION, ATTENTIONS),
        ("reasons", "side", SIDES),
    ):
        if name != table or column not in frame:
            continue
        told = frame[column].isin(allowed) | (frame[column].isna() if column == ATTENTION else False)
        if (strange := ~told).any():
            raise StoreError(
                f"{'an' if column == ATTENTION else 'a'} {column} is unknown",
                where=where,
                wanted=", ".join(allowed),
                got=_first(frame, strange, (*key, column)),
            )


def _in_range(frame: pd.DataFrame, name: str, where: str, column: str, low: float, high: float) -> None:
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    # A sum of shares may leave one by a rounding.
    there = np.isfinite(values) & (values >= low - 1e-9) & (values <= high + 1e-9)
    may_miss = column in OPTIONAL_COLUMNS.get(name, ()) or (name == "scores" and column in ("money", "expected_money"))
    if column in HORIZON_COLUMNS.values() or may_miss:
        there |= frame[column].isna().to_numpy()  # a question of one horizon, or money that is not known
    wrong = pd.Series(~there, index=frame.index)
    if wrong.any():
        raise StoreError(
            f"{column} is not a number in its range",
            where=where,
            wanted=f"{low:g} to {high:g}" if math.isfinite(low) else "a finite number",
            got=_first(frame, wrong, (*_KEYS[name][1], column)),
        )


def _first(frame: pd.DataFrame, wrong: pd.Series[bool], columns: Sequence[str]) -> str:
    row = frame.loc[wrong.to_numpy(), list(columns)].iloc[0]
    return ", ".join(f"{name} {row[name]!r}" for name in columns)


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value))


def json_value(value: Any) -> Any:
    """Plain Python all the way down; a number that is none becomes null."""
    if isinstance(value, Mapping):
        return {str(k): json_value(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, datetime):
        return value.isoformat()
    return None if _missing(value) else value


def model_rows(run: ScoreRun) -> list[Row]:
    """The models behind the scores."""
    return [
        {
            "question": model.question,
            "version": str(model.version),
            "bundle": model.bundle,
            "rung": model.rung,
            "horizon_days": int(model.horizon_days),
            "base_rate": float(model.base_rate),
            "figures": json_value(model.figures),
            "extrapolated_days": None if model.extrapolated_days is None else list(model.extrapolated_days),
        }
        for model in run.models
    ]


def worth_of(run: ScoreRun) -> pd.Series[float]:
    """The one lifetime value of each account: at the main horizon, over all relations; shorter horizons add nothing."""
    main = run.main_horizon
    longest = run.clv[run.clv["horizon_months"] == main]
    worth = longest.groupby("account_id")["clv"].sum().astype("float64")
    told = run.values[run.values["horizon_months"] == main].set_index("account_id")["clv"].astype("float64")
    return told.combine_first(worth) if len(told) else worth


def concept_rows(run: ScoreRun) -> list[Row]:
    """What the lists of contributions are of, a question a row."""
    return [{"question": question, "base": of.base, "names": list(of.names)} for question, of in run.concepts.items()]


def report_rows(run: ScoreRun) -> list[Row]:
    """The documents of a run."""
    return [{"name": name, "body": json_value(body)} for name, body in run.reports.items()]


def first_months(flows: pd.DataFrame) -> npt.NDArray[np.int64] | None:
    """Where each account's months begin, where all rows are in order already (as a forecast gives them); else None."""
    month = flows["month"].to_numpy()
    starts = np.flatnonzero(month == 1)
    within = np.ones(len(month), dtype=bool)
    within[starts] = False
    if within[0] or (np.diff(month, prepend=0)[within] != 1).any():
        return None
    later = np.flatnonzero(within)
    for name in ("account_id", "relation"):
        values = flows[name].to_numpy(object)
        if (values[later] != values[later - 1]).any():
            return None
    return starts
