"""Customer lifetime value: expected flows of money per account and relation, and their sums.

Comes in: facts, `as_of`, economics, and what the models published (churn and upsell probabilities), where there is any.
Goes out: `ClvForecast`, two plain frames. An account's CLV is the sum of its flows and the company's is
the sum of its accounts'. Nothing that became known after `as_of` matters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.cautions import cautions
from revml.clv.contract import contract_flows
from revml.clv.growth import Growth, GrowthModel, past_movements
from revml.clv.hazard import fit_hazard, months_of, tie
from revml.clv.orders import fit_process
from revml.clv.purchases import repeat_buyers
from revml.clv.spend import fit_spend
from revml.clv.subscriptions import account_months, active_contracts, lost_contracts
from revml.clv.value import MONTH_DAYS, MONTH_WEEKS, Floats, discount_factors, share_beyond
from revml.config import Economics
from revml.sources.facts import Facts

# The frames that a run publishes (`store.runs` holds the same columns; the store stands above this package).
CLV_COLUMNS = (
    "account_id",
    "relation",
    "horizon_months",
    "clv",
    "expected_revenue",
    "p_alive",
    "extrapolated_share",
    "warning",
)
FLOW_COLUMNS = ("account_id", "relation", "month", "survival", "expected_revenue", "discounted_margin")
MUCH_EXTRAPOLATED = 0.5
FEW_PURCHASES = 3
DEPENDENT = 0.3


@dataclass(frozen=True)
class ClvForecast:
    """What a forecast gives.

    Attributes:
        clv: `CLV_COLUMNS`, one row an account and relation.
        wide: the flows of each relation, one row an account.
        notes: what a reader must know about the whole, in sentences.
    """

    clv: pd.DataFrame
    wide: tuple[WideFlows, ...]
    notes: tuple[str, ...]

    @cached_property
    def flows(self) -> pd.DataFrame:
        """`FLOW_COLUMNS`, one row an account, relation and month."""
        return _stack([one.long(0, len(one.account_id)) for one in self.wide], FLOW_COLUMNS)


@dataclass(frozen=True)
class WideFlows:
    """The flows of a relation; every array is (accounts, months)."""

    relation: str
    account_id: npt.NDArray[np.object_]
    survival: Floats
    revenue: Floats
    margin: Floats

    def long(self, start: int, stop: int) -> pd.DataFrame:
        """`FLOW_COLUMNS` of some of the accounts, one row a month."""
        ids, months = self.account_id[start:stop], self.margin.shape[1]
        return pd.DataFrame(
            {
                "account_id": np.repeat(ids, months),
                "relation": self.relation,
                "month": np.tile(np.arange(1, months + 1), len(ids)),
                "survival": self.survival[start:stop].ravel(),
                "expected_revenue": self.revenue[start:stop].ravel(),
                "discounted_margin": self.margin[start:stop].ravel(),
            }
        )


@dataclass(frozen=True)
class FlowParts:
    """The flows of a forecast in parts of so many accounts: a million accounts by month do not fit into one frame."""

    wide: tuple[WideFlows, ...]
    accounts: int

    @property
    def kinds(self) -> Mapping[str, Collection[type]]:
        """No column holds objects."""
        return {}

    def __iter__(self) -> Iterator[pd.DataFrame]:
        for one in self.wide:
            for start in range(0, len(one.account_id), self.accounts):
                yield one.long(start, start + self.accounts)

    def __len__(self) -> int:
        return sum(one.margin.size for one in self.wide)


def forecast_clv(
    facts: Facts,
    as_of: datetime,
    economics: Economics,
    *,
    p_churn: pd.DataFrame | None,
    churn_horizon_days: int,
    p_upsell: pd.DataFrame | None = None,
    upsell_horizon_days: int = 90,
    uplift: float = 0.10,
    horizon_months: int | None = None,
    seed: int = 42,
) -> ClvForecast:
    """Forecast what each account is worth from `as_of` on, by relation.

    Args:
        p_churn: account_id, probability of a loss within `churn_horizon_days` of `as_of` (a question with a gap hands
            in gap + horizon). Survival is tied to it; accounts without one keep the hazard of their group.
        p_upsell: account_id, probability of an upsell (MRR up by at least `uplift`) within `upsell_horizon_days`;
            accounts without one take the company's past rate. None means that no growth is forecast.
        horizon_months: default is the economics' own.
        seed: the run's seed. Every figure here is an expectation in closed form or by quadrature, so that it has no
            influence yet; intervals, which are simulated, will use it.

    Returns:
        Frames sorted by relation and account. For orders, `survival` of a month is the probability of at least one
        order in the twelve months that begin with it, and `p_alive` that of the last twelve months of the horizon.
    """
    months = horizon_months or economics.horizon_months
    parts = []
    if facts.has("subscriptions"):
        scores = _Scores(p_churn, churn_horizon_days, p_upsell, upsell_horizon_days, uplift)
        parts.append(_contracts(facts, as_of, economics, scores, months))
    if facts.has("orders"):
        parts.append(_orders(facts, as_of, economics, months))
    return ClvForecast(
        clv=_stack([part.clv for part in parts], CLV_COLUMNS),
        wide=tuple(one for part in parts for one in part.wide),
        notes=tuple(note for part in parts for note in part.notes),
    )


@dataclass(frozen=True)
class _Scores:
    p_churn: pd.DataFrame | None
    churn_horizon_days: int
    p_upsell: pd.DataFrame | None
    upsell_horizon_days: int
    uplift: float


def _contracts(facts: Facts, as_of: datetime, economics: Economics, scores: _Scores, months: int) -> ClvForecast:
    contracts = active_contracts(facts, as_of, margin=economics.margin)
    model = fit_hazard(account_months(facts, as_of))
    log_odds = model.log_odds(contracts, max(months, months_of(scores.churn_horizon_days)))
    p_churn = _aligned(scores.p_churn, contracts)
    survival = tie(log_odds, p_churn, scores.churn_horizon_days).curve[:, :months]
    growth = Growth(GrowthModel.NONE)
    if scores.p_upsell is not None:
        moves = past_movements(facts, as_of, threshold=scores.uplift, days=scores.upsell_horizon_days)
        growth = Growth(GrowthModel.UPLIFT, _aligned(scores.p_upsell, contracts), moves)
    mrr, margin = contracts["mrr"].to_numpy(float), contracts["margin"].to_numpy(float)
    made = contract_flows(mrr, margin, survival, growth, economics.discount_rate)
    tenure = contracts["tenure_days"].to_numpy(float) / MONTH_DAYS
    seen = np.minimum(model.observed_months - tenure, float(model.window_months))
    extrapolated = share_beyond(made.margin, np.maximum(seen, 0.0))
    unscored = np.isnan(p_churn)
    warning = cautions(
        len(contracts),
        {
            "extrapolated": extrapolated > MUCH_EXTRAPOLATED,
            "negative_margin": margin < 0,
            "no_score": unscored,
            "no_losses": model.losses == 0,
        },
    )
    notes = []
    lost = lost_contracts(facts, as_of)
    if lost:
        notes.append(f"{lost} accounts whose last subscription has ended have no contract CLV")
    if unscored.any():
        notes.append(
            f"{unscored.sum()} of {len(contracts)} contract accounts have no churn score: their group's hazard"
        )
    if growth.movements is not None:
        notes.append(f"MRR of surviving accounts goes towards its past growth of {growth.movements.yearly:+.0%} a year")
    elif len(contracts):
        notes.append("no upsell scores: MRR of surviving accounts is taken to stay as it is")
    notes.extend(_total_note("contract", made.margin, extrapolated))
    return _frames(
        contracts["account_id"],
        "contract",
        survival=survival,
        revenue=made.revenue,
        margin=made.margin,
        p_alive=survival[:, -1],
        extrapolated=extrapolated,
        warning=warning,
        notes=notes,
    )


def _orders(facts: Facts, as_of: datetime, economics: Economics, months: int) -> ClvForecast:
    buyers = repeat_buyers(facts, as_of, margin=economics.order_margin)
    if buyers.empty:
        return ClvForecast(_stack([], CLV_COLUMNS), (), ("no account has bought yet",))
    x, t_x, T = (buyers[name].to_numpy(float) for name in ("x", "t_x", "T"))
    process = fit_process(x, t_x, T)
    purchases, spend = buyers["purchases"].to_numpy(float), buyers["spend"].to_numpy(float)
    money = fit_spend(purchases, spend, buyers["within"].to_numpy(float))
    ends: Floats = np.linspace(1.0, months, months) * MONTH_WEEKS
    orders = np.diff(process.expected_orders(x, t_x, T, ends), axis=1, prepend=0.0)
    starts = ends - MONTH_WEEKS
    survival = process.p_order(x, t_x, T, starts, starts + 12 * MONTH_WEEKS)
    last = max(months - 12, 0) * MONTH_WEEKS
    p_alive = process.p_order(x, t_x, T, np.array([last]), ends[-1:])[:, 0]
    rate = buyers["margin_rate"].to_numpy(float)
    revenue = orders * money.expected(purchases, spend)[:, None]
    margin = revenue * rate[:, None] * discount_factors(economics.discount_rate, months)[None, :]
    span = T.max() / MONTH_WEEKS
    extrapolated = share_beyond(margin, np.full(len(buyers), span))
    warning = cautions(
        len(buyers),
        {
            "extrapolated": extrapolated > MUCH_EXTRAPOLATED,
            "few_orders": purchases < FEW_PURCHASES,
            "few_buyers": process.held,
            "negative_margin": rate < 0,
        },
    )
    notes = []
    silent = int(((T - t_x) * 7 > 365).sum())
    if silent:
        notes.append(
            f"{silent} of {len(buyers)} buyers have not ordered for a year: worth what their return is likely to bring"
        )
    if process.held:
        notes.append("few repeat buyers: order rates are held by a weak prior")
    if money.p is None:
        notes.append("spend an order by credibility: too few buyers, or too heavy a tail for Gamma-Gamma")
    if abs(money.dependence) > DEPENDENT:
        notes.append(
            f"spend an order goes with the number of orders (rank correlation {money.dependence:.2f}), which the spend "
            "model takes to be independent"
        )
    notes.extend(_total_note("orders", margin, extrapolated))
    return _frames(
        buyers["account_id"],
        "orders",
        survival=survival,
        revenue=revenue,
        margin=margin,
        p_alive=p_alive,
        extrapolated=extrapolated,
        warning=warning,
        notes=notes,
    )


def _total_note(relation: str, margin: Floats, extrapolated: Floats) -> list[str]:
    size = np.abs(margin).sum(axis=1)
    share = float(size @ extrapolated / size.sum()) if size.sum() > 0 else 0.0
    return [f"{share:.0%} of the {relation} CLV lies beyond the longest observed span"] if share > 0 else []


def _frames(
    account_ids: pd.Series,
    relation: str,
    *,
    survival: Floats,
    revenue: Floats,
    margin: Floats,
    p_alive: Floats,
    extrapolated: Floats,
    warning: npt.NDArray[np.object_],
    notes: list[str],
) -> ClvForecast:
    months = margin.shape[1]
    ids = account_ids.to_numpy()
    clv = pd.DataFrame(
        {
            "account_id": ids,
            "relation": relation,
            "horizon_months": months,
            "clv": margin.sum(axis=1),
            "expected_revenue": revenue.sum(axis=1),
            "p_alive": p_alive,
            "extrapolated_share": extrapolated,
            "warning": pd.Series(warning, dtype="str"),
        }
    )
    return ClvForecast(clv, (WideFlows(relation, ids, survival, revenue, margin),), tuple(notes))


def _aligned(scores: pd.DataFrame | None, accounts: pd.DataFrame) -> Floats:
    """The probability of each account, NaN where there is none."""
    if scores is None:
        return np.full(len(accounts), np.nan)
    known = scores.set_index("account_id")["probability"]
    return np.asarray(known.reindex(accounts["account_id"]).to_numpy(dtype=float, na_value=np.nan))


_EMPTY = pd.DataFrame(
    {
        name: pd.Series(dtype=kind)
        for name, kind in (
            *((name, "str") for name in ("account_id", "relation", "warning")),
            *((name, "int64") for name in ("horizon_months", "month")),
            *((name, "float64") for name in ("clv", "expected_revenue", "p_alive", "extrapolated_share")),
            *((name, "float64") for name in ("survival", "discounted_margin")),
        )
    }
)


def _stack(frames: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    frames = [frame for frame in frames if len(frame)] or [_EMPTY]
    return pd.concat(frames, ignore_index=True)[list(columns)]
