"""The ordering side of a relation: how often an account orders, for how much, what it sends back, and when it stops.

A month is one pure step: from the state at its first instant it gives the intensity of orders (Poisson), the mean of
an order (Gamma), returns likewise, and whether a project or machine is bought. Orders within a month depend on
nothing else, so that truth can tell the chance of a silent quarter exactly for every imagined path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revml.sources.samples.clock import Bools, Floats, Ints, Span
from revml.sources.samples.draws import Draws
from revml.sources.samples.relation import Relation, Traits

ORDER_SHAPE = 1.3  # of the Gamma of an order's amount; returns have shape 1
RETURN_SHARE = 0.3  # mean of a return over the mean of an order
HOLIDAYS = np.array([0.95, 1.0, 1.06, 1.02, 1.0, 1.0, 0.9, 0.8, 1.05, 1.08, 1.06, 0.85])


@dataclass(frozen=True)
class OrderDial:
    """How a kind of company's orders behave.

    Attributes:
        leave: scales every foretold hazard of leaving.
        rate, rate_spread: median orders a month (a machine, where there are machines) and sd of its log.
        spend: median amount of an order of a middling account.
        returns: share of orders that something is sent back from.
        project: price of a project or machine over the spend of an order; 0 where there is none.
        project_shape: of the Gamma of a project's amount.
        machines: whether orders follow machines in service.
        attach: monthly hazard that an account without a contract signs one.
    """

    leave: float
    rate: float
    rate_spread: float
    spend: float
    returns: float
    project: float
    project_shape: float
    machines: bool
    attach: float


@dataclass(frozen=True)
class Habits:
    """What stays the same about an account's orders."""

    rate: Floats
    spend: Floats
    period: Ints
    phase: Ints
    peak: Floats
    swing: Floats
    returns: Floats
    project: Floats


@dataclass(frozen=True)
class Ordering:
    """The state at the first instant of a month.

    Attributes:
        lost: 1 while the account buys elsewhere.
        closed: 1 once it exists no more.
        shock: how much of the last price increase still hurts.
        machines: machines in service.
    """

    lost: Floats
    closed: Floats
    shock: Floats
    machines: Floats


@dataclass(frozen=True)
class Flow:
    """Expected orders of a month (up to its limit), their mean amount; whether a project or machine was `bought`."""

    orders: Floats
    mean: Floats
    returns: Floats
    bought: Bools
    buy_offset: Ints
    retired: Bools
    hazards: tuple[Floats, ...]
    leaving: Bools
    closing: Bools


def leaving_hazards(traits: Traits, now: Relation, shock: Floats, dial: OrderDial) -> tuple[Floats, ...]:
    """Monthly hazards of buying elsewhere, by cause (`contracts.CAUSES`)."""
    scale = dial.leave
    return (
        scale * 0.07 * now.depth**1.5,
        scale * 0.004 * traits.frailty * np.exp(-0.6 * now.mood - 0.45 * traits.fit),
        scale * 0.02 * np.maximum(now.pain - 0.9, 0),
        scale * 0.006 * (1 - now.champion),
        scale * 0.008 * now.budget,
        scale * 0.07 * now.rival,
        scale * 0.35 * traits.price_sense * np.maximum(shock - 0.03, 0),
        scale * 0.0025 + 0 * now.mood,
    )


