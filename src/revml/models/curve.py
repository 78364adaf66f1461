"""One curve of risk over time for each account: a discrete-time hazard between the horizons (Singer and Willett 1993).

Comes in: published probabilities at the question's own horizon and, for contracts, when the known renewals fall. Goes
out: a probability at every horizon. The curve passes through the published probability to the last bit and never
turns back: hazards say how risk is spread over time, the probability how much of it there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from revml.models.calibration import log_odds, sigmoid
from revml.models.curve_loop import MONTH_DAYS, curve_loop

RENEWAL, TERM = "days_to_renewal", "term_days"
MIN_ROWS, MIN_EVENTS = 50, 10  # below, an interval's hazard is no regression
TERMS = ("risk", "due", "passed", "unknown", "due x risk", "passed x risk", "due by horizon")
# Inverse variances of the normal priors of the terms: weak beside a hundred events, firm beside ten.
FIRMNESS = np.array([10.0, 2.0, 2.0, 2.0, 5.0, 5.0, 2.0])
# The prior of `risk`: up to the horizon the hazard follows the risk, beyond it half of what sets it apart is kept.
NEAR, FAR = 1.0, 0.5

IntervalKind = Literal["fitted", "average", "extrapolated"]


@dataclass(frozen=True)
class Interval:
    """The hazard of `(start, end]`, days from the start of the window.

    Args:
        kind: a regression; one average, where few events were seen; or the average a day of the interval before,
            because no history reaches that far.
        intercept, weights: of the log-odds of the event, given none before; one weight a name in `TERMS`.
        rows, events: what it was learned from.
    """

    start: int
    end: int
    kind: IntervalKind
    intercept: float
    weights: tuple[float, ...] = ()
    rows: int = 0
    events: int = 0


@dataclass(frozen=True)
class Renewals:
    """When each account's known renewals fall: days ahead of `as_of`, NaN where unknown, and the length of a term."""

    ahead: np.ndarray
    term: np.ndarray

    @classmethod
    def of(cls, matrix: np.ndarray, names: Sequence[str]) -> Renewals:
        """From the columns of an encoded matrix; all unknown where the model has no such feature."""
        nothing = np.full(len(matrix), np.nan)
        ahead, term = (matrix[:, names.index(n)] if n in names else nothing for n in (RENEWAL, TERM))
        return cls(ahead, term)

    def take(self, rows: np.ndarray) -> Renewals:
        """Those of some rows."""
        return Renewals(self.ahead[rows], self.term[rows])

    def between(self, low: float, high: float) -> np.ndarray:
        """Whether a renewal falls in `(low, high]` days from `as_of`; terms go on with the length they have."""
        with np.errstate(invalid="ignore"):
            first = (self.ahead > low) & (self.ahead <= high)
            # a term that is not known to last a month does not repeat: its first renewal is all that is known
            term = np.where(self.term >= MONTH_DAYS, self.term, np.inf)
            until, since = (np.maximum(np.floor((at - self.ahead) / term), -1.0) for at in (high, low))
            again = (until > since) & np.isfinite(term)
        return np.asarray(first | again)


@dataclass(frozen=True)
class Curve:
    """Fitted hazards of a question; see `fit_curve`.

    Args:
        main: the question's own horizon in days.
        gap: days between `as_of` and the start of the window.
        falls: the probability is that nothing happens (a lapse): it falls as the horizon grows.
        intervals: without gaps from day 0; their ends are the horizons.
    """

    main: int
    gap: int
    falls: bool
    intervals: tuple[Interval, ...]

    @property
    def horizons(self) -> tuple[int, ...]:
        """Days, ascending."""
        return tuple(one.end for one in self.intervals)

    @property
    def extrapolated(self) -> tuple[bool, ...]:
        """For each horizon, whether the curve goes there over an interval that no history reaches."""
        guessed = [one.kind == "extrapolated" for one in self.intervals]
        return tuple(any(guessed[: k + 1]) for k in range(len(guessed)))

    def apply(self, probability: np.ndarray, renewals: Renewals) -> np.ndarray:
        """Probabilities at every horizon, shape (n, horizons); at `main` exactly the given ones.

        Up to `main` the account's cumulative hazard is scaled by one factor so that it meets its probability. Beyond,
        the hazards stand as learned: they were learned given the probability, and scaling would count it twice.
        """
        told: np.ndarray = curve_loop(
            *(np.ascontiguousarray(one, dtype=float) for one in (probability, renewals.ahead, renewals.term)),
            *self._arrays,
            float(self.main),
            float(self.gap),
            self.falls,
        )
        return told

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        """Start, end, intercept and weights of the intervals."""
        plain = ([one.start, one.end, one.intercept] for one in self.intervals)
        weights = np.array([one.weights or (0.0,) * len(TERMS) for one in self.intervals])
        return (*np.array(list(plain), dtype=float).T.copy(), weights)

    def to_json(self) -> dict[str, Any]:
        """What `curve.json` holds."""
        told = [{**asdict(one), "weights": dict(zip(TERMS, one.weights, strict=False))} for one in self.intervals]
        return {"main": self.main, "gap": self.gap, "falls": self.falls, "intervals": told}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Curve:
        """Read what `to_json` wrote."""
        made = [
            Interval(**{**one, "weights": tuple(one["weights"][name] for name in TERMS) if one["weights"] else ()})
            for one in raw["intervals"]
        ]
        return cls(raw["main"], raw["gap"], raw["falls"], tuple(made))


