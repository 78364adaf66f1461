"""The weights of a mean of rungs: none negative, near a plain mean until many accounts say otherwise.

Comes in: out-of-sample log-odds of each rung, labels, and a group a row. Goes out: how much of each rung a blend holds,
and the log-odds that it gives to accounts that had no say in its weights (Wolpert 1992; Breiman 1996). How steep the
mean has to be is not decided here but by its calibration.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from revml.models.calibration import log_odds, penalised

PLAIN: Mapping[str, float] = {"rule": 0.15, "logistic": 0.35, "lightgbm": 0.5}
BELIEF = 20.0  # precision of the belief in the plain mean


def weights(raws: Mapping[str, np.ndarray], label: np.ndarray) -> dict[str, float]:
    """The weight of each rung, in thousandths; they add up to 1.

    Args:
        raws: out-of-sample log-odds by rung, of those in `PLAIN`.
    """
    plain = np.array([PLAIN[name] for name in raws])
    plain = plain / plain.sum()
    columns = np.column_stack([np.ones(len(label)), *raws.values()])
    centre = np.array([0.0, *plain])
    pull = np.diag([1e-2, *np.full(len(plain), BELIEF)])
    free = np.ones(len(centre), dtype=bool)
    found = np.array([float(log_odds(label.mean())), *plain])
    for _ in raws:
        found = penalised(columns, label, np.where(free, found, 0.0), pull, free, centre)
        if (found[1:] >= 0).all():
            break
        free[1:] &= found[1:] > 0
    kept = np.maximum(found[1:], 0.0)
    kept = kept / kept.sum() if kept.sum() > 0 else plain
    return {name: round(float(weight), 3) for name, weight in zip(raws, kept, strict=True)}


def setting_of(weight: Mapping[str, float]) -> dict[str, float]:
    """The same weights as a blend holds them: the trees' share, and the rule's share of the rest."""
    line, rule, trees = (weight.get(name, 0.0) for name in ("logistic", "rule", "lightgbm"))
    setting = {"share": round(trees / (line + rule + trees), 3)}
    return {**setting, "rule": round(rule / (line + rule), 3)} if rule > 0 else setting


def mean_of_rungs(setting: Mapping[str, float], raws: Mapping[str, np.ndarray]) -> np.ndarray:
    """Log-odds of the mean that a setting tells."""
    first = raws["logistic"]
    if "rule" in setting:
        first = (1 - setting["rule"]) * first + setting["rule"] * raws["rule"]
    return np.asarray((1 - setting["share"]) * first + setting["share"] * raws["lightgbm"])


def stacked(
    raws: Mapping[str, np.ndarray], label: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, dict[str, float]]:
    """Log-odds a row under weights of the other groups, and the setting that all rows together give."""
    raw = np.empty(len(label))
    for group in np.unique(groups):
        mine = groups == group
        others = ~mine if (~mine).any() else mine
        setting = setting_of(weights({name: told[others] for name, told in raws.items()}, label[others]))
        raw[mine] = mean_of_rungs(setting, {name: told[mine] for name, told in raws.items()})
    return raw, setting_of(weights(raws, label))