def month(
    traits: Traits, habits: Habits, now: Relation, state: Ordering, span: Span, dial: OrderDial, draws: Draws
) -> tuple[Ordering, Flow]:
    """The orders of a month and the state after it."""
    kind = now.mood.dtype.type
    season = 1 + habits.swing * np.cos(2 * np.pi * (span.season - habits.peak) / 12).astype(kind)
    turn = (span.index + habits.phase) % habits.period == 0
    others = 0.12 * habits.period / np.maximum(habits.period - 1, 1)
    rhythm = np.where(habits.period == 1, 1.0, np.where(turn, 0.88 * habits.period, others)).astype(kind)
    there = (1 - 0.985 * state.lost) * (1 - state.closed)
    wish = (1 - 0.75 * now.depth) * (1 - 0.35 * now.budget) * (1 - 0.15 * now.rival) * np.exp(0.15 * now.mood)
    level = np.exp(0.5 * now.demand)
    fleet = np.maximum(state.machines, 0.03) ** 0.75 if dial.machines else kind(1)
    rate = habits.rate * season * kind(HOLIDAYS[span.season]) * rhythm * wish * level * there * fleet
    mean = habits.spend * level * (1 - 0.3 * now.budget) * (1 - 0.2 * now.depth)
    share = kind(span.share)
    returns = habits.returns * habits.rate * level * there * fleet * (1 + 0.6 * now.pain)

    u, offset = draws.uniform(), (draws.uniform() * span.days).astype(np.int64)
    wearing = -np.expm1(-0.0055 * state.machines) if dial.machines else 0 * now.mood
    retired = (u < wearing) & (state.closed == 0)
    chance = 0.24 * now.deal * (1 - 0.5 * now.budget) * (1 - 0.8 * state.lost) * (1 - state.closed)
    chance = np.maximum(chance, 0.5 * retired * (1 - state.lost)) if dial.machines else chance
    buys = (draws.uniform() < chance) & (dial.project > 0)

    hazards = leaving_hazards(traits, now, state.shock, dial)
    total = sum(hazards[1:], hazards[0])
    u = draws.uniform()
    leaving = (state.lost == 0) & (u < -np.expm1(-total))
    back = (state.lost > 0) & (u < 0.03)
    closing = (state.closed == 0) & (draws.uniform() < -np.expm1(-traits.sudden))
    v = draws.uniform()
    raised = np.where(v < 0.3, 0.0, np.where(v < 0.8, 0.01 + 0.08 * (v - 0.3), 0.05 + 0.5 * (v - 0.8)))
    after = Ordering(
        lost=np.where(leaving, 1, np.where(back, 0, state.lost)).astype(kind),
        closed=np.where(closing, 1, state.closed).astype(kind),
        shock=(raised if span.season == 0 else 0.55 * state.shock).astype(kind),
        machines=np.maximum(state.machines - retired + buys, 0).astype(kind) if dial.machines else state.machines,
    )
    flow = Flow(
        orders=rate * share,
        mean=mean,
        returns=returns * share,
        bought=buys & (offset < span.limit),
        buy_offset=offset,
        retired=retired,
        hazards=hazards,
        leaving=leaving,
        closing=closing,
    )
    return after, flow


def make_habits(dial: OrderDial, employees: Ints, rng: np.random.Generator) -> Habits:
    """Draw the ordering habits of accounts; larger ones order more, with much left to chance."""
    n = len(employees)
    size = np.log(employees / 60)
    period = np.array([1, 2, 3, 6])[rng.choice(4, size=n, p=[0.6, 0.14, 0.18, 0.08])]
    rate = np.clip(dial.rate * np.exp(0.25 * size + rng.normal(0, dial.rate_spread, n)), 0.04, 14)
    spend = dial.spend * np.exp(0.35 * size + rng.normal(0, 0.8, n))
    return Habits(
        rate=rate,
        spend=spend,
        period=period,
        phase=rng.integers(0, 12, n),
        peak=rng.choice([2.0, 5.0, 9.0, 10.0], size=n) + rng.normal(0, 0.7, n),
        swing=np.clip(rng.beta(1.6, 3.5, n), 0, 0.75),
        returns=dial.returns * rng.gamma(1.5, 1 / 1.5, n),
        project=dial.project * dial.spend * np.exp(0.3 * size + rng.normal(0, 0.35, n)),
    )


def first_state(dial: OrderDial, employees: Ints, rng: np.random.Generator) -> Ordering:
    """Nobody has left yet; machines by size."""
    n = len(employees)
    machines = 1 + rng.poisson(np.clip((employees / 60) ** 0.6 * 1.6, 0.1, 40)) if dial.machines else np.zeros(n)
    zero = np.zeros(n)
    return Ordering(lost=zero, closed=zero, shock=zero, machines=machines.astype(float))
