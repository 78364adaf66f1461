"""What a feature told a label window earlier: the same account's older value against today's outcome.

Comes in: a matrix of rows sorted by account (or account and thing) and instant. Goes out: the ROC-AUC of each column
now and earlier, both out of sample and on the same rows. An honest behavioural feature fades slowly; a leak is gone,
for a window earlier nothing of the outcome had been written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from revml.evaluation.leaks import alone
from revml.models.folds import folds_by_account

LEAST_EVENTS = 30  # rows with the event, on either side, below which nothing is said
OFTEN, CHANGING = 3, 0.005  # rows that an account needs to show changes; share of accounts that may have one
LEAST_ACCOUNTS = 30


@dataclass(frozen=True)
class Lagged:
    """ROC-AUC of a column now and with the value of `days` earlier; `apart` says that no window overlaps another."""

    now: float
    earlier: float
    days: float
    apart: bool

    @property
    def kept(self) -> float:
        """The share of its power that it had then."""
        return (self.earlier - 0.5) / max(self.now - 0.5, 1e-9)


def lagged(
    matrix: np.ndarray,
    label: np.ndarray,
    groups: tuple[np.ndarray, np.ndarray],
    as_of: np.ndarray,
    reach: timedelta,
    category: Sequence[bool],
) -> list[Lagged] | None:
    """What each column tells now and earlier; None where too few rows have an earlier one.

    Args:
        matrix: rows sorted by what is followed and by instant.
        groups: what is followed through time (an account, or an account and a thing), and the account, a number each.
        reach: from an instant to the end of its label window; older rows are taken from before that, and only where
            too few have one, from the snapshot before.
    """
    followed, accounts = groups
    for apart in (True, False):
        now, then = _pairs(followed, as_of, np.timedelta64(reach) if apart else np.timedelta64(1, "D"))
        events = label[now].sum()
        if min(events, len(now) - events) >= LEAST_EVENTS:
            break
    else:
        return None
    days = float(np.median((as_of[now] - as_of[then]) / np.timedelta64(1, "D")))
    folds = folds_by_account(accounts[now]).fits
    return [
        Lagged(
            alone(matrix[now, j], label[now], folds, category=category[j]),
            alone(matrix[then, j], label[now], folds, category=category[j]),
            days,
            apart,
        )
        for j in range(matrix.shape[1])
    ]


def _pairs(followed: np.ndarray, as_of: np.ndarray, least: np.timedelta64) -> tuple[np.ndarray, np.ndarray]:
    """Each row with the newest row of the same that is at least so much older."""
    if not len(followed):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    starts = np.r_[0, np.flatnonzero(followed[1:] != followed[:-1]) + 1]
    first = np.repeat(starts, np.diff(np.r_[starts, len(followed)]))
    # One line of time on which accounts never meet: each begins far after the last.
    number = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(followed)]))
    span = int((as_of.max() - as_of.min()).astype("timedelta64[us]").astype(np.int64)) + int(
        least.astype("timedelta64[us]").astype(np.int64)
    )
    line = (as_of - as_of.min()).astype("timedelta64[us]").astype(np.float64) + number * float(2 * span + 1)
    then = np.searchsorted(line, line - float(least.astype("timedelta64[us]").astype(np.int64)), side="right") - 1
    there = then >= first
    return np.flatnonzero(there), then[there]


def never_changes(values: np.ndarray, followed: np.ndarray) -> bool:
    """Whether a column stays what it is at all but very few accounts, where enough accounts are seen often enough."""
    if len(values) < 2:
        return False
    starts = np.r_[0, np.flatnonzero(followed[1:] != followed[:-1]) + 1]
    sizes = np.diff(np.r_[starts, len(values)])
    often = sizes >= OFTEN
    if often.sum() < LEAST_ACCOUNTS:
        return False
    told = np.nan_to_num(values, nan=np.inf)
    changes = np.minimum.reduceat(told, starts) != np.maximum.reduceat(told, starts)
    return bool(changes[often].mean() <= CHANGING)
