"""A model's figures on its test window, each with an interval from resampling whole accounts.

Comes in: one row an account and snapshot: account_id, as_of, label, money, probability. Goes out: `Figures`. Rows of
one account are drawn together, because they are not independent (Efron and Tibshirani 1993, ch. 8). Expected events,
overall, by tenth and by segment, have the wider intervals of `evaluation/expected.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from revml.evaluation.expected import NOISE_ONLY, WITHIN, Expected, Uncertainty, expected_events
from revml.evaluation.metrics import BINS, calibration_error, equal_mass_bins, log_losses, pr_auc, reached, roc_auc
from revml.evaluation.segments import Band
from revml.snapshots import ITEM

LEVEL = 0.90
MIN_SEGMENT = 30  # rows
MIN_RANKED = 10  # events, and as many others, from which on a segment's ranking is told


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
        reliability: predicted and observed share by tenth, and the 95 % interval of the predicted:
            `{n, predicted, observed, low, high}`.
        segments: by segment `{column, value, low, high, n, accounts, events, expected, expected_low, expected_high,
            predicted, observed, calibrated, roc_auc, roc_auc_low, roc_auc_high}`; `low` and `high` are the edges of a
            band, None for a category or an open end. `calibrated` is "yes" where the 95 % interval holds the events,
            "chance" where only one does that allows for how many segments were looked at, else "no".
        capacity: accounts a snapshot on the team's list.
        expected: expected and observed events, with the 95 % interval of the expected.
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
    expected: Expected

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, rounded so that they read the same everywhere."""
        return dict(_rounded({**asdict(self), "expected": self.expected.to_json()}))


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
    uncertainty: Uncertainty = NOISE_ONLY,
    window_days: float = 0.0,
) -> Figures:
    """Measure predictions.

    Args:
        rows: account_id, as_of, label (0, 1), money, probability; `item` too where rows are pairs.
        constant: the rate that the constant rung would predict.
        capacity: accounts the team can call a month; the list is made anew at each snapshot.
        rounds: account resamples behind each interval.
        segments: by column name, the segment of each row (None where unknown): a text, or a `Band`.
        uncertainty: of the calibration; without it, intervals of expected events hold noise only.
        window_days: from a snapshot to the end of its label, 0 where rows bear no dates.
    """
    work = _Sorted(rows, constant, capacity)
    point = work.figures(np.ones(len(rows)))
    accounts, index = np.unique(rows["account_id"].to_numpy(dtype=object).astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    draws: dict[str, list[float]] = {name: [] for name in point}
    found = _found(work, segments or {})
    for _ in range(rounds):
        drawn = np.bincount(rng.integers(0, len(accounts), len(accounts)), minlength=len(accounts))
        weight = drawn[index].astype(float)
        for name, value in work.figures(weight).items():
            draws[name].append(value)
        for one in found:
            one.draw(weight)
    values = {name: with_interval(value, draws[name]) for name, value in point.items()}
    values["calibration_chance"] = Figure(_calibration_chance(work, rng, rounds), None, None)
    count = Counted(rows, uncertainty, window_days, seed)
    return Figures(
        rows=len(rows),
        accounts=len(accounts),
        events=int(work.label.sum()),
        base_rate=float(work.label.mean()),
        constant=constant,
        capacity=capacity,
        values={name: values[name] for name in NAMES},
        reliability=tuple(_reliability(work, count)),
        segments=tuple(one.told(count, index, len(found)) for one in found),
        expected=count(np.ones(len(rows), dtype=bool)),
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


def with_interval(value: float, draws: Sequence[float]) -> Figure:
    """A figure with the interval that its resamples give; none where fewer than half of them have a value."""
    known = np.array([d for d in draws if np.isfinite(d)])
    if not np.isfinite(value):
        return Figure(None, None, None)
    if len(known) < len(draws) / 2:
        return Figure(float(value), None, None)
    low, high = np.quantile(known, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Figure(float(value), float(low), float(high))


class Counted:
    """Expected events of a part of the rows, with the interval.

    Args: see `measure`.
    """

    def __init__(self, rows: pd.DataFrame, uncertainty: Uncertainty, window_days: float, seed: int) -> None:
        self.probability = rows["probability"].to_numpy(dtype=float)
        self.label = rows["label"].to_numpy(dtype=float)
        # Who has the event: an account, or an account and what it may buy.
        whole = rows["account_id"].astype(str)
        whole = whole + "\0" + rows[ITEM].astype(str) if ITEM in rows else whole
        self.who = np.unique(whole.to_numpy(dtype=object).astype(str), return_inverse=True)[1]
        self.as_of = rows["as_of"].to_numpy(dtype="datetime64[us]")
        self.uncertainty, self.window_days, self.seed = uncertainty, window_days, seed

    def __call__(self, mine: np.ndarray, within: float = WITHIN) -> Expected:
        return expected_events(
            self.probability[mine],
            self.label[mine],
            self.who[mine],
            self.as_of[mine],
            self.uncertainty,
            window_days=self.window_days,
            seed=self.seed,
            within=within,
        )


def _reliability(work: _Sorted, count: Counted) -> list[dict[str, float]]:
    out = []
    for k in range(int(work.bins.max()) + 1 if len(work.bins) else 0):
        mine = work.bins == k
        n, expected = int(mine.sum()), count(mine)
        out.append(
            {
                "n": n,
                "predicted": float(work.probability[mine].mean()),
                "observed": float(work.label[mine].mean()),
                "low": expected.low / n,
                "high": expected.high / n,
            }
        )
    return out


class _Segment:
    """The rows of a segment, and its ranking under each draw of accounts."""

    def __init__(self, work: _Sorted, column: str, value: Any, mine: np.ndarray) -> None:
        self.column, self.value, self.mine = column, value, mine
        self.label, self.probability = work.label[mine], work.probability[mine]
        self.draws: list[float] = []
        self.ranked = min(self.label.sum(), (1 - self.label).sum()) >= MIN_RANKED

    def draw(self, weight: np.ndarray) -> None:
        if self.ranked:
            self.draws.append(roc_auc(self.probability, self.label, weight[self.mine]))

    def told(self, count: Counted, index: np.ndarray, segments: int) -> dict[str, Any]:
        """Its figures; of many segments some lie outside their interval by chance, which the wider one allows for."""
        expected = count(self.mine)
        wide = expected if expected.inside else count(self.mine, 1 - (1 - WITHIN) / segments)
        auc = (
            with_interval(roc_auc(self.probability, self.label), self.draws)
            if self.ranked
            else Figure(None, None, None)
        )
        band = self.value if isinstance(self.value, Band) else None
        return {
            "column": self.column,
            "value": str(self.value),
            "low": band.low if band and np.isfinite(band.low) else None,
            "high": band.high if band and np.isfinite(band.high) else None,
            "n": int(self.mine.sum()),
            "accounts": len(np.unique(index[self.mine])),
            "events": expected.observed,
            "expected": expected.events,
            "expected_low": expected.low,
            "expected_high": expected.high,
            "predicted": float(self.probability.mean()),
            "observed": float(self.label.mean()),
            "calibrated": "yes" if expected.inside else "chance" if wide.inside else "no",
            "roc_auc": auc.value,
            "roc_auc_low": auc.low,
            "roc_auc_high": auc.high,
        }


def _found(work: _Sorted, segments: Mapping[str, Sequence[Any]]) -> list[_Segment]:
    """The segments that hold rows enough; bands in their order, categories from the largest."""
    out = []
    for column, values in segments.items():
        codes, names = pd.factorize(pd.Series(list(values), dtype=object), use_na_sentinel=True)
        found = [_Segment(work, column, name, codes == k) for k, name in enumerate(names) if (codes == k).any()]
        found = [one for one in found if one.mine.sum() >= MIN_SEGMENT]
        out += sorted(found, key=lambda s: (s.value if isinstance(s.value, Band) else -s.mine.sum(), str(s.value)))
    return out


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(v) for v in value]
    return round(value, 6) if isinstance(value, float) else value


__all__ = ["BINS", "NAMES", "Counted", "Figure", "Figures", "measure"]
