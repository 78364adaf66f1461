"""How the accounts of the other company live, and what an oracle knows (`other_company.py` says what it is).

An account has a health that drifts back to a level of its own and is shocked now and then, a number of seats it would
like to have that wanders with its business, and a skill beside the plan it is on. Health decides renewals (each year,
or each month), wished beside bought seats decide those bought and given back, skill decides moves to the next plan.
A frailty of each account moves renewals and leaves no trace at all.

The oracle knows the hidden states at a month's start, draws their paths for 90 days and adds up, along each path, the
chances of all that is decided then.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

START, STEPS, HORIZON = pd.Timestamp("2022-01-01"), 4, 90  # a month has four steps
PATHS = 48
PRICES = np.array([18.0, 31.0, 54.0])


def sigmoid(x: np.ndarray) -> np.ndarray:
    """The logistic function."""
    return 1 / (1 + np.exp(-x))


class Calendar:
    """Steps of a quarter of a month; days and steps are counted from the start, step s is (days[s], days[s + 1]]."""

    def __init__(self, months: int) -> None:
        firsts = pd.date_range(START, periods=months + 5, freq="MS")
        self.months = months
        self.first = ((firsts - START) / pd.Timedelta(days=1)).to_numpy().astype(int)
        lengths = np.diff(self.first)
        starts = self.first[:-1, None] + np.round(lengths[:, None] * np.arange(STEPS) / STEPS).astype(int)
        self.days = starts.ravel()
        self.steps = months * STEPS  # the data end at days[steps]

    def date(self, month: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Days since the start of a day (1 to 28) in a month (counted from the first; before it: 30.44 days each)."""
        inside = np.clip(month, 0, len(self.first) - 1)
        return self.first[inside] + np.round((month - inside) * 30.44).astype(int) + day - 1


@dataclass(frozen=True)
class Rates:
    """What a company is like: how its accounts live, and how clearly the tables show it."""

    back: float  # the share of a departure from its level that health keeps a step
    unrest: float
    shocks: float  # a step
    depth: float
    health_weight: float  # on the log-odds of leaving
    yearly_leave: float
    monthly_leave: float
    frailty: float
    grow: float
    wish_weight: float
    upgrade: float
    trace: float  # how much health moves the log of use
    workload: float  # what moves use as well and means nothing

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Rates:
        """The rates of one company."""

        def about(middle: float, share: float = 0.12) -> float:
            return float(middle * np.exp(rng.normal(0, share)))

        return cls(
            back=1 - about(0.045),
            unrest=about(0.24),
            shocks=about(0.012),
            depth=about(1.5),
            health_weight=about(1.35),
            yearly_leave=-2.3 + rng.normal(0, 0.15),
            monthly_leave=-4.5 + rng.normal(0, 0.15),
            frailty=about(0.15),
            grow=-5.6 + rng.normal(0, 0.15),
            wish_weight=about(7.0),
            upgrade=-7.2 + rng.normal(0, 0.15),
            trace=about(0.75),
            workload=about(0.16),
        )


