"""The contract side of a relation: terms, renewals, prices, seats, and the hazards of ending.

A month of a contract is one pure step (`month`): from the relation's state at the month's first instant it gives the
hazards of ending by cause and the changes of terms. The data draws one outcome from it; truth averages over paths of
the same step. Changes in the month of a renewal happen at the renewal, as companies do it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revml.sources.samples.clock import Bools, Floats, Ints, Span
from revml.sources.samples.draws import Draws, Tilt
from revml.sources.samples.relation import Relation, Traits

# Causes of not renewing, in the order of `Turn.hazards`; whether anything in the data foretells them.
CAUSES = ("adoption", "fit", "support", "champion", "budget", "competitor", "price", "other")
SUDDEN = ("acquired", "insolvent")
MOST_MOVE_DAY = 27  # changes within a month fall on its days 2 to 28, so that month starts stay clean


@dataclass(frozen=True)
class Dial:
    """How a kind of company's contracts behave."""

    churn: float  # scales every foretold hazard
    growth: float  # scales deals won and seats added
    uplift: float  # scales price increases
    late: float  # share of renewals that come late, after a gap
    tiers: int = 4  # plans, one a tier
    deals: bool = True  # whether contracts grow by the latent deals (machine deals are about orders instead)


@dataclass(frozen=True)
class Contract:
    """Terms at the first instant of a month.

    Attributes:
        active: whether a subscription runs.
        back: day on which a late renewal will start, 0 where none is awaited.
        plan: tier, 0 to 3.
        seats: seats of the core product.
        unit: price of a seat a month.
        first, second: MRR of the two add-on modules, 0 where not bought.
        due: index of the month of the next renewal.
        day: day of the month of the renewal, 2 to 28.
        term: months between renewals.
        offer: the increase offered for the coming renewal, a share; -1 while none is on the table.
    """

    active: Bools
    back: Ints
    plan: Ints
    seats: Floats
    unit: Floats
    first: Floats
    second: Floats
    due: Ints
    day: Ints
    term: Ints
    offer: Floats

    @property
    def mrr(self) -> Floats:
        """Monthly recurring revenue of all lines."""
        return self.seats * self.unit + self.first + self.second


@dataclass(frozen=True)
class Turn:
    """What a month may bring.

    Attributes:
        renewing: the renewal falls into the month (and not after its limit).
        p_end: probability of ending at that renewal.
        p_sudden: probability of ending on another day of the month, up to its limit.
        hazards: cumulative hazard at the renewal by cause (`CAUSES`), scaled to the term.
        broken: cumulative hazard of breaking the contract within the term.
        late: the renewal, if it happens, happens `gap` days late.
        moved: code of the change of terms: 0 none, 1 seats up, 2 plan up, 3 module, 4 seats down, 5 module dropped.
        offset: days from the month's start to the change.
        bought: log of seats after over seats before.
        won: a deal was won.
    """

    renewing: Bools
    p_end: Floats
    p_sudden: Floats
    hazards: tuple[Floats, ...]
    broken: Floats
    late: Bools
    gap: Ints
    moved: Ints
    offset: Ints
    bought: Floats
    won: Bools


def renewal_hazards(traits: Traits, now: Relation, offer: Floats, dial: Dial) -> tuple[Floats, ...]:
    """Cumulative hazards of leaving at a yearly renewal, by cause."""
    scale = dial.churn
    return (
        scale * 0.9 * now.depth**1.5,
        scale * 0.035 * traits.frailty * np.exp(-0.6 * now.mood - 0.45 * traits.fit),
        scale * 0.28 * np.maximum(now.pain - 0.9, 0),
        scale * 0.16 * (1 - now.champion),
        scale * 0.3 * now.budget,
        scale * 0.75 * now.rival,
        scale * 2.2 * traits.price_sense * np.maximum(offer - 0.035, 0),
        scale * 0.022 + 0 * now.mood,
    )


