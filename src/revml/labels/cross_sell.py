"""Which product family will a customer buy next?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from revml.config import QuestionName, QuestionSpec
from revml.families import GOODS, spans
from revml.labels.question import Question, timestamp


class CrossSell(Question):
    """The account buys, or subscribes to, a product of a family that it does not have.

    - At risk: each customer (an active subscription, or a positive order in the `lookback_days` before `as_of`) with
      each family that it does not have: no active subscription to it, no positive order of it in the look-back.
      Families are those with enough customers at `as_of`.
    - Bought: a positive order, or a subscription that starts, in `(as_of + gap, as_of + gap + horizon]`. A family that
      the account had long ago counts like a new one; how long ago is a feature.
    - Not applicable: families that the account turns out to have at the window's start, because it bought them within
      the gap or because the purchase became known late. Nobody could act on those.
    """

    name: ClassVar[QuestionName] = "cross_sell"
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"products": ("family",)}
    needs_one: ClassVar[tuple[str, ...]] = ("subscriptions.product", "orders.product")

    def sql(self, spec: QuestionSpec, observed_until: datetime) -> str:
        """Pairs at risk with a purchase of the family in the window."""
        return f"""
WITH goods AS ({GOODS}), spans AS ({spans(timestamp(observed_until), spec.lookback_days)})
SELECT r.account_id, r.as_of, r.item,
       CASE WHEN MAX(CASE WHEN s.begins <= r.opens AND s.until > r.opens THEN 1 ELSE 0 END) = 1 THEN NULL
            ELSE MAX(CASE WHEN s.begins > r.opens AND s.begins <= r.closes THEN 1 ELSE 0 END) END AS label
FROM at_risk r
LEFT JOIN spans s ON s.account_id = r.account_id AND s.family = r.item AND s.begins <= r.closes AND s.until > r.opens
GROUP BY r.account_id, r.item, r.as_of
"""
