"""What LightGBM has to beat: the constant rate, the best single-column rule, a regularised logistic regression.

Comes in: an encoded matrix (see `encoding`), labels, a group (account) a row. Goes out: fitted rungs, plain numbers
that stand in JSON. Every rung gives raw log-odds and contributions that add up to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    def fit(
        cls, matrix: np.ndarray, label: np.ndarray, groups: np.ndarray, encoding: Encoding, *, folds: int = 3
    ) -> Rule | None:
        """The best single-column rule: lowest log-loss on accounts that did not make its bins (ties by name).

        Args:
            groups: an integer a row, equal for rows of one account; folds are `groups % folds`.
        """
        parts = [(groups % folds != k, groups % folds == k) for k in range(folds)]
        parts = [(fit, out) for fit, out in parts if fit.any() and out.any()]
        best: tuple[float, str, int] | None = None
        for j, column in enumerate(encoding.columns):
            values, loss = matrix[:, j], 0.0
            for fit, out in parts:
                rule = cls.fit_column(values[fit], label[fit], j, category=column.kind == "category")
                if rule is None:
                    loss = np.inf
                    break
                raw = rule.levels_of(values[out])
                loss += float((np.logaddexp(0, raw) - label[out] * raw).sum())
            if np.isfinite(loss):
                found = (round(loss, 9), column.name, j)
                best = found if best is None else min(best, found)
        if best is None:
            return None
        j = best[2]
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


def _edges(values: np.ndarray) -> np.ndarray:
    """Inner edges of at most ten bins of equal mass, none smaller than 25 rows."""
    bins = int(min(RULE_BINS, max(2, len(values) // MIN_BIN)))
    cuts = np.unique(np.quantile(values, np.arange(1, bins) / bins, method="lower"))
    return np.asarray(cuts[cuts < values.max()])


def _category_edges(codes: np.ndarray) -> np.ndarray:
    """An edge after each code but the last, so that each category is a bin."""
    return np.asarray(np.arange(0, int(codes.max())) + 0.5)


@dataclass(frozen=True)
class Scaler:
    """How one numeric column enters the logistic regression.

    Steps: clip to [low, high], signed logarithm where the tail is heavy, centre, scale; missing counts as the centre.
    """

    low: float
    high: float
    log: bool
    centre: float
    scale: float

    @classmethod
    def fit(cls, values: np.ndarray) -> Scaler | None:
        """Learn from a column; None where it is constant."""
        known = values[~np.isnan(values)]
        if len(known) < 2 * MIN_BIN:
            return None
        low, quarter, median, three, high = np.quantile(known, (0.005, 0.25, 0.5, 0.75, 0.995))
        if high <= low:
            low, high = known.min(), known.max()
            if high <= low:
                return None
        spread = max(three - quarter, 1e-12)
        log = bool(max(high - median, median - low) > 6 * spread) and bool(max(abs(low), abs(high)) > 5)
        z = _bend(np.clip(known, low, high), log)
        centre, scale = float(z.mean()), float(z.std())
        return None if scale < 1e-9 else cls(float(low), float(high), log, centre, scale)

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Standardised values, 0 where missing."""
        z = (_bend(np.clip(values, self.low, self.high), self.log) - self.centre) / self.scale
        return np.asarray(np.nan_to_num(z, nan=0.0))


def _bend(values: np.ndarray, log: bool) -> np.ndarray:
    return np.asarray(np.sign(values) * np.log1p(np.abs(values))) if log else values


@dataclass(frozen=True)
class Term:
    """A column of the design: a scaled value, a flag for missing, or a flag for one category."""

    column: int
    weight: float
    centre: float
    scaler: Scaler | None = None
    category: int | None = None  # the code; with no scaler and no category the term flags what is missing

    def design(self, matrix: np.ndarray) -> np.ndarray:
        """The term's column before its weight."""
        values = matrix[:, self.column]
        if self.scaler is not None:
            return self.scaler.apply(values)
        flag = np.isnan(values) if self.category is None else values == self.category
        return np.asarray(flag, dtype=float)


