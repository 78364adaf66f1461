"""What is known of an account and a product family that it does not have: who has it, what it goes with, its price.

Comes in: facts, and pairs of accounts and families (`item`) at instants. Goes out: one row a pair. Everything is told
by what was known at `as_of`: who the customers were then, what they had, which families had found new buyers. The
catalogue of products (`products.complements`) bears no dates and is taken as it is. The features of the account itself
are `engine.build_features`' and are joined elsewhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from revml.families import CUSTOMERS, GOODS, LISTED, OWNED, spans
from revml.features.item import PAIR_FEATURES
from revml.progress import Progress, silent
from revml.snapshots import MONEY_DAYS, bound, instants
from revml.sources.facts import Facts

PAIR_KEYS = ("account_id", "item", "as_of")
# Customers of an industry that are enough to compare with; with fewer all customers are.
MIN_COMPARABLE = 20
# Other customers of a family from which something can be told of what else they have.
MIN_OTHERS = 5
# So many times as often as usual is no chance any more.
GOES_WITH = 1.2
NEW_DAYS = 84

_AT = "(SELECT as_of FROM cutoffs)"

_INDUSTRY = f"""
SELECT a.account_id, COALESCE(h.value, a.industry) AS industry
FROM accounts AS a
LEFT JOIN (
  SELECT account_id, value,
         ROW_NUMBER() OVER (PARTITION BY account_id ORDER BY changed_at DESC, known_at DESC, value) AS nth
  FROM account_history
  WHERE attribute = 'industry' AND changed_at <= {_AT} AND known_at <= {_AT}
) AS h ON h.account_id = a.account_id AND h.nth = 1
WHERE a.created_at <= {_AT} AND a.known_at <= {_AT}
"""

# A purchase by an account that did not have the family then; `first` where it never had.
_ENTRIES = """
SELECT account_id, family, begins, covered IS NULL AS first FROM (
  SELECT account_id, family, begins, MAX(until) OVER (
           PARTITION BY account_id, family ORDER BY begins, until ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
         ) AS covered
  FROM spans
) AS ordered_spans
WHERE covered IS NULL OR covered < begins
"""


def _query(lookback_days: int) -> str:
    """All features of the pairs of one cutoff. Reads `cutoffs` (one row) and `pairs(account_id, item)`."""
    return f"""
WITH goods AS ({GOODS}),
owned AS MATERIALIZED ({OWNED}),
customers AS ({CUSTOMERS}),
listed AS ({LISTED}),
spans AS MATERIALIZED ({spans(_AT, lookback_days)}),
everybody AS (SELECT COUNT(*) AS customers FROM customers),
had AS (
  SELECT o.account_id, o.family FROM owned AS o JOIN listed AS l ON l.family = o.family WHERE o.has = 1
),
popular AS (SELECT family, COUNT(*) AS buyers FROM had GROUP BY family),
usual AS (SELECT account_id, CAST(SUM(money) AS DOUBLE) AS money FROM owned GROUP BY account_id),
width AS (SELECT account_id, COUNT(*) AS families FROM owned WHERE has = 1 AND family IS NOT NULL GROUP BY account_id),
entries AS ({_ENTRIES}),
starts AS (
  SELECT family, MAX(begins) FILTER (first) AS last_start,
         COUNT(DISTINCT account_id) FILTER (begins > (SELECT new_from FROM cutoffs)) AS starters
  FROM entries
  GROUP BY family
),
past AS (SELECT account_id, family, MAX(last_at) AS last_at FROM spans WHERE last_at <= {_AT} GROUP BY ALL),
trades AS (
  SELECT c.account_id, i.industry, COUNT(*) OVER (PARTITION BY i.industry) AS alike
  FROM customers AS c JOIN ({_INDUSTRY}) AS i ON i.account_id = c.account_id
  WHERE i.industry IS NOT NULL
),
in_trade AS (
  SELECT t.industry, h.family, COUNT(*) AS buyers FROM trades AS t JOIN had AS h USING (account_id) GROUP BY ALL
),
together AS (
  SELECT a.family AS other, b.family, COUNT(*) AS both FROM had AS a JOIN had AS b USING (account_id)
  WHERE a.family <> b.family GROUP BY ALL
),
fit AS (
  SELECT p.account_id, p.item, MAX(share) AS affinity,
         CAST(AVG(CAST(share / usually AS DECIMAL(28, 9))) AS DOUBLE) AS lift,
         COUNT(*) FILTER (share >= {GOES_WITH} * usually) AS goes_with
  FROM (
    SELECT p.account_id, p.item, COALESCE(t.both, 0) / (n.buyers - 1.0) AS share,
           m.buyers / (e.customers - 1.0) AS usually
    FROM pairs AS p
    JOIN had AS h ON h.account_id = p.account_id
    JOIN popular AS n ON n.family = h.family AND n.buyers > {MIN_OTHERS}
    JOIN popular AS m ON m.family = p.item
    LEFT JOIN together AS t ON t.other = h.family AND t.family = p.item
    CROSS JOIN everybody AS e
  ) AS p
  GROUP BY p.account_id, p.item
),
named AS (
  SELECT DISTINCT s.account_id, TRIM(c.named) AS named
  FROM spans AS s
  JOIN (SELECT product, UNNEST(STRING_SPLIT(complements, ',')) AS named FROM products) AS c ON c.product = s.product
  WHERE s.until > {_AT}
),
complements AS (
  SELECT DISTINCT n.account_id, COALESCE(g.family, n.named) AS family
  FROM named AS n LEFT JOIN goods AS g ON g.product = n.named
)
SELECT p.account_id, p.item,
       m.buyers / (e.customers - 1.0) AS item_share,
       CASE WHEN e.customers - m.buyers + COALESCE(s.starters, 0) > 0
            THEN COALESCE(s.starters, 0) / CAST(e.customers - m.buyers + COALESCE(s.starters, 0) AS DOUBLE) END
         AS item_start_rate_84d,
       date_diff('day', s.last_start, {_AT}) AS item_last_start_days,
       CASE WHEN t.alike >= {MIN_COMPARABLE} THEN COALESCE(i.buyers, 0) / (t.alike - 1.0)
            ELSE m.buyers / (e.customers - 1.0) END AS item_peer_share,
       f.affinity AS item_affinity,
       f.lift AS item_lift,
       COALESCE(f.goes_with, 0) AS item_goes_with,
       CASE WHEN c.family IS NULL THEN 0 ELSE 1 END AS item_complement,
       CASE WHEN b.family IS NULL THEN 0 ELSE 1 END AS item_had_before,
       date_diff('day', b.last_at, {_AT}) AS item_left_days,
       COALESCE(w.families, 0) AS families_owned,
       l.money AS item_money,
       CASE WHEN u.money > 0 THEN l.money / u.money END AS item_price_to_usual
