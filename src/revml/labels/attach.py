"""Will the owner of a machine take out a service contract?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from revml.config import QuestionName, QuestionSpec
from revml.labels.question import Question, custom_spells, timestamp


class Attach(Question):
    """An account without a subscription takes one out in the window, and still has one after the grace period.

    - At risk: accounts with at least one asset in service and no active subscription at `as_of`.
    - Started: the first subscription after at least `grace_days` without any starts in
      `(as_of + gap, as_of + gap + horizon]`. An account that had one long ago counts as well; one that renews late,
      within the grace period, does not.
    - Kept: a subscription, that one or another, is active `grace_days` after the start. A contract that was called off
      within the grace period is none.
    - Any subscription counts: which asset it is for, the tables do not tell.
    - Not applicable: accounts whose subscription runs at the start of the window (taken out in the gap, known late, or
      merely paused), and accounts without an asset in service then.
    """

    name: ClassVar[QuestionName] = "attach"
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"assets": ("installed_at",), "subscriptions": ("ended_at",)}

    def sql(self, spec: QuestionSpec, observed_until: datetime) -> str:
        """Spells of custom that begin in the window; those that cover its start are out of the question."""
        grace = f"INTERVAL '{spec.grace_days}' DAY"
        return f"""
WITH {custom_spells(observed_until, spec.grace_days)}
, owners AS (
  SELECT DISTINCT r.account_id, r.as_of
  FROM at_risk r JOIN assets a ON a.account_id = r.account_id AND a.installed_at <= r.opens
   AND (a.retired_at IS NULL OR a.retired_at > r.opens) AND a.known_at <= {timestamp(observed_until)}
), kept AS (
  SELECT DISTINCT s.account_id, s.began
  FROM spells s JOIN lines l ON l.account_id = s.account_id
   AND l.started_at <= s.began + {grace} AND l.ended_at > s.began + {grace}
)
SELECT r.account_id, r.as_of,
       CASE WHEN max(CASE WHEN s.began <= r.opens AND s.ended > r.opens THEN 1 ELSE 0 END) = 1 THEN NULL
            WHEN max(o.account_id) IS NULL THEN NULL
            ELSE max(CASE WHEN s.began > r.opens AND s.began <= r.closes AND k.began IS NOT NULL THEN 1 ELSE 0 END)
            END AS label
FROM at_risk r
LEFT JOIN owners o ON o.account_id = r.account_id AND o.as_of = r.as_of
LEFT JOIN spells s ON s.account_id = r.account_id
LEFT JOIN kept k ON k.account_id = s.account_id AND k.began = s.began
GROUP BY r.account_id, r.as_of
"""
