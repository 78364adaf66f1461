"""Use of the product: how much, by how many people, how broadly, and how that moves against the account's own past.

Raw rows are read once however many snapshots there are: to days of each user, and those to days of the account
(`daily`). Everything after works on these, through the slots of `calendar`. `events` adds up `quantity` (1 where
absent). A row known later than it happened counts from the moment it was known, in the window in which it happened.

Which kinds of event a day saw is a set, kept as bits: kind number 60 w + b is bit b of word w. Uniting sets is BIT_OR,
so that "different events in 84 days" costs no more than a sum.
"""

from __future__ import annotations

from revml.features.last_seen import last_seen_in_slots
from revml.features.spec import Codes, Feature, Subject
from revml.features.sql import lines, ones, period, ratio

_WINDOWS = (7, 28, 84, 182, 364)
_USERS = (("usage", "user_id"),)
# Bits of a word: below 63, so that no engine sees a sign.
_WORD = 60

_DAY = period("c.shift", "u.occurred_at")
_KNOWN = f"GREATEST({_DAY}, {period('c.shift', 'u.known_at')})"

_BITS = f"""
SELECT event, CAST(code // {_WORD} AS INTEGER) AS word, CAST(1 AS BIGINT) << CAST(code % {_WORD} AS INTEGER) AS bit
FROM usage_events
"""
_CELLS = f"""
SELECT a.account, u.user_id, {_DAY} AS day, {_KNOWN} AS known_day, b.word, BIT_OR(b.bit) AS mask,
    SUM(CAST(COALESCE(u.quantity, 1) AS DECIMAL(18, 4))) AS events
FROM usage AS u
JOIN accounts_in_play AS a ON a.account_id = u.account_id
JOIN usage_event_bits AS b ON b.event = u.event
CROSS JOIN clock AS c
GROUP BY a.account, u.user_id, {_DAY}, {_KNOWN}, b.word
"""
_USER_DAYS = """
SELECT x.account, u.code AS person, x.day, x.known_day, x.word, x.mask, CAST(x.events AS DECIMAL(18, 4)) AS events
FROM usage_cells AS x LEFT JOIN usage_users AS u ON u.user_id = x.user_id
"""


def _again(table: str, *same: str) -> str:
    """Rows of a day that was seen already: known before, or by another word. Few: most rows are known at once."""
    keys = ", ".join(f"f.{c}" for c in same)
    alike = " AND ".join(f"x.{c} = f.{c}" for c in same)
    return f"""
SELECT DISTINCT {keys}, f.known_day, f.word
FROM {table} AS f
JOIN {table} AS x ON {alike} AND (x.known_day < f.known_day OR (x.known_day = f.known_day AND x.word < f.word))
WHERE f.known_day > f.day OR f.word > 0
"""


# A day is active, and a user active on it, once: from the first moment at which any of its rows was known.
_SUMMED = """
SELECT x.account, x.day, x.known_day, x.word, BIT_OR(x.mask) AS mask,
    CAST(SUM(x.events) AS DECIMAL(18, 4)) AS events, CAST(SUM(x.people) AS INTEGER) AS user_days
FROM (
    SELECT account, day, known_day, word, mask, events, CASE WHEN person IS NULL THEN 0 ELSE 1 END AS people
    FROM usage_user_days
    UNION ALL
    SELECT account, day, known_day, word, 0, 0, -1 FROM usage_people_again
) AS x GROUP BY x.account, x.day, x.known_day, x.word
"""
_DAYS = """
SELECT x.account, x.day, x.known_day, x.word, x.mask, x.events, x.user_days,
    CASE WHEN g.account IS NULL THEN 1 ELSE 0 END AS active_days
FROM usage_summed AS x
LEFT JOIN usage_days_again AS g
    ON g.account = x.account AND g.day = x.day AND g.known_day = x.known_day AND g.word = x.word
"""

