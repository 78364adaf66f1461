"""How loss goes on beyond the longest tenure that was observed: beta-geometric and beta-discrete-Weibull.

Those who stay are those who were always less likely to leave, so the hazard of a cohort falls with tenure. The shifted
beta-geometric (Fader and Hardie 2007, "How to project customer retention") has `S(t) = B(a, b + t) / B(a, b)`; the
beta-discrete-Weibull (Fader, Hardie, Liu, Davin and Steenburgh 2018) has `t ** c` in place of `t`, so that an
individual's own hazard may rise or fall. Time is in years of tenure. Comes in: yearly numbers at risk and lost, from
any cohorts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, psi

from revml.clv.likelihood import most_likely
from revml.clv.value import Floats

MIN_LOSSES = 50
# However the curve bends, a hazard beyond the observed stays within this factor of the last one seen.
MAX_BEND = 4.0
MIN_YEARS = 2
BDW_YEARS = 4
# How far a segment's curve may stand from that of all, told by log a - log b (the first year's loss), the mean of both
# logs (how alike its members are) and log c; standard deviations.
_SHAPE = np.array([[1.0, -1.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
_SHAPE_SD = np.array([0.5, 0.5, 0.2])


@dataclass(frozen=True)
class Tail:
    """A fitted retention curve. `c == 1` is the beta-geometric; `flat` says that it could not be fitted."""

    a: float
    b: float
    c: float = 1.0
    flat: bool = False

    def survival(self, years: Floats) -> Floats:
        """S at years of tenure (any real number >= 0)."""
        return np.asarray(np.exp(betaln(self.a, self.b + np.asarray(years, float) ** self.c) - betaln(self.a, self.b)))

    def hazard(self, years: Floats) -> Floats:
        """The probability of a loss in the year that begins at `years`."""
        start = np.asarray(years, float)
        logs = betaln(self.a, self.b + (start + 1) ** self.c) - betaln(self.a, self.b + start**self.c)
        return np.asarray(-np.expm1(logs))

    def log_ratio(self, tenure_months: Floats, observed_months: float) -> Floats:
        """What to add to the log-odds at a tenure beyond the observed: log of the hazard there against the last seen.

        0 within the observed tenure, and everywhere for a flat tail.
        """
        if self.flat:
            return np.zeros_like(tenure_months)
        last = max(observed_months / 12.0 - 1.0, 0.0)
        beyond = np.maximum(tenure_months / 12.0 - 1.0, last)
        bend = np.log(self.hazard(beyond)) - np.log(self.hazard(np.array(last)))
        return np.asarray(np.clip(bend, -np.log(MAX_BEND), np.log(MAX_BEND)))


def fit_tail(at_risk: Floats, lost: Floats, *, weibull: bool, around: Tail | None = None) -> Tail:
    """Maximum likelihood on yearly risk sets, which makes censoring and late entry exact.

    Args:
        at_risk: (years,) accounts at the start of each year of tenure that are seen through it.
        lost: (years,) how many of them were lost in it.
        weibull: fit the exponent too.
        around: the curve of all, towards which a segment's own is held: the maximum of the posterior under normal
            priors on what it is told by, its first year's loss, how alike its members are, and its exponent.
    """
    kept = at_risk > 0
    t = np.arange(len(at_risk), dtype=float)[kept]
    n, d = at_risk[kept], lost[kept]

    def curve(u: Floats, a: float, b: float) -> tuple[Floats, Floats, Floats]:
        """betaln(a, b + u) and its slopes by a and by b."""
        both = psi(a + b + u)
        return betaln(a, b + u), psi(a) - both, psi(b + u) - both

    def negative(theta: Floats) -> tuple[float, Floats]:
        a, b, c = (*np.exp(theta), 1.0)[:3]
        u, later = t**c, (t + 1) ** c
        now, then = curve(u, a, b), curve(later, a, b)
        step = np.minimum(then[0] - now[0], -1e-300)
        value = -float(d @ np.log(-np.expm1(step)) + (n - d) @ step)
        by_step = (n - d) - d / np.expm1(-step)
        growth = then[2] * later * np.log(t + 1) - now[2] * u * np.log(np.maximum(t, 1.0))
        slopes = [a * (then[1] - now[1]), b * (then[2] - now[2]), c * growth]
        slope = -np.array([by_step @ slope for slope in slopes[: len(theta)]])
        if around is not None:
            gaps = (_SHAPE[: len(theta), : len(theta)] @ (theta - _logs(around)[: len(theta)])) / _SHAPE_SD[
                : len(theta)
            ]
            value += float(gaps @ gaps) / 2
            slope += _SHAPE[: len(theta), : len(theta)].T @ (gaps / _SHAPE_SD[: len(theta)])
        return value, slope

    starts = [(0.0, 1.0, 0.0), (-0.5, 0.0, 0.3), (1.5, 3.0, 0.0)]
    if around is not None:
        starts = [tuple(np.clip(_logs(around), -8.0, 8.0))]
    a, b, *c = most_likely(negative, [start[: 3 if weibull else 2] for start in starts])
    return Tail(float(a), float(b), float(c[0]) if c else 1.0)


def fit_tails(
    tenure_months: Floats, lost: npt.NDArray[np.bool_], names: npt.NDArray[np.object_], segments: tuple[str, ...]
) -> dict[str, Tail]:
    """A tail a segment where it has at least `MIN_LOSSES` losses and `MIN_YEARS` years, and one for all under ''.

    A segment's own is held towards that of all, the more the fewer its losses are.

    Years are made of the monthly risk sets: a year's survival is the product of its months' survivals, and it counts by
    its mean number at risk. Below `BDW_YEARS` years the beta-geometric is fitted. Too little for even that gives a
    flat tail: the hazard of the last observed tenure goes on.
    """
    pooled = _tail_of(tenure_months, lost)
    tails = {"": pooled}
    for name in segments:
        rows = names == name
        own = _tail_of(tenure_months[rows], lost[rows], around=None if pooled.flat else pooled)
        if not own.flat:
            tails[name] = own
    return tails


def _tail_of(tenure_months: Floats, lost: npt.NDArray[np.bool_], around: Tail | None = None) -> Tail:
    flat = Tail(1.0, 1.0, flat=True)
    if lost.sum() < MIN_LOSSES:
        return flat
    month = tenure_months.astype(int)
    years = int(month.max() + 1) // 12
    n = np.bincount(month, minlength=years * 12)[: years * 12].reshape(years, 12).astype(float)
    d = np.bincount(month, weights=lost.astype(float), minlength=years * 12)[: years * 12].reshape(years, 12)
    whole = (n > 0).all(axis=1)
    if whole.sum() < MIN_YEARS:
        return flat
    survival = np.prod(1 - np.divide(d, n, out=np.zeros_like(d), where=n > 0), axis=1)
    at_risk = np.where(whole, n.mean(axis=1), 0.0)
    return fit_tail(at_risk, at_risk * (1 - survival), weibull=bool(whole.sum() >= BDW_YEARS), around=around)


def _logs(tail: Tail) -> Floats:
    return np.log([tail.a, tail.b, tail.c])
