"""Folds for choosing: which rows a fit sees and which it is judged on, by time or by account; never by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np


@dataclass(frozen=True)
class Folds:
    """Which rows each fit sees, and which rows it is judged on.

    Args:
        fits: pairs of row indices (fit on, judge on); no row is judged twice.
        by_time: whether the judged rows are later than those fitted on, with the label gap between.
    """

    fits: tuple[tuple[np.ndarray, np.ndarray], ...]
    by_time: bool

    @property
    def judged(self) -> np.ndarray:
        """All rows with an out-of-sample prediction, ascending."""
        return np.sort(np.concatenate([out for _, out in self.fits]))


def account_numbers(ids: Sequence[str]) -> np.ndarray:
    """A stable number for each account id, for folds that do not depend on the order of rows.

    >>> bool(account_numbers(["a", "b", "a"])[0] == account_numbers(["b", "a"])[1])
    True
    """
    known = {i: int.from_bytes(blake2b(str(i).encode(), digest_size=6).digest(), "big") for i in set(ids)}
    return np.array([known[i] for i in ids], dtype=np.int64)


def folds_by_time(train: np.ndarray, valid: np.ndarray) -> Folds:
    """Fit on the earlier rows, judge on the later."""
    return Folds(((train, valid),), by_time=True)


def folds_by_account(accounts: np.ndarray, folds: int = 5) -> Folds:
    """For a history too short to fold by time: each fifth of the accounts is judged by the others."""
    fold = accounts % folds
    pairs = ((np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(folds))
    return Folds(tuple((fit, out) for fit, out in pairs if len(out) and len(fit)), by_time=False)
