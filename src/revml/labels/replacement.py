"""Will the account replace one of its machines by a new one from us?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from revml.config import QuestionName, QuestionSpec
from revml.labels.question import Question, timestamp


class Replacement(Question):
    """An asset that takes the place of an older one is installed at the account in the window.

    - At risk: accounts with at least one asset in service at `as_of`.
    - An old asset's successor is the one that its `replaced_by` names, whatever product that is. Where `replaced_by` is
      empty, it is the first asset of the same product family (of the same product, where a product has no family) that
      was installed at the account from `grace_days` before to `grace_days` after the old one retired. A successor is
      installed after the old asset was, at the same account.
    - The event is dated at the successor's installation, which lies in `(as_of + gap, as_of + gap + horizon]`: the old
      asset may retire before it or after it. An asset that is still in service has a successor only by `replaced_by`.
    - No replacement: a further asset while the old ones stay (the fleet grows); an asset that retires without a
      successor (the fleet shrinks); a new asset when the old one's successor was installed earlier.
    - Not applicable: accounts without an asset in service at the start of the window.
    """

    name: ClassVar[QuestionName] = "replacement"
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"assets": ("installed_at",)}
    needs_one: ClassVar[tuple[str, ...]] = ("assets.retired_at", "assets.replaced_by")

    def sql(self, spec: QuestionSpec, observed_until: datetime) -> str:
        """When the successor of each asset was installed."""
        grace = f"INTERVAL '{spec.grace_days}' DAY"
        return f"""
WITH owned AS (
  SELECT a.account_id, a.asset_id, a.installed_at, a.retired_at, a.replaced_by,
         CASE WHEN g.family IS NULL THEN 'product ' || a.product ELSE 'family ' || g.family END AS kin
  FROM assets a LEFT JOIN products g ON g.product = a.product
  WHERE a.known_at <= {timestamp(observed_until)}
), successors AS (
  SELECT o.account_id, o.asset_id, min(n.installed_at) AS installed_at
  FROM owned o
  JOIN owned n ON n.account_id = o.account_id AND n.asset_id <> o.asset_id AND n.installed_at > o.installed_at
   AND (n.asset_id = o.replaced_by
        OR (o.replaced_by IS NULL AND n.kin = o.kin
            AND n.installed_at >= o.retired_at - {grace} AND n.installed_at <= o.retired_at + {grace}))
  GROUP BY o.account_id, o.asset_id
), owners AS (
  SELECT DISTINCT r.account_id, r.as_of
  FROM at_risk r JOIN owned a ON a.account_id = r.account_id AND a.installed_at <= r.opens
   AND (a.retired_at IS NULL OR a.retired_at > r.opens)
)
SELECT r.account_id, r.as_of,
       CASE WHEN max(o.account_id) IS NULL THEN NULL
            ELSE max(CASE WHEN s.installed_at > r.opens AND s.installed_at <= r.closes THEN 1 ELSE 0 END) END AS label
FROM at_risk r
LEFT JOIN owners o ON o.account_id = r.account_id AND o.as_of = r.as_of
LEFT JOIN successors s ON s.account_id = r.account_id
GROUP BY r.account_id, r.as_of
"""