_SLOTS = """
SELECT x.account, d.slot, k.gap, x.word, BIT_OR(x.mask) AS mask, CAST(SUM(x.events) AS DECIMAL(18, 4)) AS events,
    CAST(SUM(x.active_days) AS INTEGER) AS active_days, CAST(SUM(x.user_days) AS INTEGER) AS user_days,
    MAX(x.day) AS last_day
FROM usage_days AS x
JOIN cohorts AS h ON h.account = x.account
JOIN days AS d ON d.cohort = h.cohort AND d.day = x.day AND d.near = 1
JOIN days AS k ON k.cohort = h.cohort AND k.day = x.known_day
GROUP BY x.account, d.slot, k.gap, x.word
"""

_EVENT_WINDOWS = (7, 28, 56, 84, 168, 182, 364)
_KIND_WINDOWS = (28, 84, 364)
_USER_DAY_WINDOWS = (28, 56, 84, 364)


def _summed(name: str, windows: tuple[int, ...]) -> str:
    return lines(f"SUM(CASE WHEN a.age <= {w} THEN x.{name} ELSE 0 END) AS {name}_{w}d" for w in windows)


_PARTS = f"""
SELECT s.snapshot, x.word, MAX(x.last_day) AS last_day,
    {_summed("events", _EVENT_WINDOWS)},
    {_summed("active_days", _EVENT_WINDOWS)},
    {_summed("user_days", _USER_DAY_WINDOWS)},
    {lines(f"BIT_OR(CASE WHEN a.age <= {w} THEN x.mask ELSE 0 END) AS kinds_{w}d" for w in _KIND_WINDOWS)}
FROM usage_slots AS x
JOIN ages AS a ON a.slot = x.slot
JOIN snapshots AS s ON s.account = x.account AND s.cutoff = a.cutoff AND x.gap <= s.cutoff
GROUP BY s.snapshot, x.word
"""
_ADDED = (
    *(f"events_{w}d" for w in _EVENT_WINDOWS),
    *(f"active_days_{w}d" for w in _EVENT_WINDOWS),
    *(f"user_days_{w}d" for w in _USER_DAY_WINDOWS),
)
_KINDS = tuple(f"kinds_{w}d" for w in _KIND_WINDOWS)
_SUMS = f"""
SELECT snapshot, MAX(last_day) AS last_day,
    {lines(f"SUM({name}) AS {name}" for name in (*_ADDED, *_KINDS))}
FROM ({ones("usage_parts", _KINDS, keep=("snapshot", "last_day", *_ADDED))}) AS x
GROUP BY snapshot
"""

# The first day of use, as far as was known: the first that was known at once, and older ones that became known later.
_BEGUN = "SELECT account, MIN(day) AS day FROM usage_days WHERE known_day = day GROUP BY account"
_FIRSTS = """
SELECT account, day, day AS known_day FROM usage_begun
UNION ALL
SELECT x.account, x.day, x.known_day
FROM usage_days AS x LEFT JOIN usage_begun AS b ON b.account = x.account
WHERE x.known_day > x.day AND (b.day IS NULL OR x.day < b.day)
"""
# The last day of use of a snapshot without any in the year before.
_QUIET = """
SELECT s.snapshot, MAX(x.day) AS last_day
FROM snapshots AS s
LEFT JOIN usage_sums AS t ON t.snapshot = s.snapshot
JOIN usage_days AS x ON x.account = s.account AND x.day < s.day AND x.known_day < s.day
WHERE t.snapshot IS NULL
GROUP BY s.snapshot
"""
_LIFE = """
SELECT s.snapshot, date_diff('day', MIN(COALESCE(t.last_day, q.last_day)), MAX(s.day)) - 1 AS days_since_usage,
    date_diff('day', MIN(g.day), MAX(s.day)) - 1 AS usage_age_days
FROM snapshots AS s
JOIN usage_firsts AS g ON g.account = s.account AND g.day < s.day AND g.known_day < s.day
LEFT JOIN usage_sums AS t ON t.snapshot = s.snapshot
LEFT JOIN usage_quiet AS q ON q.snapshot = s.snapshot
GROUP BY s.snapshot
"""

