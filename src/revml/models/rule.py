"""What a model has to beat: the constant rate and the best single-column rule.

Comes in: an encoded matrix (see `encoding`), labels, a group (account) a row. Goes out: fitted rungs, plain numbers
that stand in JSON. Every rung gives raw log-odds and contributions that add up to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from revml.models.calibration import log_odds
from revml.models.encoding import Encoding

SHRINK = 20.0  # prior rows at the base rate in each bin of a rule
RULE_BINS = 10
MIN_BIN = 25


class Rung(Protocol):
    """A fitted model of the ladder, on encoded matrices."""

    name: ClassVar[str]

    def raw(self, matrix: np.ndarray) -> np.ndarray:
        """Uncalibrated log-odds, shape (n,)."""
        ...

    def contributions(self, matrix: np.ndarray) -> tuple[float, np.ndarray]:
        """Base and additive parts, shape (n, features): `base + parts.sum(axis=1) == raw`."""
        ...

    def to_json(self) -> dict[str, Any]:
        """What `model.json` holds."""
        ...


@dataclass(frozen=True)
class Constant:
    """Everybody gets the base rate."""

    name: ClassVar[str] = "constant"
    level: float

    @classmethod
    def fit(cls, label: np.ndarray) -> Constant:
        """The base rate of some labels."""
        return cls(float(log_odds(label.mean())))

    def raw(self, matrix: np.ndarray) -> np.ndarray:
        """The same log-odds for all."""
        return np.full(len(matrix), self.level)

    def contributions(self, matrix: np.ndarray) -> tuple[float, np.ndarray]:
        """The base alone."""
        return self.level, np.zeros(matrix.shape)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {"rung": self.name, "level": self.level}


@dataclass(frozen=True)
class Rule:
    """One column cut into bins, each with its shrunken rate; a bin of its own for what is missing.

    Args:
        column: index of the feature.
        edges: inner edges of the bins; a value belongs to bin `searchsorted(edges, value, "left")`.
        levels: log-odds a bin.
        missing: log-odds where the value is missing.
        base: mean log-odds over the training rows, the base of contributions.
    """

    name: ClassVar[str] = "rule"
    column: int
    edges: tuple[float, ...]
    levels: tuple[float, ...]
    missing: float
    base: float

    @classmethod
    def fit_column(cls, values: np.ndarray, label: np.ndarray, column: int, *, category: bool) -> Rule | None:
        """The rule over one column's values, or None where they tell nothing."""
        known = ~np.isnan(values)
        if known.sum() < 2 * MIN_BIN:
            return None
        edges = _category_edges(values[known]) if category else _edges(values[known])
        if not len(edges):
            return None
        rate = float(label.mean())
        bins = np.searchsorted(edges, values[known], side="left")
        n = np.bincount(bins, minlength=len(edges) + 1)
        events = np.bincount(bins, weights=label[known], minlength=len(edges) + 1)
        levels = log_odds((events + SHRINK * rate) / (n + SHRINK))
        missing = float(log_odds((label[~known].sum() + SHRINK * rate) / ((~known).sum() + SHRINK)))
        base = float((np.dot(n, levels) + (~known).sum() * missing) / len(values))
        return cls(column, tuple(map(float, edges)), tuple(map(float, levels)), missing, base)

    @classmethod
    def fit(cls, matrix: np.ndarray, label: np.ndarray, accounts: np.ndarray, encoding: Encoding) -> Rule | None:
        """The best single-column rule: lowest log-loss on accounts that did not make its bins (ties by name)."""
        losses = column_losses(matrix, label, accounts, encoding)
        found = [(round(loss, 9), encoding.names[j], j) for j, loss in enumerate(losses) if np.isfinite(loss)]
        if not found:
            return None
        j = min(found)[2]
        return cls.fit_column(matrix[:, j], label, j, category=encoding.columns[j].kind == "category")

    def levels_of(self, values: np.ndarray) -> np.ndarray:
        """The level of each value's bin."""
        levels = np.array(self.levels)[np.searchsorted(self.edges, np.nan_to_num(values), side="left")]
        return np.asarray(np.where(np.isnan(values), self.missing, levels))

    def raw(self, matrix: np.ndarray) -> np.ndarray:
        """The level of each row's bin."""
        return self.levels_of(matrix[:, self.column])

    def contributions(self, matrix: np.ndarray) -> tuple[float, np.ndarray]:
        """All of it stands in the rule's own column."""
        out = np.zeros(matrix.shape)
        out[:, self.column] = self.raw(matrix) - self.base
        return self.base, out

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {
            "rung": self.name,
            "column": self.column,
            "edges": list(self.edges),
            "levels": list(self.levels),
            "missing": self.missing,
            "base": self.base,
        }


def column_losses(
    matrix: np.ndarray, label: np.ndarray, accounts: np.ndarray, encoding: Encoding, *, folds: int = 3
) -> np.ndarray:
    """Log-loss (a sum, in nats) of each column's rule on accounts that did not make its bins; infinite where none fits.

    Args:
        accounts: an integer a row, equal for rows of one account.
    """
    fold = accounts // 7 % folds
    parts = [(fold != k, fold == k) for k in range(folds)]
    parts = [(fit, out) for fit, out in parts if fit.any() and out.any()]
    losses = np.zeros(len(encoding.columns))
    for j, column in enumerate(encoding.columns):
        values = matrix[:, j]
        for fit, out in parts:
            rule = Rule.fit_column(values[fit], label[fit], j, category=column.kind == "category")
            if rule is None:
                losses[j] = np.inf
                break
            raw = rule.levels_of(values[out])
            losses[j] += float((np.logaddexp(0, raw) - label[out] * raw).sum())
    return losses


def _edges(values: np.ndarray) -> np.ndarray:
    """Inner edges of at most ten bins of equal mass, none smaller than 25 rows."""
    bins = int(min(RULE_BINS, max(2, len(values) // MIN_BIN)))
    cuts = np.unique(np.quantile(values, np.arange(1, bins) / bins, method="lower"))
    return np.asarray(cuts[cuts < values.max()])


def _category_edges(codes: np.ndarray) -> np.ndarray:
    """An edge after each code but the last, so that each category is a bin."""
    return np.asarray(np.arange(0, int(codes.max())) + 0.5)


def rule_from_json(raw: Mapping[str, Any]) -> Rule:
    """Read what `Rule.to_json` wrote."""
    return Rule(raw["column"], tuple(raw["edges"]), tuple(raw["levels"]), raw["missing"], raw["base"])
