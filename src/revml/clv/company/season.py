"""How a series of months goes on by itself: its season, its damped trend.

Comes in: amounts by month, newest last. Goes out: twelve factors, for the twelve months that follow and again for those
after, told apart from chance by how well the years agree; and the series carried on. With less than two years, or years
that do not agree, every factor is one.
"""

from __future__ import annotations

import numpy as np

from revml.clv.value import Floats

YEAR = 12
DAMPING = 0.9
# How much yearly totals of companies usually move (log): the prior that a trend between two years is drawn to.
TREND_SD = 0.2


def season(amounts: Floats) -> Floats:
    """Twelve factors with mean one, shrunken towards one by the share of their spread that is chance.

    Each year is taken relative to its own mean. Growth is no season: a line is taken out of each year as far as months
    within years and years among themselves both show it. The chance in a factor is judged by how its years differ.

    Args:
        amounts: (months,) newest last; whole years at the end are used, at most five.

    >>> season(np.array([1.0, 3.0] * 12)).round(2).tolist()[:4]
    [0.5, 1.5, 0.5, 1.5]
    >>> season(np.arange(20.0)).tolist() == [1.0] * 12
    True
    """
    years = min(len(amounts) // YEAR, 5)
    if years < 2:
        return np.ones(YEAR)
    last = np.asarray(amounts[-years * YEAR :], dtype=float)
    if last.min() < 0 or last.reshape(years, YEAR).sum(axis=1).min() <= 0:
        return np.ones(YEAR)
    shares = last.reshape(years, YEAR)
    means = shares.mean(axis=1, keepdims=True)
    month = np.arange(YEAR) - (YEAR - 1) / 2
    within = float((shares / means).mean(axis=0) @ month / (month @ month))
    between = float(np.log(means[-1, 0] / means[0, 0]) / ((years - 1) * YEAR))
    slope = np.sign(within) * min(abs(within), abs(between)) if within * between > 0 else 0.0
    shares = shares / means / (1.0 + slope * month)
    factors = shares.mean(axis=0)
    chance = shares.var(axis=0, ddof=1).mean() / years
    spread = factors.var(ddof=1)
    weight = max(0.0, 1.0 - chance / spread) if spread > 0 else 0.0
    kept = 1.0 + weight * (factors / factors.mean() - 1.0)
    return np.asarray(np.maximum(kept, 0.0))


def ahead(factors: Floats, months: int) -> Floats:
    """The factors of the months 1..months ahead."""
    return np.asarray(np.resize(factors, months))


def without_season(amounts: Floats) -> Floats:
    """Amounts by month, newest last, divided by their season."""
    factors = np.maximum(season(amounts), 0.05)
    return np.asarray(amounts / np.resize(factors[::-1], len(amounts))[::-1])


def damped(months: int, yearly: float) -> Floats:
    """(months,) factors of a trend that begins in the middle of the last year and dies away.

    Args:
        yearly: log of the change between the last two years.
    """
    steps = np.arange(1, months + 1) + YEAR // 2
    return np.asarray(np.exp(yearly / YEAR * DAMPING * (1 - DAMPING**steps) / (1 - DAMPING)))


def carried_on(amounts: Floats, months: int) -> Floats:
    """(months,) ahead: the mean of the last year without its season, the damped trend of two years, the season.

    >>> carried_on(np.full(24, 5.0), 2).tolist()
    [5.0, 5.0]
    """
    plain = without_season(amounts)
    level, yearly = float(plain[-YEAR:].mean()) if len(plain) else 0.0, 0.0
    if len(plain) >= 2 * YEAR and level > 0 and (before := float(plain[-2 * YEAR : -YEAR].mean())) > 0:
        chance = sum(
            float(part.var(ddof=1) / YEAR / part.mean() ** 2) for part in (plain[-YEAR:], plain[-2 * YEAR : -YEAR])
        )
        yearly = float(np.log(level / before)) * TREND_SD**2 / (TREND_SD**2 + chance)
    return np.maximum(level * damped(months, yearly) * ahead(season(amounts), months), 0.0)