# What a person did in a slot; older use than any window reaches says nothing of people.
_PEOPLE = """
SELECT u.account, u.person, d.slot, k.gap, SUM(u.events) AS events
FROM usage_user_days AS u
JOIN cohorts AS h ON h.account = u.account
JOIN days AS d ON d.cohort = h.cohort AND d.day = u.day AND d.near = 1
JOIN days AS k ON k.cohort = h.cohort AND k.day = u.known_day
WHERE u.person IS NOT NULL
GROUP BY u.account, u.person, d.slot, k.gap
"""
_TOP_USER = """
SELECT snapshot, MAX(events) AS top, SUM(events) AS whole FROM (
    SELECT s.snapshot, x.person, SUM(x.events) AS events
    FROM usage_people AS x
    JOIN ages AS a ON a.slot = x.slot AND a.age <= 28
    JOIN snapshots AS s ON s.account = x.account AND s.cutoff = a.cutoff AND x.gap <= s.cutoff
    GROUP BY s.snapshot, x.person
) AS users GROUP BY snapshot
"""


def _exposure(days: int) -> str:
    """Days of a window since the first use: an account of two months has no year to be compared with."""
    return f"LEAST(l.usage_age_days + 1, {days})"


def _vs_year(name: str, days: int) -> str:
    """The daily rate of a window against that of the year, or of as much of it as there is."""
    return ratio(f"t.{name}_{days}d * {_exposure(364)}", f"(t.{name}_364d * {_exposure(days)})")


def _surprise(name: str, days: int) -> str:
    """How far a count lies from what the year's rate leads to expect, in standard deviations of a Poisson count."""
    expected = f"(CAST(t.{name}_364d AS DOUBLE) * {_exposure(days)} / {_exposure(364)})"
    return f"CASE WHEN t.{name}_364d > 0 THEN (t.{name}_{days}d - {expected}) / SQRT({expected} + 0.5) END"


_FEATURES = f"""
SELECT s.snapshot,
    {lines(f"t.events_{w}d" for w in _WINDOWS)},
    {lines(f"t.active_days_{w}d" for w in _WINDOWS)},
    {lines(f"COALESCE(u.seen_{w}, 0) AS active_users_{w}d" for w in _WINDOWS)},
    {lines(f"COALESCE(t.kinds_{w}d, 0) AS distinct_events_{w}d" for w in _KIND_WINDOWS)},
    l.days_since_usage, l.usage_age_days,
    {ratio("4 * t.events_7d", "t.events_28d")} AS events_trend_7d,
    {ratio("t.events_28d", "(t.events_56d - t.events_28d)")} AS events_trend_28d,
    {ratio("t.events_84d", "(t.events_168d - t.events_84d)")} AS events_trend_84d,
    {_vs_year("events", 28)} AS events_vs_year_28d,
    {_vs_year("active_days", 84)} AS active_days_vs_year_84d,
    {_surprise("active_days", 28)} AS active_days_surprise_28d,
    {_surprise("active_days", 84)} AS active_days_surprise_84d,
    {_surprise("user_days", 84)} AS user_days_surprise_84d,
    {ratio("t.active_days_28d", "(t.active_days_56d - t.active_days_28d)")} AS active_days_trend_28d,
    {ratio("t.active_days_84d", "(t.active_days_168d - t.active_days_84d)")} AS active_days_trend_84d,
    {ratio("t.user_days_28d", "(t.user_days_56d - t.user_days_28d)")} AS user_days_trend_28d,
    {ratio("COALESCE(u.seen_28, 0)", "v.seen_28")} AS active_users_trend_84d,
    COALESCE(u.seen_84, 0) - COALESCE(u.seen_28, 0) AS users_gone_quiet_28d,
    {ratio("u.seen_84 - u.seen_28", "u.seen_84")} AS users_gone_quiet_share_28d,
    {ratio("t.user_days_28d", "(28 * u.seen_28)")} AS stickiness_28d,
    {ratio("t.events_28d", "u.seen_28")} AS events_per_user_28d,
    {ratio("t.kinds_28d", "t.kinds_84d")} AS events_breadth_trend_28d,
    {ratio("p.top", "p.whole")} AS top_user_share_28d
FROM snapshots AS s
LEFT JOIN usage_sums AS t ON t.snapshot = s.snapshot
LEFT JOIN usage_life AS l ON l.snapshot = s.snapshot
LEFT JOIN usage_top_user AS p ON p.snapshot = s.snapshot
LEFT JOIN usage_users_seen AS u ON u.account = s.account AND u.cutoff = s.cutoff
LEFT JOIN usage_users_seen AS v ON v.account = s.account AND v.cutoff = s.past_cutoff
"""

