"""Machines and other durables in service: which accounts have some, and what a contract or a new machine is worth.

SQL only, over the contract's views; nothing here runs it. All of it is as known at `as_of`: an asset is in service
until its retirement is known, and money comes from what other customers paid then or from the list of products.
"""

from __future__ import annotations

# What fewer customers pay for a machine says little about what the next one would.
MIN_CUSTOMERS = 5

_IN_SERVICE = "a.installed_at <= p.as_of AND a.known_at <= p.as_of AND (a.retired_at IS NULL OR a.retired_at > p.as_of)"
_ACTIVE = "s.started_at <= p.as_of AND s.known_at <= p.as_of AND (s.ended_at IS NULL OR s.ended_at > p.as_of)"


def _rounded(amount: str) -> str:
    """An amount to four decimals, so that every engine says the same."""
    return f"CAST(CAST({amount} AS DECIMAL(28, 4)) AS DOUBLE)"


# Owners without a contract. A contract would bring, a year, what the median customer with one pays for a machine in
# service, times the machines of the account; unknown where fewer than MIN_CUSTOMERS customers have both.
WITHOUT_CONTRACT = f"""
WITH owned AS (
  SELECT p.as_of, a.account_id, COUNT(*) AS machines
  FROM cutoffs AS p JOIN assets AS a ON {_IN_SERVICE}
  GROUP BY p.as_of, a.account_id
), contracts AS (
  SELECT p.as_of, s.account_id, SUM(CAST(s.mrr AS DECIMAL(28, 4))) AS mrr
  FROM cutoffs AS p JOIN subscriptions AS s ON {_ACTIVE}
  GROUP BY p.as_of, s.account_id
), typical AS (
  SELECT c.as_of, MEDIAN(12 * CAST(c.mrr AS DOUBLE) / o.machines) AS a_machine
  FROM contracts AS c JOIN owned AS o ON o.as_of = c.as_of AND o.account_id = c.account_id
  WHERE c.mrr > 0
  GROUP BY c.as_of
  HAVING COUNT(*) >= {MIN_CUSTOMERS}
)
SELECT o.account_id, o.as_of, {_rounded("o.machines * t.a_machine")} AS money
FROM owned AS o
LEFT JOIN contracts AS c ON c.as_of = o.as_of AND c.account_id = o.account_id
LEFT JOIN typical AS t ON t.as_of = o.as_of
WHERE c.account_id IS NULL
ORDER BY o.as_of, o.account_id
"""

# Owners, with the list price of the machine that has been in service longest: the next to be replaced, and once, not
# every year. Unknown where the list of products has no price for it.
OWNERS = f"""
SELECT account_id, as_of, money
FROM (
  SELECT a.account_id, p.as_of, {_rounded("g.price")} AS money,
         ROW_NUMBER() OVER (PARTITION BY p.as_of, a.account_id ORDER BY a.installed_at, a.asset_id) AS nth
  FROM cutoffs AS p JOIN assets AS a ON {_IN_SERVICE}
  LEFT JOIN products AS g ON g.product = a.product AND g.known_at <= p.as_of
) AS machines
WHERE nth = 1
ORDER BY as_of, account_id
"""
