"""What the MRR of surviving accounts became after so many months: ratios between landmarks of the past.

Comes in: facts and `as_of`. Goes out: `Ratios`, by how much the MRR of accounts that were still there k months later
had risen and fallen, each as a share of their MRR before. An account that rose and fell again counts by the difference,
so that the level k months ahead is right whatever happened on the way: past yearly rates compounded are not, because
who has just bought more does not buy more again, and who shrinks leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from revml.clv.contracts.growth import MAX_RISE, TENURE_EDGES_MONTHS, Ratios
from revml.clv.contracts.subscriptions import MOST_MONTHS, Standing, standing_months
from revml.clv.value import Floats
from revml.sources.facts import Facts

# How far back landmarks go: a company of five years ago sold otherwise.
WINDOW_MONTHS = 48
# Pairs of a lag below which the lag is not told apart from the ones before it.
MIN_PAIRS = 30
# What one's own past weighs against no growth at all: the changes of so many accounts.
PRIOR_CHANGES = 5.0
YEAR = 12
# One account with half of the revenue tells how it grew, and not how everybody does.
MOST_SHARE = 0.10
# Young accounts grow otherwise than old ones, on the samples of machines by half; believed as far as the accounts of a
# band that would have moved outweigh so many.
PRIOR_MOVERS = 50.0


def past_ratios(facts: Facts, as_of: datetime, months: int) -> Ratios:
    """Ratios between all landmarks, a month apart, of the last `WINDOW_MONTHS`, known at `as_of`.

    Args:
        months: how many lags are needed; those that no history reaches go on at the pace of the last year seen.
    """
    past = standing_months(facts, as_of, WINDOW_MONTHS, most=MOST_MONTHS)
    lags = min(months, past.mrr.shape[1] - 1)
    rises, falls, seen, changes = [0.0], [0.0], 0, 0
    pace = np.ones((2, len(TENURE_EDGES_MONTHS) + 1))
    for k in range(1, lags + 1):
        pairs = _pairs(past, k)
        if pairs.accounts < MIN_PAIRS:
            break
        if k <= YEAR:
            changes = pairs.changes
            pace = pairs.by_tenure()
        # few changes say little: they are believed as far as they outweigh the prior
        trust = changes / (changes + PRIOR_CHANGES)
        rises.append(trust * float(pairs.risen.sum() / pairs.was.sum()))
        falls.append(trust * float(pairs.fallen.sum() / pairs.was.sum()))
        seen = k
    return Ratios(
        rises=_gone_on(np.array(rises), months),
        falls=_gone_on(np.array(falls), months),
        rising_pace=pace[0],
        falling_pace=pace[1],
        observed_months=seen,
        accounts=len(past.mrr),
        changes=changes,
    )


@dataclass(frozen=True)
class _Pairs:
    """Landmarks of accounts that were still there so many months later, one after another."""

    was: Floats
    risen: Floats
    fallen: Floats
    tenure: Floats
    account: npt.NDArray[np.int64]

    @property
    def accounts(self) -> int:
        return len(np.unique(self.account))

    @property
    def changes(self) -> int:
        """How many accounts changed at all."""
        return len(np.unique(self.account[self.risen + self.fallen > 0.005 * self.was]))

    def by_tenure(self) -> Floats:
        """(2, bands) rises and falls by tenure against all, held towards one by how few accounts there are."""
        band = np.digitize(self.tenure, TENURE_EDGES_MONTHS)
        out = np.ones((2, len(TENURE_EDGES_MONTHS) + 1))
        was = np.bincount(band, weights=self.was, minlength=out.shape[1])
        seen = np.array([len(np.unique(self.account[band == b])) for b in range(out.shape[1])])
        for row, moved in zip(out, (self.risen, self.fallen), strict=True):
            share = moved.sum() / self.was.sum()
            if share <= 0:
                continue
            sums = np.bincount(band, weights=moved, minlength=len(row))
            # of as many accounts as there are in a band so many would have moved, had they moved like all
            alike = seen * len(np.unique(self.account[moved > 0])) / self.accounts
            own = np.divide(sums, was * share, out=np.ones(len(row)), where=was > 0)
            row[:] = (alike * own + PRIOR_MOVERS) / (alike + PRIOR_MOVERS)
        # what all of them moved by is known: the bands share it out
        weight = was / was.sum()
        return np.asarray(out / (out @ weight)[:, None])


def _pairs(past: Standing, k: int) -> _Pairs:
    before, after = past.mrr[:, k:], past.mrr[:, :-k]
    stayed = (past.spell[:, k:] == past.spell[:, :-k]) & (past.spell[:, k:] >= 0) & (before > 0)
    account = np.nonzero(stayed)[0]
    was = before[stayed]
    # one merger must not price everybody's growth; over two years an account may rise by more than in one
    is_now = np.minimum(after[stayed], (1 + MAX_RISE) ** max(k / YEAR, 1.0) * was)
    weight = _heard(account, was)
    return _Pairs(
        weight * was,
        weight * np.maximum(is_now - was, 0.0),
        weight * np.maximum(was - is_now, 0.0),
        past.tenure[:, k:][stayed],
        account,
    )


def _heard(account: npt.NDArray[np.int64], was: Floats) -> Floats:
    """(pairs,) weights by which no account has more than `MOST_SHARE` of what all of them had."""
    of_account = np.bincount(account, weights=was)
    most = MOST_SHARE * of_account.sum()
    return np.asarray((np.minimum(of_account, most) / np.maximum(of_account, 1e-12))[account])


def _gone_on(level: Floats, months: int) -> Floats:
    """(months,) of a level that starts at 0: never turning back, and on at its last year's pace where it ends."""
    level = np.maximum.accumulate(level)
    last = len(level) - 1
    year = min(YEAR, last)
    pace = (level[last] - level[last - year]) / year if year else 0.0
    return np.concatenate([level, level[last] + pace * np.arange(1, months - last + 1)])[1 : months + 1]
