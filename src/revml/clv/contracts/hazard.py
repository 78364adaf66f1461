"""The monthly hazard of losing a contract account.

Comes in: account-months that were lived through (`subscriptions.account_months`). Goes out: `HazardModel`, which gives
the log-odds of a loss in each of the months ahead by renewal calendar, tenure, size and segment; `tie.py` then makes
them agree with what was published.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from revml.clv.contracts.tail import Tail, fit_tails
from revml.clv.value import MONTH_DAYS, Floats

Codes = npt.NDArray[np.int64]

# Where a month stands in the contract's calendar.
CALENDAR = ("rolling", "renewal", "after", "before", "between", "unknown")
ROLLING, RENEWAL, AFTER, BEFORE, BETWEEN, UNKNOWN = range(6)
BETWEEN_RENEWALS = (AFTER, BEFORE, BETWEEN)
TENURE_EDGES_MONTHS = (3.0, 12.0, 24.0, 48.0)
MAX_SEGMENTS = 8
# Prior standard deviations of the log-odds effects: a wide one for the calendar, where a renewal can raise the hazard
# twentyfold, narrow ones where groups rarely differ by more than a factor of e.
PRIOR_SD = {"calendar": 2.5, "tenure": 1.0, "size": 0.7, "segment": 0.5}
# One band of tenure is much like the one before it: the longest are seen in so few months that, taken alone, three
# losses that did not come would halve the hazard of every old account.
PRIOR_STEP_SD = {"tenure": 0.25}
# What is believed before any month was seen: half a loss in 40 account-months; forgotten in any real history.
PRIOR_LOSSES, PRIOR_MONTHS = 0.5, 40.0
MIN_AT_RISK = 10
# So many contracts must have ended at their renewals, and none in so many months between them, before it is believed
# that they cannot end there. What is closed has these log-odds, which no score moves.
CLOSED_LOSSES, CLOSED_MONTHS = 20, 300
CLOSED = -40.0


def calendar_codes(days_to_renewal: Floats, term_days: Floats, months: Codes) -> Codes:
    """Where each of the months ahead stands in each contract's calendar.

    Args:
        days_to_renewal: (n,) days to the next renewal, negative when that date has passed without being moved.
        term_days: (n,) length of the contract's term, NaN where unknown.
        months: (m,) months ahead, counted from 1; month k is `((k - 1), k]` months of 30.4375 days from now.

    Returns:
        (n, m) codes into `CALENDAR`. A contract renewed monthly has no calendar: every month is `rolling`.

    >>> calendar_codes(np.array([45.0]), np.array([365.25]), np.array([1, 2, 3, 8])).tolist()
    [[3, 1, 2, 4]]
    """
    left = days_to_renewal[:, None] - (months[None, :] - 1) * MONTH_DAYS
    term = np.broadcast_to(term_days[:, None], left.shape)
    rolled = np.where(left > 0, left, term - np.mod(-left, term))
    codes = np.full(left.shape, BETWEEN, dtype=np.int64)
    codes[rolled <= 2 * MONTH_DAYS] = BEFORE
    codes[(term - rolled < MONTH_DAYS) & (term >= rolled)] = AFTER
    codes[rolled <= MONTH_DAYS] = RENEWAL
    codes[np.isnan(rolled)] = UNKNOWN
    codes[(term <= 1.5 * MONTH_DAYS) & ~np.isnan(rolled)] = ROLLING
    return codes


@dataclass(frozen=True)
class HazardModel:
    """Log-odds of a loss within a month: an intercept and one effect a level of each factor.

    Attributes:
        intercept: log-odds of the reference.
        effects: by factor (`calendar`, `tenure`, `size`, `segment`) the effect of each level.
        size_edges: MRR that separates small, middle and large.
        segments: segments with an effect of their own; one more stands for all others and for none.
        tails: how hazards go on beyond `observed_months` of tenure, by segment, with '' for all.
        observed_months: longest tenure at which at least ten accounts were at risk.
        closed: whether contracts with a calendar end at their renewals only, as they always did.
        window_months: how many months of history were looked at.
        months, losses: what it was learnt from.
    """

    intercept: float
    effects: dict[str, Floats]
    size_edges: Floats
    segments: tuple[str, ...]
    tails: dict[str, Tail]
    observed_months: float
    window_months: int
    months: int
    losses: int
    closed: bool = False

    def log_odds(self, contracts: pd.DataFrame, months: int) -> Floats:
        """(n, months) log-odds of a loss in each month ahead, given that the account is there at its start.

        Args:
            contracts: columns of `subscriptions.active_contracts`.
        """
        k = np.arange(1, months + 1)
        tenure = contracts["tenure_days"].to_numpy(float)[:, None] / MONTH_DAYS + (k - 1)[None, :]
        days = contracts["days_to_renewal"].to_numpy(float)
        codes = calendar_codes(days, contracts["term_days"].to_numpy(float), k)
        fixed = self.effects["size"][np.searchsorted(self.size_edges, contracts["mrr"].to_numpy(float), side="right")]
        names = contracts["segment"].to_numpy(object)
        level = {name: i for i, name in enumerate(self.segments)}
        segment = np.array([level.get(name, len(self.segments)) for name in names], dtype=np.int64)
        fixed = fixed + self.effects["segment"][segment]
        out = self.intercept + fixed[:, None] + self.effects["calendar"][codes]
        # np.digitize on the flat matrix: tenure bands change as the months go by
        out += self.effects["tenure"][np.digitize(tenure, TENURE_EDGES_MONTHS)]
        out += self._tail(names, tenure)
        return np.asarray(np.where(np.isin(codes, BETWEEN_RENEWALS), CLOSED, out) if self.closed else out)

    def _tail(self, names: npt.NDArray[np.object_], tenure: Floats) -> Floats:
        out = np.zeros_like(tenure)
        pooled = self.tails.get("")
        for name in pd.unique(pd.Series(names, dtype=object)):
            tail = self.tails.get(name, pooled)
            if tail is not None:
                rows = names == name
                out[rows] = tail.log_ratio(tenure[rows], self.observed_months)
        return out


def fit_hazard(months: pd.DataFrame) -> HazardModel:
    """Fit the hazards on account-months: a pooled logistic regression on factor cells, shrunken by normal priors.

    The estimate is the maximum of the posterior by Newton's method on the aggregated cells, so its cost does not grow
    with the number of accounts. Without a single month at risk the prior rate is what is left.

    Args:
        months: columns of `subscriptions.account_months`; may be empty.
    """
    tenure = months["tenure_days"].to_numpy(float) / MONTH_DAYS
    lost = months["lost"].to_numpy(bool)
    mrr = months["mrr"].to_numpy(float)
    edges = np.quantile(mrr, [1 / 3, 2 / 3]) if len(mrr) else np.array([0.0, 0.0])
    counts = months["segment"].value_counts()
    counts = counts[counts.index != ""]
    ranked = sorted(counts.index, key=lambda name: (-int(counts[name]), str(name)))[:MAX_SEGMENTS]
    segments = tuple(str(name) for name in ranked)
    level = {name: i for i, name in enumerate(segments)}
    factors = {
        "calendar": calendar_codes(
            months["days_to_renewal"].to_numpy(float), months["term_days"].to_numpy(float), np.array([1])
        )[:, 0],
        "tenure": np.digitize(tenure, TENURE_EDGES_MONTHS),
        "size": np.searchsorted(edges, mrr, side="right"),
        "segment": np.array([level.get(name, len(segments)) for name in months["segment"]], dtype=np.int64),
    }
    widths = {"calendar": 6, "tenure": len(TENURE_EDGES_MONTHS) + 1, "size": 3, "segment": len(segments) + 1}
    intercept, effects = _posterior_mode(factors, widths, lost)
    return HazardModel(
        intercept=intercept,
        effects=effects,
        size_edges=edges,
        segments=segments,
        tails=fit_tails(tenure, lost, months["segment"].to_numpy(object), segments),
        observed_months=_observed_tenure(tenure),
        window_months=int(months["back"].max()) if len(months) else 0,
        months=len(months),
        losses=int(lost.sum()),
        closed=_closed(factors["calendar"], lost),
    )


def _posterior_mode(
    factors: dict[str, Codes], widths: dict[str, int], lost: npt.NDArray[np.bool_]
) -> tuple[float, dict[str, Floats]]:
    names = list(widths)
    cell = np.zeros(len(lost), dtype=np.int64)
    for name in names:
        cell = cell * widths[name] + factors[name]
    cells, where = np.unique(cell, return_inverse=True)
    n = np.bincount(where, minlength=len(cells)).astype(float)
    d = np.bincount(where, weights=lost.astype(float), minlength=len(cells))
    starts, at = {}, 1
    for name in names:
        starts[name], at = at, at + widths[name]
    X = np.zeros((len(cells) + 1, at))
    X[:, 0] = 1.0
    rest = cells.copy()
    for name in reversed(names):
        X[np.arange(len(cells)), starts[name] + rest % widths[name]] = 1.0
        rest = rest // widths[name]
    n, d = np.append(n, PRIOR_MONTHS), np.append(d, PRIOR_LOSSES)
    penalty = np.zeros((at, at))
    for name in names:
        levels = slice(starts[name], starts[name] + widths[name])
        penalty[levels, levels] = np.eye(widths[name]) / PRIOR_SD[name] ** 2
        if name in PRIOR_STEP_SD:
            steps = np.diff(np.eye(widths[name]), axis=0)
            penalty[levels, levels] += steps.T @ steps / PRIOR_STEP_SD[name] ** 2
    beta = np.zeros(at)
    beta[0] = logit(d.sum() / n.sum())
    for _ in range(100):
        h = expit(X @ beta)
        gradient = X.T @ (d - n * h) - penalty @ beta
        curvature = (X * (n * h * (1 - h))[:, None]).T @ X + penalty + 1e-9 * np.eye(at)
        step = np.linalg.solve(curvature, gradient)
        beta += np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-10:
            break
    return float(beta[0]), {name: beta[starts[name] : starts[name] + widths[name]] for name in names}


def _closed(calendar: Codes, lost: npt.NDArray[np.bool_]) -> bool:
    """Whether all that was lost was lost at a renewal, and enough was seen to believe that it cannot be otherwise."""
    between = np.isin(calendar, BETWEEN_RENEWALS)
    at_renewal = int(lost[calendar == RENEWAL].sum())
    return at_renewal >= CLOSED_LOSSES and int(between.sum()) >= CLOSED_MONTHS and not lost[between].any()


def _observed_tenure(tenure: Floats) -> float:
    """The longest tenure (end of the month) at which `MIN_AT_RISK` accounts were at risk, or the longest of all."""
    if not len(tenure):
        return 0.0
    at_risk = np.bincount(tenure.astype(int))
    enough = np.flatnonzero(at_risk >= MIN_AT_RISK)
    return float(enough.max() + 1 if len(enough) else len(at_risk))
