"""A curve of risk over time, account by account in a compiled loop: one row costs no more than its share of many.

The terms are those of `curve._design`, the formulas those that `Curve.apply` documents; a test holds the loop against
both written down in numpy.
"""

from __future__ import annotations

import math

import numpy as np

from revml.models.calibration import EDGE
from revml.models.compiled import compiled

LEAST, MOST = 1e-9, 1 - 1e-9
MONTH_DAYS = 28.0  # a term that is not known to last so long does not repeat: its first renewal is all that is known


@compiled
def _between(ahead, term, low, high):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Whether a renewal falls in `(low, high]`; never where it is not known."""
    if low < ahead <= high:
        return True
    if not (term >= MONTH_DAYS) or math.isinf(term) or math.isnan(ahead):
        return False
    until = max(math.floor((high - ahead) / term), -1.0)
    since = max(math.floor((low - ahead) / term), -1.0) if low > -np.inf else -1.0
    return until > since


@compiled
def curve_loop(probability, ahead, term, start, end, intercept, weights, main, gap, falls):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Probabilities at the end of every interval, (rows, intervals).

    Args:
        probability, ahead, term: (rows,).
        start, end, intercept: (intervals,), days and log-odds.
        weights: (intervals, terms), zeros where an interval has none.
    """
    rows, intervals = len(probability), len(end)
    out = np.empty((rows, intervals))
    at = 0
    for k in range(intervals):
        if end[k] == main:
            at = k
    total = np.empty(intervals)
    for i in range(rows):
        event = 1.0 - probability[i] if falls else probability[i]
        kept = min(max(event, EDGE), 1.0 - EDGE)
        risk = math.log(kept) - math.log1p(-kept)
        unknown = 1.0 if math.isnan(ahead[i]) else 0.0
        by_main = 1.0 if _between(ahead[i], term[i], -np.inf, gap + main) else 0.0
        gained = 0.0
        for k in range(intervals):
            due = 1.0 if _between(ahead[i], term[i], gap + start[k], gap + end[k]) else 0.0
            passed = 1.0 if due == 0.0 and _between(ahead[i], term[i], -np.inf, gap + start[k]) else 0.0
            w = weights[k]
            odds = intercept[k] + w[0] * risk + w[1] * due + w[2] * passed + w[3] * unknown
            odds += w[4] * due * risk + w[5] * passed * risk + w[6] * by_main
            hazard = 1.0 / (1.0 + math.exp(-min(max(odds, -500.0), 500.0)))
            gained -= math.log1p(-min(max(hazard, LEAST), MOST))
            total[k] = gained
        whole = -math.log1p(-min(max(event, 0.0), MOST))
        scale, beyond = whole / total[at], whole - total[at]
        for k in range(intervals):
            free = math.exp(-(total[k] * scale if k < at else total[k] + beyond))
            told = free if falls else 1.0 - free
            # A rounding must not turn the curve back.
            if (k < at) != falls:
                told = min(told, probability[i]) if k != at else probability[i]
            else:
                told = max(told, probability[i]) if k != at else probability[i]
            out[i, k] = min(max(told, 0.0), 1.0)
    return out


def warm() -> None:
    """Compile the loop, or load what was compiled before."""
    one = np.zeros(1)
    curve_loop(one, one, one, one, one, one, np.zeros((1, 7)), 0.0, 0.0, False)
