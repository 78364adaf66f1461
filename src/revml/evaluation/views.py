"""Global views of a model: what weighs, which way, and for whom; from the contributions of its test rows.

    rows, accounts    what was looked at: rows of the test window, evenly thinned where there are very many
    concepts          concept, size (mean |contribution|, log-odds), share, mean (signed), raises (share of the rows)
    features          feature, concept, size, share, slope (rank correlation of value and contribution; None of texts)
    dependence        of the heaviest features: see `dependence`
    segments          column, value, low, high, rows, accounts, mean (of all contributions), concepts {concept: share}
    small             segments left out, because fewer than `LEAST_ACCOUNTS` accounts are in them

It tells what the model uses, not what causes the event. Numbers have six significant digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from revml.errors import NotFound
from revml.evaluation.dependence import dependence, digits
from revml.evaluation.segments import Band, Segments
from revml.evaluation.stability import by_concept, concepts_of
from revml.models.baselines import Rung
from revml.models.bundle import Bundle
from revml.models.encoding import Encoding
from revml.yaml_file import nearest

VIEWS = "views.json"
ROWS = 4_000  # that are looked at; more change no share by a point
FEATURES, WITHIN = 40, 3  # that are listed: the heaviest, and those of each concept
SHOWN = 8  # whose dependence is told
LEAST_ACCOUNTS = 30  # of a segment that is told

Views = dict[str, Any]


def views_of(model: Rung, encoding: Encoding, rows: pd.DataFrame, segments: Segments, *, own: bool) -> Views | None:
    """The views of a model on some rows.

    Args:
        rows: a row an account and snapshot, with the model's features.
        segments: by column, the segment of each row (see `segments_of`).
        own: whether the columns are a ready table's, each a concept of its own.

    Returns:
        Plain JSON; None for a model that looks at nothing.
    """
    thin = np.arange(0, len(rows), 1 + (len(rows) - 1) // ROWS)
    seen = rows.iloc[thin]
    matrix = encoding.matrix(seen)
    _, parts = model.contributions(matrix)
    size = np.abs(parts).mean(axis=0)
    if not len(seen) or size.sum() <= 0:
        return None
    concepts = concepts_of(encoding, own=own)
    names, sums = by_concept(parts, concepts)
    order = [j for j in np.lexsort((np.arange(len(size)), -size)).tolist() if size[j] > 0]
    accounts = seen["account_id"].to_numpy(dtype=object)
    told, small = _by_segment(names, sums, {c: [values[i] for i in thin] for c, values in segments.items()}, accounts)
    return {
        "rows": len(seen),
        "accounts": int(pd.unique(accounts).size),
        "concepts": _concepts(names, sums),
        "features": [
            {
                "feature": encoding.names[j],
                "concept": concepts[j],
                "size": digits(size[j]),
                "share": digits(size[j] / size.sum()),
                "slope": None if encoding.columns[j].kind == "category" else _slope(matrix[:, j], parts[:, j]),
            }
            for j in _listed(order, concepts)
        ],
        "dependence": [dependence(encoding.columns[j], matrix[:, j], parts[:, j]) for j in order[:SHOWN]],
        "segments": told,
        "small": small,
    }


def views_in(bundle: Bundle) -> Views:
    """The views of a bundle.

    Raises:
        NotFound: it looks at nothing, or was trained before there were views.
    """
    if bundle.views is not None:
        return bundle.views
    asked = bundle.rung == "constant"
    raise NotFound(
        f"bundle {bundle.hash[:12]} of {bundle.question} has no views of what weighs in it",
        where=str(bundle.folder),
        wanted="views.json, which training writes",
        got="the average rate, in which nothing weighs" if asked else "a bundle of an older revml",
        do=f"see `revml models {bundle.question}`" if asked else f"run `revml train {bundle.question}`",
    )


def of_segments(views: Views, column: str | None) -> Views:
    """Views with the segments of one column only; all where none is named.

    Raises:
        NotFound: no segments of that column are told.
    """
    if column is None:
        return views
    parts = ("segments", "small")
    known = sorted({str(one["column"]) for part in parts for one in views[part]})
    if column not in known:
        raise NotFound(
            "no such segments",
            where="by",
            wanted=f"one of {', '.join(known)}" if known else "nothing: this model has no segments",
            got=repr(column),
            do=nearest(column, known),
        )
    return {**views, **{part: [one for one in views[part] if one["column"] == column] for part in parts}}


def importance_of(views: Views | None, *, own: bool, most: int = 20) -> dict[str, dict[str, float]]:
    """Shares by concept and by feature, as the manifest holds them; a ready table's columns belong to no concept."""
    if views is None:
        return {"concepts": {}, "features": {}}
    concepts = {} if own else {row["concept"]: row["share"] for row in views["concepts"][:most]}
    return {"concepts": concepts, "features": {row["feature"]: row["share"] for row in views["features"][:most]}}


def _concepts(names: Sequence[str], sums: np.ndarray) -> list[dict[str, Any]]:
    """The concepts, heaviest first; a share is of the sum over concepts, within which features may offset."""
    size = np.abs(sums).mean(axis=0)
    return [
        {
            "concept": names[k],
            "size": digits(size[k]),
            "share": digits(size[k] / size.sum()),
            "mean": digits(sums[:, k].mean()),
            "raises": digits((sums[:, k] > 0).mean()),
        }
        for k in np.lexsort((np.arange(len(size)), -size)).tolist()
        if size[k] > 0
    ]


def _listed(order: Sequence[int], concepts: Sequence[str]) -> Iterator[int]:
    """Columns in their order, those that are among the heaviest of all or of their concept."""
    seen: dict[str, int] = {}
    for j in order:
        seen[concepts[j]] = seen.get(concepts[j], 0) + 1
        if seen[concepts[j]] <= WITHIN or j in order[:FEATURES]:
            yield j


def _slope(values: np.ndarray, parts: np.ndarray) -> float | None:
    """Spearman's correlation; None where either hardly moves."""
    known = np.isfinite(values)
    ranks = [pd.Series(numbers[known]).rank() for numbers in (values, parts)]
    if known.sum() < LEAST_ACCOUNTS or any(rank.nunique() < 2 for rank in ranks):
        return None
    return digits(float(ranks[0].corr(ranks[1])))


def _by_segment(
    names: Sequence[str], sums: np.ndarray, segments: Segments, accounts: np.ndarray
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    told: list[dict[str, Any]] = []
    small: list[dict[str, Any]] = []
    for column, values in segments.items():
        known = [value for value in values if value is not None]
        for value in sorted(set(known), key=lambda v: (v.low, v.high) if isinstance(v, Band) else (0.0, str(v))):
            mine = np.array([one == value for one in values])
            about = {"column": column, **_named(value), "rows": int(mine.sum())}
            about["accounts"] = int(pd.unique(accounts[mine]).size)
            if about["accounts"] < LEAST_ACCOUNTS:
                small.append(about)
                continue
            size = np.abs(sums[mine]).mean(axis=0)
            shares = {names[k]: digits(size[k] / size.sum()) for k in range(len(names)) if size[k] > 0}
            told.append({**about, "mean": digits(sums[mine].sum(axis=1).mean()), "concepts": shares})
    return told, small


def _named(value: Any) -> dict[str, Any]:
    """A category by its name, a band by its edges, None where open."""
    if not isinstance(value, Band):
        return {"value": str(value), "low": None, "high": None}
    low, high = (float(edge) if np.isfinite(edge) else None for edge in (value.low, value.high))
    return {"value": str(value), "low": low, "high": high}
