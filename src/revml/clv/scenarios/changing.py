"""The flows of a forecast as they would be after each change of a scenario.

Comes in: a `Standing` and a declared `Scenario`. Goes out: `Changed`: flows, and what was assumed, by key and values
(the words stand in the catalogues). A contract flow is MRR · S(k) · g(k) · margin · discount, so that another survival
curve gives each flow times S'(k) / S(k): what the whole forecast would give with that curve, without making it again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from revml.clv.flows import RelationFlows
from revml.clv.relations import Relation
from revml.clv.scenarios.declared import Discount, Margin, Price, Retention, Saving, Scenario, Segment
from revml.clv.scenarios.members import Mask, members
from revml.clv.scenarios.moving import (
    YEAR,
    brought_down,
    ordering,
    retained,
    shift_to_ordering,
    shift_to_retention,
    shifted,
)
from revml.clv.scenarios.standing import Standing, of_relation
from revml.clv.value import Floats, discount_factors
from revml.errors import ConfigError, NotEnoughData, NotFound

Told = dict[str, Any]
PARTS = ("margin", "base", "expansion", "contraction")


@dataclass(frozen=True)
class Changed:
    """Flows after a scenario.

    Attributes:
        flows: by relation, without shares of referrals.
        price: by relation (n, months) what prices are multiplied by.
        cost: what it costs now.
        assumed: key and values of each thing that was assumed.
    """

    flows: tuple[RelationFlows, ...]
    price: dict[Relation, Floats]
    cost: float
    assumed: tuple[Told, ...]


class _Flows:
    """The flows while they are changed, one change after the other."""

    def __init__(self, standing: Standing) -> None:
        self.at = standing
        self.flows = list(standing.flows)
        self.price: dict[Relation, Floats] = {}
        self.cost = 0.0
        self.told: list[Told] = []

    def tell(self, key: str, **values: Any) -> None:
        self.told.append({"key": key, **values})

    def put(self, one: RelationFlows) -> None:
        self.flows = [one if old.relation is one.relation else old for old in self.flows]

    def contract(self, change: str) -> RelationFlows:
        found = of_relation(self.flows, Relation.CONTRACT)
        if found is None:
            raise NotEnoughData(
                f"{change} is about contracts, and nobody has one",
                where=f"as of {self.at.as_of:%Y-%m-%d}",
                wanted="active subscriptions",
                got="none",
                do="ask for --price or --margin, or for --retention with --relation orders",
            )
        return found

    def mask(self, segment: Segment, one: RelationFlows) -> Mask:
        return members(self.at.facts, self.at.as_of, segment, one.account_id)


def changed(standing: Standing, scenario: Scenario) -> Changed:
    """The flows after all changes of a scenario.

    Raises:
        ConfigError: retention, margin or the number of accounts cannot be what they would have to be.
        NotFound: there is no such segment or account.
        NotEnoughData: the change is about contracts or scores, and there are none.
    """
    state = _Flows(standing)
    if scenario.retention is not None:
        _retain(state, scenario.retention)
    if scenario.saving is not None:
        _save(state, scenario.saving)
    if scenario.margin is not None:
        _margin(state, scenario.margin)
    if scenario.price is not None:
        _price(state, scenario.price)
    if scenario.discount is not None:
        _discount(state, scenario.discount)
    state.tell("new_business")
    return Changed(tuple(state.flows), state.price, state.cost, tuple(state.told))


def _retain(state: _Flows, change: Retention) -> None:
    if change.relation is Relation.ORDERS:
        return _order_more(state, change)
    one = state.contract("retention")
    rows = _somebody(state.mask(change.segment, one), change.segment)
    now = retained(one.survival[rows])
    shift = _shift(one.survival[rows], change.points, "--retention")
    state.tell("retention", points=change.points, before=now, after=now + change.points / 100, accounts=int(rows.sum()))
    survival = one.survival.copy()
    survival[rows] = shifted(survival[rows], np.full((int(rows.sum()), 1), shift))
    return state.put(with_survival(one, survival))


def _shift(survival: Floats, points: float, where: str) -> float:
    """What moves twelve months' retention by so many points of a hundred."""
    if points == 0:
        return 0.0
    now = retained(survival)
    goal = now + points / 100
    shift = shift_to_retention(survival, goal) if 0.0 < goal < 1.0 else None
    if shift is None:
        raise ConfigError(
            "retention cannot be so much",
            where=where,
            wanted=f"above {-100 * now:+.2f} and below {100 * (1 - now):+.2f} points: today {now:.2%} stay a year",
            got=f"{points:+g} points: {goal:.2%}",
            do="ask for fewer points",
        )
    return shift


