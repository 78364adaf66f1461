"""The latent state of a relation and its monthly step: what really goes on at an account, seen only through its traces.

Health is not one number. An account can slide out of use, be hurt by support, lose its champion, have its budget cut,
look at a rival, or outgrow what it bought; each has its own onset, length and traces. A step depends on the state
alone, so that an oracle who knows the state knows every probability (`truth.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from revml.sources.samples.clock import Floats
from revml.sources.samples.draws import Draws, PlainDraws, Tilt


@dataclass(frozen=True)
class Traits:
    """What stays the same at an account for good; none of it stands in the data as such.

    Attributes:
        fit: how well the offer suits the account (standard normal).
        frailty: how easily things go wrong there (mean about 1).
        price_sense: how hard a price increase hits (mean about 1).
        rivalry: pressure of competing products in its industry and place (mean about 1).
        pain_proneness: rate of incidents against the average.
        growth: monthly growth of what it needs, in logs.
        sudden: monthly hazard of an end that nothing foretells (acquired, insolvent, closed).
    """

    fit: Floats
    frailty: Floats
    price_sense: Floats
    rivalry: Floats
    pain_proneness: Floats
    growth: Floats
    sudden: Floats


@dataclass(frozen=True)
class Relation:
    """The state at the first instant of a month.

    Attributes:
        mood: slow satisfaction (stationary sd about 0.8).
        slide: 1 while the account is sliding out of use.
        depth: how far it slid, 0 to 1.
        pain: what unsolved incidents hurt, 0 and up.
        champion: 1 while the champion is there.
        budget: 1 while money is short.
        rival: 1 while a competing product is being evaluated.
        demand: log of what it needs over what it has.
        deal: 1 while a deal for more is open.
        helped: 1 while a play of customer success is under way (and is no hold-out).
    """

    mood: Floats
    slide: Floats
    depth: Floats
    pain: Floats
    champion: Floats
    budget: Floats
    rival: Floats
    demand: Floats
    deal: Floats
    helped: Floats


ArraysT = TypeVar("ArraysT")


def take(state: ArraysT, index: np.ndarray, *, column: bool = False) -> ArraysT:
    """The same dataclass of arrays for some accounts; as a float32 column where paths are to be laid beside it."""
    picked = {f.name: getattr(state, f.name)[index] for f in fields(state)}  # type: ignore[arg-type]
    if column:
        picked = {k: (v.astype(np.float32) if v.dtype.kind == "f" else v)[:, None] for k, v in picked.items()}
    return type(state)(**picked)


def where(condition: np.ndarray, yes: ArraysT, no: ArraysT) -> ArraysT:
    """Choose between two dataclasses of arrays, element by element."""
    return type(yes)(
        **{f.name: np.where(condition, getattr(yes, f.name), getattr(no, f.name)) for f in fields(yes)}  # type: ignore[arg-type]
    )


def fresh(traits: Traits, draws: Draws) -> Relation:
    """The state of a relation that has just begun: hopeful, with a champion, nothing wrong yet."""
    zero = np.zeros_like(traits.fit)
    return Relation(
        mood=0.3 + 0.6 * draws.normal(),
        slide=zero,
        depth=zero,
        pain=zero,
        champion=(draws.uniform() < 0.93).astype(float),
        budget=zero,
        rival=zero,
        demand=0.15 * draws.normal(),
        deal=zero,
        helped=zero,
    )


def settled(traits: Traits, draws: PlainDraws, months: int = 18) -> Relation:
    """The state of a relation that has lasted for a while."""
    state = fresh(traits, draws)
    for _ in range(months):
        state = step(traits, state, draws)
    return state


def step(
    traits: Traits,
    now: Relation,
    draws: Draws,
    *,
    bought: Floats | None = None,
    won: np.ndarray | None = None,
    tilt: Tilt | None = None,
) -> Relation:
    """One month on.

    Every flag has an onset and an end by its own uniform number; the depth of a slide follows its flag over months,
    pain decays unless new incidents come, a rival's evaluation is short. What was `bought` (log of seats after over
    before) lessens demand, a deal that was `won` is open no more. `tilt` lets truth imagine deals more often than
    they come.
    """
    kind = now.mood.dtype.type

    def flag(held: Floats, onset: Floats, ending: Floats) -> Floats:
        u = draws.uniform()
        return np.where(held > 0, u >= ending, u < onset).astype(kind)

    mood = now.mood * kind(0.9) + draws.normal() * kind(0.35)
    gone = 1 - now.champion
    slide = flag(
        now.slide,
        0.011
        * traits.frailty
        * np.exp(-0.35 * traits.fit - 0.45 * now.mood)
        * (1 + 1.6 * gone)
        * (1 + 0.25 * now.pain),
        0.13 * (1 + 0.8 * now.helped) * (1 - 0.5 * gone),
    )
    depth = np.where(slide > 0, now.depth + 0.32 * (1 - now.depth), 0.6 * now.depth)
    u = draws.uniform()
    rate = np.minimum(0.055 * traits.pain_proneness, 0.5)
    pain = now.pain * kind(0.72) + (u < rate) * (0.5 - np.log(np.maximum(u / rate, 1e-6)) * 0.9)
    u = draws.uniform()
    champion = np.where(now.champion > 0, u >= 0.016 * (1 + 0.6 * slide), u < 0.16).astype(kind)
    budget = flag(now.budget, 0.011 * traits.frailty, np.full_like(now.mood, 0.12))
    rival = flag(
        now.rival, 0.012 * traits.rivalry * np.exp(-0.4 * now.mood) * (1 + 0.3 * now.pain), np.full_like(now.mood, 0.38)
    )
    left = now.demand if bought is None else now.demand - bought
    open_deal = now.deal if won is None else now.deal * (1 - won)
    demand = left * kind(0.97) + traits.growth + draws.normal() * kind(0.06)
    pull = np.exp(np.minimum(2.2 * demand + 0.35 * mood, 2.5)) * (0.5 + 0.5 * champion)
    onset = 0.028 * pull * (1 - 0.75 * slide) * (1 - 0.6 * budget)
    u = draws.uniform()
    if tilt:
        u = tilt(u, onset, open_deal == 0)
    deal = np.where(open_deal > 0, u >= 0.2, u < onset).astype(kind)
    helped = flag(now.helped, 0.015 + 0.13 * depth, np.full_like(now.mood, 0.5))
    return Relation(
        mood=mood,
        slide=slide,
        depth=depth.astype(kind),
        pain=pain.astype(kind),
        champion=champion,
        budget=budget,
        rival=rival,
        demand=demand.astype(kind),
        deal=deal,
        helped=helped,
    )