def _design(event: np.ndarray, renewals: Renewals, start: int, end: int, *, main: int, gap: int) -> np.ndarray:
    """One column a term; a renewal due after the interval, or none, is where the others are counted from."""
    risk = log_odds(event)
    due = renewals.between(gap + start, gap + end)
    passed = renewals.between(-np.inf, gap + start) & ~due
    unknown = np.isnan(renewals.ahead)
    return np.column_stack(
        [risk, due, passed, unknown, due * risk, passed * risk, renewals.between(-np.inf, gap + main)]
    ).astype(float)


def fit_curve(
    event: np.ndarray,
    happened: Mapping[int, np.ndarray],
    renewals: Renewals,
    *,
    main: int,
    gap: int = 0,
    falls: bool = False,
) -> Curve:
    """Learn the hazard of each interval on the rows that reached it without the event and saw its end.

    A snapshot whose longest horizon has not closed still teaches the intervals before.

    Args:
        event: out-of-sample probability of the event by `main` (of a lapse: of an order), shape (n,).
        happened: by horizon, 1.0 or 0.0 a row, NaN where it has not closed; `main` among them.
        renewals: see `Renewals`; rows as in `event`.
    """
    made: list[Interval] = []
    start, before = 0, np.zeros(len(event))
    for end in sorted(happened):
        known = (before == 0) & ~np.isnan(happened[end])
        label = happened[end][known]
        made.append(_interval(event[known], label, renewals.take(known), made, start, end, main=main, gap=gap))
        start, before = end, happened[end]
    return Curve(main, gap, falls, tuple(made))


def _interval(
    event: np.ndarray,
    label: np.ndarray,
    renewals: Renewals,
    earlier: list[Interval],
    start: int,
    end: int,
    *,
    main: int,
    gap: int,
) -> Interval:
    rows, events = len(label), int(label.sum())
    before = _last_known(earlier, end - start)
    if rows < MIN_ROWS and before is not None:
        return Interval(start, end, "extrapolated", float(log_odds(before)), (), rows, events)
    if min(events, rows - events) < MIN_EVENTS:
        # Few events: the share seen, as if one more hundred rows had gone as in the interval before.
        prior = (before if before is not None else (events + 0.5) / (rows + 1)) * 100
        return Interval(start, end, "average", float(log_odds((events + prior) / (rows + 100))), (), rows, events)
    design = _design(event, renewals, start, end, main=main, gap=gap)
    intercept, weights = _ridge(design, label, NEAR if end <= main else FAR)
    return Interval(start, end, "fitted", intercept, weights, rows, events)


def _last_known(earlier: list[Interval], days: int) -> float | None:
    """The average hazard a day of the newest interval with a history, over so many days."""
    for one in reversed(earlier):
        if one.kind != "extrapolated":
            share = (one.events + 0.5) / (one.rows + 1)
            return float(1 - (1 - share) ** (days / (one.end - one.start)))
    return None


def _ridge(design: np.ndarray, label: np.ndarray, risk: float) -> tuple[float, tuple[float, ...]]:
    """Logistic regression with normal priors, by Newton's method; sums are numpy's own, the same on any machine."""
    x = np.column_stack([np.ones(len(label)), design])
    firm = np.concatenate([[1e-3], FIRMNESS])
    centre = np.zeros(len(firm))
    centre[1] = risk
    beta = centre.copy()
    beta[0] = float(log_odds(label.mean()) - risk * design[:, 0].mean())
    for _ in range(50):
        p = sigmoid(np.einsum("ij,j->i", x, beta))
        slope = np.einsum("ij,i->j", x, label - p) - firm * (beta - centre)
        bend = np.einsum("ij,ik->jk", x * (p * (1 - p))[:, None], x) + np.diag(firm)
        step = np.linalg.solve(bend, slope)
        length = float(np.abs(step).max())
        beta = beta + step * min(1.0, 2.0 / length if length > 0 else 1.0)
        if length < 1e-9:
            break
    # Beyond the twelfth digit lies the machine, and a bundle's hash must not.
    rounded = [float(f"{b:.10g}") for b in beta]
    return rounded[0], tuple(rounded[1:])
