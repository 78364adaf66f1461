"""A sample company's truth beside the model: how much of what can be known was found.

Comes in: test predictions and the truth folder that `revml sample` wrote. Goes out: the figures of an oracle that knows
each account's hidden state, and what share of its ranking and of its log-loss gain the model reached. Events whose
cause nothing foretells are counted apart: no model can see them, the oracle included.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from revml.errors import DataError, NotFound
from revml.evaluation.metrics import log_losses, roc_auc

# question: the prefix of its truth column p_<prefix>_<days>d, and the kinds of its events
COLUMNS = {
    "churn": "p_churn",
    "contraction": "p_contraction",
    "upsell": "p_upsell",
    "lapse": "p_lapse",
    "growth": "p_growth",
}


@dataclass(frozen=True)
class Truth:
    """The model beside the oracle, on the test rows that truth covers.

    Attributes:
        rows, events: what could be compared.
        auc_ratio: (AUC - 0.5) / (AUC of truth - 0.5).
        gain_ratio: (constant log-loss - log-loss) / (constant log-loss - log-loss of truth).
        sudden: events that nothing foretold; auc_foretold is the AUC without their rows.
    """

    rows: int
    events: int
    auc: float
    auc_truth: float
    auc_ratio: float
    log_loss: float
    log_loss_truth: float
    log_loss_constant: float
    gain_ratio: float
    sudden: int | None
    auc_foretold: float | None
    auc_foretold_truth: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, and the same in words for a table."""
        numbers = {k: _plain(v) for k, v in asdict(self).items()}
        words = {
            "ROC-AUC": f"{self.auc:.3f}",
            "ROC-AUC of the truth": f"{self.auc_truth:.3f}",
            "share of the reachable ranking": f"{self.auc_ratio:.1%}",
            "log-loss": f"{self.log_loss:.4f}",
            "log-loss of the truth": f"{self.log_loss_truth:.4f}",
            "log-loss of the constant rate": f"{self.log_loss_constant:.4f}",
            "share of the reachable log-loss gain": f"{self.gain_ratio:.1%}",
        }
        if self.sudden is not None and self.auc_foretold is not None:
            words["events that nothing foretold"] = f"{self.sudden} of {self.events}"
            words["ROC-AUC without them (truth)"] = f"{self.auc_foretold:.3f} ({self.auc_foretold_truth:.3f})"
        return {**numbers, "words": words}


def compare_with_truth(
    predictions: pd.DataFrame, folder: Path, question: str, constant: float, *, horizon_days: int = 90
) -> Truth:
    """Compare test predictions with a sample company's truth.

    Args:
        predictions: account_id, as_of, label, probability.
        folder: the sample's `truth` folder.
        constant: the rate of the constant rung.

    Raises:
        NotFound: no truth there.
        DataError: truth does not know this question, or none of these snapshots.
    """
    file = folder / "account_months.parquet"
    if not file.is_file():
        raise NotFound("no truth there", where=str(file), do="give the `truth` folder of a sample company")
    months = pd.read_parquet(file)
    column = f"{COLUMNS.get(question, f'p_{question}')}_{horizon_days}d"
    if column not in months:
        raise DataError(f"truth does not tell {question} in {horizon_days} days", where=str(file), wanted=column)
    rows = predictions.merge(months[["account_id", "as_of", column]].dropna(), on=["account_id", "as_of"])
    if rows.empty:
        raise DataError("truth knows none of the test snapshots", where=str(file), wanted="month starts")
    label, p = rows["label"].to_numpy(float), rows["probability"].to_numpy(float)
    true = rows[column].to_numpy(float)
    auc, auc_truth = roc_auc(p, label), roc_auc(true, label)
    loss, loss_truth = float(log_losses(p, label).mean()), float(log_losses(true, label).mean())
    loss_constant = float(log_losses(np.full(len(rows), constant), label).mean())
    sudden = _sudden(rows, folder, question, horizon_days)
    kept = None if sudden is None else ~sudden
    return Truth(
        rows=len(rows),
        events=int(label.sum()),
        auc=auc,
        auc_truth=auc_truth,
        auc_ratio=(auc - 0.5) / (auc_truth - 0.5),
        log_loss=loss,
        log_loss_truth=loss_truth,
        log_loss_constant=loss_constant,
        gain_ratio=(loss_constant - loss) / (loss_constant - loss_truth),
        sudden=None if sudden is None else int(sudden.sum()),
        auc_foretold=None if kept is None else roc_auc(p[kept], label[kept]),
        auc_foretold_truth=None if kept is None else roc_auc(true[kept], label[kept]),
    )


def _sudden(rows: pd.DataFrame, folder: Path, question: str, horizon_days: int) -> np.ndarray | None:
    """Test rows whose event had a cause that nothing foretells; None where truth does not tell causes."""
    file = folder / "events.parquet"
    if question != "churn" or not file.is_file():
        return None
    events = pd.read_parquet(file)
    if not {"account_id", "time", "kind", "forewarned"} <= set(events.columns):
        return None
    events = events[(events["kind"] == "churn") & ~events["forewarned"].astype(bool)]
    pairs = rows.reset_index()[["index", "account_id", "as_of"]].merge(events[["account_id", "time"]], on="account_id")
    within = (pairs["time"] > pairs["as_of"]) & (pairs["time"] <= pairs["as_of"] + pd.Timedelta(days=horizon_days))
    found = np.zeros(len(rows), dtype=bool)
    found[pairs.loc[within, "index"].to_numpy()] = True
    return np.asarray(found & (rows["label"].to_numpy() == 1))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value