def month(
    traits: Traits, now: Relation, terms: Contract, span: Span, dial: Dial, draws: Draws, *, tilt: Tilt | None = None
) -> tuple[Contract, Turn]:
    """The hazards of a month and, for those who stay, the terms at its end.

    Growth is rare: truth lets it happen more often (`tilt`), which no hazard of ending depends on.
    """
    here = terms.active & (terms.back == 0)
    due = here & (terms.due == span.index)
    renewing = due & (terms.day - 1 <= span.limit)
    offer = np.maximum(terms.offer, 0)
    pace = np.where(terms.term >= 24, 1.35, np.where(terms.term >= 12, 1.0, np.where(terms.term >= 3, 0.36, 0.13)))
    pace = pace.astype(now.mood.dtype)
    hazards = renewal_hazards(traits, now, offer, dial)
    total = sum(hazards[1:], hazards[0])
    p_end = -np.expm1(-total * pace) * renewing
    within = min(span.limit, MOST_MOVE_DAY) / MOST_MOVE_DAY
    broken = np.where(terms.term >= 3, 0.022, 0.006).astype(now.mood.dtype) * total
    p_sudden = -np.expm1(-(broken + traits.sudden)) * within * here

    # change of terms
    u, kind, size = draws.uniform(), draws.uniform(), draws.uniform()
    if dial.deals:
        won = dial.growth * 0.30 * now.deal * (1 - 0.5 * now.budget)
    else:
        won = dial.growth * 0.008 * np.exp(np.minimum(now.demand, 1.5)) * (1 - 0.7 * now.slide)
    self_serve = dial.growth * 0.008 * np.exp(np.minimum(1.5 * now.demand, 1.5)) * (1 - 0.8 * now.slide)
    if tilt:
        u = tilt(u, won + self_serve)
    trimming = np.where(due, np.where(terms.term >= 12, 0.07, 0.012), 0.0015).astype(now.mood.dtype)
    cut = np.minimum(
        trimming * (1 + 4 * now.budget + 2.5 * now.depth) * np.exp(-1.5 * np.minimum(now.demand, 0.5)), 0.6
    )
    offset = np.where(due, terms.day - 1, 1 + (draws.uniform() * MOST_MOVE_DAY).astype(np.int64))
    open_ = here & (offset <= span.limit)
    by_deal = open_ & (u < won)
    up = open_ & (u >= won) & (u < won + self_serve)
    down = open_ & (u >= won + self_serve) & (u < won + self_serve + cut)
    plan_up = by_deal & (kind < 0.17) & (terms.plan < dial.tiers - 1)
    module = by_deal & (kind > 0.78) & ((terms.first == 0) | (terms.second == 0))
    grows = (by_deal & ~plan_up & ~module) | up
    dropped = down & (kind < 0.25) & (terms.first + terms.second > 0)
    shrinks = down & ~dropped
    more = np.where(by_deal, 0.08, 0.01) + 0.75 * np.maximum(now.demand, 0) + 0.25 * size * size
    seats = np.where(grows, np.maximum(terms.seats + 1, np.rint(terms.seats * np.exp(more))), terms.seats)
    seats = np.where(shrinks, np.maximum(1, np.floor(terms.seats * (0.92 - 0.45 * size))), seats)
    seats = seats.astype(now.mood.dtype)
    unit = terms.unit * (1 + 0.45 * plan_up).astype(now.mood.dtype)
    price = (terms.seats * terms.unit * (0.12 + 0.25 * size)).astype(now.mood.dtype)
    to_first = module & (terms.first == 0)
    first = np.where(to_first, price, terms.first)
    second = np.where(module & ~to_first, price, terms.second)
    drop_first = dropped & ((terms.second == 0) | (size < 0.5)) & (terms.first > 0)
    first = np.where(drop_first, 0, first)
    second = np.where(dropped & ~drop_first, 0, second)

    # renewal of those who stay
    raised = np.where(renewing, 1 + offer, 1).astype(now.mood.dtype)
    u = draws.uniform()
    late = renewing & (u < dial.late) & (terms.term >= 12)
    gap = 3 + np.minimum(u / max(dial.late, 1e-9) * 22, 22).astype(np.int64)
    back = np.where(late, span.start + terms.day - 1 + gap, terms.back)
    after = Contract(
        active=terms.active,
        back=np.where(back > span.start + span.limit, back, 0),
        plan=terms.plan + plan_up,
        seats=seats,
        unit=unit * raised,
        first=first * raised,
        second=second * raised,
        due=np.where(renewing, terms.due + terms.term, terms.due),
        day=terms.day,
        term=terms.term,
        offer=_offers(terms, renewing, span, dial, draws, now),
    )
    moved = 1 * grows + 2 * plan_up + 3 * module + 4 * shrinks + 5 * dropped
    bought = np.log(seats / terms.seats)
    signed = by_deal if dial.deals else by_deal & False
    turn = Turn(renewing, p_end, p_sudden, hazards, broken, late, gap, moved, offset, bought, signed)
    return after, turn


def _offers(terms: Contract, renewing: Bools, span: Span, dial: Dial, draws: Draws, now: Relation) -> Floats:
    """A price for the coming renewal is put on the table two months ahead; monthly contracts see one now and then."""
    u = draws.uniform()
    yearly = (terms.term >= 3) & (terms.due <= span.index + 2) & (terms.offer < 0)
    monthly = (terms.term < 3) & (u < 0.05)
    v = np.where(terms.term >= 3, u, u / 0.05)
    size = np.where(
        v < 0.35, 0.0, np.where(v < 0.8, 0.02 + 0.08 * (v - 0.35), 0.06 + 0.6 * np.maximum(v - 0.8, 0) ** 1.2)
    )
    offer = np.where(renewing, -1.0, terms.offer)
    return np.where((yearly & ~renewing) | monthly, dial.uplift * size, offer).astype(now.mood.dtype)
