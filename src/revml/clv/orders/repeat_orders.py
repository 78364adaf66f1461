"""Repeat orders ahead, account by account: P(order), orders and revenue of each month, the next order's date.

Comes in: facts, `as_of`, economics, months. Goes out: `OrderForecast`. The purchase process gives the shape over the
months; where a back-test inside the history prefers the two-stage forecast, that scales each account over the months it
was trained for and fades back to the process beyond them; the season, where two years tell one, moves the months.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from revml.clv.orders.choice import OrderChoice, choose, scaled
from revml.clv.orders.fitting import StopsAtOrders, fit_process
from revml.clv.orders.known_rows import fitted
from revml.clv.orders.next_spend import fit_order_spend
from revml.clv.orders.purchases import repeat_buyers
from revml.clv.orders.spend import SpendModel
from revml.clv.value import MONTH_DAYS, MONTH_WEEKS, Floats
from revml.config import Economics
from revml.sources.facts import Facts

YEAR = 12
# Beyond the horizon that it was trained for, what the two stages know of an account halves every year.
HALF_LIFE_MONTHS = 12.0
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
    process = fitted(choice.kind, buyers)
    money = fit_order_spend(purchases, spend, buyers["within"].to_numpy(float))
    worth = money.expected(purchases, spend)
    ends: Floats = np.linspace(1.0, months, months) * MONTH_WEEKS
    starts = ends - MONTH_WEEKS
    trained = np.array([choice.months * MONTH_WEEKS])
    within = process.p_order(x, t_x, T, np.zeros(1), trained)[:, 0]
    more, richer, odds = scaled(choice, facts, as_of, process, within)
    fade = _fade(months, choice.months)
    season = choice.season.ahead(months)
    plain = np.diff(process.expected_orders(x, t_x, T, ends), axis=1, prepend=0.0)
    orders = plain * more[:, None] ** fade * season
    revenue = plain * worth[:, None] * richer[:, None] ** fade * season
    survival = _shifted(process.p_order(x, t_x, T, starts, starts + YEAR * MONTH_WEEKS), odds, fade)
    p_order = _shifted(process.p_order(x, t_x, T, np.zeros(months), ends), odds, fade)
    grid = np.concatenate([np.linspace(1, 30, 30) / 30, np.arange(2, LATEST_MONTHS + 1)])
    chance = process.p_order(x, t_x, T, np.zeros(len(grid)), grid * MONTH_WEEKS)
    chance = _shifted(chance, odds, 0.5 ** (np.maximum(grid - choice.months, 0) / HALF_LIFE_MONTHS))
    return OrderForecast(
        buyers,
        orders,
        revenue,
        survival,
        np.maximum.accumulate(p_order, axis=1),
        worth,
        _median_date(as_of, grid, chance),
        choice,
        fit_process(x, t_x, T),
        money.model,
        process.held,
        tuple(_notes(buyers, choice, process.held, money.model.p is None, money.model.dependence, T - t_x)),
    )


def _fade(months: int, trained: int) -> Floats:
    """(months,) how much of the two stages is left: 1 while trained for, then halving."""
    return np.asarray(0.5 ** (np.maximum(np.arange(1, months + 1) - trained, 0) / HALF_LIFE_MONTHS))


def _shifted(p: Floats, odds: Floats, fade: Floats) -> Floats:
    inner = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(np.where(p > 0, expit(logit(inner) + odds[:, None] * fade), 0.0))


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
    if choice.months and choice.level_revenue != 1.0:
        notes.append(
            f"revenue of orders is scaled by {choice.level_revenue:.2f}, by how much it came out above the process"
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
