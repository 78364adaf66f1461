"""How many different things (users, events, products) were seen in trailing windows: exact, without sketches.

For each thing only its last-seen slot matters. Within the gap between two cutoffs that is one row; it stays the last
one until the gap in which the thing is seen again. A fact that became known late counts from the gap in which it was
known, hence the running maximum.
"""

from __future__ import annotations

from collections.abc import Sequence

from revml.features.spec import Steps
from revml.features.sql import lines


def last_seen(name: str, source: str, entity: str, windows: Sequence[int]) -> Steps:
    """Steps that end in `<name>_seen(account, cutoff, seen_<window>, ...)`; a pair without row saw nothing.

    Args:
        name: prefix of the tables made.
        source: a table with `account, <entity>, day, known_day`.
        entity: the column whose values are counted.
        windows: lengths in days, all of them edges of the calendar.
    """
    slots = f"""
SELECT x.account, x.{entity}, d.slot, k.gap
FROM {source} AS x
JOIN cohorts AS h ON h.account = x.account
JOIN days AS d ON d.cohort = h.cohort AND d.day = x.day AND d.near = 1
JOIN days AS k ON k.cohort = h.cohort AND k.day = x.known_day
WHERE x.{entity} IS NOT NULL
"""
    return ((f"{name}_slots", slots), *last_seen_in_slots(name, f"{name}_slots", entity, windows))


def last_seen_in_slots(name: str, source: str, entity: str, windows: Sequence[int]) -> Steps:
    """The same out of a table with `account, <entity>, slot, gap`, in which a thing may stand more than once."""
    gaps = f"SELECT account, {entity}, gap, MAX(slot) AS slot FROM {source} GROUP BY account, {entity}, gap"
    order = f"OVER (PARTITION BY account, {entity} ORDER BY gap NULLS FIRST)"
    # Things that were seen in the same slot and the same gap, and again in the same gap, count together from here on.
    spans = f"""
SELECT account, slot, gap, next_gap, COUNT(*) AS things
FROM (SELECT account, gap, MAX(slot) {order} AS slot, LEAD(gap) {order} AS next_gap FROM {name}_gaps) AS x
GROUP BY account, slot, gap, next_gap
"""
    # Most are seen again by the next cutoff: those meet one cutoff, by equality.
    seen = f"""
SELECT p.account, p.cutoff,
    {lines(f"SUM(CASE WHEN p.age <= {w} THEN p.things ELSE 0 END) AS seen_{w}" for w in windows)}
FROM (
    SELECT p.account, a.cutoff, a.age, p.things
    FROM {name}_spans AS p JOIN ages AS a ON a.slot = p.slot AND a.cutoff = p.gap
    UNION ALL
    SELECT p.account, a.cutoff, a.age, p.things
    FROM {name}_spans AS p
    JOIN ages AS a ON a.slot = p.slot AND a.cutoff > p.gap AND (p.next_gap IS NULL OR a.cutoff < p.next_gap)
    WHERE p.next_gap IS NULL OR p.next_gap > p.gap + 1
) AS p
GROUP BY p.account, p.cutoff
"""
    return ((f"{name}_gaps", gaps), (f"{name}_spans", spans), (f"{name}_seen", seen))
