"""The machines of a company ahead: retirements, replacements with us, further machines, and what they bring.

    replacements(k) = machines in service · hazard(age + k) · share replaced with us
    revenue(k) = (replacements(k) · price of what replaces it + further machines(k) · typical price) · own level

Comes in: facts, `as_of`, economics, and the published chance of a replacement where there is one. Goes out:
`RelationFlows` whose base is replacements and whose expansion is further machines, and notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from revml.clv.contracts.tie import SHIFT_HALF_LIFE_MONTHS, months_of
from revml.clv.durables.fleet import Fleet, fit_fleet
from revml.clv.durables.installed import Installed, installed_base
from revml.clv.durables.prices import Prices, fit_prices
from revml.clv.durables.wear import MOST, Wear, fit_wear
from revml.clv.flows import Draw, RelationFlows
from revml.clv.relations import Relation
from revml.clv.value import MONTH_DAYS, Floats, discount_factors
from revml.config import Economics
from revml.sources.facts import Facts

_P_MOST = 1 - 1e-9


@dataclass(frozen=True)
class Durables:
    """What was learnt of machines at an instant, for the forecast and for the report of the installed base."""

    base: Installed
    wear: Wear
    fleet: Fleet
    prices: Prices


@dataclass(frozen=True)
class Replacing:
    """The published chance that an account replaces a machine.

    Attributes:
        p_replacement: account_id, probability of at least one replacement within `days` of `as_of`.
        days: gap and horizon together.
    """

    p_replacement: pd.DataFrame
    days: int


def learn_durables(facts: Facts, as_of: datetime, economics: Economics) -> Durables | None:
    """What the past tells of machines; None where the company is not known to sell any."""
    base = installed_base(facts, as_of, margin=economics.order_margin)
    if base is None:
        return None
    return Durables(base, fit_wear(base), fit_fleet(base), fit_prices(base, margin=economics.order_margin))


def durables_ahead(
    facts: Facts,
    as_of: datetime,
    economics: Economics,
    horizons: tuple[int, ...],
    replacing: Replacing | None = None,
) -> tuple[RelationFlows | None, tuple[str, ...]]:
    """Flows of everybody who ever owned or bought a machine, None where nobody did, with what a reader must know.

    `survival` of a month is the chance that at its end the owner still has one of today's machines, or one that took
    its place. A machine that an account without any would buy first is new business, and not here.
    """
    learnt = learn_durables(facts, as_of, economics)
    if learnt is None:
        return None, ()
    base, fleet, prices = learnt.base, learnt.fleet, learnt.prices
    months, n = max(horizons), len(base.owners)
    ahead = replacements_ahead(learnt, months)
    money = ahead.money
    if replacing is not None:
        published = _aligned(replacing.p_replacement, base.owners)
        money = money * tied(ahead.expected, base.in_service[:, 0], published, replacing.days)
    touch = fleet.in_touch(base.silence[:, 0], months)
    more = fleet.own_rate()[:, None] * (touch + (1 - touch) * fleet.more[0] / fleet.more[1])
    further = more * prices.of(np.arange(n), prices.typical)[:, None]
    value = prices.margin_rate[:, None] * discount_factors(economics.discount_rate, months)[None, :]
    owned = base.in_service[:, 0] > 0
    survival = np.where(owned[:, None], -np.expm1(ahead.log_gone), 0.0)
    ages = base.standing.groupby("account")["age"].max().reindex(np.arange(n)).fillna(0.0).to_numpy(float)
    nothing = np.zeros((n, months))
    flows = RelationFlows(
        relation=Relation.DURABLE,
        account_id=base.owners,
        survival=survival,
        revenue=money + further,
        margin=(money + further) * value,
        base=money * value,
        expansion=further * value,
        contraction=nothing,
        referral=nothing,
        margin_rate=prices.margin_rate,
        seen_months=np.clip(learnt.wear.observed_months - ages, 0.0, float(base.window)),
        alive={horizon: survival[:, horizon - 1] for horizon in horizons},
        flags={"negative_margin": prices.margin_rate < 0},
        draw=_draw(money, further, prices, fleet),
    )
    return flows, _notes(learnt)


@dataclass(frozen=True)
class Ahead:
    """(n, months) by owner: expected replacements, their money, and the log of the chance that no machine is left."""

    expected: Floats
    money: Floats
    log_gone: Floats


def replacements_ahead(learnt: Durables, months: int, machines: pd.DataFrame | None = None) -> Ahead:
    """What today's machines, or some of them (rows of `Installed.standing`), bring by being replaced.

    Machines of one product, age (in months) and silence of the owner have one path ahead; each is walked once.
    """
    base, wear, fleet, prices = learnt.base, learnt.wear, learnt.fleet, learnt.prices
    n, standing = len(base.owners), base.standing if machines is None else machines
    if standing.empty:
        return Ahead(np.zeros((n, months)), np.zeros((n, months)), np.zeros((n, months)))
    account = standing["account"].to_numpy(np.int64)
    kinds = pd.DataFrame(
        {
            "product": standing["product"],
            "age": np.floor(standing["age"]),
            "silent": base.silence[account, 0],
        }
    )
    path = kinds.groupby(["product", "age", "silent"], sort=True).ngroup().to_numpy(np.int64)
    _, at = np.unique(path, return_index=True)
    one = standing.iloc[at]
    life, family = one["life_months"].to_numpy(float), wear.family_factor(one["family"])
    touch = fleet.in_touch(kinds["silent"].to_numpy(np.int64)[at], months)
    counts, alive = _walk(wear, fleet, np.floor(one["age"].to_numpy(float)), life, family, touch)
    price = one["product"].map(prices.replacing).fillna(prices.typical).to_numpy(float)
    size = (n, len(at))
    ones = csr_array((np.ones(len(path)), (account, path)), shape=size)
    paid = csr_array((prices.of(account, price[path]), (account, path)), shape=size)
    return Ahead(ones @ counts, paid @ counts, ones @ np.log(np.maximum(1 - alive, 1e-300)))


def _walk(wear: Wear, fleet: Fleet, age: Floats, life: Floats, family: Floats, touch: Floats) -> tuple[Floats, Floats]:
    """(paths, months) expected replacements in each month, and the chance that a place in the fleet is still filled."""
    paths, months = touch.shape
    # by month of installation: today's machine first, then what takes its place
    there = np.zeros((months + 1, paths))
    there[0] = 1.0
    counts, alive = np.zeros((paths, months)), np.zeros((paths, months))
    for k in range(months):
        by_touch = touch[:, k] * wear.touch[1] + (1 - touch[:, k]) * wear.touch[0]
        with_us = (
            touch[:, k] * wear.touch[1] * fleet.replaced[1] + (1 - touch[:, k]) * wear.touch[0] * fleet.replaced[0]
        )
        new = np.zeros(paths)
        for j in range(k + 1):
            now = age + k + 0.5 if j == 0 else np.full(paths, k - j + 0.5)
            h = wear.hazard(now, life, family)
            new += there[j] * np.minimum(h * with_us, MOST)
            there[j] = there[j] * (1 - np.minimum(h * by_touch, MOST))
        there[k + 1] = new
        counts[:, k] = new
        alive[:, k] = there.sum(axis=0)
    return counts, np.minimum(alive, 1.0)


def tied(expected: Floats, machines: Floats, probability: Floats, days: float) -> Floats:
    """(n, months) factors on expected replacements, so that within `days` they agree with the published probability.

    With n machines of one chance q each, `1 - (1 - q) ** n` is the probability and `n q` what is expected. After the
    horizon a factor above 1 ends, since what was due has come; the logarithm of one below fades as the tie of
    contracts does. Owners without a probability, or without a machine to replace, keep 1.
    """
    months = expected.shape[1]
    touched = months_of(days)
    weights = np.clip(days / MONTH_DAYS - np.arange(months), 0.0, 1.0)
    sums = expected @ weights
    known = ~np.isnan(probability) & (sums > 0) & (machines > 0)
    n, p = np.where(known, machines, 1.0), np.clip(np.where(known, probability, 0.5), 1e-12, 1.0)
    goal = n * -np.expm1(np.log1p(-np.minimum(p, _P_MOST)) / n)
    log_factor = np.where(known, np.log(goal / np.where(known, sums, 1.0)), 0.0)
    after = np.maximum(np.arange(1, months + 1) - touched, 0)
    fade = 0.5 ** (after / SHIFT_HALF_LIFE_MONTHS)
    later = np.minimum(log_factor, 0.0)[:, None] * fade[None, :]
    return np.asarray(np.exp(np.where(after[None, :] > 0, later, log_factor[:, None])))


def _draw(money: Floats, further: Floats, prices: Prices, fleet: Fleet) -> Draw:
    """Poisson purchases of gamma amounts; how often an owner buys one more is itself uncertain."""
    size = np.maximum(prices.of(np.arange(len(money)), prices.typical), 1e-9)
    shape = 1 / prices.spread**2
    certain = fleet.shape + fleet.bought

    def draw(rows: slice, rng: np.random.Generator, draws: int) -> npt.NDArray[np.float32]:
        sure, cost = certain[rows], size[rows]
        held = np.where(np.isinf(sure), 1.0, sure)
        luck = np.where(np.isinf(sure), 1.0, rng.standard_gamma(held, (draws, len(sure))) / held)
        out = np.zeros((draws, *money[rows].shape), dtype=np.float32)
        # few machines are bought in a month: how many in all, and only then when
        for flow, factor in ((money[rows], np.ones_like(luck)), (further[rows], luck)):
            until = np.cumsum(flow / cost[:, None], axis=1)
            run, row = np.nonzero(counts := rng.poisson(until[:, -1] * factor))
            times = counts[run, row]
            run, row = np.repeat(run, times), np.repeat(row, times)
            at = rng.random(len(row)) * until[row, -1]
            month = (until[row] <= at[:, None]).sum(axis=1)
            amount = (rng.standard_gamma(shape, len(row)) / shape * cost[row]).astype(np.float32)
            np.add.at(out.reshape(-1), np.ravel_multi_index((run, row, month), out.shape), amount)
        return out

    return draw


def _aligned(scores: pd.DataFrame, owners: npt.NDArray[np.object_]) -> Floats:
    known = scores.set_index("account_id")["probability"]
    return np.asarray(known.reindex(owners).to_numpy(dtype=float, na_value=np.nan))


def _notes(learnt: Durables) -> tuple[str, ...]:
    fleet, prices = learnt.fleet, learnt.prices
    notes = []
    if not fleet.retirements:
        notes.append("no machine has retired yet: lives are those the products are sold with")
    if not prices.sold:
        notes.append("no machine was ordered lately: prices are those of the list")
    none = int((learnt.base.in_service[:, 0] == 0).sum())
    if none:
        notes.append(f"{none} of {len(learnt.base.owners)} owners have no machine in service any more")
    return tuple(notes)