def _order_more(state: _Flows, change: Retention) -> None:
    one = of_relation(state.flows, Relation.ORDERS)
    if one is None:
        raise NotEnoughData("nobody has ordered", where="--relation", wanted="orders", got="none", do="leave it out")
    rows = _somebody(state.mask(change.segment, one), change.segment)
    now = float(one.survival[rows, 0].mean())
    goal = now + change.points / 100
    shift = 0.0 if change.points == 0 else shift_to_ordering(one.survival[rows], goal) if 0 < goal < 1 else None
    if shift is None:
        raise ConfigError(
            "so many cannot order",
            where="--retention",
            wanted=f"below {100 * (1 - now):+.2f} points: today {now:.2%} of them order within a year",
            got=f"{change.points:+g} points: {goal:.2%}",
            do="ask for fewer points",
        )
    state.tell("ordering", points=change.points, before=now, after=goal, accounts=int(rows.sum()))
    p = one.survival.copy()
    p[rows] = ordering(p[rows], shift)
    state.put(with_survival(one, p))


def _save(state: _Flows, change: Saving) -> None:
    one = state.contract("saving accounts")
    risk, inside = state.at.risk, state.mask(change.segment, one)
    scored = ~np.isnan(risk)
    if not scored.any():
        raise NotEnoughData(
            "no account has a churn score",
            where=f"as of {state.at.as_of:%Y-%m-%d}",
            wanted="scores of the question churn",
            got="none",
            do="train it with `revml train churn`, then `revml score`",
        )
    goal = float(risk[scored].mean())
    chosen = _named(one, scored, change.accounts) if change.accounts else _riskiest(state.at, scored & inside, change)
    survival = one.survival.copy()
    survival[chosen] = brought_down(survival[chosen], state.at.risk_days, goal, change.success)
    helped = int((survival != one.survival).any(axis=1).sum())
    state.cost += round(change.cost * len(chosen), 2)
    state.tell("saving", accounts=len(chosen), days=state.at.risk_days, goal=goal, success=change.success)
    if helped < len(chosen) and change.success > 0:
        state.tell("saving_none", accounts=len(chosen) - helped)
    if state.cost:
        state.tell("saving_cost", accounts=len(chosen), cost=change.cost)
    state.put(with_survival(one, survival))


def _riskiest(at: Standing, candidates: Mask, change: Saving) -> Any:
    if change.riskiest > int(candidates.sum()):
        raise ConfigError(
            "there are not so many accounts",
            where="--save",
            wanted=f"at most {int(candidates.sum())}: accounts with a contract and a churn score",
            got=str(change.riskiest),
            do="ask for fewer",
        )
    loss = np.where(candidates, at.risk * at.mrr, -np.inf)
    return np.argsort(-loss, kind="stable")[: change.riskiest]


def _named(one: RelationFlows, scored: Mask, accounts: tuple[str, ...]) -> Any:
    place = {account: i for i, account in enumerate(one.account_id)}
    if strangers := [name for name in accounts if name not in place or not scored[place[name]]]:
        raise NotFound(
            "these accounts have no contract or no churn score",
            where="--account",
            wanted="accounts with an active contract that were scored",
            got=", ".join(strangers[:10]),
            do="see `revml accounts churn`",
        )
    return np.array([place[name] for name in accounts], dtype=np.int64)


def _price(state: _Flows, change: Price) -> None:
    share = change.percent / 100
    months = state.at.horizons[-1]
    relations = [one for one in state.flows if change.relation in (None, one.relation) and len(one.account_id)]
    masks = {one.relation: state.mask(change.segment, one) for one in relations}
    if not any(mask.any() for mask in masks.values()):
        raise NotFound("nobody pays such prices", where="--price", wanted="an account with money", got="none")
    state.tell("price", percent=change.percent)
    for one in relations:
        rows = masks[one.relation]
        start = np.ones(len(rows))
        contract = one.relation is Relation.CONTRACT
        if contract and change.at_renewal:
            unknown = np.isnan(state.at.renewal_month)
            start = np.where(unknown, YEAR, state.at.renewal_month)
            if (unknown & rows).any():
                state.tell("price_unknown_renewal", accounts=int((unknown & rows).sum()))
        there = rows[:, None] & (np.arange(1, months + 1)[None, :] >= start[:, None])
        if contract and rows.any():
            one = _answered(state, one, rows, there, change)
        if share == 0:
            continue
        factor = np.where(there, 1.0 + share, 1.0)
        state.price[one.relation] = factor
        state.put(with_price(one, factor, state.at.economics.discount_rate))
    if change.at_renewal:
        state.tell("price_renewal")
    state.tell("price_cost")


