"""Customer lifetime value: expected flows of money per account and relation, and their sums.

Comes in: facts, `as_of`, economics, and what the models published (churn and upsell probabilities), where there is any.
Goes out: `ClvForecast`, plain frames. An account's CLV is the sum of its flows and the company's is the sum of its
accounts'. Nothing that became known after `as_of` matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd

from revml.clv.accounts.drivers import Swings, drivers
from revml.clv.accounts.one_account import account_ties, one_account
from revml.clv.accounts.referrals import share_referrals
from revml.clv.contracts.ahead import contracts_ahead
from revml.clv.contracts.returns import returns, said
from revml.clv.durables.ahead import durables_ahead
from revml.clv.flows import CLV_COLUMNS, FLOW_COLUMNS, RelationFlows, stacked
from revml.clv.intervals.bands import with_bands
from revml.clv.intervals.calibration import Calibration, calibrate
from revml.clv.intervals.contract_draws import contract_draws
from revml.clv.orders.ahead import orders_ahead
from revml.clv.published import Published
from revml.config import Economics
from revml.sources.facts import Facts
from revml.sources.remembered import remembered, remembering

CONCENTRATED = 1 / 3  # of the value: so much in one account is told
# Forecasts of earlier origins that are kept, and the most account-months of one of them.
KEPT_ORIGINS = 8
KEPT_CELLS = 1_500_000


@dataclass(frozen=True)
class ClvForecast:
    """What a forecast gives.

    Attributes:
        horizons: in months, ascending; the last is the main one, and flows go as far.
        clv: `CLV_COLUMNS`, one row an account, relation and horizon.
        values: `VALUE_COLUMNS`, one row an account and horizon: all its relations together.
        drivers: `DRIVER_COLUMNS`: what each concept adds to an account's CLV or takes from it.
        relations: the flows of each relation, one row an account.
        notes: what a reader must know about the whole, in sentences.
        account_bands: account_id, horizon_months, clv_p10, clv_p50, clv_p90 of all relations of an account together;
            None where no intervals were asked for.
        calibration: how intervals held at earlier origins, and the correction that followed; None likewise.
    """

    horizons: tuple[int, ...]
    clv: pd.DataFrame
    values: pd.DataFrame
    drivers: pd.DataFrame
    relations: tuple[RelationFlows, ...]
    notes: tuple[str, ...]
    account_bands: pd.DataFrame | None = None
    calibration: Calibration | None = None

    @property
    def main(self) -> pd.DataFrame:
        """`clv` at the main horizon alone, so that its sum is the company's value."""
        return self.clv[self.clv["horizon_months"] == self.horizons[-1]].reset_index(drop=True)

    @property
    def coming(self) -> pd.DataFrame | None:
        """What is ahead of accounts that order (`orders.coming.coming_orders`); None where nobody ever did."""
        return next((one.coming for one in self.relations if one.coming is not None), None)

    @cached_property
    def flows(self) -> pd.DataFrame:
        """`FLOW_COLUMNS`, one row an account, relation and month."""
        return stacked([one.long(0, len(one.account_id)) for one in self.relations], FLOW_COLUMNS)


