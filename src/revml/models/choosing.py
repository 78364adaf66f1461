"""Choosing without flattery: what is chosen for an account's rows is always chosen on other accounts.

Comes in: out-of-sample log-odds under each setting, labels, and a group a row (accounts of one group never choose for
themselves). Goes out: the log-odds that an honest choice gives, and their calibration fitted on the other groups.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from revml.models.calibration import PULL, fit_line


@dataclass(frozen=True)
class Chosen:
    """An honest choice among settings.

    Args:
        setting: the one that is best on all rows, to be fitted again.
        raw: log-odds a row, each under the setting that is best on the other groups.
        others: by group, the summed loss that the setting chosen for it has on the others.
    """

    setting: int
    raw: np.ndarray = field(repr=False)
    others: dict[int, float] = field(repr=False)


def groups_of(accounts: np.ndarray, *, by_time: bool) -> np.ndarray:
    """The group of each row; folds by account are judged fifth by fifth already, and keep their fifths."""
    return np.asarray((accounts // 7919) % 4 if by_time else accounts % 5)


def choose(curves: np.ndarray, label: np.ndarray, groups: np.ndarray) -> Chosen:
    """Choose a setting for each group by the calibrated log-loss of the other groups.

    Args:
        curves: out-of-sample log-odds, shape (settings, rows).
    """
    losses = np.stack([line_losses(curve, label) for curve in curves])
    raw, others = np.empty(len(label)), {}
    for group in np.unique(groups):
        mine = groups == group
        sums = losses[:, ~mine].sum(axis=1)
        pick = int(sums.argmin()) if (~mine).any() else 0
        raw[mine] = curves[pick][mine]
        others[int(group)] = float(sums[pick])
    return Chosen(int(losses.sum(axis=1).argmin()), raw, others)


def calibrated(raw: np.ndarray, label: np.ndarray, groups: np.ndarray, *, constant: bool = False) -> np.ndarray:
    """Log-odds after a calibration that was fitted on the other groups."""
    out = np.empty(len(raw))
    for group in np.unique(groups):
        mine = groups == group
        others = ~mine if (~mine).any() else mine
        slope = 0.0 if constant or np.ptp(raw[others]) < 1e-9 else None
        intercept, fitted = fit_line(raw[others], label[others], slope=slope, pull=PULL)
        out[mine] = intercept + fitted * raw[mine]
    return out


def log_loss(raw: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Log-loss a row, from log-odds."""
    return np.asarray(np.logaddexp(0.0, raw) - label * raw)


def line_losses(raw: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Log-loss a row after the best line, so that settings are judged as they will be served: calibrated."""
    raw = raw.astype(float)
    slope = 0.0 if np.ptp(raw) < 1e-9 else None
    intercept, slope_fitted = fit_line(raw, label, slope=slope, pull=PULL)
    return log_loss(intercept + slope_fitted * raw, label)
