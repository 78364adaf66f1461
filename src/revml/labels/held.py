"""What an account held at both ends of a label window, and how much of the change of its MRR is more than a price.

Comes in: `at_risk` and the subscriptions. Goes out: CTEs for the questions about growing and shrinking contracts:
`held` (a row a line and snapshot, with `had` and `has`: whether it ran at the start and at the end) and `worth` (a row
an account and snapshot). A contract grows and shrinks through seats, tiers and products; what a product held at both
ends came to cost is a price and is told apart here.
"""

from __future__ import annotations

from datetime import datetime

from revml.labels.question import contract_lines


def held(observed_until: datetime) -> str:
    """CTEs that end in `held`: each line of an account at risk, and whether it ran at either end of the window."""
    return f"""lines AS ({contract_lines(observed_until)}
), held AS (
  SELECT r.account_id, r.as_of, l.subscription_id, l.product, l.plan, l.quantity, l.mrr, g.family, g.tier,
         CASE WHEN l.started_at <= r.opens AND l.ended_at > r.opens THEN 1 ELSE 0 END AS had,
         CASE WHEN l.started_at <= r.closes AND l.ended_at > r.closes THEN 1 ELSE 0 END AS has
  FROM at_risk r JOIN lines l ON l.account_id = r.account_id LEFT JOIN products g ON g.product = l.product
)"""


def worth() -> str:
    """CTEs over `held` that end in `worth(account_id, as_of, before, after, grown, shrunk)`.

    - `before`, `after`: the MRR of all lines at the start and at the end; NULL where none ran.
    - `grown`: `after` without the rises that a price alone explains; never more than `after`.
    - `shrunk`: `after` without the falls that a price alone explains; never less than `after`.

    An offer is a product and its plan, over all subscriptions of the account. The MRR of one held at both ends counts
    as far as its seats moved the same way, at the start's price of a seat: 10 seats for 100 that became 11 for 130 have
    grown by 10. What is new counts in full, and so does what a subscription moved to, another plan or product, unless
    `products` says that it is of the same family and tier: a product's successor is the same offer. A product of a
    lower tier is the same offer where MRR rises (that is a price), and another where it falls. Where seats are unknown
    or 0, or the offer was or became free, a price cannot be told, and the change counts in full.
    """
    return """gave_way AS (
  SELECT account_id, as_of, subscription_id, max(product) AS product, max(plan) AS plan, max(family) AS family,
         max(tier) AS tier
  FROM held
  WHERE had = 1 AND has = 0
  GROUP BY account_id, as_of, subscription_id
  HAVING count(*) = 1
), offered AS (
  SELECT h.account_id, h.as_of, h.had, h.has, h.quantity, h.mrr,
         CASE WHEN w.product IS NULL THEN h.product ELSE w.product END AS product,
         CASE WHEN w.product IS NULL THEN h.plan ELSE w.plan END AS plan,
         CASE WHEN h.tier < w.tier THEN 1 ELSE 0 END AS moved_down
  FROM held h LEFT JOIN gave_way w
    ON w.account_id = h.account_id AND w.as_of = h.as_of AND w.subscription_id = h.subscription_id
   AND h.had = 0 AND h.product <> w.product AND h.family = w.family AND h.tier <= w.tier
), offers AS (
  SELECT account_id, as_of, sum(CASE WHEN had = 1 THEN mrr END) AS before, sum(CASE WHEN has = 1 THEN mrr END) AS after,
         sum(CASE WHEN had = 1 THEN quantity END) AS seats_before,
         sum(CASE WHEN has = 1 THEN quantity END) AS seats_after,
         max(CASE WHEN quantity > 0 THEN 0 ELSE 1 END) AS uncounted, max(moved_down) AS moved_down
  FROM offered
  WHERE had = 1 OR has = 1
  GROUP BY account_id, as_of, product, plan
), priced AS (
  SELECT account_id, as_of, before, after, seats_before, seats_after, moved_down,
         CASE WHEN uncounted = 0 AND before > 0 AND after > 0
              THEN before * seats_after / seats_before END AS at_old_price
  FROM offers
), worth AS (
  SELECT account_id, as_of, sum(before) AS before, sum(after) AS after,
         sum(CASE WHEN at_old_price IS NULL OR after <= before OR after <= at_old_price THEN after
                  WHEN seats_after > seats_before THEN at_old_price
                  ELSE before END) AS grown,
         sum(CASE WHEN at_old_price IS NULL OR moved_down = 1 OR after >= before OR after >= at_old_price THEN after
                  WHEN seats_after < seats_before THEN at_old_price
                  ELSE before END) AS shrunk
  FROM priced
  GROUP BY account_id, as_of
)"""
