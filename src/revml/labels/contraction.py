"""Will the account's contract shrink?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from revml.config import QuestionName, QuestionSpec
from revml.labels.held import held, worth
from revml.labels.question import SAME, Question


class Contraction(Question):
    """The account is alive at the end of the window with an MRR down by `drop` through seats, a tier or a subscription.

    - At risk: accounts with an active subscription at `as_of`.
    - Compared, as in upsell: the MRR of all its subscriptions at `as_of + gap` and at `as_of + gap + horizon`. A loss
      within the gap belongs to the base; one that was made good by the end of the window is none.
    - The end of one of several subscriptions counts however small it was, unless others make up for its MRR: a
      subscription swapped for another of the same price is no contraction.
    - A lower price is no contraction, as a higher one is no upsell: the MRR of what was held at both ends (a product
      and plan, over all the account's subscriptions) fell only as far as it has fewer seats, at the start's price of a
      seat. MRR itself must have fallen as far. Where the quantity is unknown or 0, the fall counts in full.
    - With `price_changes: true` a lower price counts like any other fall of MRR.
    - A change at the very end of the window counts; one at its very start belongs to the base.
    - From an MRR of zero nothing can shrink.
    - No contraction: accounts lost by the end of the window, which is churn.
    - Not applicable: accounts without an active subscription at the start of the window (lost or paused in the gap).
    """

    name: ClassVar[QuestionName] = "contraction"
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"subscriptions": ("ended_at",)}

    def sql(self, spec: QuestionSpec, observed_until: datetime) -> str:
        """MRR at both ends of the window, prices told apart; NULL where no subscription is active at its start."""
        least = (1 - spec.drop) * (1 + SAME)
        left = "after" if spec.price_changes else "shrunk"
        return f"""
WITH {held(observed_until)}, {worth()}, ended AS (
  SELECT account_id, as_of, subscription_id
  FROM held
  GROUP BY account_id, as_of, subscription_id
  HAVING max(had) = 1 AND max(has) = 0
), gone AS (
  SELECT account_id, as_of, count(*) AS subscriptions FROM ended GROUP BY account_id, as_of
)
SELECT w.account_id, w.as_of,
       CASE WHEN w.before IS NULL THEN NULL
            WHEN w.{left} < w.before * {1 - SAME!r}
             AND (g.subscriptions > 0 OR w.{left} <= w.before * {least!r}) THEN 1
            ELSE 0 END AS label
FROM worth w LEFT JOIN gone g ON g.account_id = w.account_id AND g.as_of = w.as_of
"""
