"""Trees of several sizes, each stopped where it errs least out of sample, and their mean as one forest.

Comes in: the learning rows, folds, and the candidates of the model sheet. Goes out: log-odds out of sample at every
checkpoint; which candidates are in the mean, with their rounds; and that mean, fitted on other rows. Which of several
sizes had the lowest log-loss on some hundred events is mostly luck, and forests that differ err less together: so every
candidate that is not clearly worse than the best is in the mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from revml.models.choosing import line_losses
from revml.models.learner import dataset, fit_trees, full_params, mean_of
from revml.models.learning import Learning
from revml.models.trees import Trees

if TYPE_CHECKING:
    import lightgbm

CHECKPOINT = 10  # rounds between two looks at the out-of-sample loss
CLEARLY_WORSE = 2.0  # standard errors of the log-loss, accounts whole, by which a candidate must lose to be left out


@dataclass(frozen=True)
class Mean:
    """Which candidates are in the mean.

    Args:
        setting: `candidates`, pairs of a candidate's number and its rounds; `rounds`, the trees of all together.
        raw: of the judged rows, log-odds under what is chosen on the accounts of the other groups.
    """

    setting: dict[str, Any]
    raw: np.ndarray = field(repr=False)


def choose_mean(
    settings: Sequence[Mapping[str, Any]],
    curves: np.ndarray,
    label: np.ndarray,
    groups: np.ndarray,
    accounts: np.ndarray,
) -> Mean:
    """Rounds of each candidate and who is in the mean; an account's rows are never chosen for by themselves.

    Args:
        settings: `candidate` and `rounds` of each curve.
        curves: out-of-sample log-odds, shape (settings, rows).
        groups: of rows; an account's rows are all in one.
        accounts: an integer a row, equal for rows of one account.
    """
    losses = np.stack([line_losses(curve, label) for curve in curves])
    number = np.array([setting["candidate"] for setting in settings])
    raw = np.empty(len(label))
    for group in np.unique(groups):
        mine = groups == group
        others = ~mine if (~mine).any() else mine
        raw[mine] = curves[_kept(losses[:, others], number, accounts[others])][:, mine].mean(axis=0)
    kept = [(int(number[k]), int(settings[k]["rounds"])) for k in _kept(losses, number, accounts)]
    return Mean({"candidates": kept, "rounds": sum(rounds for _, rounds in kept)}, raw)


def _kept(losses: np.ndarray, number: np.ndarray, accounts: np.ndarray) -> list[int]:
    """The best curve of each candidate that is not clearly worse than the best candidate, by candidate."""
    sums = losses.sum(axis=1)
    curves = [int(np.flatnonzero(number == n)[sums[number == n].argmin()]) for n in np.unique(number)]
    best = min(curves, key=lambda k: (sums[k], k))
    of_account = np.unique(accounts, return_inverse=True)[1]
    kept = []
    for curve in curves:
        lost = np.bincount(of_account, weights=losses[curve] - losses[best])
        if curve == best or lost.sum() <= CLEARLY_WORSE * np.sqrt((lost**2).sum()):
            kept.append(curve)
    return kept


def boosted_curves(data: Learning, fit: np.ndarray, out: np.ndarray) -> list[tuple[dict[str, Any], np.ndarray]]:
    """Log-odds of the judged rows at every checkpoint of every candidate; a stopped candidate keeps its last."""
    import lightgbm

    sheet, made = data.sheet, []
    binned: dict[Any, tuple[lightgbm.Dataset, lightgbm.Dataset]] = {}
    for number, candidate in enumerate(sheet.candidates):
        told = {**sheet.params, **candidate}
        if told.get("max_bin") not in binned:
            shared = dataset(data.matrix[fit], data.label[fit], data.encoding, told)
            watched = lightgbm.Dataset(data.matrix[out], label=data.label[out], reference=shared)
            binned[told.get("max_bin")] = shared, watched
        shared, watched = binned[told.get("max_bin")]
        params = full_params(data.encoding, told, data.seed, data.threads)
        booster = lightgbm.train(
            {**params, "metric": "binary_logloss"},
            shared,
            num_boost_round=sheet.max_rounds,
            valid_sets=[watched],
            callbacks=[lightgbm.early_stopping(sheet.early_stopping, verbose=False)],
        )
        trained = booster.current_iteration()
        raw = np.zeros(len(out))
        for rounds in range(CHECKPOINT, sheet.max_rounds + 1, CHECKPOINT):
            start = rounds - CHECKPOINT
            if start < trained:
                raw = raw + booster.predict(
                    data.matrix[out],
                    raw_score=True,
                    start_iteration=start,
                    num_iteration=min(CHECKPOINT, trained - start),
                )
            made.append(({"candidate": number, "rounds": rounds}, raw))
    return made


def fit_mean(data: Learning, setting: Mapping[str, Any]) -> Trees:
    """The mean of the candidates of a setting on all learning rows, as one forest."""
    binned: dict[Any, lightgbm.Dataset] = {}
    forests = []
    for number, rounds in setting["candidates"]:
        params = {**data.sheet.params, **data.sheet.candidates[number]}
        if params.get("max_bin") not in binned:
            binned[params.get("max_bin")] = dataset(data.matrix, data.label, data.encoding, params)
        shared = binned[params.get("max_bin")]
        forests.append(fit_trees(shared, data.encoding, params, rounds=rounds, seed=data.seed, threads=data.threads))
    return mean_of(forests)