FROM pairs AS p
CROSS JOIN everybody AS e
LEFT JOIN popular AS m ON m.family = p.item
LEFT JOIN listed AS l ON l.family = p.item
LEFT JOIN starts AS s ON s.family = p.item
LEFT JOIN trades AS t ON t.account_id = p.account_id
LEFT JOIN in_trade AS i ON i.industry = t.industry AND i.family = p.item
LEFT JOIN fit AS f ON f.account_id = p.account_id AND f.item = p.item
LEFT JOIN complements AS c ON c.account_id = p.account_id AND c.family = p.item
LEFT JOIN past AS b ON b.account_id = p.account_id AND b.family = p.item
LEFT JOIN width AS w ON w.account_id = p.account_id
LEFT JOIN usual AS u ON u.account_id = p.account_id
ORDER BY p.account_id, p.item
"""


def pair_features(
    facts: Facts, pairs: pd.DataFrame, lookback_days: int, *, progress: Progress | None = None
) -> pd.DataFrame:
    """The features of accounts and families that they do not have, from what was known at each `as_of`.

    Args:
        pairs: account_id, item, as_of; other columns are ignored. What a pair gets does not depend on the others.
        lookback_days: for how long after an order an account counts as having the family.

    Returns:
        account_id, item, as_of, then the features that these facts allow in the order of `PAIR_FEATURES`, float32;
        sorted by as_of, account_id and item.
    """
    report = progress or silent
    features = [f for f in PAIR_FEATURES if all(facts.has(table, column) for table, column in f.needs)]
    dates = sorted(pairs["as_of"].drop_duplicates())
    query = _query(lookback_days)
    parts = []
    for number, at in enumerate(dates):
        report("pairs", number / len(dates))
        mine = pairs.loc[pairs["as_of"] == at, ["account_id", "item"]]
        with bound(facts.con, pairs=mine, cutoffs=_cutoff(at, lookback_days)):
            frame = facts.con.sql(query).df()
        parts.append(frame.assign(as_of=instants([at] * len(frame))))
    columns = [f.name for f in features]
    if not parts:
        parts = [pairs[list(PAIR_KEYS)].head(0).assign(**dict.fromkeys(columns, 0.0))]
    every: pd.DataFrame = pd.concat(parts, ignore_index=True)[[*PAIR_KEYS, *columns]]
    return every.astype(dict.fromkeys(columns, np.float32))


def _cutoff(at: datetime, lookback_days: int) -> pd.DataFrame:
    reach = max(MONEY_DAYS, lookback_days)
    days = {"as_of": 0, "alive_from": lookback_days, "year_from": MONEY_DAYS, "reach_from": reach, "new_from": NEW_DAYS}
    return pd.DataFrame({name: instants([at - timedelta(days=n)]) for name, n in days.items()})
