"""Forecasts of buyers that look alike are made once, and so many at a time that memory stays small."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from revml.clv.orders.processes.patterns import counted
from revml.clv.value import Floats

# So many answers at a time stay in the processor's cache.
ANSWERS = 16_384


def by_pattern(
    answer: Callable[[Floats, Floats, Floats], Floats], *columns: Floats, each: int
) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Answers to different rows of up to three columns, each asked for once.

    Args:
        answer: of three columns (rows,), those that are not given 0, to (rows, ...).
        each: how many answers a row has.

    Returns:
        The answers, and where that of each row is among them.
    """
    given = (*columns, *(np.zeros(len(columns[0])),) * (3 - len(columns)))
    seen = counted(*given)
    step = max(ANSWERS // max(each, 1), 1)
    # without rows: one empty part, which knows the shape
    parts = [
        answer(seen.x[low : low + step], seen.t_x[low : low + step], seen.T[low : low + step])
        for low in range(0, max(len(seen.x), 1), step)
    ]
    return np.concatenate(parts), seen.where
