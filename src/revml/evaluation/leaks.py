"""Columns that know the answer: what a table's own figures, and then its names, say of each column.

Comes in: features in one form, a label, accounts. Goes out: `Suspicion`s with their evidence, the certain ones first.
Every figure is out of sample: a column is judged on accounts that did not make its bins. Evidence by figures is certain
enough to act on; a name is a weaker one and is said as such. Nothing is removed here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from revml.evaluation.metrics import roc_auc
from revml.models.baselines import Logistic
from revml.models.encoding import Encoding
from revml.models.folds import account_numbers, folds_by_account
from revml.models.rule import Rule

COPY = 0.999  # ROC-AUC of one column alone from which it is the label in other words
KNOWS = 0.90  # from which no honest column was ever seen
STRONG = 0.85  # from which a column has to be in line with the others:
OUT_OF_LINE = 0.02  # alone it must not beat all others together by this much
FILLED = 0.90  # ROC-AUC of whether it is filled at all
PURE_ROWS, PURE_SHARE = 30, 0.10  # an end of the scale at which everybody has the event, rows and share of the events

# Words that say how a column came to be. Whole words only, so that "description" is no "score".
MODEL_WORDS = (
    "cltv",
    "clv",
    "ltv",
    "lifetime value",
    "propensity",
    "probability",
    "prediction",
    "predicted",
    "forecast",
)
OUTCOME_WORDS = ("cancelled", "canceled", "cancellation", "terminated", "termination", "churned", "attrition", "exited")
# Words of a label's name that say nothing of what it is about.
EMPTY_WORDS = frozenset(
    {"label", "flag", "value", "target", "outcome", "event", "customer", "client", "account", "status"}
)
LEAST_LETTERS = 3  # words of so few letters (is, has, yes) say nothing either


@dataclass(frozen=True)
class Suspicion:
    """A column that seems to know the answer.

    Args:
        evidence: a sentence with the figures, or with the word of its name.
        certain: whether its own figures say it; not its name, nor that it is stronger than all others, which an honest
            column of a poor table may be.
        auc: the ROC-AUC of the column alone, out of sample (0.5 is chance).
        kind: copy, filled, pure, strong, line (out of line with the others) or name.
        figures: what the sentence tells, by name.
    """

    column: str
    evidence: str
    certain: bool
    auc: float
    kind: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


def suspicions(
    frame: pd.DataFrame,
    label: np.ndarray,
    accounts: Sequence[str],
    *,
    categorical: Collection[str] = (),
    label_name: str = "",
) -> list[Suspicion]:
    """The columns of a table that seem to know the answer.

    Args:
        frame: the features alone: float64, or text with None where unknown.
        label: 0 or 1 a row.
        accounts: ids; rows of one account are never on both sides of a comparison.
        label_name: the label's own column, whose words other columns should not bear.
    """
    encoding = Encoding.fit(frame, tuple(frame.columns), categorical=tuple(categorical))
    matrix = encoding.matrix(frame)
    folds = folds_by_account(account_numbers(list(accounts))).fits
    power = {c: alone(matrix[:, j], label, folds, category=c in categorical) for j, c in enumerate(encoding.names)}
    found = {}
    for j, column in enumerate(encoding.names):
        told = _by_itself(matrix[:, j], label, power[column], folds, category=column in categorical)
        if told:
            kind, evidence, figures = told
            found[column] = Suspicion(column, evidence, True, power[column], kind, figures)
    found |= _out_of_line(encoding, matrix, label, accounts, power, set(found))
    for column in encoding.names:
        named = _by_name(column, label_name)
        if column not in found and named:
            evidence = f"{named}; its figures alone do not give it away (ROC-AUC {power[column]:.2f})"
            found[column] = Suspicion(column, evidence, False, power[column], "name")
    return sorted(found.values(), key=lambda one: (not one.certain, -one.auc, one.column))


Pairs = Sequence[tuple[np.ndarray, np.ndarray]]


def alone(values: np.ndarray, label: np.ndarray, folds: Pairs, *, category: bool) -> float:
    """ROC-AUC of a column's bins on rows that did not make them; a half where it tells nothing.

    Args:
        folds: pairs of row indices (make the bins, be judged).
    """
    raw = np.zeros(len(label))
    for fit, out in folds:
        rule = Rule.fit_column(values[fit], label[fit], 0, category=category)
        raw[out] = 0.0 if rule is None else rule.levels_of(values[out])
    auc = _within(raw, label, folds)
    return max(auc, 0.5)


def _within(raw: np.ndarray, label: np.ndarray, folds: Pairs) -> float:
    """The mean ROC-AUC of the folds: levels of different fits are not compared with each other."""
    found = [roc_auc(raw[out], label[out]) for _, out in folds]
    known = [auc for auc in found if np.isfinite(auc)]
    return float(np.mean(known)) if known else 0.5


Told = tuple[str, str, dict[str, float]]


def _by_itself(values: np.ndarray, label: np.ndarray, auc: float, folds: Pairs, *, category: bool) -> Told | None:
    """The kind of evidence, the sentence and its figures; None where a column is not to be suspected by itself."""
    known = ~np.isnan(values)
    events, others = label == 1, label == 0
    filled = _within(known.astype(float), label, folds)
    if max(filled, 1 - filled) > FILLED:
        shares = {"events": float(known[events].mean()), "others": float(known[others].mean())}
        told = (
            f"filled in {shares['events']:.0%} of the rows with the event and {shares['others']:.0%} of the"
            " others: it is told afterwards"
        )
        return "filled", told, shares
    if auc >= COPY:
        return "copy", "each of its values goes with one outcome: it is the label in other words", {}
    if not category and auc >= STRONG and (pure := _pure_end(values, label)):
        rows, words = pure
        told = f"all {rows:,} rows {words} have the event, without one exception"
        return "pure", f"{told} (ROC-AUC alone {auc:.2f}; 0.5 is chance, 1 is knowing)", {"rows": rows}
    if auc > KNOWS:
        return "strong", f"alone it tells the outcome with a ROC-AUC of {auc:.2f} (0.5 is chance, 1 is knowing)", {}
    return None


def _pure_end(values: np.ndarray, label: np.ndarray) -> tuple[int, str] | None:
    """An end of the scale at which everybody has the event; an honest column has exceptions."""
    known = ~np.isnan(values)
    points, place = np.unique(values[known], return_inverse=True)
    n = np.bincount(place)
    spared = np.flatnonzero(np.bincount(place, weights=1 - label[known]) > 0)
    if not len(spared) or len(points) < 3:
        return None
    for rows, words in (
        (int(n[spared[-1] + 1 :].sum()), f"above {points[spared[-1]]:g}"),
        (int(n[: spared[0]].sum()), f"below {points[spared[0]]:g}"),
    ):
        if rows >= max(PURE_ROWS, PURE_SHARE * label.sum()):
            return rows, words
    return None


def _out_of_line(
    encoding: Encoding,
    matrix: np.ndarray,
    label: np.ndarray,
    accounts: Sequence[str],
    power: dict[str, float],
    known: set[str],
) -> dict[str, Suspicion]:
    """Strong columns that alone tell more than all others together, by a regularised regression out of sample."""
    strong = [c for c in encoding.names if c not in known and power[c] >= STRONG]
    rest = [j for j, c in enumerate(encoding.names) if c not in known and c not in strong]
    if not strong or not rest:
        return {}
    numbers = account_numbers(list(accounts))
    folds = folds_by_account(numbers).fits
    part = Encoding(tuple(encoding.columns[j] for j in rest))
    raw = np.zeros(len(label))
    for fit, out in folds:
        [model] = Logistic.path(matrix[fit][:, rest], label[fit], numbers[fit], part, strengths=(0.02,))
        raw[out] = model.raw(matrix[out][:, rest])
    together = _within(raw, label, folds)
    return {
        column: Suspicion(
            column,
            f"alone it tells more (ROC-AUC {power[column]:.2f}) than all other columns together ({together:.2f})",
            False,
            power[column],
            "line",
            {"together": together},
        )
        for column in strong
        if len(rest) >= 3 and power[column] >= together + OUT_OF_LINE
    }


def _by_name(column: str, label_name: str) -> str:
    """What a column's name gives away, in words; empty where it gives nothing away."""
    told = " ".join(_words(column))
    about = [word for word in _words(label_name) if word not in EMPTY_WORDS and len(word) > LEAST_LETTERS]
    for word in about:
        if re.search(rf"\b{re.escape(word)}(s|ed|er)?\b", told):
            return f"its name speaks of {word!r}, as the label's does"
    for words, how in ((MODEL_WORDS, "is computed by a model"), (OUTCOME_WORDS, "is told after the outcome")):
        for word in words:
            if re.search(rf"\b{word}\b", told):
                return f"its name ({word!r}) says that it {how}"
    return ""


def _words(name: str) -> list[str]:
    """The words of a column's name in lower case, whatever joins them.

    >>> _words("ChurnScore_90d (new)")
    ['churn', 'score', '90d', 'new']
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.casefold() for word in re.split(r"[\W_]+", apart) if word]


__all__: list[Any] = ["Suspicion", "alone", "suspicions"]