def _answered(state: _Flows, one: RelationFlows, rows: Mask, there: Mask, change: Price) -> RelationFlows:
    """Contracts after what customers answer to a price: the survival of those who have it, from then on."""
    points = -change.churn_response * change.percent
    if points == 0:
        state.tell("price_no_response")
        return one
    shift = _shift(one.survival[rows], points, "--churn-response")
    state.tell("price_response", points=-points, response=change.churn_response)
    survival = shifted(one.survival, np.where(there, shift, 0.0))
    return with_survival(one, survival)


def _margin(state: _Flows, change: Margin) -> None:
    relations = [one for one in state.flows if change.relation in (None, one.relation)]
    for one in relations:
        rows = state.mask(change.segment, one)
        rate = one.margin_rate + np.where(rows, change.points / 100, 0.0)
        if (rate[rows] > 1.0 + 1e-12).any() and change.points > 0:
            most = float(one.margin_rate[rows].max())
            raise ConfigError(
                "no margin is above all of the revenue",
                where="--margin",
                wanted=f"at most {100 * (1 - most):+.2f} points: {one.relation} has a margin of {most:.1%}",
                got=f"{change.points:+g} points",
                do="ask for fewer points",
            )
        if change.points == 0:
            continue
        more = one.revenue * _factors(state.at, one) * (rate - one.margin_rate)[:, None]
        # of a relation with a margin all parts grow alike; of one without, what is added is base
        alike = np.abs(one.margin_rate)[:, None] > 1e-9
        scale = np.divide(rate, one.margin_rate, out=np.ones_like(rate), where=np.abs(one.margin_rate) > 1e-9)[:, None]
        parts = {name: np.where(alike, getattr(one, name) * scale, getattr(one, name)) for name in PARTS}
        parts["base"] = np.where(alike, parts["base"], one.base + more)
        parts["margin"] = np.where(alike, parts["margin"], one.margin + more)
        state.put(replace(one, margin_rate=rate, **parts))
    state.tell("margin", points=change.points)


def _discount(state: _Flows, change: Discount) -> None:
    old, months = state.at.economics.discount_rate, state.at.horizons[-1]
    if change.yearly != old:
        scale = (discount_factors(change.yearly, months) / discount_factors(old, months))[None, :]
        state.flows = [replace(one, **{name: getattr(one, name) * scale for name in PARTS}) for one in state.flows]
    state.tell("discount", before=old, after=change.yearly)


def with_survival(one: RelationFlows, survival: Floats) -> RelationFlows:
    """The same flows with other survival: all money times how much more of it is there."""
    ratio = np.divide(survival, one.survival, out=np.ones_like(survival), where=one.survival > 0)
    parts = {name: getattr(one, name) * ratio for name in PARTS}
    alive = (
        {horizon: survival[:, horizon - 1] for horizon in one.alive} if one.relation is Relation.CONTRACT else one.alive
    )
    return replace(one, survival=survival, revenue=one.revenue * ratio, alive=alive, draw=None, **parts)


def with_price(one: RelationFlows, factor: Floats, discount_rate: float) -> RelationFlows:
    """The same flows with prices times (n, months); costs stay, so that what prices bring is margin."""
    more = one.revenue * (factor - 1.0) * discount_factors(discount_rate, one.months)[None, :]
    rate = np.divide(
        one.margin_rate + factor[:, -1] - 1, factor[:, -1], out=one.margin_rate.copy(), where=factor[:, -1] > 0
    )
    return replace(
        one,
        revenue=one.revenue * factor,
        margin=one.margin + more,
        expansion=one.expansion + np.maximum(more, 0.0),
        contraction=one.contraction + np.maximum(-more, 0.0),
        margin_rate=rate,
        draw=None,
    )


def _factors(at: Standing, one: RelationFlows) -> Floats:
    return discount_factors(at.economics.discount_rate, one.months)[None, :]


def _somebody(rows: Mask, segment: Segment) -> Mask:
    if rows.any():
        return rows
    raise NotEnoughData(
        "nobody there has such a relation",
        where="--segment",
        wanted="accounts with an active contract, or buyers",
        got=f"{segment.by}={segment.name}",
        do="choose another segment",
    )
