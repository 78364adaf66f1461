"""A `ScoreRun`'s frames as columns for the database: lists of plain Python values, part by part, no dictionary a row.

Comes in: parts of frames that `store.frames.check` has seen. Goes out: `Columns` of the tables of `store.schema`
(without `run_id`): missing values are None, JSON is text already.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from revml.store.frames import NO_CLV, first_months, fold, json_value
from revml.store.json_text import as_lists
from revml.store.runs import (
    ACCOUNT_COLUMNS,
    CLV_COLUMNS,
    COMING_COLUMNS,
    CONTRIBUTION_COLUMNS,
    DRIVER_COLUMNS,
    OPTIONAL_COLUMNS,
    REASON_COLUMNS,
    SCORE_COLUMNS,
    VALUE_COLUMNS,
)
from revml.store.schema import scores as score_table

Columns: TypeAlias = dict[str, Sequence[Any]]
Previous: TypeAlias = Callable[[list[str], list[str]], list[float | None]]


def plain(column: pd.Series[Any]) -> list[Any]:
    """Values of Python's own; what is missing, or a number that is none, is None.

    >>> plain(pd.Series([1.5, float("inf")])), plain(pd.Series(["a", None], dtype="str"))
    ([1.5, None], ['a', None])
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return list(column.to_numpy().astype("datetime64[us]").tolist())
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy(dtype="float64", na_value=np.nan)
        strange = ~np.isfinite(values)
        if not strange.any():
            return list(values.tolist())
        cells = values.astype(object)
        cells[strange] = None
        return list(cells.tolist())
    if isinstance(column.dtype, pd.StringDtype):
        return list(column.astype("object").where(column.notna(), None).tolist())
    return [None if _missing(v) else v for v in column.tolist()]


def _missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value))


def _columns(frame: pd.DataFrame, names: Sequence[str]) -> Columns:
    return {name: plain(frame[name]) if name in frame else [None] * len(frame) for name in names}


def account_columns(accounts: pd.DataFrame, worth: pd.Series[float]) -> Columns:
    """Accounts with their CLV (`worth`, by account) and the keys to sort and search by."""
    out = _columns(accounts, ACCOUNT_COLUMNS)
    clv = plain(worth.reindex(accounts["account_id"]).astype("float64"))
    names = [str(name) if name else one for name, one in zip(out["name"], out["account_id"], strict=True)]
    return out | {
        "clv": clv,
        "clv_key": [NO_CLV if value is None else value for value in clv],
        "name_key": [fold(name) for name in names],
        "search_key": [fold(f"{name} {one}") for name, one in zip(names, out["account_id"], strict=True)],
    }


def score_columns(scores: pd.DataFrame, previous: Previous) -> Columns:
    """Scores of a question with their change against the run before.

    Args:
        previous: the probabilities before of accounts and items, None where there was none.
    """
    further = [c.name for c in score_table.columns if c.name not in SCORE_COLUMNS and c.name in scores]
    out = _columns(scores, (*SCORE_COLUMNS, *further))
    before = previous(list(out["account_id"]), list(out["item"]))
    money = list(zip(out["money"], out["expected_money"], strict=True))
    return out | {
        "money": [None if expected is None else known for known, expected in money],
        "expected_money": [0.0 if known is None or expected is None else expected for known, expected in money],
        "model_version": [str(version) for version in out["model_version"]],
        "previous_probability": before,
        "change": [0.0 if old is None else now - old for now, old in zip(out["probability"], before, strict=True)],
    }


def reason_columns(reasons: pd.DataFrame) -> Columns:
    """Reasons; value, past and peers as JSON because a feature is a number or a category."""
    out = _columns(reasons, REASON_COLUMNS)
    return out | {name: _json(out[name]) for name in ("value", "past", "peers")}


def _json(cells: Sequence[Any]) -> list[str]:
    """JSON of each cell; the same numbers come again and again, and each is spelt once."""
    known: dict[Any, str] = {}
    out = []
    for cell in cells:
        if cell is None:
            out.append("null")
        elif type(cell) is float and cell:  # zero apart: minus zero is equal to it and spelt otherwise
            text = known.get(cell)
            if text is None:
                text = known[cell] = repr(cell)  # Python's own form of a finite float is JSON
            out.append(text)
        else:
            out.append(json.dumps(json_value(cell), ensure_ascii=False))
    return out


def clv_columns(clv: pd.DataFrame) -> Columns:
    """CLV by account, relation and horizon."""
    out = _columns(clv, CLV_COLUMNS)
    return out | {"warning": [text or "" for text in out["warning"]]}


def value_columns(values: pd.DataFrame) -> Columns:
    """Values by account and horizon."""
    return _columns(values, VALUE_COLUMNS)


def coming_columns(coming: pd.DataFrame) -> Columns:
    """What is ahead of accounts that order; families are JSON already, or None."""
    return _columns(coming, COMING_COLUMNS)


def contribution_columns(contributions: pd.DataFrame) -> Columns:
    """What each concept adds to each score; the lists are JSON already."""
    return _columns(contributions, CONTRIBUTION_COLUMNS)


def driver_parts(drivers: pd.DataFrame, most: int) -> Iterator[Columns]:
    """What each concept adds to an account's value, an account a row, some accounts at a time."""
    if drivers.empty:
        return
    codes = pd.factorize(drivers["account_id"])[0]
    if (np.diff(codes) < 0).any():
        order = np.argsort(codes, kind="stable")
        drivers, codes = drivers.iloc[order], codes[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    ends = np.append(starts, len(codes))
    names: dict[str, str] = {}
    for first in range(0, len(starts), most):
        here = ends[first : first + most + 1]
        part = drivers.iloc[here[0] : here[-1]]
        accounts, concepts, money = (plain(part[name]) for name in DRIVER_COLUMNS)
        for concept in set(concepts) - set(names):
            names[concept] = json.dumps(str(concept)) + ": "
        texts = [f"{names[concept]}{round(amount, 2)!r}" for concept, amount in zip(concepts, money, strict=True)]
        cuts = (here - here[0]).tolist()
        yield {
            "account_id": [accounts[start] for start in cuts[:-1]],
            "money": ["{" + ", ".join(texts[start:end]) + "}" for start, end in pairwise(cuts)],
        }


def flow_parts(flows: pd.DataFrame, most: int) -> Iterator[Columns]:
    """Flows by account and relation, months as lists from month 1; bands that hold nothing are None."""
    if flows.empty:
        return
    starts = first_months(flows)
    if starts is None:
        flows = flows.sort_values(["account_id", "relation", "month"], kind="stable")
        same = flows.groupby(["account_id", "relation"], sort=False).ngroup().to_numpy()
        starts = np.flatnonzero(np.diff(same, prepend=-1))
    ends = np.append(starts, len(flows))
    bands = OPTIONAL_COLUMNS["flows"]
    told = [name for name in bands if name in flows and flows[name].notna().any()]
    for first in range(0, len(starts), most):
        here = ends[first : first + most + 1]
        part, cuts = flows.iloc[here[0] : here[-1]], here - here[0]
        out: Columns = {name: part[name].to_numpy(object)[cuts[:-1]].tolist() for name in ("account_id", "relation")}
        for name in ("survival", "expected_revenue", "discounted_margin", *told):
            values = part[name].round(2) if name in bands else part[name]
            out[name] = as_lists(values, cuts, none_where_empty=name in bands)
        yield out


def rows(columns: Mapping[str, Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    """Columns row by row."""
    return zip(*columns.values(), strict=True)
