"""The customers of a sample company: who they are (in the data) and what they are like (latent traits).

Traits lean on what can be seen (size, industry, channel, country, parent), never much: most of the differences between
accounts stay hidden, as they do in life.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from revml.sources.samples.clock import Bools, Calendar, Floats, Ints
from revml.sources.samples.draws import stream
from revml.sources.samples.kinds import Kind
from revml.sources.samples.names import COUNTRIES, REGIONS, company_names
from revml.sources.samples.relation import Traits

CHANNELS = (("outbound", 0.28), ("inbound", 0.27), ("partner", 0.18), ("event", 0.12), ("referral", 0.15))
CHANNEL_COST = {"outbound": 4200.0, "inbound": 1500.0, "partner": 2600.0, "event": 3300.0, "referral": 700.0}
HERE_AT_START = 0.55  # share of the accounts that are customers when the data begins


@dataclass(frozen=True)
class Accounts:
    """All accounts, in the order of their ids. `born` is a month index, -1 before the data begins."""

    ids: np.ndarray
    created: Ints
    born: Ints
    names: list[str]
    country: np.ndarray
    region: np.ndarray
    industry: np.ndarray
    employees: Ints
    channel: np.ndarray
    cost: Floats
    owner: np.ndarray
    owners: int
    parent: Ints
    referrer: Ints
    czech: Bools
    traits: Traits

    @property
    def size(self) -> int:
        """How many accounts there are."""
        return len(self.ids)


def make_accounts(kind: Kind, calendar: Calendar, count: int, seed: int) -> Accounts:
    """Draw the accounts of a company."""
    rng = stream(seed, "accounts")
    old = rng.random(count) < HERE_AT_START
    born = np.where(old, -1, rng.integers(0, calendar.months, count))
    tenure = 20 + np.minimum(rng.exponential(700, count), 3000).astype(np.int64)
    within = 1 + (rng.random(count) * 27).astype(np.int64)
    created = np.where(old, calendar.starts[0] - tenure, calendar.starts[np.maximum(born, 0)] + within)
    order = np.argsort(created, kind="stable")
    born, created = born[order], created[order]

    country = _pick(rng, COUNTRIES, count)
    industry = _pick(rng, kind.industries, count)
    region = np.array([REGIONS[c][int(u * len(REGIONS[c]))] for c, u in zip(country, rng.random(count), strict=True)])
    employees = np.clip(np.exp(rng.normal(4.1, 1.25, count)), 3, 30000).astype(np.int64)
    channel = _pick(rng, CHANNELS, count)
    parent = np.full(count, -1, np.int64)
    child = (rng.random(count) < 0.09) & (np.arange(count) > 20)
    parent[child] = (rng.random(child.sum()) ** 2 * np.flatnonzero(child) * 0.5).astype(np.int64)
    parent[(parent >= 0) & child[np.maximum(parent, 0)]] = -1
    referrer = np.full(count, -1, np.int64)
    told = (channel == "referral") & (np.arange(count) > 20) & (rng.random(count) < 0.7)
    referrer[told] = (rng.random(told.sum()) * np.flatnonzero(told)).astype(np.int64)
    costs = np.array([CHANNEL_COST[c] for c in channel])
    cost = np.round(costs * np.exp(rng.normal(0, 0.5, count)) * (employees / 60) ** 0.35, 0)
    owners = max(3, count // 75)
    owner = rng.integers(0, owners, count)

    traits = _traits(rng, kind, industry, channel, employees, parent)
    width = max(5, len(str(count)))
    return Accounts(
        ids=np.array([f"A{i:0{width}d}" for i in range(1, count + 1)]),
        created=created,
        born=born,
        names=company_names(rng, country),
        country=country,
        region=region,
        industry=industry,
        employees=employees,
        channel=channel,
        cost=cost,
        owner=owner,
        owners=owners,
        parent=parent,
        referrer=referrer,
        czech=np.isin(country, ("CZ", "SK")),
        traits=traits,
    )


def _traits(
    rng: np.random.Generator,
    kind: Kind,
    industry: np.ndarray,
    channel: np.ndarray,
    employees: Ints,
    parent: Ints,
) -> Traits:
    n = len(employees)
    lean = {name: v for (name, _), v in zip(kind.industries, rng.normal(0, 0.3, len(kind.industries)), strict=True)}
    pull = {name: v for (name, _), v in zip(kind.industries, rng.normal(0, 0.35, len(kind.industries)), strict=True)}
    fit = rng.normal(0, 0.9, n) + np.array([lean[i] for i in industry])
    fit += np.where(channel == "referral", 0.3, np.where(channel == "outbound", -0.2, 0.0))
    fit = np.where(parent >= 0, 0.6 * fit + 0.5 * fit[np.maximum(parent, 0)], fit)
    small = employees < 25
    return Traits(
        fit=fit,
        frailty=rng.gamma(2.2, 1 / 2.2, n) + 0.05,
        price_sense=np.exp(rng.normal(-0.15, 0.6, n)) * np.where(small, 1.3, 0.95),
        rivalry=np.exp(rng.normal(-0.1, 0.5, n) + np.array([pull[i] for i in industry])),
        pain_proneness=rng.gamma(1.8, 1 / 1.8, n) + 0.1,
        growth=rng.normal(0.006, 0.014, n),
        sudden=np.where(small, 0.0026, 0.0013) * rng.gamma(4, 0.25, n),
    )


def _pick(rng: np.random.Generator, shares: tuple[tuple[str, float], ...], count: int) -> np.ndarray:
    names = np.array([name for name, _ in shares])
    weights = np.array([share for _, share in shares])
    return names[rng.choice(len(names), size=count, p=weights / weights.sum())]
