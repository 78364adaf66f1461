"""A model's figures on its test window, each with an interval from resampling whole accounts.

Comes in: one row an account and snapshot: account_id, as_of, label, money, probability. Goes out: `Figures`. Rows of
one account are drawn together, because they are not independent (Efron and Tibshirani 1993, ch. 8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from revml.evaluation.metrics import BINS, calibration_error, equal_mass_bins, log_losses, pr_auc, reached, roc_auc

LEVEL = 0.90
MIN_SEGMENT = 30


@dataclass(frozen=True)
class Figure:
    """A value with the interval that holds 90 % of the account resamples; None where it cannot be told."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Figures:
    """What a test says.

    Attributes:
        rows, accounts, events, base_rate: the size of the test; `constant` is the rate the constant rung predicts.
        values: figures by name, see `NAMES`.
        reliability: predicted and observed by tenth: `{n, predicted, observed}`.
        segments: the same by segment: `{column, value, n, events, predicted, observed, roc_auc}`.
        capacity: accounts a snapshot on the team's list.
    """

    rows: int
    accounts: int
    events: int
    base_rate: float
    constant: float
    capacity: int
    values: dict[str, Figure]
    reliability: tuple[dict[str, float], ...]
    segments: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, rounded so that they read the same everywhere."""
        return dict(_rounded(asdict(self)))


NAMES: dict[str, str] = {
    "roc_auc": "chance that an event ranks above a non-event",
    "pr_auc": "average precision",
    "log_loss": "log-loss",
    "log_loss_constant": "log-loss of the constant rate",
    "log_loss_gain": "how much lower the log-loss is than the constant's",
    "brier": "mean squared error of the probability",
    "calibration_error": "mean distance of predicted and observed share, in tenths",
    "calibration_chance": "calibration error that true probabilities would stay under in 19 cases of 20",
    "calibration_ratio": "predicted events / observed events",
    "lift": "events on the team's list against a random list of that length",
    "events_caught": "share of the events on the team's list",
    "events_within_reach": "share of the events that a perfect list of that length would hold",
    "money_caught": "share of the events' money on a list of that length ordered by expected money",
}


def measure(
    rows: pd.DataFrame,
    *,
    constant: float,
    capacity: int,
    seed: int,
    rounds: int = 300,
    segments: Mapping[str, Sequence[Any]] | None = None,
) -> Figures:
    """Measure predictions.

    Args:
        rows: account_id, as_of, label (0, 1), money, probability.
        constant: the rate that the constant rung would predict.
        capacity: accounts the team can call a month; the list is made anew at each snapshot.
        rounds: account resamples behind each interval.
        segments: by column name, the segment of each row (None where unknown).
    """
    work = _Sorted(rows, constant, capacity)
    point = work.figures(np.ones(len(rows)))
    accounts, index = np.unique(rows["account_id"].to_numpy(dtype=object).astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    draws: dict[str, list[float]] = {name: [] for name in point}
    for _ in range(rounds):
        weight = np.bincount(rng.integers(0, len(accounts), len(accounts)), minlength=len(accounts))
        for name, value in work.figures(weight[index].astype(float)).items():
            draws[name].append(value)
    values = {name: _figure(value, draws[name]) for name, value in point.items()}
    values["calibration_chance"] = Figure(_calibration_chance(work, rng, rounds), None, None)
    return Figures(
        rows=len(rows),
        accounts=len(accounts),
        events=int(work.label.sum()),
        base_rate=float(work.label.mean()),
        constant=constant,
        capacity=capacity,
        values={name: values[name] for name in NAMES},
        reliability=tuple(_reliability(work)),
        segments=tuple(_segments(work, segments or {})),
    )


class _Sorted:
    """Test rows with all that does not depend on the weights worked out once."""

    def __init__(self, rows: pd.DataFrame, constant: float, capacity: int) -> None:
        self.label = rows["label"].to_numpy(dtype=float)
        self.probability = rows["probability"].to_numpy(dtype=float)
        self.money = rows["money"].fillna(0.0).to_numpy(dtype=float)
        self.bins = equal_mass_bins(self.probability)
        self.losses = log_losses(self.probability, self.label)
        self.constant_losses = log_losses(np.full(len(rows), constant), self.label)
        self.capacity = capacity
        ids = rows["account_id"].to_numpy(dtype=object).astype(str)
        expected = self.probability * self.money
        self.snapshots = []
        for at in np.unique(rows["as_of"].to_numpy()):
            here = np.flatnonzero(rows["as_of"].to_numpy() == at)
            by_chance = here[np.lexsort((ids[here], -self.probability[here]))]
            by_money = here[np.lexsort((ids[here], -expected[here]))]
            by_label = here[np.lexsort((ids[here], -self.label[here]))]
            self.snapshots.append((by_chance, by_money, by_label))

    def figures(self, w: np.ndarray) -> dict[str, float]:
        """All figures under how often each row was drawn."""
        n, events = w.sum(), (w * self.label).sum()
        gone = (w * self.label * self.money).sum()
        listed, caught, best, caught_money = 0.0, 0.0, 0.0, 0.0
        for by_chance, by_money, by_label in self.snapshots:
            size = float(min(self.capacity, w[by_chance].sum()))
            taken = _taken(by_chance, size, w)
            listed += taken.sum()
            caught += (taken * self.label[by_chance]).sum()
            best += (_taken(by_label, size, w) * self.label[by_label]).sum()
            caught_money += (_taken(by_money, size, w) * self.label[by_money] * self.money[by_money]).sum()
        loss, constant = (w * self.losses).sum() / n, (w * self.constant_losses).sum() / n
        nan = float("nan")
        return {
            "roc_auc": roc_auc(self.probability, self.label, w),
            "pr_auc": pr_auc(self.probability, self.label, w),
            "log_loss": loss,
            "log_loss_constant": constant,
            "log_loss_gain": constant - loss,
            "brier": float((w * (self.probability - self.label) ** 2).sum() / n),
            "calibration_error": calibration_error(self.probability, self.label, self.bins, w),
            "calibration_ratio": (w * self.probability).sum() / events if events else nan,
            "lift": (caught / listed) / (events / n) if events and listed else nan,
            "events_caught": caught / events if events else nan,
            "events_within_reach": best / events if events else nan,
            "money_caught": caught_money / gone if gone > 0 else nan,
        }


def _taken(order: np.ndarray, size: float, w: np.ndarray) -> np.ndarray:
    return reached(np.arange(len(order)), size, w[order])


def _calibration_chance(work: _Sorted, rng: np.random.Generator, rounds: int) -> float:
    """The 95 % point of the calibration error if every probability were true: what a small test shows by chance."""
    p = work.probability
    return float(np.quantile([calibration_error(p, rng.random(len(p)) < p, work.bins) for _ in range(rounds)], 0.95))


def _figure(value: float, draws: Sequence[float]) -> Figure:
    known = np.array([d for d in draws if np.isfinite(d)])
    if not np.isfinite(value):
        return Figure(None, None, None)
    if len(known) < len(draws) / 2:
        return Figure(float(value), None, None)
    low, high = np.quantile(known, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Figure(float(value), float(low), float(high))


def _reliability(work: _Sorted) -> list[dict[str, float]]:
    out = []
    for k in range(int(work.bins.max()) + 1 if len(work.bins) else 0):
        mine = work.bins == k
        out.append(
            {
                "n": int(mine.sum()),
                "predicted": float(work.probability[mine].mean()),
                "observed": float(work.label[mine].mean()),
            }
        )
    return out


def _segments(work: _Sorted, segments: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    out = []
    for column, values in segments.items():
        held = pd.Series(list(values), dtype=object)
        for value in sorted({str(v) for v in held.dropna()}):
            mine = (held.astype(str) == value).to_numpy() & held.notna().to_numpy()
            if mine.sum() < MIN_SEGMENT:
                continue
            label, probability = work.label[mine], work.probability[mine]
            auc = roc_auc(probability, label)
            out.append(
                {
                    "column": column,
                    "value": value,
                    "n": int(mine.sum()),
                    "events": int(label.sum()),
                    "predicted": float(probability.mean()),
                    "observed": float(label.mean()),
                    "roc_auc": float(auc) if np.isfinite(auc) else None,
                }
            )
    return out


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(v) for v in value]
    return round(value, 6) if isinstance(value, float) else value


__all__ = ["BINS", "NAMES", "Figure", "Figures", "measure"]
