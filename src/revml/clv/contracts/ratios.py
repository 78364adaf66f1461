"""What the MRR of surviving accounts became after so many months: ratios between landmarks of the past.

Comes in: facts and `as_of`. Goes out: `Ratios`, by how much the MRR of accounts that were still there k months later
had risen and fallen, each as a share of their MRR before. An account that rose and fell again counts by the difference,
so that the level k months ahead is right whatever happened on the way: past yearly rates compounded are not, because
who has just bought more does not buy more again, and who shrinks leaves.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from revml.clv.contracts.growth import MAX_RISE, Ratios
from revml.clv.contracts.subscriptions import MOST_MONTHS, standing_months
from revml.clv.value import Floats
from revml.sources.facts import Facts

# How far back landmarks go: a company of five years ago sold otherwise.
WINDOW_MONTHS = 48
# Pairs of a lag below which the lag is not told apart from the ones before it.
MIN_PAIRS = 30
# What one's own past weighs against no growth at all: the changes of so many accounts.
PRIOR_CHANGES = 5.0


def past_ratios(facts: Facts, as_of: datetime, months: int) -> Ratios:
    """Ratios between all landmarks, a month apart, of the last `WINDOW_MONTHS`, known at `as_of`.

    Args:
        months: how many lags are needed; those that no history reaches go on at the pace of the last year seen.
    """
    mrr, spell = standing_months(facts, as_of, WINDOW_MONTHS, most=MOST_MONTHS)
    lags = min(months, mrr.shape[1] - 1)
    rises, falls, seen, changes = [0.0], [0.0], 0, 0
    for k in range(1, lags + 1):
        before, after = mrr[:, k:], mrr[:, :-k]
        stayed = (spell[:, k:] == spell[:, :-k]) & (spell[:, k:] >= 0) & (before > 0)
        if stayed.any(axis=1).sum() < MIN_PAIRS:
            break
        was = before[stayed]
        # one merger must not price everybody's growth; over two years an account may rise by more than in one
        is_now = np.minimum(after[stayed], (1 + MAX_RISE) ** max(k / 12, 1.0) * was)
        changed = np.abs(after - before) > 0.005 * before
        if k <= 12:
            changes = int((changed & stayed).any(axis=1).sum())
        # few changes say little: they are believed as far as they outweigh the prior
        trust = changes / (changes + PRIOR_CHANGES)
        rises.append(trust * float(np.maximum(is_now - was, 0.0).sum() / was.sum()))
        falls.append(trust * float(np.maximum(was - is_now, 0.0).sum() / was.sum()))
        seen = k
    return Ratios(
        rises=_gone_on(np.array(rises), months),
        falls=_gone_on(np.array(falls), months),
        observed_months=seen,
        accounts=len(mrr),
        changes=changes,
    )


def _gone_on(level: Floats, months: int) -> Floats:
    """(months,) of a level that starts at 0: never turning back, and on at its last year's pace where it ends."""
    level = np.maximum.accumulate(level)
    last = len(level) - 1
    year = min(12, last)
    pace = (level[last] - level[last - year]) / year if year else 0.0
    return np.concatenate([level, level[last] + pace * np.arange(1, months - last + 1)])[1 : months + 1]
