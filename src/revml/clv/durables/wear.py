"""How long machines live: the monthly hazard of retirement by age, shrunken towards the life they are sold with.

    h(age) = Weibull hazard of age / life_months × family × age band × whether the owner is in touch

The Weibull's mean (as a share of `life_months`) and shape are the maximum of a posterior: before any retirement was
seen machines last as long as they are sold for, and wear out. Each factor is what retirements say beside it: retired
over expected, both raised by `WEIGHT` retirements. Machines in service are censored at `as_of`, and those older than
the first recorded retirement enter at their age then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import gamma

from revml.clv.durables.installed import Installed
from revml.clv.value import Floats

# What is believed before anything was seen, on logs: wear (2.5), between an exponential life (1) and a sharp end (5).
PRIOR_SHAPE, SHAPE_SD = 2.5, 0.5
MEAN_SD = 0.7
BAND_EDGES = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
WEIGHT = 10.0
MIN_AT_RISK = 10
MOST = 0.9
_CELL, _CELLS = 0.02, 250
_ROUNDS = 8


@dataclass(frozen=True)
class Wear:
    """A fitted life of machines.

    Attributes:
        mean: expected life over the life that products are sold with.
        shape: of the Weibull; 1 where age does not matter.
        family: retired over expected of each family; 1 for one that was never seen.
        band: of each age, as a share of life (`BAND_EDGES`).
        touch: of machines whose owner is out of touch, and in touch.
        retired, at_risk: retirements seen, and machine-months.
        observed_months: oldest age at which at least ten machines were at risk.
    """

    mean: float
    shape: float
    family: dict[str, float]
    band: Floats
    touch: Floats
    retired: int
    at_risk: float
    observed_months: float

    def hazard(self, age: Floats, life: Floats, family: Floats) -> Floats:
        """Monthly hazard of machines at `age` months, before the owner's touch; `family` is `family_factor`."""
        band = self.band[np.digitize(age / life, BAND_EDGES)]
        return np.asarray(np.minimum(weibull(age, life * self.mean, self.shape) * family * band, MOST))

    def family_factor(self, names: pd.Series) -> Floats:
        """(n,) what each family's machines wear beyond all."""
        return np.asarray(names.map(self.family).fillna(1.0).to_numpy(float))

    def life_left(self, age: Floats, life: Floats, family: Floats, months: int = 600) -> Floats:
        """(n,) expected months until retirement, of owners in touch; at most `months`."""
        alive, left = np.ones(len(age)), np.zeros(len(age))
        for k in range(months):
            h = np.minimum(self.hazard(age + k + 0.5, life, family) * self.touch[1], MOST)
            left += alive * (1 - h / 2)
            alive = alive * (1 - h)
        return left


def weibull(age: Floats, mean: Floats, shape: float) -> Floats:
    """Rate of retirement a month around `age` months (from half a month before to half after), for a mean life.

    >>> weibull(np.array([10.0, 90.0]), np.array([100.0, 100.0]), 1.0).round(3).tolist()
    [0.01, 0.01]
    """
    scale = gamma(1 + 1 / shape) / mean
    low, high = np.maximum(age - 0.5, 0.0) * scale, (age + 0.5) * scale
    return np.asarray(high**shape - low**shape)


@dataclass(frozen=True)
class _Seen:
    """Machine-months at risk and retirements, by cell of age over life, family, and touch."""

    at_risk: Floats
    per_life: Floats
    ended: Floats
    names: tuple[str, ...]
    observed_months: float


def fit_wear(base: Installed) -> Wear:
    """Fit the Weibull, then the factors by turns until they settle; without a retirement they hardly move."""
    seen = _lived(base)
    middle = np.asarray((np.arange(_CELLS) + 0.5) * _CELL, dtype=np.float64)
    exposure = np.asarray(seen.per_life.sum(axis=(1, 2)))
    gone = np.asarray(seen.ended.sum(axis=(1, 2)))
    mean, shape = _weibull_mode(middle, exposure, gone)
    intensity = shape * (gamma(1 + 1 / shape) / mean) ** shape * middle ** (shape - 1)
    band = np.digitize(middle, BAND_EDGES)
    size = (len(BAND_EDGES) + 1, len(seen.names), 2)
    expected, ended = np.zeros(size), np.zeros(size)
    np.add.at(expected, band, seen.per_life * intensity[:, None, None])
    np.add.at(ended, band, seen.ended)
    by_band, by_family, by_touch = _by_turns(expected, ended)
    return Wear(
        mean=mean,
        shape=shape,
        family=dict(zip(seen.names, by_family.tolist(), strict=True)),
        band=by_band,
        touch=by_touch,
        retired=int(seen.ended.sum()),
        at_risk=float(seen.at_risk.sum()),
        observed_months=seen.observed_months,
    )


