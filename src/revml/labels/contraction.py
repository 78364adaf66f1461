"""Will the account's contract shrink?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from revml.config import QuestionName, QuestionSpec
from revml.labels.question import SAME, Question, contract_lines


class Contraction(Question):
    """The account is alive at the end of the window with an MRR at least `drop` below that of the window's start.

    - At risk: accounts with an active subscription at `as_of`.
    - Compared, as in upsell: the MRR of all its subscriptions at `as_of + gap` and at `as_of + gap + horizon`. A loss
      within the gap belongs to the base; one that was made good by the end of the window is none.
    - The end of one of several subscriptions counts however small it was, unless others make up for its MRR: a
      subscription swapped for another of the same price is no contraction.
    - A change at the very end of the window counts; one at its very start belongs to the base.
    - From an MRR of zero nothing can shrink.
    - No contraction: accounts lost by the end of the window, which is churn.
    - Not applicable: accounts without an active subscription at the start of the window (lost or paused in the gap).
    """

    name: ClassVar[QuestionName] = "contraction"
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"subscriptions": ("ended_at",)}

    def sql(self, spec: QuestionSpec, observed_until: datetime) -> str:
        """MRR of each subscription at both ends of the window; NULL where it is not active."""
        least = (1 - spec.drop) * (1 + SAME)
        return f"""
WITH lines AS ({contract_lines(observed_until)}
), each_line AS (
  SELECT r.account_id, r.as_of, l.subscription_id,
         sum(CASE WHEN l.started_at <= r.opens AND l.ended_at > r.opens THEN l.mrr END) AS before,
         sum(CASE WHEN l.started_at <= r.closes AND l.ended_at > r.closes THEN l.mrr END) AS after
  FROM at_risk r JOIN lines l ON l.account_id = r.account_id
  GROUP BY r.account_id, r.as_of, l.subscription_id
), mrr AS (
  SELECT account_id, as_of, sum(before) AS before, sum(after) AS after,
         sum(CASE WHEN before IS NOT NULL AND after IS NULL THEN 1 ELSE 0 END) AS gone
  FROM each_line
  GROUP BY account_id, as_of
)
SELECT account_id, as_of,
       CASE WHEN before IS NULL THEN NULL
            WHEN after < before * {1 - SAME!r} AND (gone > 0 OR after <= before * {least!r}) THEN 1
            ELSE 0 END AS label
FROM mrr
"""
