"""A `ScoreRun`'s frames as rows for the database: checked first, because a published run is taken at its word.

Comes in: a `ScoreRun`. Goes out: lists of dictionaries for the tables of `store.schema` (without `run_id`). A frame
that lacks a column, repeats a key, holds a probability outside [0, 1] or money that is no number is refused by name.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from revml.errors import StoreError
from revml.store.runs import (
    ACCOUNT_COLUMNS,
    CLV_COLUMNS,
    FLOW_COLUMNS,
    HORIZON_COLUMNS,
    REASON_COLUMNS,
    SCORE_COLUMNS,
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
    "clv": (CLV_COLUMNS, ("account_id", "relation")),
    "flows": (FLOW_COLUMNS, ("account_id", "relation", "month")),
}


def fold(text: str) -> str:
    """Text without case and accents, the form in which names are searched and sorted.

    >>> fold("Škoda Auto")
    'skoda auto'
    """
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def check(run: ScoreRun) -> None:
    """Refuse a run whose frames could not be read back as what they claim to be.

    Raises:
        StoreError: names the frame, the column and the first account concerned.
    """
    known = set(run.accounts["account_id"]) if "account_id" in run.accounts else set()
    for name, (columns, key) in _KEYS.items():
        frame: pd.DataFrame = getattr(run, name)
        where = f"run as of {run.as_of:%Y-%m-%d}: {name}"
        missing = [c for c in columns if c not in frame.columns]
        if missing:
            raise StoreError("a column is missing", where=where, wanted=", ".join(columns), got=f"no {missing[0]!r}")
        if frame[list(key)].isna().any(axis=None):
            raise StoreError("a key is empty", where=where, wanted=f"a value in each of {', '.join(key)}")
        if (twice := frame.duplicated(list(key))).any():
            raise StoreError("a key stands twice", where=where, got=_first(frame, twice, key))
        strange = pd.Series([account not in known for account in frame["account_id"].tolist()], dtype=bool)
        if strange.any():
            raise StoreError("an account is not in the run's accounts", where=where, got=_first(frame, strange, key))
    for name, column, low, high in (
        ("scores", "probability", 0.0, 1.0),
        *(("scores", name, 0.0, 1.0) for name in HORIZON_COLUMNS.values() if name in run.scores),
        ("scores", "percentile", 0.0, 100.0),
        ("scores", "money", -math.inf, math.inf),
        ("scores", "expected_money", -math.inf, math.inf),
        ("accounts", "mrr", -math.inf, math.inf),
        ("accounts", "order_revenue_12m", -math.inf, math.inf),
        ("reasons", "contribution", -math.inf, math.inf),
        ("clv", "clv", -math.inf, math.inf),
        ("flows", "survival", 0.0, 1.0),
    ):
        _in_range(run, name, column, low, high)
    for name, column, allowed in (("scores", "band", BANDS), ("reasons", "side", SIDES)):
        frame = getattr(run, name)
        if (strange := ~frame[column].isin(allowed)).any():
            raise StoreError(
                f"a {column} is unknown",
                where=f"run as of {run.as_of:%Y-%m-%d}: {name}",
                wanted=", ".join(allowed),
                got=_first(frame, strange, (*_KEYS[name][1], column)),
            )


def _in_range(run: ScoreRun, name: str, column: str, low: float, high: float) -> None:
    frame: pd.DataFrame = getattr(run, name)
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    # A sum of shares may leave one by a rounding.
    there = np.isfinite(values) & (values >= low - 1e-9) & (values <= high + 1e-9)
    if column in HORIZON_COLUMNS.values():
        there |= np.isnan(values)  # a question of one horizon
    wrong = pd.Series(~there, index=frame.index)
    if wrong.any():
        raise StoreError(
            f"{column} is not a number in its range",
            where=f"run as of {run.as_of:%Y-%m-%d}: {name}",
            wanted=f"{low:g} to {high:g}" if math.isfinite(low) else "a finite number",
            got=_first(frame, wrong, (*_KEYS[name][1], column)),
        )


def _first(frame: pd.DataFrame, wrong: pd.Series[bool], columns: Sequence[str]) -> str:
    row = frame.loc[wrong.to_numpy(), list(columns)].iloc[0]
    return ", ".join(f"{name} {row[name]!r}" for name in columns)


def rows(frame: pd.DataFrame, columns: Sequence[str]) -> list[Row]:
    """The frame's columns as plain Python values; missing values become None."""
    lists = [_plain(frame[name]) for name in columns]
    return [dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True)]