def forecast_clv(
    facts: Facts,
    as_of: datetime,
    economics: Economics,
    scores: Published | None = None,
    *,
    horizon_months: int | Sequence[int] | None = None,
    seed: int = 42,
    intervals: bool = False,
) -> ClvForecast:
    """Forecast what each account is worth from `as_of` on, by relation.

    Args:
        scores: what the models published at `as_of`; absent means that everything follows from the past alone.
        horizon_months: one or several; default is the economics' own.
        seed: of the simulated intervals; expectations are in closed form or by quadrature.
        intervals: whether to simulate, look at earlier origins, and give bands.

    Returns:
        Frames sorted by relation and account. For orders, `survival` of a month is the probability of at least one
        order in the twelve months that begin with it, and `p_alive` that of the last twelve months of the horizon; for
        durables both are the chance of still owning a machine.
    """
    asked = horizon_months or economics.horizon_months
    horizons = (asked,) if isinstance(asked, int) else tuple(sorted(set(asked)))
    scores = scores or Published()
    relations: list[RelationFlows] = []
    notes: list[str] = []
    swings: Swings | None = None
    left: list[str] = []
    if facts.has("subscriptions"):
        ahead = contracts_ahead(facts, as_of, economics, scores, horizons)
        contracts, swings = ahead.flows, ahead.swings
        draw = contract_draws(facts, as_of, contracts.account_id, contracts.survival, contracts.revenue)
        relations.append(replace(contracts, draw=draw))
        gone = returns(facts, as_of, margin=economics.margin)
        left = gone.account_id.tolist()
        notes += [*ahead.notes, *said(gone, max(horizons), economics.discount_rate)]
    if facts.has("orders"):
        orders, told = orders_ahead(facts, as_of, economics, horizons)
        notes += told
        if orders is not None:
            relations.append(orders)
    durables, told = durables_ahead(facts, as_of, economics, horizons, scores.replacing)
    notes += told
    if durables is not None:
        relations.append(durables)
    calibration = bands = None
    if intervals and relations:

        def earlier(origin: datetime, months: int) -> tuple[RelationFlows, ...]:
            return forecast_at(facts, origin, economics, months).relations

        with remembering(facts):
            calibration = calibrate(facts, as_of, horizons, earlier, seed=seed)
        with_intervals, bands = with_bands(relations, horizons, seed=seed, correction=calibration)
        relations = list(with_intervals)
        notes += calibration.notes
    ties = account_ties(facts, as_of)
    if economics.referral_share > 0:
        shared, giving = share_referrals(relations, ties.referrals, economics.referral_share)
        relations = list(shared)
        notes.append(f"{giving} accounts give {economics.referral_share:.0%} of their margin to who referred them")
    notes += _beyond(relations)
    made = one_account(relations, ties, horizons, bands, left=left)
    notes += _concentrated(made.values, horizons[-1])
    return ClvForecast(
        horizons=horizons,
        clv=stacked([one.clv(horizons) for one in relations], CLV_COLUMNS),
        values=made.values,
        drivers=drivers(made.values[made.values["horizon_months"] == horizons[-1]], swings, scores.concepts),
        relations=tuple(relations),
        notes=(*notes, *made.notes),
        account_bands=bands,
        calibration=calibration,
    )


def forecast_at(facts: Facts, origin: datetime, economics: Economics, months: int) -> ClvForecast:
    """The forecast of an earlier origin over so many months, without scores: today's models have seen what followed.

    Intervals and totals look back at the same origins: within `remembering` each is forecast once.
    """

    def made() -> ClvForecast:
        return forecast_clv(facts, origin, economics, horizon_months=months)

    return remembered(facts, "forecast", (origin, months, economics), made, most=KEPT_ORIGINS, small=_small)


def _small(made: ClvForecast) -> bool:
    return sum(one.margin.size for one in made.relations) <= KEPT_CELLS


def _concentrated(values: pd.DataFrame, months: int) -> list[str]:
    """One account that brings a third of the whole value or more."""
    worth = values[values["horizon_months"] == months].set_index("account_id")["clv"]
    total = float(worth.sum())
    if (worth > 0).sum() < 2 or total <= 0 or worth.max() < CONCENTRATED * total:
        return []
    share = min(float(worth.max()) / total, 1.0)
    return [f"{worth.idxmax()} alone brings {share:.0%} of the value over {months} months: the total goes with it"]


def _beyond(relations: Sequence[RelationFlows]) -> list[str]:
    """What of the value at the main horizon is extrapolated, in one sentence."""
    size = beyond = 0.0
    for flows in relations:
        margin = np.abs(flows.margin)
        size += float(margin.sum())
        beyond += float((margin * (np.arange(1, flows.months + 1)[None, :] > flows.seen_months[:, None])).sum())
    if beyond < 0.005 * size or size == 0:
        return []
    months = max(flows.months for flows in relations)
    return [f"{beyond / size:.0%} of the value over {months} months lies beyond anything observed so far"]