@dataclass
class Past:
    """What happened: hidden states at the end of each step (row s: at days[s]), and the terms of each account.

    Attributes:
        alive: whether the account is a customer at days[s]; began, ended: days (ended -1: not yet).
        terms: account, day, seats, tier of each change; the first is the beginning.
    """

    calendar: Calendar
    rates: Rates
    health: np.ndarray
    wish: np.ndarray
    skill: np.ndarray
    seats: np.ndarray
    tier: np.ndarray
    alive: np.ndarray
    shocked: np.ndarray
    began: np.ndarray
    ended: np.ndarray
    yearly: np.ndarray
    month0: np.ndarray
    day: np.ndarray
    level: np.ndarray
    frailty: np.ndarray
    drift: np.ndarray
    industry: np.ndarray
    terms: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)

    def renews(self, after: int, until: int, who: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether a renewal of each account falls into (after, until], less than a month apart, and its day."""
        month = np.searchsorted(self.calendar.first, until, side="right") - 1
        day = self.calendar.date(np.full(len(who), month), self.day[who])
        month = np.where(day > until, month - 1, month)
        day = self.calendar.date(month, self.day[who])
        gone = month - self.month0[who]
        due = (gone > 0) & (self.yearly[who] == 0) | (gone > 0) & (gone % 12 == 0)
        return due & (day > after) & (day <= until), day


def moved(
    past: Past, who: np.ndarray, health: np.ndarray, wish: np.ndarray, skill: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The hidden states a step later, and who was shocked; states are (accounts,) or (accounts, paths)."""
    shape, rates = health.shape, past.rates
    level, drift = (x[who].reshape(-1, *[1] * (health.ndim - 1)) for x in (past.level, past.drift))
    shocked = rng.random(shape) < rates.shocks
    health = level + (health - level) * rates.back + rates.unrest * rng.standard_normal(shape) - rates.depth * shocked
    wish = wish + drift + 0.006 * health + 0.045 * rng.standard_normal(shape)
    skill = 0.985 * skill + 0.12 * rng.standard_normal(shape)
    return health, wish, skill, shocked


def leaving(past: Past, who: np.ndarray, health: np.ndarray, day: int) -> np.ndarray:
    """The probability of leaving at a renewal."""
    rates, wide = past.rates, [-1] + [1] * (health.ndim - 1)
    years = np.maximum(day - past.began[who], 0) / 365
    base = np.where(past.yearly[who] == 1, rates.yearly_leave, rates.monthly_leave)
    base = base + past.frailty[who] - 0.3 * np.log1p(years)
    return sigmoid(base.reshape(wide) - rates.health_weight * health)


SUDDEN = 0.0006  # a step: insolvent, bought, moved away


def growing(past: Past, gap: np.ndarray, health: np.ndarray, due: np.ndarray) -> np.ndarray:
    """The probability that seats are bought in a step; gap is the log of wished over bought seats."""
    return sigmoid(past.rates.grow + past.rates.wish_weight * gap + 0.3 * health + 0.8 * due)


def upgrading(past: Past, skill: np.ndarray, health: np.ndarray, tier: np.ndarray, due: np.ndarray) -> np.ndarray:
    """The probability of moving to the next plan in a step."""
    return np.where(tier < 2, sigmoid(past.rates.upgrade + 2.6 * skill + 0.3 * health + 0.8 * due), 0.0)


def returning(gap: np.ndarray) -> np.ndarray:
    """The probability that seats are given back at a renewal."""
    return sigmoid(-9 - 16 * gap)


def simulate(n: int, months: int, rng: np.random.Generator) -> Past:
    """Live through the months."""
    calendar, rates = Calendar(months), Rates.drawn(rng)
    steps, everyone = calendar.steps, np.arange(n)
    old = rng.random(n) < 0.55
    step0 = np.where(old, 0, rng.integers(1, steps, n))
    month0 = np.where(old, -1 - np.minimum(rng.exponential(16, n), 60).astype(int), 0)
    began = np.where(old, 0, calendar.days[step0] - rng.integers(0, 6, n))
    month0 = np.where(old, month0, np.searchsorted(calendar.first, began, side="right") - 1)
    day = np.where(old, rng.integers(1, 29, n), np.minimum(began - calendar.first[np.maximum(month0, 0)] + 1, 28))
    began = calendar.date(month0, day)
    industry = rng.integers(0, 6, n)
    level = rng.normal(0, 0.2, 6)[industry] + rng.normal(0, 0.55, n)
    seats = np.clip(np.exp(rng.normal(1.9, 0.85, n)), 2, 70).round()
    empty = {name: np.zeros((steps + 1, n)) for name in ("health", "wish", "skill", "seats")}
    past = Past(
        calendar,
        rates,
        **empty,
        tier=np.zeros((steps + 1, n), int),
        alive=np.zeros((steps + 1, n), bool),
        shocked=np.zeros((steps + 1, n), bool),
        began=began,
        ended=np.full(n, -1),
        yearly=(rng.random(n) < 0.45 + 0.12 * np.log(seats / 6)).astype(int),
        month0=month0,
        day=day,
        level=level,
        frailty=rng.normal(0, rates.frailty, n),
        drift=rng.normal(0.002, 0.006, n),
        industry=industry,
    )
    steady = rates.unrest / np.sqrt(1 - rates.back**2)
    health = level + steady * rng.standard_normal(n)
    wish, skill = np.log(seats) - 0.12 + 0.15 * rng.standard_normal(n), 0.7 * rng.standard_normal(n)
    tier = rng.choice(3, n, p=[0.5, 0.35, 0.15])
    past.terms.append((everyone, began, seats.copy(), tier.copy()))
    alive = step0 == 0
    for s in range(steps + 1):
        if s:
            lived = alive & (step0 < s)
            health, wish, skill, shocked = moved(past, everyone, health, wish, skill, rng)
            past.shocked[s] = shocked & lived
            alive = _decide(past, s, lived, health, wish, skill, seats, tier, rng) | (step0 == s)
        for name, now in (("health", health), ("wish", wish), ("skill", skill), ("seats", seats), ("tier", tier)):
            getattr(past, name)[s] = now
        past.alive[s] = alive
    return past


def _decide(
    past: Past,
    s: int,
    lived: np.ndarray,
    health: np.ndarray,
    wish: np.ndarray,
    skill: np.ndarray,
    seats: np.ndarray,
    tier: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """What accounts decide in the step that ends at days[s]; seats, tier and skill change in place. Who stays."""
    after, until = int(past.calendar.days[s - 1]), int(past.calendar.days[s])
    everyone, n = np.arange(len(lived)), len(lived)
    due, renewal = past.renews(after, until, everyone)
    some_day = rng.integers(after + 1, until + 1, n)
    leave = lived & due & (rng.random(n) < leaving(past, everyone, health, until))
    sudden = lived & ~leave & (rng.random(n) < SUDDEN)
    past.ended[leave], past.ended[sudden] = renewal[leave], some_day[sudden]
    stay, gap = lived & ~leave & ~sudden, wish - np.log(seats)
    more = stay & (rng.random(n) < growing(past, gap, health, due))
    up = stay & (rng.random(n) < upgrading(past, skill, health, tier, due))
    less = stay & ~more & ~up & due & (seats > 2) & (rng.random(n) < returning(gap))
    bought = np.clip(np.round(np.exp(wish + 0.1)), np.ceil(seats * 1.12), np.ceil(seats * 1.8))
    kept = np.clip(np.round(np.exp(wish)), 1, np.floor(seats * 0.88))
    seats[more], seats[less] = bought[more], kept[less]
    tier[up] += 1
    skill[up] -= 1.5
    changed = np.flatnonzero(more | up | less)
    on = np.where(due[changed], renewal[changed], some_day[changed])
    past.terms.append((changed, on, seats[changed].copy(), tier[changed].copy()))
    return stay


def truth(past: Past, rng: np.random.Generator) -> pd.DataFrame:
    """The probabilities of churn and upsell within 90 days at the start of each month, given the hidden states then."""
    calendar, parts = past.calendar, []
    for month in range(calendar.months + 1):
        s = month * STEPS
        who = np.flatnonzero(past.alive[s] & (past.began <= calendar.days[s]))
        churn, upsell = _ahead(past, s, who, rng)
        parts.append(
            pd.DataFrame(
                {
                    "account_id": account_ids(who),
                    "as_of": (START + pd.Timedelta(days=int(calendar.days[s]))).as_unit("us"),
                    "alive": True,
                    "p_churn_90d": churn,
                    "p_upsell_90d": upsell,
                    "health": past.health[s, who],
                    "gap": past.wish[s, who] - np.log(past.seats[s, who]),
                    "skill": past.skill[s, who],
                    "frailty": past.frailty[who],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _ahead(past: Past, s: int, who: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw paths of the hidden states; along each, the chance of every decision is added up, none is drawn.

    After seats were bought or a plan moved, what else happens within the window is left out, but for leaving; whoever
    gave seats back does not count as grown.
    """
    calendar = past.calendar
    health, wish, skill = (np.repeat(x[s, who][:, None], PATHS, axis=1) for x in (past.health, past.wish, past.skill))
    bought, tier = np.log(past.seats[s, who])[:, None], past.tier[s, who][:, None]
    able = (past.seats[s, who] > 2)[:, None]
    same, grown, less = np.ones_like(health), np.zeros_like(health), np.zeros_like(health)
    end, step = int(calendar.days[s]) + HORIZON, s
    while calendar.days[step] < end:
        after, until = int(calendar.days[step]), int(calendar.days[step + 1])
        share = min(end - after, until - after) / (until - after)
        health, wish, skill, _ = moved(past, who, health, wish, skill, rng)
        due = past.renews(after, min(until, end), who)[0][:, None]
        go = np.where(due, leaving(past, who, health, until), 0.0)
        go = go + (1 - go) * SUDDEN * share
        gap = wish - bought
        more = growing(past, gap, health, due)
        up = upgrading(past, skill, health, tier, due)
        rise = (1 - (1 - more) * (1 - up)) * share
        fall = np.where(due & able, returning(gap), 0.0) * (1 - rise)
        same, grown, less = (
            same * (1 - go) * (1 - rise - fall),
            (1 - go) * (grown + same * rise),
            (1 - go) * (less + same * fall),
        )
        step += 1
    return 1 - (same + grown + less).mean(axis=1), grown.mean(axis=1)


def account_ids(numbers: np.ndarray) -> np.ndarray:
    """Ids of accounts."""
    return np.char.add("C", np.char.zfill(numbers.astype(str), 5)).astype(object)
