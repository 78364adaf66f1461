"""Few events: settings are given, not chosen, and an honest model is believed unless the figures speak against it.

With some tens of accounts that had the event, picking the best of sixty settings picks the luckiest. On companies of
60 to 300 accounts drawn from a large sample, the plain mean of a rule, a shrunk line and small trees gained more
log-loss than picked settings did, the more the smaller the company; from about 700 on it is a draw (docs/figures.md).
"""

from __future__ import annotations

import numpy as np

from revml.models.sheet import READY_CANDIDATES, READY_PARAMS

FEW = 300  # accounts with the rarer outcome, below which settings are given
PENALTY = 0.01  # inverse ridge penalty of the line
ROUNDS = 60
TREES: dict[str, float | int | bool | str] = {**READY_PARAMS, **READY_CANDIDATES[0]}
# A third each: of the trees in the mean, and of the rule in the rest.
SHARE_OF_TREES, SHARE_OF_RULE = 1 / 3, 0.5
NOT_REFUTED = 0.2  # share of account resamples in which a rung above the rule must have the lower log-loss


def is_few(label: np.ndarray, accounts: np.ndarray) -> bool:
    """Whether too few accounts had the rarer outcome to choose settings by.

    >>> is_few(np.array([0, 1, 1, 0]), np.array([1, 2, 2, 3]))
    True
    """
    return bool(min(len(np.unique(accounts[label == side])) for side in (0, 1)) < FEW)
