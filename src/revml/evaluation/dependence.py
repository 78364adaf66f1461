"""How the contribution of a feature depends on its value: medians with the span of most accounts, by bins of the value.

Comes in: a column of the matrix and its contributions. Goes out: plain JSON:

    feature, kind     number or category
    bins              {low, high, n, median, p10, p90}, both ends included; of a category {value, n, ...}
    unknown           the same for rows whose value is not known, None where there are few

The span of 10 to 90 % in a bin is what the other features of the account do to this one's contribution; a wide one says
that the feature acts together with others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revml.models.encoding import EncodedColumn

BINS = 8
LEAST = 10  # rows of a bin that is told
PLAIN = 8  # different values up to which each is a bin


def dependence(column: EncodedColumn, values: np.ndarray, parts: np.ndarray) -> dict[str, Any]:
    """The bins of a feature; those of few rows are left out, of numbers joined to their neighbours.

    >>> seats = np.repeat([1.0, 5.0], 20)
    >>> told = dependence(EncodedColumn("seats", "number", "float64"), seats, seats / 10)
    >>> [(one["low"], one["high"], one["n"], one["median"]) for one in told["bins"]]
    [(1.0, 1.0, 20, 0.1), (5.0, 5.0, 20, 0.5)]
    """
    known = np.isfinite(values)
    unknown = _band(parts[~known]) if (~known).sum() >= LEAST else None
    told: dict[str, Any] = {"feature": column.name, "kind": column.kind, "bins": [], "unknown": unknown}
    if column.kind == "category":
        for code in np.unique(values[known]).astype(int).tolist():
            mine = values == code
            if mine.sum() >= LEAST:
                told["bins"].append({"value": column.codes[code], **_band(parts[mine])})
        told["bins"].sort(key=lambda one: (-one["median"], one["value"]))
        return told
    for mine in _spans(values[known]):
        inside = values[known][mine]
        edges = {"low": digits(inside.min()), "high": digits(inside.max())}
        told["bins"].append({**edges, **_band(parts[known][mine])})
    return told


def digits(value: float) -> float:
    """A number with six significant digits.

    >>> digits(0.123456789)
    0.123457
    """
    return float(f"{value:.6g}")


def _spans(values: np.ndarray) -> list[np.ndarray]:
    """Masks of the bins: each value where there are few, else quantiles; equal values are never parted."""
    if not len(values):
        return []
    different = np.unique(values)
    if len(different) <= PLAIN:
        tops = different
    else:
        tops = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:], method="inverted_cdf"))
    found: list[np.ndarray] = []
    low = -np.inf
    for top in tops:
        mine = (values > low) & (values <= top)
        if mine.sum() >= LEAST:
            found.append(mine)
            low = top
    rest = values > low
    if rest.any():  # what is too few for a bin of its own belongs to the last
        if found:
            found[-1] = found[-1] | rest
        elif rest.sum() >= LEAST:
            found.append(rest)
    return found


def _band(parts: np.ndarray) -> dict[str, Any]:
    low, median, high = np.quantile(parts, (0.1, 0.5, 0.9))
    return {"n": len(parts), "median": digits(median), "p10": digits(low), "p90": digits(high)}
