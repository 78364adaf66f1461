"""The logistic rung: ridge regression on columns made fit for it, every step of which stands in JSON.

Comes in: an encoded matrix. Goes out: a line through imputed, clipped, bent and standardised columns (and the bins of
columns that no line describes), whose contributions by feature add up to the log-odds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from revml.models.calibration import fit_line, log_odds
from revml.models.encoding import Encoding
from revml.models.rule import MIN_BIN, Rule, column_losses, rule_from_json

BENT_NATS = 4.0  # by how much bins must beat a line, on accounts that did not make the bins
BENT_MOST = 15
LEAST_NATS = 1.0  # a column that gains less alone is left out
HALF_NATS = 20.0  # a column that gains this much alone is penalised twice as much as one that gains all


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
    """A column of the design: a scaled value, a binned one, a flag for one category or for what is missing.

    Args:
        rule: bins and their levels, divided by `spread` so that the ridge treats them like any scaled value.
        category: the code that is flagged; with no scaler, rule or category the term flags what is missing.
    """

    column: int
    weight: float
    centre: float
    scaler: Scaler | None = None
    rule: Rule | None = None
    spread: float = 1.0
    category: int | None = None

    def design(self, matrix: np.ndarray) -> np.ndarray:
        """The term's column before its weight."""
        values = matrix[:, self.column]
        if self.scaler is not None:
            return self.scaler.apply(values)
        if self.rule is not None:
            return np.asarray((self.rule.levels_of(values) - self.rule.base) / self.spread)
        flag = np.isnan(values) if self.category is None else values == self.category
        return np.asarray(flag, dtype=float)


@dataclass(frozen=True)
class Logistic:
    """A ridge logistic regression on imputed, clipped, bent and standardised columns, with bins where no line fits."""

    name: ClassVar[str] = "logistic"
    intercept: float
    terms: tuple[Term, ...]
    strength: float  # inverse of the ridge penalty (C)

    @classmethod
    def path(
        cls,
        matrix: np.ndarray,
        label: np.ndarray,
        accounts: np.ndarray,
        encoding: Encoding,
        *,
        strengths: Sequence[float],
    ) -> list[Logistic]:
        """One fit a penalty, from the strongest on, each starting where the last ended.

        BLAS is held to one thread, so that the same data give the same bits on any machine size.
        """
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        terms = [*_terms(matrix, encoding), *_bent_terms(matrix, label, accounts, encoding)]
        if not terms:
            return [cls(float(log_odds(label.mean())), (), c) for c in strengths]
        design = np.column_stack([t.design(matrix) for t in terms])
        centres = design.mean(axis=0)
        design -= centres
        fits = []
        with threadpool_limits(limits=1):
            trust = _trust(design, label)
            design *= trust
            model = LogisticRegression(max_iter=300, tol=1e-4, warm_start=True)
            for strength in strengths:
                model.set_params(C=strength).fit(design, label)
                fitted = tuple(
                    replace(t, weight=float(w * r), centre=float(c))
                    for t, w, r, c in zip(terms, model.coef_[0], trust, centres, strict=True)
                    if r > 0
                )
                fits.append(cls(float(model.intercept_[0]), fitted, strength))
        return fits

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
                    "rule": t.rule.to_json() if t.rule else None,
                    "spread": t.spread,
                }
                for t in self.terms
            ],
        }


def _trust(design: np.ndarray, label: np.ndarray) -> np.ndarray:
    """How far the ridge lets each centred column go, 0 to 1, by what the column tells alone.

    The gain is that of the score test, in nats. Columns that tell nothing alone are left out: with a hundred columns
    and a few hundred events, what they add is noise (an adaptive ridge, after Zou 2006).
    """
    rate = label.mean()
    size = np.maximum((design * design).sum(axis=0), 1e-12)
    gain = (design.T @ (label - rate)) ** 2 / (2 * rate * (1 - rate) * size)
    return np.where(gain > LEAST_NATS, np.sqrt(gain / (gain + HALF_NATS)), 0.0)


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


def _bent_terms(matrix: np.ndarray, label: np.ndarray, accounts: np.ndarray, encoding: Encoding) -> list[Term]:
    """Bins for the columns where they tell clearly more than a straight line (a renewal date is the usual one)."""
    binned = column_losses(matrix, label, accounts, encoding)
    gains = []
    for j, column in enumerate(encoding.columns):
        scaler = Scaler.fit(matrix[:, j]) if column.kind == "number" else None
        if scaler is None or not np.isfinite(binned[j]):
            continue
        z = scaler.apply(matrix[:, j])
        intercept, slope = fit_line(z, label, signed=True)
        raw = intercept + slope * z
        gain = float((np.logaddexp(0, raw) - label * raw).sum()) - binned[j]
        if gain > BENT_NATS:
            gains.append((-round(gain, 9), column.name, j))
    terms = []
    for _, _, j in sorted(gains)[:BENT_MOST]:
        rule = Rule.fit_column(matrix[:, j], label, j, category=False)
        spread = 0.0 if rule is None else float(rule.levels_of(matrix[:, j]).std())
        if rule is not None and spread > 1e-6:
            terms.append(Term(j, 0.0, 0.0, rule=rule, spread=spread))
    return terms


def logistic_from_json(raw: Mapping[str, Any]) -> Logistic:
    """Read what `Logistic.to_json` wrote."""
    terms = tuple(
        Term(
            **{
                **t,
                "scaler": Scaler(**t["scaler"]) if t["scaler"] else None,
                "rule": rule_from_json(t["rule"]) if t["rule"] else None,
            }
        )
        for t in raw["terms"]
    )
    return Logistic(raw["intercept"], terms, raw["strength"])
