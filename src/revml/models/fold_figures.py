"""How each rung did fold by fold: what was fitted on, what was judged, the log-loss of every rung there.

Comes in: the folds and what the ladder tried on them. Goes out: plain numbers for the manifest, a row a fold; the
honest predictions behind them are those that the rung was chosen by.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revml.models.folds import Folds
from revml.models.ladder import Climbed
from revml.models.learning import Learning


def fold_figures(data: Learning, folds: Folds, climbed: Climbed) -> list[dict[str, Any]]:
    """Rows, events and log-loss by rung of each fold, in the order of the folds.

    The ladder judges a sample of the rows where there are very many; `rows` and `events` count those that it judged.
    """
    label = data.label[climbed.judged]
    out = []
    for fit, judged in folds.fits:
        mine = np.isin(climbed.judged, judged)
        if not mine.any():
            continue
        days = data.as_of[climbed.judged[mine]].astype("datetime64[D]")
        out.append(
            {
                "fit_rows": len(fit),
                "fit_events": int(data.label[fit].sum()),
                "rows": int(mine.sum()),
                "events": int(label[mine].sum()),
                "first": str(days.min()),
                "last": str(days.max()),
                "log_loss": {a.rung: round(float(a.loss[mine].mean()), 6) for a in climbed.attempts},
            }
        )
    return out
