"""In which way will the account's contract grow: seats, tier, or a further module?

The three are kinds of upsell and overlap with it: each compares the same two moments, the start of the window
(`as_of + gap`) and its end (`as_of + gap + horizon`), and asks the same accounts. None of them counts where the account
is lost by the end of the window, where its MRR is lower then than at the start (more seats at a lower price are a
discount), or where it pays nothing at the end. How much MRR a kind brings is not part of its definition.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import ClassVar

from revml.config import QuestionName, QuestionSpec
from revml.labels.held import held
from revml.labels.question import SAME, Question


class _Kind(Question):
    """A kind of upsell; `grew` says which accounts had it."""

    @property
    @abstractmethod
    def grew(self) -> str:
        """A SELECT of account_id, as_of from `held` (a row a line) or `offers` (a row a product)."""

    def sql(self, spec: QuestionSpec, observed_until: datetime) -> str:
        """What was held at both ends of the window: `had` at the start, `has` at the end."""
        return f"""
WITH {held(observed_until)}, offers AS (
  SELECT account_id, as_of, product, max(family) AS family, max(tier) AS tier, max(had) AS had, max(has) AS has,
         sum(CASE WHEN had = 1 THEN quantity ELSE 0 END) AS seats_before,
         sum(CASE WHEN has = 1 THEN quantity ELSE 0 END) AS seats_after
  FROM held
  GROUP BY account_id, as_of, product
), mrr AS (
  SELECT account_id, as_of, sum(CASE WHEN had = 1 THEN mrr END) AS before, sum(CASE WHEN has = 1 THEN mrr END) AS after
  FROM held
  GROUP BY account_id, as_of
), grew AS ({self.grew}
)
SELECT m.account_id, m.as_of,
       CASE WHEN m.before IS NULL THEN NULL
            WHEN g.account_id IS NOT NULL AND m.after > 0 AND m.after * {1 + SAME!r} >= m.before THEN 1
            ELSE 0 END AS label
FROM mrr m LEFT JOIN (SELECT DISTINCT account_id, as_of FROM grew) g
  ON g.account_id = m.account_id AND g.as_of = m.as_of
"""


class UpsellSeats(_Kind):
    """The account has more seats of a product at the end of the window than at its start, and its MRR is not lower.

    - At risk: accounts with an active subscription at `as_of`.
    - Compared: the quantity of each product that the account has at both ends, over all its subscriptions. Seats that
      move from one subscription to another of the same product are no more seats.
    - A product that is new, and a change to another product, are no more seats of the old one.
    - Not applicable: accounts without an active subscription at the start of the window (lost or paused in the gap).
    """

    name: ClassVar[QuestionName] = "upsell_seats"
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"subscriptions": ("ended_at", "quantity")}

    @property
    def grew(self) -> str:
        """Products with more seats than before."""
        return f"""
  SELECT account_id, as_of FROM offers WHERE had = 1 AND has = 1 AND seats_after > seats_before * {1 + SAME!r}"""


class UpsellTier(_Kind):
    """The account has moved up to a higher tier or plan by the end of the window, and its MRR is not lower.

    - At risk: accounts with an active subscription at `as_of`.
    - Moved up: a subscription whose product at the end has a higher `tier`, in the same product family, than the one
      at the start; or a product that gave way to one of a higher tier in the same family, under whatever subscription.
    - Where tiers do not tell (the product is the same, or a tier or family is unknown or another): the subscription's
      plan or product is another at the end, and its price per seat (mrr / quantity) is higher.
    - A further product of a higher tier beside the old one is a module, and a higher price of the same plan is neither.
    - Not applicable: accounts without an active subscription at the start of the window (lost or paused in the gap).
    """

    name: ClassVar[QuestionName] = "upsell_tier"
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"subscriptions": ("ended_at",)}
    needs_one: ClassVar[tuple[str, ...]] = ("products.tier", "subscriptions.plan")

    @property
    def grew(self) -> str:
        """Lines that moved up, and products that gave way to a higher tier."""
        tiers_tell = "a.product <> b.product AND a.family = b.family AND a.tier IS NOT NULL AND b.tier IS NOT NULL"
        other = "(a.product <> b.product OR coalesce(a.plan, '') <> coalesce(b.plan, ''))"
        return f"""
  SELECT b.account_id, b.as_of
  FROM held b JOIN held a ON a.account_id = b.account_id AND a.as_of = b.as_of AND a.subscription_id = b.subscription_id
  WHERE b.had = 1 AND a.has = 1
    AND CASE WHEN {tiers_tell} THEN a.tier > b.tier
             ELSE {other} AND a.mrr * b.quantity > b.mrr * a.quantity * {1 + SAME!r} END
  UNION ALL
  SELECT b.account_id, b.as_of
  FROM offers b JOIN offers a ON a.account_id = b.account_id AND a.as_of = b.as_of AND a.family = b.family
  WHERE b.had = 1 AND b.has = 0 AND a.had = 0 AND a.has = 1 AND a.tier > b.tier"""


class UpsellModule(_Kind):
    """The account subscribes to a further product by the end of the window, keeps the old ones, and pays no less.

    - At risk: accounts with an active subscription at `as_of`.
    - Further: a product that none of its subscriptions had at the start of the window. One that it had at some earlier
      time counts.
    - Every product of the start is still there at the end: one that takes the place of another is a change of plan.
    - Not applicable: accounts without an active subscription at the start of the window (lost or paused in the gap).
    """

    name: ClassVar[QuestionName] = "upsell_module"
    needs: ClassVar[dict[str, tuple[str, ...]]] = {"subscriptions": ("ended_at", "product")}

    @property
    def grew(self) -> str:
        """Accounts with a new product and none less."""
        return """
  SELECT account_id, as_of FROM offers
  GROUP BY account_id, as_of
  HAVING max(CASE WHEN had = 0 AND has = 1 THEN 1 ELSE 0 END) = 1
     AND max(CASE WHEN had = 1 AND has = 0 THEN 1 ELSE 0 END) = 0"""
