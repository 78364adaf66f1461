"""Learning a curve: the served rung's risk for accounts it did not see, and the hazards that follow from it.

Comes in: the learning rows, what the ladder decided, and what happened by each horizon. Goes out: a `LearnedCurve`.
Risk of rows that a model was fitted on is too sure of itself, and most snapshots whose year has closed are among those:
so the served rung is fitted again on two thirds of the accounts for the other third.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from revml.models.curve import Curve, Renewals, fit_curve
from revml.models.ladder import Climbed, Learning, refit

FOLDS = 3
MOST_ROWS = 60_000  # a handful of numbers an interval have learned all they can from fewer
MIN_EVENTS = 10


@dataclass(frozen=True)
class LearnedCurve:
    """A curve with the rows that it was learned from, to be measured on.

    Attributes:
        rows: which of the learning rows.
        fold: by account; `probability` of a row comes from a fit on the other folds.
        happened: by horizon, 1.0, 0.0 or NaN a row.
    """

    curve: Curve
    rows: np.ndarray = field(repr=False)
    fold: np.ndarray = field(repr=False)
    probability: np.ndarray = field(repr=False)
    happened: Mapping[int, np.ndarray] = field(repr=False)
    renewals: Renewals = field(repr=False)

    def without(self, fold: int) -> Curve:
        """The curve as the other folds alone would have it."""
        kept = self.fold != fold
        return _fit(self.curve, self.probability[kept], _take(self.happened, kept), self.renewals.take(kept))


def learn_curve(
    data: Learning,
    climbed: Climbed,
    happened: Mapping[int, np.ndarray],
    *,
    main: int,
    gap: int = 0,
    falls: bool = False,
) -> LearnedCurve:
    """Learn the curve of a question.

    Args:
        happened: see `LearnedCurve`, over all learning rows; of a question that falls, whether the opposite happened.
        main, gap, falls: see `Curve`.
    """
    rows, fold, probability = _out_of_sample(data, climbed)
    mine = _take(happened, rows)
    renewals = Renewals.of(data.matrix[rows], data.encoding.names)
    curve = _fit(Curve(main, gap, falls, ()), probability, mine, renewals)
    return LearnedCurve(curve, rows, fold, probability, mine, renewals)


def _fit(like: Curve, probability: np.ndarray, happened: Mapping[int, np.ndarray], renewals: Renewals) -> Curve:
    event = 1.0 - probability if like.falls else probability
    return fit_curve(event, happened, renewals, main=like.main, gap=like.gap, falls=like.falls)


def _out_of_sample(data: Learning, climbed: Climbed) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, their folds by account, and the served rung's probability for accounts that it was not fitted on."""
    kept = (data.accounts // 104_729) % 10_000 < 10_000 * min(1.0, MOST_ROWS / len(data.label))
    rows = np.flatnonzero(kept)
    fold = (data.accounts[rows] // 31) % FOLDS
    label = data.label[rows]
    counts = [min(label[fold != k].sum(), (1 - label[fold != k]).sum()) for k in range(FOLDS)]
    if min(counts) < MIN_EVENTS:
        # Too few to fit again: the ladder's own predictions, which are out of sample but fewer.
        return climbed.judged, (data.accounts[climbed.judged] // 31) % FOLDS, climbed.probability
    raw = np.empty(len(rows))
    for k in range(FOLDS):
        model = refit(climbed, _part(data, rows[fold != k]))
        raw[fold == k] = model.raw(data.matrix[rows[fold == k]])
    return rows, fold, climbed.calibration.apply(raw)


def _part(data: Learning, rows: np.ndarray) -> Learning:
    return replace(
        data, matrix=data.matrix[rows], label=data.label[rows], accounts=data.accounts[rows], as_of=data.as_of[rows]
    )


def _take(happened: Mapping[int, np.ndarray], rows: np.ndarray) -> dict[int, np.ndarray]:
    return {days: told[rows] for days, told in happened.items()}
