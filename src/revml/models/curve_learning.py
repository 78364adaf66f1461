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
from revml.models.ladder import Climbed, refit
from revml.models.learning import Learning

FOLDS = 3
MOST_ROWS = 60_000  # a handful of numbers an interval have learned all they can from fewer
MIN_EVENTS = 10


@dataclass(frozen=True)
class Seen:
    """Snapshots with an out-of-sample probability and what came of them.

    Attributes:
        fold: of the account; the same for all its rows.
        happened: by horizon, 1.0, 0.0, or NaN where it has not closed.
    """

    fold: np.ndarray
    probability: np.ndarray
    happened: Mapping[int, np.ndarray]
    renewals: Renewals

    def take(self, rows: np.ndarray) -> Seen:
        """Some of them."""
        happened = {days: told[rows] for days, told in self.happened.items()}
        return Seen(self.fold[rows], self.probability[rows], happened, self.renewals.take(rows))


@dataclass(frozen=True)
class LearnedCurve:
    """A curve, with the rows that it was learned from and those that the ladder judged, to be measured on.

    Attributes:
        across: every learning row (or a share of the accounts), its probability from a fit on the other folds.
        judged: the rows that the ladder was judged on: out of time, or across accounts where history is short.
    """

    curve: Curve
    across: Seen = field(repr=False)
    judged: Seen = field(repr=False)

    def without(self, fold: int) -> Curve:
        """The curve as the accounts of the other folds alone would have it."""
        others = self.across.fold != fold
        return _fit(self.curve, self.across.take(others)) if others.any() else self.curve


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
        happened: see `Seen`, over all learning rows; of a question that falls, whether the opposite happened.
        main, gap, falls: see `Curve`.
    """
    every = Seen(
        fold=(data.accounts // 31) % FOLDS,
        probability=np.full(len(data.label), np.nan),
        happened=happened,
        renewals=Renewals.of(data.matrix, data.encoding.names),
    )
    judged = replace(every.take(climbed.judged), probability=climbed.probability)
    rows = np.flatnonzero((data.accounts // 104_729) % 10_000 < 10_000 * min(1.0, MOST_ROWS / len(data.label)))
    across = _across_accounts(data, climbed, every.take(rows), rows) or judged
    return LearnedCurve(_fit(Curve(main, gap, falls, ()), across), across, judged)


def _fit(like: Curve, seen: Seen) -> Curve:
    event = 1.0 - seen.probability if like.falls else seen.probability
    return fit_curve(event, seen.happened, seen.renewals, main=like.main, gap=like.gap, falls=like.falls)


def _across_accounts(data: Learning, climbed: Climbed, seen: Seen, rows: np.ndarray) -> Seen | None:
    """The served rung's probability for accounts it was not fitted on; None where there are too few to fit again."""
    label = data.label[rows]
    left = [label[seen.fold != k] for k in range(FOLDS)]
    if min(min(y.sum(), len(y) - y.sum()) for y in left) < MIN_EVENTS:
        return None
    raw = np.empty(len(rows))
    for k in range(FOLDS):
        out = seen.fold == k
        raw[out] = refit(climbed, _part(data, rows[~out])).raw(data.matrix[rows[out]])
    return replace(seen, probability=climbed.calibration.apply(raw))


def _part(data: Learning, rows: np.ndarray) -> Learning:
    return replace(
        data, matrix=data.matrix[rows], label=data.label[rows], accounts=data.accounts[rows], as_of=data.as_of[rows]
    )
