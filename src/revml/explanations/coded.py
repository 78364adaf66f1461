"""The values of a category in a few distinct texts and a place a row: what is asked of texts is asked once each.

Comes in: texts of rows, as a list, or `Coded` as Arrow's dictionaries give them. Nothing is copied a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Coded(Sequence[str | None]):
    """Texts of rows, None where unknown; reads like a list.

    Attributes:
        values: the distinct texts, and None.
        places: of each row, which of them it has.

    >>> list(Coded(("a", "b", None), np.array([1, 2, 1])))
    ['b', None, 'b']
    """

    values: Sequence[str | None]
    places: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, at: int) -> str | None: ...
    @overload
    def __getitem__(self, at: slice) -> Coded: ...
    def __getitem__(self, at: int | slice) -> str | Coded | None:
        return Coded(self.values, self.places[at]) if isinstance(at, slice) else self.values[self.places[at]]


def each(texts: Sequence[str | None], told: Callable[[str | None], Any], kind: Any) -> npt.NDArray[Any]:
    """What is told of each text, as an array of a kind; of coded ones asked once a value.

    >>> each(Coded(("a", "bb", None), np.array([1, 1, 0])), lambda text: len(text or ""), float).tolist()
    [2.0, 2.0, 1.0]
    """
    if isinstance(texts, Coded):
        found = np.empty(len(texts.values), dtype=kind)
        found[:] = [told(text) for text in texts.values]
        return np.asarray(found[texts.places])
    found = np.empty(len(texts), dtype=kind)
    found[:] = [told(text) for text in texts]
    return found
