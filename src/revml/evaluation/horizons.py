"""What a curve of risk is worth at each horizon: order, log-loss, and events expected against events observed.

Up to the question's own horizon on the test rows. A longer one has not closed for them: it is measured on the learning
rows, each third of the accounts with a curve and a model that did not see it, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from revml.datasets import Dataset
from revml.evaluation.metrics import log_losses, roc_auc
from revml.labels.outcomes import FALLING, horizons
from revml.models.curve import Curve, Renewals
from revml.models.curve_learning import FOLDS, LearnedCurve, learn_curve
from revml.models.ladder import Climbed, Learning
from revml.snapshots import KEYS

MIN_ROWS = 20


def curve_of(
    dataset: Dataset,
    rows: pd.DataFrame,
    test: pd.DataFrame,
    data: Learning,
    climbed: Climbed,
    probability: np.ndarray,
) -> tuple[Curve, dict[str, Any]] | None:
    """The curve of a question and what the manifest tells of it; None where the dataset knows one horizon only.

    Args:
        rows, test: what was learned from (the rows of `data`) and what was put aside.
        probability: of the test rows.
    """
    if dataset.outcomes is None:
        return None
    spec = dataset.spec
    happened = _by_then(dataset.outcomes, rows, spec.horizon_days)
    falls = dataset.question in FALLING
    learned = learn_curve(data, climbed, happened, main=spec.horizon_days, gap=spec.gap_days, falls=falls)
    renewals = Renewals.of(data.encoding.matrix(test), data.encoding.names)
    told = measure_horizons(learned, probability, _by_then(dataset.outcomes, test, spec.horizon_days), renewals)
    return learned.curve, told


def _by_then(outcomes: pd.DataFrame, rows: pd.DataFrame, main: int) -> dict[int, np.ndarray]:
    """What had happened by each horizon, in the order of `rows`; NaN where it has not closed."""
    found = rows[list(KEYS)].merge(outcomes, on=list(KEYS), how="left", validate="one_to_one")
    return {h: found[f"within_{h}"].to_numpy(dtype=float, na_value=np.nan) for h in horizons(main)}


def measure_horizons(
    learned: LearnedCurve, probability: np.ndarray, happened: Mapping[int, np.ndarray], renewals: Renewals
) -> dict[str, Any]:
    """What the manifest tells of a curve.

    Args:
        probability, happened, renewals: of the test rows; see `LearnedCurve`.

    Returns:
        main, falls and, a horizon each, `horizons`: days, kind of the interval that ends there, whether the curve is
        extrapolated, and how it did: `on` (test, accounts or None), rows, events observed and expected, roc_auc,
        log_loss and log_loss_constant (None where it cannot be told).
    """
    curve = learned.curve
    tested = curve.apply(probability, renewals)
    across = _across_accounts(learned)
    told = []
    for k, (days, interval) in enumerate(zip(curve.horizons, curve.intervals, strict=True)):
        seen = _label(learned, learned.happened[days])
        if days <= curve.main:
            label, constant = _label(learned, happened[days]), np.full(len(probability), _mean(seen))
            figures = _figures("test", tested[:, k], label, constant)
        else:
            constant = np.array([_mean(seen[learned.fold != one]) for one in range(FOLDS)])[learned.fold]
            figures = _figures("accounts", across[:, k], seen, constant)
        told.append({"days": days, "kind": interval.kind, "extrapolated": curve.extrapolated[k], **figures})
    return {"main": curve.main, "falls": curve.falls, "horizons": told}


def _across_accounts(learned: LearnedCurve) -> np.ndarray:
    out = np.empty((len(learned.rows), len(learned.curve.horizons)))
    for fold in range(FOLDS):
        mine = learned.fold == fold
        if mine.any() and not mine.all():
            out[mine] = learned.without(fold).apply(learned.probability[mine], learned.renewals.take(mine))
        elif mine.any():
            out[mine] = learned.curve.apply(learned.probability[mine], learned.renewals.take(mine))
    return out


def _label(learned: LearnedCurve, happened: np.ndarray) -> np.ndarray:
    return 1.0 - happened if learned.curve.falls else happened


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _figures(on: str, probability: np.ndarray, label: np.ndarray, constant: np.ndarray) -> dict[str, Any]:
    known = ~np.isnan(label)
    rows = int(known.sum())
    if rows < MIN_ROWS:
        nothing = dict.fromkeys(("observed", "expected", "roc_auc", "log_loss", "log_loss_constant"))
        return {"on": None, "rows": rows, **nothing}
    p, y = probability[known], label[known]
    return {
        "on": on,
        "rows": rows,
        "observed": int(y.sum()),
        "expected": _rounded(p.sum()),
        "roc_auc": _rounded(roc_auc(p, y)),
        "log_loss": _rounded(log_losses(p, y).mean()),
        "log_loss_constant": _rounded(log_losses(constant[known], y).mean()),
    }


def _rounded(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