SUBJECT = Subject(
    name="usage",
    tables=("usage",),
    daily=(
        Codes("usage_events", "event", "usage"),
        ("usage_event_bits", _BITS),
        ("usage_cells", _CELLS),
        Codes("usage_users", "user_id", "usage_cells"),
        ("usage_user_days", _USER_DAYS),
        ("usage_people_again", _again("usage_user_days", "account", "person", "day")),
        ("usage_summed", _SUMMED),
        ("usage_days_again", _again("usage_summed", "account", "day")),
        ("usage_days", _DAYS),
    ),
    kept=("usage_user_days", "usage_days"),
    store=(("usage_begun", _BEGUN), ("usage_firsts", _FIRSTS)),
    steps=(
        ("usage_slots", _SLOTS),
        ("usage_parts", _PARTS),
        ("usage_sums", _SUMS),
        ("usage_quiet", _QUIET),
        ("usage_life", _LIFE),
        ("usage_people", _PEOPLE),
        ("usage_top_user", _TOP_USER),
        *last_seen_in_slots("usage_users", "usage_people", "person", _WINDOWS),
        ("features_usage", _FEATURES),
    ),
    features=(
        *(Feature(f"events_{w}d", "number", "usage", "good", window_days=w, zero=True) for w in _WINDOWS),
        *(Feature(f"active_days_{w}d", "count", "usage", "good", window_days=w) for w in _WINDOWS),
        *(Feature(f"active_users_{w}d", "count", "adoption", "good", window_days=w, needs=_USERS) for w in _WINDOWS),
        *(Feature(f"distinct_events_{w}d", "count", "breadth", "good", window_days=w) for w in (28, 84, 364)),
        Feature("days_since_usage", "days", "usage", "bad"),
        Feature("usage_age_days", "days", "usage", "good"),
        Feature("events_trend_7d", "ratio", "usage", "good", words="events_week_trend", window_days=7),
        Feature("events_trend_28d", "ratio", "usage", "good", window_days=28),
        Feature("events_trend_84d", "ratio", "usage", "good", window_days=84),
        Feature("events_vs_year_28d", "ratio", "usage", "good", window_days=28),
        Feature("active_days_vs_year_84d", "ratio", "usage", "good", window_days=84),
        *(Feature(f"active_days_surprise_{w}d", "deviation", "usage", "good", window_days=w) for w in (28, 84)),
        Feature("user_days_surprise_84d", "deviation", "adoption", "good", window_days=84, needs=_USERS),
        Feature("active_days_trend_28d", "ratio", "usage", "good", window_days=28),
        Feature("active_days_trend_84d", "ratio", "usage", "good", window_days=84),
        Feature("user_days_trend_28d", "ratio", "adoption", "good", window_days=28, needs=_USERS),
        Feature("active_users_trend_84d", "ratio", "adoption", "good", window_days=84, needs=_USERS),
        Feature("users_gone_quiet_28d", "count", "adoption", "bad", window_days=28, needs=_USERS),
        Feature("users_gone_quiet_share_28d", "share", "adoption", "bad", window_days=28, needs=_USERS),
        Feature("stickiness_28d", "share", "adoption", "good", window_days=28, needs=_USERS),
        Feature("events_per_user_28d", "number", "adoption", "good", window_days=28, needs=_USERS),
        Feature("events_breadth_trend_28d", "share", "breadth", "good", window_days=28),
        Feature("top_user_share_28d", "share", "adoption", "bad", window_days=28, needs=_USERS),
    ),
)
