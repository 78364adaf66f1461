"""Will a customer who orders stop ordering?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from revml.config import QuestionName, QuestionSpec
from revml.labels.question import Question, timestamp


class Lapse(Question):
    """The account places no order in the window.

    - At risk: accounts with a positive order in the `lookback_days` before `as_of`.
    - An order is a line with a quantity and an amount above zero; returns and free goods are none. An order that is
      sent back later was an order.
    - Orders within the gap do not count: the window is `(as_of + gap, as_of + gap + horizon]`.
    """

    name: ClassVar[QuestionName] = "lapse"
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"orders": ("quantity", "amount")}

    def sql(self, spec: QuestionSpec, observed_until: datetime) -> str:
        """Accounts at risk without a positive order in the window."""
        return f"""
WITH positive AS (
  SELECT DISTINCT account_id, ordered_at
  FROM orders
  WHERE quantity > 0 AND amount > 0 AND known_at <= {timestamp(observed_until)}
)
SELECT r.account_id, r.as_of, CASE WHEN count(o.ordered_at) = 0 THEN 1 ELSE 0 END AS label
FROM at_risk r
LEFT JOIN positive o ON o.account_id = r.account_id AND o.ordered_at > r.opens AND o.ordered_at <= r.closes
GROUP BY r.account_id, r.as_of
"""
