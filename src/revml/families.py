"""Product families: which of them customers have, which of them are known at an instant, and what they pay for them.

SQL only, over the contract's views; nothing here runs it. An account has a family while a subscription to one of its
products is active, and for `lookback_days` after a positive order of one. A family is known at `as_of` by its customers
then and not by the catalogue of products, which bears no dates: what nobody had bought yet could not be offered.
"""

from __future__ import annotations

# Below this many customers neither what they pay nor what else they have says anything about the next one.
MIN_BUYERS = 5
# The largest by customers; a longer list is products, not families, and nobody reads it.
MAX_FAMILIES = 50

FOREVER = "TIMESTAMP '9999-01-01 00:00:00'"

# The family of each product; a product without one is no offer, but whoever has it is a customer.
GOODS = "SELECT product, MIN(family) AS family FROM products WHERE family IS NOT NULL GROUP BY product"


def _exact(column: str) -> str:
    return f"CAST({column} AS DECIMAL(28, 4))"


# What each customer has of each family at each cutoff, and what is paid for it a year.
# Reads `goods` and `cutoffs(as_of, alive_from, year_from, reach_from)`.
OWNED = f"""
SELECT as_of, account_id, family, SUM(money) AS money, MAX(has) AS has FROM (
  SELECT p.as_of, s.account_id, g.family, 12 * SUM({_exact("s.mrr")}) AS money, 1 AS has
  FROM cutoffs AS p
  JOIN subscriptions AS s
    ON s.started_at <= p.as_of AND s.known_at <= p.as_of AND (s.ended_at IS NULL OR s.ended_at > p.as_of)
  LEFT JOIN goods AS g ON g.product = s.product
  GROUP BY p.as_of, s.account_id, g.family
  UNION ALL
  SELECT p.as_of, o.account_id, g.family,
         SUM(CASE WHEN o.ordered_at > p.year_from THEN {_exact("o.amount")} ELSE 0 END),
         MAX(CASE WHEN o.quantity > 0 AND o.amount > 0 AND o.ordered_at > p.alive_from THEN 1 ELSE 0 END)
  FROM cutoffs AS p
  JOIN orders AS o ON o.ordered_at <= p.as_of AND o.known_at <= p.as_of AND o.ordered_at > p.reach_from
  LEFT JOIN goods AS g ON g.product = o.product
  GROUP BY p.as_of, o.account_id, g.family
) AS either
GROUP BY as_of, account_id, family
"""

# Whoever has something at a cutoff, whether or not it belongs to a family. Reads `owned`.
CUSTOMERS = "SELECT DISTINCT as_of, account_id FROM owned WHERE has = 1"

# The families known at each cutoff with what their customers typically pay a year. Reads `owned`.
LISTED = f"""
SELECT as_of, family, buyers, money FROM (
  SELECT as_of, family, buyers, money,
         ROW_NUMBER() OVER (PARTITION BY as_of ORDER BY buyers DESC, family) AS place
  FROM (
    SELECT as_of, family, COUNT(*) AS buyers, MEDIAN(CASE WHEN money > 0 THEN CAST(money AS DOUBLE) END) AS money
    FROM owned
    WHERE has = 1 AND family IS NOT NULL
    GROUP BY as_of, family
  ) AS counted
  WHERE buyers >= {MIN_BUYERS}
) AS ranked
WHERE place <= {MAX_FAMILIES}
"""

# Customers and the families that they do not have.
WHITE_SPACE = f"""
WITH goods AS ({GOODS}), owned AS ({OWNED}), customers AS ({CUSTOMERS}), listed AS ({LISTED})
SELECT c.account_id, c.as_of, l.family AS item, l.money
FROM customers AS c
JOIN listed AS l ON l.as_of = c.as_of
LEFT JOIN owned AS o ON o.as_of = c.as_of AND o.account_id = c.account_id AND o.family = l.family AND o.has = 1
WHERE o.account_id IS NULL
ORDER BY c.as_of, c.account_id, l.family
"""


def spans(known_by: str, lookback_days: int) -> str:
    """A SELECT of when accounts had products of a family: account_id, family, product, begins, until, last_at.

    A subscription's row that another row of the same subscription and family follows within a day lasts until that one
    starts. `last_at` is the end of a contract, or the order itself. Reads `goods`.

    Args:
        known_by: SQL of the instant by which a row must have begun and been known.
    """
    return f"""
  SELECT account_id, family, product, started_at AS begins,
         CASE WHEN next_at >= ended_at AND next_at <= ended_at + INTERVAL '1' DAY THEN next_at
              ELSE COALESCE(ended_at, {FOREVER}) END AS until,
         ended_at AS last_at
  FROM (
    SELECT s.account_id, g.family, s.product, s.started_at, s.ended_at,
           LEAD(s.started_at) OVER (PARTITION BY s.account_id, s.subscription_id, g.family ORDER BY s.started_at)
             AS next_at
    FROM subscriptions AS s JOIN goods AS g ON g.product = s.product
    WHERE s.known_at <= {known_by} AND s.started_at <= {known_by}
      AND (s.ended_at IS NULL OR s.ended_at > s.started_at)
  ) AS terms
  UNION ALL
  SELECT DISTINCT o.account_id, g.family, o.product, o.ordered_at,
         o.ordered_at + INTERVAL '{lookback_days}' DAY, o.ordered_at
  FROM orders AS o JOIN goods AS g ON g.product = o.product
  WHERE o.quantity > 0 AND o.amount > 0 AND o.known_at <= {known_by} AND o.ordered_at <= {known_by}
"""
