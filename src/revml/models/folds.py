"""Folds for choosing: which rows a fit sees and which it is judged on, by time or by account; never by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import numpy as np

from revml.windows import LabelWindow

WANT_EVENTS = 900  # a few hundred, of which an account tells several, pick by luck and misjudge the slope
MOST_BLOCKS = 3
MIN_FIT_SNAPSHOTS = 3


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


def folds_by_time(
    as_of: np.ndarray,
    valid: Sequence[datetime],
    label: np.ndarray,
    window: LabelWindow,
    *,
    min_fit_events: int,
    want_events: int = WANT_EVENTS,
) -> Folds:
    """Forward chaining: the validation block judged by what came before it, then earlier blocks until events suffice.

    A block is as many whole snapshots as validation has. What a block is judged by ends a whole label window before it.

    Args:
        as_of: datetime64, one a row of training and validation together.
        valid: the validation snapshots.
        label: 0 or 1 a row.
        window: of the question.
        min_fit_events: an earlier block is not judged by fits with fewer events.
        want_events: earlier blocks are added until this many events are judged, three at most.
    """
    dates, sizes = np.unique(as_of, return_counts=True)
    size_of = dict(zip(dates.tolist(), sizes.tolist(), strict=True))
    block = [np.datetime64(at, "us") for at in sorted(valid)]
    whole = 0.5 * float(np.median([size_of.get(at.item(), 0) for at in block]))
    candidates = [at for at in dates.astype("datetime64[us]") if size_of[at.item()] >= whole and at < block[0]]
    fits: list[tuple[np.ndarray, np.ndarray]] = []
    events = 0
    while len(fits) < MOST_BLOCKS:
        fit = np.flatnonzero(as_of <= block[0] - np.timedelta64(window.reach))
        out = np.flatnonzero(np.isin(as_of, block))
        snapshots = len(np.unique(as_of[fit]))
        if fits and (label[fit].sum() < min_fit_events or snapshots < MIN_FIT_SNAPSHOTS):
            break
        fits.append((fit, out))
        events += int(label[out].sum())
        if events >= want_events or len(candidates) < len(block):
            break
        block, candidates = candidates[-len(block) :], candidates[: -len(block)]
    return Folds(tuple(fits), by_time=True)


def thinned(folds: Folds, accounts: np.ndarray, most: int) -> Folds:
    """The same folds with at most about `most` rows to fit on, by leaving out whole accounts.

    Rows that are judged are left out in the same way, so that an account is there with all its rows or not at all.
    """
    largest = max(len(fit) for fit, _ in folds.fits)
    if largest <= most:
        return folds
    kept = (accounts // 104_729) % 10_000 < 10_000 * most / largest
    return Folds(tuple((fit[kept[fit]], out[kept[out]]) for fit, out in folds.fits), folds.by_time)


def folds_by_account(accounts: np.ndarray, folds: int = 5) -> Folds:
    """For a history too short to fold by time: each fifth of the accounts is judged by the others."""
    fold = accounts % folds
    pairs = ((np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(folds))
    return Folds(tuple((fit, out) for fit, out in pairs if len(out) and len(fit)), by_time=False)
