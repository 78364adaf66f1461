"""Whether one rung is better than another on the same rows, beyond the luck of which accounts were there.

Accounts are resampled whole (a Poisson bootstrap, each account drawn 0, 1, 2 … times), both rungs on the same draws.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

RESAMPLES = 200


def _draws(accounts: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """How often each row was drawn, once a resample; equal for rows of one account."""
    _, index = np.unique(accounts, return_inverse=True)
    rng, size = np.random.default_rng(seed), int(index.max()) + 1
    for _ in range(RESAMPLES):
        yield rng.poisson(1.0, size=size)[index].astype(float)


def lower_loss(loss: np.ndarray, reference: np.ndarray, accounts: np.ndarray, seed: int) -> float:
    """In what share of the resamples the mean loss is lower than the reference's.

    Args:
        loss, reference: a loss a row.
        accounts: an integer a row, equal for rows of one account.
    """
    gain = reference - loss
    return float(np.mean([np.dot(weight, gain) > 0 for weight in _draws(accounts, seed)]))


def higher_rank(score: np.ndarray, reference: np.ndarray, label: np.ndarray, accounts: np.ndarray, seed: int) -> float:
    """In what share of the resamples the ROC-AUC is higher than the reference's."""
    places = [np.unique(values, return_inverse=True)[1] for values in (score, reference)]
    wins = [_area(places[0], label, weight) > _area(places[1], label, weight) for weight in _draws(accounts, seed)]
    return float(np.mean(wins))


def _area(place: np.ndarray, label: np.ndarray, weight: np.ndarray) -> float:
    """ROC-AUC times the number of pairs, from the place of each row among the sorted scores; ties count half."""
    events = np.bincount(place, weights=weight * label)
    others = np.bincount(place, weights=weight * (1 - label))
    return float((events * (np.cumsum(others) - 0.5 * others)).sum())
