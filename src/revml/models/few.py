"""Few events: settings are given, not chosen, and an honest model is believed unless the figures speak against it.

With some tens of accounts that had the event, picking the best of sixty settings picks the luckiest. Over companies of
60 to 300 accounts drawn from a large sample, a fixed, strongly shrunk mean of a line and small trees gained twice the
log-loss that the picked settings did, and was never worse than the constant rate (docs/figures.md); picking was so for
one company in eight.
"""

from __future__ import annotations

import numpy as np

from revml.models.sheet import ModelSheet

FEW = 150  # accounts with the rarer outcome, below which settings are given
PENALTY = 0.01  # inverse ridge penalty of the line
LEARNED = 2.4  # learning rate times rounds of the trees
SHARE = 0.5  # of the trees in the mean of both
NOT_REFUTED = 0.2  # share of account resamples in which a rung above the rule must have the lower log-loss


def is_few(label: np.ndarray, accounts: np.ndarray) -> bool:
    """Whether too few accounts had the rarer outcome to choose settings by."""
    return bool(min(len(np.unique(accounts[label == side])) for side in (0, 1)) < FEW)


def given_rounds(sheet: ModelSheet) -> int:
    """Rounds of the first candidate of a sheet."""
    rate = float({**sheet.params, **sheet.candidates[0]}.get("learning_rate", 0.04))
    return max(1, round(LEARNED / rate))


__all__ = ["FEW", "NOT_REFUTED", "PENALTY", "SHARE", "given_rounds", "is_few"]
