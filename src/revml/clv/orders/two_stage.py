"""The two-stage forecast of repeat orders: does an account order at all, and what does it spend if it does.

Comes in: `order_features` of earlier origins with what came after them. Goes out: `TwoStage`, which gives every account
P(an order), expected orders and expected revenue over the months it was trained for. Three LightGBM models (P, spend
given an order, number of orders) that begin at the purchase process and learn only what it misses, so that little
history bends it little. Trees are small on purpose: on every back-test that was tried larger ones ranked worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import lightgbm
import numpy as np
import pandas as pd
from scipy.special import expit, logit

from revml.clv.value import Floats

FIXED = {
    "learning_rate": 0.05,
    "num_leaves": 4,
    "lambda_l2": 5.0,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
    "num_threads": 1,
}
ROUNDS = 100
MIN_LEAF = 100
SPEND_MIN_LEAF = 50
# More rows than this teach nothing new; every n-th account is taken.
MAX_ROWS = 60_000
LEAST = 1e-4


@dataclass(frozen=True)
class Lesson:
    """What was known at an origin and what came of it.

    Attributes:
        origin: the instant.
        rows: `order_features` and the process' own figures, one row an account.
        orders, revenue: (n,) what came within the months after the origin, without the season.
    """

    origin: datetime
    rows: pd.DataFrame
    orders: Floats
    revenue: Floats


@dataclass(frozen=True)
class TwoStage:
    """A fitted two-stage forecast.

    Attributes:
        months: the horizon it was trained for.
        columns: the features, in order.
        buys, spends, counts: the three models.
        smallest: the least expected spend that it starts from.
    """

    months: int
    columns: tuple[str, ...]
    buys: lightgbm.Booster
    spends: lightgbm.Booster
    counts: lightgbm.Booster
    smallest: float

    def p_order(self, rows: pd.DataFrame) -> Floats:
        """(n,) probability of at least one order within the months."""
        return np.asarray(expit(self._raw(self.buys, rows) + _log_odds(rows)))

    def revenue(self, rows: pd.DataFrame) -> Floats:
        """(n,) expected revenue within the months: P(order) times spend given an order."""
        spend = np.exp(self._raw(self.spends, rows) + _log_spend(rows, self.smallest))
        return np.asarray(self.p_order(rows) * spend)

    def orders(self, rows: pd.DataFrame) -> Floats:
        """(n,) expected orders within the months."""
        return np.asarray(np.exp(self._raw(self.counts, rows) + _log_orders(rows)))

    def _raw(self, model: lightgbm.Booster, rows: pd.DataFrame) -> Floats:
        return np.asarray(model.predict(_matrix(rows, self.columns), raw_score=True, num_threads=1))


def fit_two_stage(lessons: list[Lesson], months: int, *, seed: int = 42) -> TwoStage:
    """Fit on the lessons of several origins together.

    Args:
        lessons: each with accounts that ordered and accounts that did not.
        months: the horizon of their outcomes.
    """
    rows = pd.concat([one.rows for one in lessons], ignore_index=True)
    orders = np.concatenate([one.orders for one in lessons])
    revenue = np.concatenate([one.revenue for one in lessons])
    step = -(-len(rows) // MAX_ROWS)
    if step > 1:
        # by account, so that it is seen at all origins or at none
        names = np.sort(rows["account_id"].unique())[::step]
        kept = rows["account_id"].isin(names).to_numpy()
        rows, orders, revenue = rows[kept].reset_index(drop=True), orders[kept], revenue[kept]
    columns = tuple(name for name in rows.columns if name != "account_id")
    matrix = _matrix(rows, columns)
    bought = revenue > 0
    smallest = max(float(revenue[bought].mean()) * LEAST if bought.any() else LEAST, LEAST)

    def grown(objective: str, label: Floats, start: Floats, kept: np.ndarray, leaf: int) -> lightgbm.Booster:
        data = lightgbm.Dataset(matrix[kept], label=label[kept], init_score=start[kept])
        settings = {**FIXED, "objective": objective, "min_data_in_leaf": leaf, "seed": seed}
        return lightgbm.train(settings, data, ROUNDS)

    everybody = np.ones(len(rows), dtype=bool)
    return TwoStage(
        months,
        columns,
        buys=grown("binary", (orders > 0).astype(float), _log_odds(rows), everybody, MIN_LEAF),
        spends=grown("gamma", revenue, _log_spend(rows, smallest), bought, SPEND_MIN_LEAF),
        counts=grown("poisson", orders, _log_orders(rows), everybody, MIN_LEAF),
        smallest=smallest,
    )


def _matrix(rows: pd.DataFrame, columns: tuple[str, ...]) -> Floats:
    return rows[list(columns)].to_numpy(dtype=np.float64, na_value=np.nan)


def _log_odds(rows: pd.DataFrame) -> Floats:
    return np.asarray(logit(np.clip(rows["process_p_order"].to_numpy(float), 1e-6, 1 - 1e-6)))


def _log_orders(rows: pd.DataFrame) -> Floats:
    return np.asarray(np.log(np.maximum(rows["process_orders"].to_numpy(float), LEAST)))


def _log_spend(rows: pd.DataFrame, smallest: float) -> Floats:
    p = np.maximum(rows["process_p_order"].to_numpy(float), 1e-6)
    return np.asarray(np.log(np.maximum(rows["process_revenue"].to_numpy(float) / p, smallest)))
