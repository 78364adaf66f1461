"""Will the account's contract grow?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from revml.config import QuestionName, QuestionSpec
from revml.labels.question import SAME, Question, contract_lines


class Upsell(Question):
    """The account is alive at the end of the window with an MRR at least `uplift` above that of the window's start.

    - At risk: accounts with an active subscription at `as_of`.
    - Compared: the MRR of all its subscriptions at `as_of + gap` and at `as_of + gap + horizon`. The start of the
      window is the base, and not `as_of`, so that growth within the gap, which nobody could act on, is not counted;
      growth that was taken back by the end of the window is none.
    - A change at the very end of the window counts; one at its very start belongs to the base.
    - From an MRR of zero (a free plan) any paid MRR is an upsell.
    - No upsell: accounts lost by the end of the window.
    - Not applicable: accounts without an active subscription at the start of the window (lost or paused in the gap).
    """

    name: ClassVar[QuestionName] = "upsell"
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"subscriptions": ("ended_at",)}

    def sql(self, spec: QuestionSpec, observed_until: datetime) -> str:
        """MRR at both ends of the window; NULL where no subscription is active."""
        return f"""
WITH lines AS ({contract_lines(observed_until)}
), mrr AS (
  SELECT r.account_id, r.as_of,
         sum(CASE WHEN l.started_at <= r.opens AND l.ended_at > r.opens THEN l.mrr END) AS before,
         sum(CASE WHEN l.started_at <= r.closes AND l.ended_at > r.closes THEN l.mrr END) AS after
  FROM at_risk r JOIN lines l ON l.account_id = r.account_id
  GROUP BY r.account_id, r.as_of
)
SELECT account_id, as_of,
       CASE WHEN before IS NULL THEN NULL
            WHEN after > before AND after * (1 + {SAME}) >= before * {1 + spec.uplift!r} THEN 1
            ELSE 0 END AS label
FROM mrr
"""
