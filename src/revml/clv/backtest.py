"""What the forecast would have said a year ago, against what came: totals by relation.

Comes in: facts, `as_of`, economics. The forecast is made at `as_of - months` from what was known then, without any
score (today's models have seen what followed): hazards and growth are the company's own past. Beside it stands the
run-rate: what came in goes on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from revml.clv.forecast import forecast_clv
from revml.clv.relations import Relation, is_durable
from revml.clv.value import MONTH_SECONDS
from revml.config import Economics
from revml.errors import NotEnoughData
from revml.sources.facts import Facts

_CONTRACT = """
WITH known AS (
  SELECT account_id, started_at, mrr,
    coalesce(CASE WHEN ended_at <= $as_of THEN ended_at END, TIMESTAMP '9999-12-31') AS until
  FROM subscriptions WHERE known_at <= $as_of AND started_at <= $as_of
),
chosen AS (SELECT unnest($accounts::VARCHAR[]) AS account_id)
SELECT i AS month, coalesce(sum(k.mrr), 0) AS realised
FROM range(0, $months + 1) AS r(i)
LEFT JOIN (SELECT known.* FROM known JOIN chosen ON chosen.account_id = known.account_id) AS k
  ON k.started_at <= $origin + to_seconds(i * $month) AND k.until > $origin + to_seconds(i * $month)
GROUP BY i ORDER BY i"""

_ORDERS = """
SELECT coalesce(sum(o.amount) FILTER (o.ordered_at > $origin), 0),
  coalesce(sum(o.amount) FILTER (o.ordered_at <= $origin), 0),
  coalesce(sum(o.amount) FILTER (o.ordered_at > $as_of - to_seconds($month)), 0)
FROM orders AS o JOIN (SELECT unnest($accounts::VARCHAR[]) AS account_id) AS c ON c.account_id = o.account_id
WHERE o.known_at <= $as_of AND o.ordered_at <= $as_of AND o.ordered_at > $before AND {which}"""


def backtest_totals(facts: Facts, as_of: datetime, economics: Economics, months: int = 12) -> pd.DataFrame:
    """Forecast and realised revenue of the accounts that were there `months` before `as_of`.

    Contract revenue of a month is the MRR at its end, as in the forecast; order revenue is net of returns.

    Returns:
        One row a relation: relation, origin, months, accounts, predicted, realised, bias (predicted / realised - 1),
        run_rate, run_rate_bias, predicted_last and realised_last (the last month).

    Raises:
        NotEnoughData: no account with a relation was known at the origin.
    """
    origin = as_of - timedelta(seconds=months * MONTH_SECONDS)
    none = pd.DataFrame({"account_id": pd.Series(dtype="str"), "probability": pd.Series(dtype="float64")})
    made = forecast_clv(
        facts, origin, economics, p_churn=None, churn_horizon_days=90, p_upsell=none, horizon_months=months
    )
    if made.clv.empty:
        raise NotEnoughData(
            "there is nothing to back-test",
            wanted=f"accounts with a subscription or an order by {origin:%Y-%m-%d}",
            got="none",
            do="load more history, or back-test fewer months",
        )
    rows = []
    for relation, part in made.clv.groupby("relation", sort=True):
        last = made.flows[(made.flows["relation"] == relation) & (made.flows["month"] == months)]
        values = {"as_of": as_of, "origin": origin, "accounts": part["account_id"].tolist(), "month": MONTH_SECONDS}
        if relation == "contract":
            path = facts.con.cursor().execute(_CONTRACT, {**values, "months": months}).df()["realised"]
            realised, run_rate, realised_last = path[1:].sum(), path[0] * months, path.iloc[-1]
        else:
            before = {"before": origin - timedelta(seconds=months * MONTH_SECONDS)}
            durable = f"coalesce({is_durable(facts, 'o.product')}, false)"
            sql = _ORDERS.format(which=durable if relation == Relation.DURABLE else f"NOT {durable}")
            [found] = facts.con.cursor().execute(sql, {**values, **before}).fetchall()
            realised, run_rate, realised_last = found
        predicted = float(part["expected_revenue"].sum())
        rows.append(
            {
                "relation": relation,
                "origin": origin,
                "months": months,
                "accounts": len(part),
                "predicted": predicted,
                "realised": float(realised),
                "bias": predicted / realised - 1 if realised else float("nan"),
                "run_rate": float(run_rate),
                "run_rate_bias": run_rate / realised - 1 if realised else float("nan"),
                "predicted_last": float(last["expected_revenue"].sum()),
                "realised_last": float(realised_last),
            }
        )
    return pd.DataFrame(rows)
