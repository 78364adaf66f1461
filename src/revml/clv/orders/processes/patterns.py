"""Buyers that look alike, counted once: the likelihood of a hundred thousand buyers is that of their patterns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from revml.clv.value import Floats

# The likelihood of so many patterns finds where the maximum is, that of all of them what it is.
ROUGH = 3_000


@dataclass(frozen=True)
class Patterns:
    """Different (x, t_x, T), roughly sorted, and how many buyers have each; `where` gives each buyer's pattern."""

    x: Floats
    t_x: Floats
    T: Floats
    counts: Floats
    where: npt.NDArray[np.intp]

    @property
    def buyers(self) -> float:
        """How many buyers."""
        return float(self.counts.sum())

    @property
    def repeaters(self) -> float:
        """How many of them came back."""
        return float(self.counts[self.x > 0].sum())

    def some(self) -> Patterns | None:
        """About `ROUGH` of the patterns, evenly from the sorted ones; None where all are not many more."""
        step = len(self.x) // ROUGH
        if step < 2:
            return None
        few = slice(step // 2, None, step)
        return Patterns(self.x[few], self.t_x[few], self.T[few], self.counts[few], self.where[:0])


def counted(x: npt.ArrayLike, t_x: npt.ArrayLike, T: npt.ArrayLike) -> Patterns:
    """The patterns of buyers.

    >>> counted([0, 2, 0], [0, 3, 0], [9, 9, 9]).counts.tolist()
    [2.0, 1.0]
    """
    xs, ts, Ts = (np.asarray(v, dtype=np.float64) for v in (x, t_x, T))
    # alike rows have the same key; others that share one only count as two patterns more, which does no harm
    order = np.argsort(xs * 1e6 + ts * 1e3 + Ts)
    a, b, c = xs[order], ts[order], Ts[order]
    first = np.ones(len(a), dtype=bool)
    first[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1]) | (c[1:] != c[:-1])
    where = np.empty(len(a), dtype=np.intp)
    where[order] = np.cumsum(first) - 1
    starts = np.flatnonzero(first)
    counts = np.diff(np.append(starts, len(a))).astype(np.float64)
    return Patterns(a[starts], b[starts], c[starts], counts, where)


def by_count(x: Floats) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Numbers of orders, and where each of `x` is among them, so that gamma functions are taken once a number.

    >>> by_count(np.array([2.0, 0.0]))
    (array([0., 1., 2.]), array([2, 0]))
    """
    where = x.astype(np.intp)
    return np.arange(where.max(initial=0) + 1, dtype=np.float64), where