@dataclass(frozen=True)
class Logistic:
    """A ridge logistic regression on imputed, clipped, bent and standardised columns."""

    name: ClassVar[str] = "logistic"
    intercept: float
    terms: tuple[Term, ...]
    strength: float  # inverse of the ridge penalty (C)

    @classmethod
    def path(
        cls, matrix: np.ndarray, label: np.ndarray, encoding: Encoding, *, strengths: Sequence[float]
    ) -> list[Logistic]:
        """One fit a penalty, from the strongest on, each starting where the last ended.

        BLAS is held to one thread, so that the same data give the same bits on any machine size.
        """
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        terms = _terms(matrix, encoding)
        if not terms:
            return [cls(float(log_odds(label.mean())), (), c) for c in strengths]
        design = np.column_stack([t.design(matrix) for t in terms])
        centres = design.mean(axis=0)
        design -= centres
        fits = []
        with threadpool_limits(limits=1):
            model = LogisticRegression(max_iter=300, tol=1e-4, warm_start=True)
            for strength in strengths:
                model.set_params(C=strength).fit(design, label)
                fitted = tuple(
                    replace(t, weight=float(w), centre=float(c))
                    for t, w, c in zip(terms, model.coef_[0], centres, strict=True)
                )
                fits.append(cls(float(model.intercept_[0]), fitted, strength))
        return fits

    @classmethod
    def fit(cls, matrix: np.ndarray, label: np.ndarray, encoding: Encoding, *, strengths: Sequence[float]) -> Logistic:
        """The fit of the last of the penalties; giving the path that led there gives the bits it had there."""
        return cls.path(matrix, label, encoding, strengths=strengths)[-1]

    def raw(self, matrix: np.ndarray) -> np.ndarray:
        """Intercept plus the sum of the contributions."""
        base, parts = self.contributions(matrix)
        return np.asarray(base + parts.sum(axis=1))

    def contributions(self, matrix: np.ndarray) -> tuple[float, np.ndarray]:
        """Weight times the distance from the training mean, added up by feature."""
        out = np.zeros(matrix.shape)
        for term in self.terms:
            out[:, term.column] += term.weight * (term.design(matrix) - term.centre)
        return self.intercept, out

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {
            "rung": self.name,
            "intercept": self.intercept,
            "strength": self.strength,
            "terms": [
                {
                    "column": t.column,
                    "weight": t.weight,
                    "centre": t.centre,
                    "category": t.category,
                    "scaler": vars(t.scaler) if t.scaler else None,
                }
                for t in self.terms
            ],
        }


def _terms(matrix: np.ndarray, encoding: Encoding) -> list[Term]:
    terms = []
    for j, column in enumerate(encoding.columns):
        values = matrix[:, j]
        if column.kind == "category":
            counts = np.bincount(values[~np.isnan(values)].astype(int), minlength=len(column.codes))
            terms += [Term(j, 0.0, 0.0, category=int(k)) for k in np.flatnonzero(counts >= 2 * MIN_BIN)]
            continue
        scaler = Scaler.fit(values)
        if scaler is not None:
            terms.append(Term(j, 0.0, 0.0, scaler))
        missing = int(np.isnan(values).sum())
        if MIN_BIN <= missing <= len(values) - MIN_BIN:
            terms.append(Term(j, 0.0, 0.0))
    return terms


def rung_from_json(raw: Mapping[str, Any]) -> Constant | Rule | Logistic:
    """Read what a rung's `to_json` wrote."""
    if raw["rung"] == Constant.name:
        return Constant(raw["level"])
    if raw["rung"] == Rule.name:
        return Rule(raw["column"], tuple(raw["edges"]), tuple(raw["levels"]), raw["missing"], raw["base"])
    terms = tuple(
        Term(t["column"], t["weight"], t["centre"], Scaler(**t["scaler"]) if t["scaler"] else None, t["category"])
        for t in raw["terms"]
    )
    return Logistic(raw["intercept"], terms, raw["strength"])