def _plain(column: pd.Series[Any]) -> list[Any]:
    if pd.api.types.is_datetime64_any_dtype(column):
        return [None if pd.isna(v) else v.to_pydatetime() for v in column]
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy(dtype="float64", na_value=np.nan)
        return [v if math.isfinite(v) else None for v in values.tolist()]
    return [None if _missing(v) else v for v in column.tolist()]


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value))


def account_rows(run: ScoreRun) -> list[Row]:
    """Accounts with their CLV over all relations and the keys to sort and search by."""
    summed = run.clv.groupby("account_id")["clv"].sum()
    total = {str(account): float(value) for account, value in summed.items()}
    out = rows(run.accounts, ACCOUNT_COLUMNS)
    for row in out:
        name = str(row["name"]) if row["name"] else row["account_id"]
        row["clv"] = total.get(row["account_id"])
        row["clv_key"] = NO_CLV if row["clv"] is None else row["clv"]
        row["name_key"] = fold(name)
        row["search_key"] = fold(f"{name} {row['account_id']}")
    return out


def score_rows(run: ScoreRun, previous: dict[tuple[str, str, str], float]) -> list[Row]:
    """Scores with their change against `previous`: (question, account, item) to the probability of the run before."""
    told = [name for name in HORIZON_COLUMNS.values() if name in run.scores]
    none: Row = dict.fromkeys(HORIZON_COLUMNS.values())
    out = [none | row for row in rows(run.scores, (*SCORE_COLUMNS, *told))]
    for row in out:
        before = previous.get((row["question"], row["account_id"], row["item"]))
        row["previous_probability"] = before
        row["change"] = 0.0 if before is None else row["probability"] - before
        row["model_version"] = str(row["model_version"])
    return out


def reason_rows(run: ScoreRun) -> list[Row]:
    """Reasons; value, past and peers as JSON because a feature is a number or a category."""
    out = rows(run.reasons, REASON_COLUMNS)
    for row in out:
        for name in ("value", "past", "peers"):
            row[name] = _as_json(row[name])
    return out


def _as_json(value: Any) -> str:
    if type(value) is float:  # by far the most frequent, and Python's own form of a finite float is JSON
        return repr(value) if math.isfinite(value) else "null"
    return json.dumps(_json_value(value), ensure_ascii=False)


def _json_value(value: Any) -> Any:
    """Plain Python all the way down; a number that is none becomes null."""
    if isinstance(value, dict):
        return {str(k): _json_value(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
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
            "figures": _json_value(model.figures),
            "extrapolated_days": None if model.extrapolated_days is None else list(model.extrapolated_days),
        }
        for model in run.models
    ]


def clv_rows(run: ScoreRun) -> list[Row]:
    """CLV by account and relation."""
    out = rows(run.clv, CLV_COLUMNS)
    for row in out:
        row["warning"] = row["warning"] or ""
    return out


def flow_rows(run: ScoreRun) -> list[Row]:
    """Flows by account and relation, months as lists from month 1."""
    if run.flows.empty:
        return []
    ordered = run.flows.sort_values(["account_id", "relation", "month"], kind="stable")
    keys = list(zip(ordered["account_id"].tolist(), ordered["relation"].tolist(), strict=True))
    series = {name: _plain(ordered[name]) for name in ("survival", "expected_revenue", "discounted_margin")}
    starts = [i for i, key in enumerate(keys) if i == 0 or key != keys[i - 1]]
    out = []
    for start, end in zip(starts, [*starts[1:], len(keys)], strict=True):
        row: Row = {"account_id": keys[start][0], "relation": keys[start][1]}
        out.append(row | {name: values[start:end] for name, values in series.items()})
    return out
