"""Will the account end its last contract?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from revml.config import QuestionName, QuestionSpec
from revml.labels.question import Question, custom_spells


class Churn(Question):
    """The account's last active subscription ends in the window and none starts within the grace period after it.

    - At risk: accounts with an active subscription at `as_of`.
    - Dated at the end: the end of the last subscription lies in `(as_of + gap, as_of + gap + horizon]`, even when the
      company heard of it later.
    - No churn: the end of one of several subscriptions; a renewal or change (a row of the same subscription starts
      within a day of the end); a return within `grace_days` after the end, the last day included.
    - A later return is a churn and then a reactivation.
    - Not applicable: accounts lost within the gap.
    """

    name: ClassVar[QuestionName] = "churn"
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"subscriptions": ("ended_at",)}

    def sql(self, spec: QuestionSpec, observed_until: datetime) -> str:
        """Spells of uninterrupted custom (gaps up to the grace period bridged); churn is the end of the spell."""
        return f"""
WITH {custom_spells(observed_until, spec.grace_days)}
SELECT r.account_id, r.as_of,
       CASE WHEN s.ended IS NULL OR s.ended <= r.opens THEN NULL
            WHEN s.ended <= r.closes THEN 1
            ELSE 0 END AS label
FROM at_risk r
LEFT JOIN spells s ON s.account_id = r.account_id AND s.began <= r.as_of AND s.ended > r.as_of
"""
