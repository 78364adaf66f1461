"""People who take their data out: exports and downloads, against what is usual at the account.

Who looks at another supplier brings the data along. An event is an export if its name says so. It counts once a person
and day, from the moment at which it was first known, and is held against the share of days of use with an export over
the year: an account that exports every month takes nothing away. Unknown where the year saw no export at all.
"""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import lines

_WINDOWS = (28, 84)
_NEEDS = (("usage", "user_id"),)
# Days of use that draw an account's own share towards rarity: a first export in a short history is no alarm.
_STEADY = 60

_BITS = """
SELECT word, bit FROM usage_event_bits
WHERE LOWER(event) LIKE '%export%' OR LOWER(event) LIKE '%download%' OR LOWER(event) LIKE '%backup%'
"""
# From the cells of usage, so that the raw rows are read once; the numbers of events and words leave no trace.
_USER_DAYS = """
SELECT x.account, x.user_id, x.day, MIN(x.known_day) AS known_day
FROM usage_cells AS x JOIN export_bits AS b ON b.word = x.word AND (x.mask & b.bit) <> 0
WHERE x.user_id IS NOT NULL
GROUP BY x.account, x.user_id, x.day
"""
_DAYS = """
SELECT account, day, known_day, CAST(COUNT(*) AS INTEGER) AS people FROM export_user_days
GROUP BY account, day, known_day
"""

_SLOTS = """
SELECT x.account, d.slot, k.gap, CAST(SUM(x.people) AS INTEGER) AS people
FROM export_days AS x
JOIN cohorts AS h ON h.account = x.account
JOIN days AS d ON d.cohort = h.cohort AND d.day = x.day AND d.near = 1
JOIN days AS k ON k.cohort = h.cohort AND k.day = x.known_day
GROUP BY x.account, d.slot, k.gap
"""
_SUMS = f"""
SELECT s.snapshot,
    {lines(f"SUM(CASE WHEN a.age <= {w} THEN x.people ELSE 0 END) AS people_{w}" for w in (*_WINDOWS, 364))}
FROM export_slots AS x
JOIN ages AS a ON a.slot = x.slot
JOIN snapshots AS s ON s.account = x.account AND s.cutoff = a.cutoff AND x.gap <= s.cutoff
GROUP BY s.snapshot
"""


def _surprise(days: int) -> str:
    """How far the exports of a window lie from the account's own share of them, in deviations of a Poisson count."""
    share = f"(CAST(e.people_364 AS DOUBLE) + 0.5) / (t.user_days_364d + {_STEADY})"
    expected = f"(t.user_days_{days}d * {share})"
    return f"(e.people_{days} - {expected}) / SQRT({expected} + 0.3)"


_FEATURES = f"""
SELECT e.snapshot,
    {lines(f"e.people_{w} AS export_user_days_{w}d" for w in _WINDOWS)},
    {lines(f"{_surprise(w)} AS export_surprise_{w}d" for w in _WINDOWS)}
FROM export_sums AS e
JOIN usage_sums AS t ON t.snapshot = e.snapshot
"""

SUBJECT = Subject(
    name="exports",
    tables=("usage",),
    daily=(("export_bits", _BITS), ("export_user_days", _USER_DAYS), ("export_days", _DAYS)),
    kept=("export_days",),
    steps=(("export_slots", _SLOTS), ("export_sums", _SUMS), ("features_exports", _FEATURES)),
    features=(
        *(Feature(f"export_user_days_{w}d", "count", "usage", "bad", window_days=w, needs=_NEEDS) for w in _WINDOWS),
        *(Feature(f"export_surprise_{w}d", "deviation", "usage", "bad", window_days=w, needs=_NEEDS) for w in _WINDOWS),
    ),
)
