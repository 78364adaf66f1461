"""Will a customer who orders spend more?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from revml.config import QuestionName, QuestionSpec
from revml.labels.question import SAME, Question, timestamp


class Growth(Question):
    """The account's net order amount in the window is above `growth_ratio` times that of the same span before `as_of`.

    - At risk: accounts with a positive order in the `lookback_days` before `as_of` and a positive net amount in the
      `horizon_days` before it.
    - Net amount: orders less returns. The window is `(as_of + gap, as_of + gap + horizon]`, the span before is
      `(as_of - horizon, as_of]`; the season is not taken out.
    - Not applicable: accounts whose net amount before turns out not to be positive (a return that became known late):
      there is nothing to grow from, and an order after a pause is a return of the customer, not growth.
    """

    name: ClassVar[QuestionName] = "growth"
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"orders": ("quantity", "amount")}

    def sql(self, spec: QuestionSpec, observed_until: datetime) -> str:
        """Net amounts of the two spans."""
        return f"""
WITH net AS (
  SELECT account_id, ordered_at, sum(amount) AS amount
  FROM orders
  WHERE known_at <= {timestamp(observed_until)}
  GROUP BY account_id, ordered_at
), spans AS (
  SELECT r.account_id, r.as_of,
         round(sum(CASE WHEN o.ordered_at <= r.as_of THEN o.amount ELSE 0 END), 4) AS before,
         round(sum(CASE WHEN o.ordered_at > r.opens THEN o.amount ELSE 0 END), 4) AS after
  FROM at_risk r
  LEFT JOIN net o ON o.account_id = r.account_id AND o.ordered_at <= r.closes
                 AND o.ordered_at > r.as_of - INTERVAL '{spec.horizon_days}' DAY
  GROUP BY r.account_id, r.as_of
)
SELECT account_id, as_of,
       CASE WHEN before IS NULL OR before <= 0 THEN NULL
            WHEN after > before * {spec.growth_ratio!r} * (1 + {SAME}) THEN 1
            ELSE 0 END AS label
FROM spans
"""
