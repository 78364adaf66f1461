"""The rows that a rung learns from, encoded.

Comes in: what `training` made of a dataset's learning parts. It never holds a row of the test.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from revml.models.encoding import Encoding
from revml.models.few import is_few
from revml.models.sheet import ModelSheet


@dataclass(frozen=True)
class Learning:
    """The rows to learn from, encoded: train and validation, never test.

    Args:
        accounts: an integer a row that is equal for rows of one account (see `account_numbers`).
        as_of: datetime64 of the snapshot, a row.
    """

    matrix: np.ndarray
    label: np.ndarray
    accounts: np.ndarray
    as_of: np.ndarray
    encoding: Encoding
    sheet: ModelSheet
    seed: int
    threads: int

    @cached_property
    def few(self) -> bool:
        """Whether too few accounts had the rarer outcome to choose settings by."""
        return is_few(self.label, self.accounts)