def _lived(base: Installed) -> _Seen:
    """Go back month by month: which machines were at risk at its start, and which retired in it."""
    machines = base.machines
    retired = machines["retired_back"].to_numpy(float)
    first = float(np.nanmax(retired)) if np.isfinite(retired).any() else 0.0
    # the record that opens the window is not counted: what came before it may not have been recorded
    window = min(int(np.floor(first)), base.window) if first else base.window
    names = tuple(sorted(machines["family"].unique()))
    code = machines["family"].map({name: i for i, name in enumerate(names)}).to_numpy(np.int64)
    age, life = machines["age"].to_numpy(float), machines["life_months"].to_numpy(float)
    account = machines["account"].to_numpy(np.int64)
    size = (_CELLS, len(names), 2)
    at_risk: Floats = np.zeros(size)
    per_life: Floats = np.zeros(size)
    ended: Floats = np.zeros(size)
    oldest = np.zeros(1)
    for back in range(window):
        there = np.flatnonzero((age >= back + 1) & ~(retired >= back + 1))
        now, lives, gone = age[there] - back - 0.5, life[there], retired[there]
        cell = np.minimum((now / lives / _CELL).astype(np.int64), _CELLS - 1) * len(names) + code[there]
        cell = 2 * cell + base.in_touch[account[there], back + 1]
        for total, weight in ((at_risk, None), (per_life, 1 / lives), (ended, (gone >= back) & (gone < back + 1))):
            total += np.bincount(cell, weight, minlength=total.size).reshape(size)
        oldest = _counted(oldest, now)
    enough = np.flatnonzero(oldest >= MIN_AT_RISK)
    return _Seen(at_risk, per_life, ended, names, float(enough.max() + 1 if len(enough) else len(oldest)))


def _counted(counts: Floats, ages: Floats) -> Floats:
    """The largest number of machines ever at risk at each age in months."""
    here = np.bincount(ages.astype(np.int64), minlength=len(counts)).astype(float)
    here[: len(counts)] = np.maximum(here[: len(counts)], counts)
    return here


def _weibull_mode(age: Floats, exposure: Floats, ended: Floats) -> tuple[float, float]:
    """Mean and shape by Poisson likelihood of retirements by age over life, with normal priors on their logs."""

    def negative(theta: Floats) -> float:
        shape = np.exp(theta[1])
        log_rate = np.log(shape) + shape * (np.log(gamma(1 + 1 / shape)) - theta[0]) + (shape - 1) * np.log(age)
        prior = (theta[0] / MEAN_SD) ** 2 + ((theta[1] - np.log(PRIOR_SHAPE)) / SHAPE_SD) ** 2
        return float(exposure @ np.exp(log_rate) - ended @ log_rate + prior / 2)

    bounds = [(-2.0, 2.0), (np.log(0.5), np.log(8.0))]
    found = minimize(negative, np.array([0.0, np.log(PRIOR_SHAPE)]), method="L-BFGS-B", bounds=bounds)
    return float(np.exp(found.x[0])), float(np.exp(found.x[1]))


def _by_turns(expected: Floats, ended: Floats) -> list[Floats]:
    factors = [np.ones(size) for size in expected.shape]
    for _ in range(_ROUNDS):
        for axis in range(3):
            others = tuple(i for i in range(3) if i != axis)
            rest = expected
            for i in others:
                rest = rest * factors[i].reshape([-1 if j == i else 1 for j in range(3)])
            factors[axis] = (ended.sum(axis=others) + WEIGHT) / (rest.sum(axis=others) + WEIGHT)
    return factors
