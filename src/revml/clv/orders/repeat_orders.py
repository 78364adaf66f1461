"""Repeat orders ahead, account by account: P(order), orders and revenue of each month, the next order's date.

Comes in: facts, `as_of`, economics, months. Goes out: `OrderForecast`. The purchase process gives the shape over the
months; the two stages, where a back-test inside the history prefers them, and a buyer's own pace say who orders
(`parts.py`); a level by lag sets the totals, and the season, where two years tell one, moves them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.orders.choice import OrderChoice, choose, scaled
from revml.clv.orders.fitting import StopsAtOrders, fit_process
from revml.clv.orders.next_spend import fit_order_spend
from revml.clv.orders.pace import pace
from revml.clv.orders.parts import Parts
from revml.clv.orders.process_at import process_at
from revml.clv.orders.purchases import repeat_buyers
from revml.clv.orders.spend import SpendModel
from revml.clv.value import MONTH_DAYS, MONTH_WEEKS, Floats
from revml.config import Economics
from revml.sources.facts import Facts

YEAR = 12
# A next order later than this is not told.
LATEST_MONTHS = 120
DEPENDENT = 0.3


@dataclass(frozen=True)
class OrderForecast:
    """The repeat orders of a company; arrays are (accounts, months), in the order of `buyers`.

    Attributes:
        buyers: as `purchases.repeat_buyers` tells them, sorted by account.
        orders, revenue: expected in each month, undiscounted.
        survival: P(at least one order in the twelve months that begin with the month).
        p_order: P(at least one order by the end of the month).
        spend: (n,) expected value of a next purchase.
        next_order_at: (n,) the instant by which an order is as likely as not; NaT where none ever is.
        choice: what forecasts, and why.
        drawing, money: the process and the spend that lives are drawn from.
        held: few buyers, whose rates are held by a weak prior.
        notes: what a reader must know, in sentences.
    """

    buyers: pd.DataFrame
    orders: Floats
    revenue: Floats
    survival: Floats
    p_order: Floats
    spend: Floats
    next_order_at: npt.NDArray[np.datetime64]
    choice: OrderChoice
    drawing: StopsAtOrders
    money: SpendModel
    held: bool
    notes: tuple[str, ...]

    def alive(self, horizon: int) -> Floats:
        """(n,) P(an order in the last twelve months of a horizon)."""
        return np.asarray(self.survival[:, max(horizon - YEAR, 0)])


def order_forecast(facts: Facts, as_of: datetime, economics: Economics, months: int) -> OrderForecast | None:
    """Forecast the repeat orders of everybody who ever bought, None where nobody has.

    Args:
        months: how far the flows go; the choice is made for the first of them that the history can test.
    """
    buyers = repeat_buyers(facts, as_of, margin=economics.order_margin)
    if buyers.empty:
        return None
    x, t_x, T = (buyers[name].to_numpy(float) for name in ("x", "t_x", "T"))
    purchases, spend = buyers["purchases"].to_numpy(float), buyers["spend"].to_numpy(float)
    choice = choose(facts, as_of, months)
    process = process_at(facts, as_of, choice.kind, buyers)
    money = fit_order_spend(purchases, spend, buyers["within"].to_numpy(float))
    worth = money.expected(purchases, spend)
    ends: Floats = np.linspace(1.0, months, months) * MONTH_WEEKS
    starts = ends - MONTH_WEEKS
    trained = np.array([choice.months * MONTH_WEEKS])
    within = process.p_order(x, t_x, T, np.zeros(1), trained)[:, 0]
    more, richer, odds = scaled(choice, facts, as_of, process, within)
    lag: Floats = np.linspace(1.0, months, months)
    own = pace(x, T / MONTH_WEEKS)
    parts = Parts(choice.shares, odds, own)
    plain = np.diff(process.expected_orders(x, t_x, T, ends), axis=1, prepend=0.0)
    season = choice.season.ahead(months)
    orders = parts.amounts(plain, more, own) * (choice.orders_level.ahead(months) * season)
    revenue = parts.amounts(plain * worth[:, None], richer, own * worth)
    revenue *= choice.revenue_level.ahead(months) * season
    year = np.full(months, float(YEAR))
    survival = parts.chances(process.p_order(x, t_x, T, starts, starts + YEAR * MONTH_WEEKS), lag, year)
    p_order = parts.chances(process.p_order(x, t_x, T, np.zeros(months), ends), lag, lag)
    grid = np.concatenate([np.linspace(1, 30, 30) / 30, np.arange(2, LATEST_MONTHS + 1)])
    chance = parts.chances(process.p_order(x, t_x, T, np.zeros(len(grid)), grid * MONTH_WEEKS), grid, grid)
    return OrderForecast(
        buyers,
        orders,
        revenue,
        survival,
        np.maximum.accumulate(p_order, axis=1),
        worth,
        _median_date(as_of, grid, np.maximum.accumulate(chance, axis=1)),
        choice,
        fit_process(x, t_x, T),
        money.model,
        process.held,
        tuple(_notes(buyers, choice, process.held, money.model.p is None, money.model.dependence, T - t_x)),
    )


def _median_date(as_of: datetime, grid: Floats, chance: Floats) -> npt.NDArray[np.datetime64]:
    """The instant at which P(an order) reaches one half, between two points of the grid; NaT where it never does."""
    reached = chance >= 0.5
    at = np.argmax(reached, axis=1)
    rows = np.arange(len(chance))
    before = np.where(at > 0, chance[rows, np.maximum(at - 1, 0)], 0.0)
    start = np.where(at > 0, grid[np.maximum(at - 1, 0)], 0.0)
    step = np.maximum(chance[rows, at] - before, 1e-12)
    months = start + (grid[at] - start) * np.clip((0.5 - before) / step, 0, 1)
    days = np.where(reached.any(axis=1), months * MONTH_DAYS, np.nan)
    return (pd.Timestamp(as_of) + pd.to_timedelta(days, unit="D")).to_numpy().astype("datetime64[us]")


def _notes(
    buyers: pd.DataFrame, choice: OrderChoice, held: bool, credibility: bool, dependence: float, silent: Floats
) -> list[str]:
    notes = []
    long = int((silent * 7 > 365).sum())
    if long:
        notes.append(
            f"{long} of {len(buyers)} buyers have not ordered for a year: worth what their return is likely to bring"
        )
    if held:
        notes.append("few repeat buyers: order rates are held by a weak prior")
    notes.append(choice.why)
    level = choice.revenue_level
    if level.origins:
        first, last = level.ahead(max(level.seen_months, 1))[[0, -1]]
        notes.append(
            f"revenue of orders is scaled by {first:.2f} in the first month to {last:.2f} in month {level.seen_months} "
            f"and later: by how much it came out above the process at {level.origins} earlier origins"
        )
    if choice.shares.trained:
        *_, kept = choice.shares.at(np.array([1.0, 2.0 * YEAR]))
        notes.append(
            f"a buyer's own pace so far counts {kept[0]:.0%} in the first month and {kept[1]:.0%} after two years: so "
            "it would have served best at earlier origins"
        )
    if choice.season.kept > 0:
        notes.append(
            f"season from {choice.season.months} months of orders: {choice.season.factors.min():.2f} to "
            f"{choice.season.factors.max():.2f} of an average month"
        )
    elif choice.season.months < 2 * YEAR:
        notes.append(f"{choice.season.months} whole months of orders: no season can be told, and none is forecast")
    if credibility:
        notes.append("spend an order by credibility: too few buyers, or too heavy a tail for Gamma-Gamma")
    if abs(dependence) > DEPENDENT:
        notes.append(
            f"spend an order goes with the number of orders (rank correlation {dependence:.2f}): each buyer is drawn "
            "towards buyers of as many orders"
        )
    returned = int((buyers["revenue"] <= 0).sum())
    if returned:
        notes.append(f"{returned} buyers have returned at least as much as they bought: forecast by what others spend")
    return notes
