"""What a curve of risk is worth at each horizon: order, log-loss, and events expected against events observed.

Up to the question's own horizon on the test rows. A longer one has not closed for them: it is measured on the earlier
rows that the ladder was judged on, out of time, or where it has not closed for those either, on all learning rows; in
both with a curve that did not see the account. The answer says which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from revml.datasets import Dataset
from revml.evaluation.metrics import log_losses, roc_auc
from revml.labels.outcomes import FALLING, horizons
from revml.models.curve import Curve, Renewals
from revml.models.curve_learning import FOLDS, LearnedCurve, Seen, learn_curve
from revml.models.ladder import Climbed
from revml.models.learning import Learning
from revml.snapshots import KEYS

MIN_EVENTS = 10  # and as many others, to measure on rows that are not the test
_NOTHING: dict[str, Any] = {"on": None, "rows": 0} | dict.fromkeys(
    ("observed", "expected", "roc_auc", "log_loss", "log_loss_constant")
)


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
        probability, happened, renewals: of the test rows; see `Seen`.

    Returns:
        main, falls and, a horizon each, `horizons`: days, kind of the interval that ends there, whether the curve is
        extrapolated, and how it did: `on` (test, judged, accounts or None), rows, events observed and expected,
        roc_auc, log_loss and log_loss_constant (None where it cannot be told).
    """
    curve = learned.curve
    folds = np.zeros(len(probability), dtype=int)
    tested = _Predicted("test", Seen(folds, probability, happened, renewals), curve.apply(probability, renewals))
    later = [_Predicted("judged", learned.judged, _by_others(learned, learned.judged))]
    if learned.across is not learned.judged:
        later.append(_Predicted("accounts", learned.across, _by_others(learned, learned.across)))
    told = []
    for k, (days, interval) in enumerate(zip(curve.horizons, curve.intervals, strict=True)):
        rates = [_mean(_label(curve, learned.across, days)[learned.across.fold != fold]) for fold in range(FOLDS)]
        if days <= curve.main:
            rates = [_mean(_label(curve, learned.across, days))]
        tried = (one.figures(curve, k, rates) for one in ([tested] if days <= curve.main else later))
        figures = next((found for found in tried if found is not None), _NOTHING)
        told.append({"days": days, "kind": interval.kind, "extrapolated": curve.extrapolated[k], **figures})
    return {"main": curve.main, "falls": curve.falls, "horizons": told}


@dataclass(frozen=True)
class _Predicted:
    """Rows with their probabilities at each horizon."""

    on: str
    seen: Seen
    probability: np.ndarray

    def figures(self, curve: Curve, k: int, rates: list[float]) -> dict[str, Any] | None:
        """Figures at one horizon against the constant rate of the row's fold; None where too few have closed."""
        label = _label(curve, self.seen, curve.horizons[k])
        known = ~np.isnan(label)
        p, y = self.probability[known, k], label[known]
        if min(y.sum(), len(y) - y.sum()) < (1 if self.on == "test" else MIN_EVENTS):
            return None
        constant = np.array(rates)[self.seen.fold[known]]
        return {
            "on": self.on,
            "rows": len(y),
            "observed": int(y.sum()),
            "expected": _rounded(p.sum()),
            "roc_auc": _rounded(roc_auc(p, y)),
            "log_loss": _rounded(log_losses(p, y).mean()),
            "log_loss_constant": _rounded(log_losses(constant, y).mean()),
        }


def _by_others(learned: LearnedCurve, seen: Seen) -> np.ndarray:
    """Probabilities at the horizons, each account's by the curve of the other accounts."""
    out = np.empty((len(seen.fold), len(learned.curve.horizons)))
    for fold in np.unique(seen.fold):
        mine = seen.fold == fold
        out[mine] = learned.without(int(fold)).apply(seen.probability[mine], seen.renewals.take(mine))
    return out


def _label(curve: Curve, seen: Seen, days: int) -> np.ndarray:
    told = np.asarray(seen.happened[days])
    return 1.0 - told if curve.falls else told


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _rounded(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
