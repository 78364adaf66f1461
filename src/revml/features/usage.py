"""Use of the product: how much, by how many people, how broadly, and how that moves against the account's own past.

Raw rows are read three times however many snapshots there are: to days of the account, of its users, of its events
(`store`). Everything after works on those, through the slots of `calendar`. `events` adds up `quantity` (1 where
absent). A row known later than it happened counts from the moment it was known, in the window in which it happened.
"""

from __future__ import annotations

from revml.features.last_seen import last_seen
from revml.features.spec import Feature, Subject
from revml.features.sql import exact, lines, period, ratio

_WINDOWS = (7, 28, 84, 182, 364)
_USERS = (("usage", "user_id"),)

_DAY = period("c.shift", "u.occurred_at")
_KNOWN = f"GREATEST({_DAY}, {period('c.shift', 'u.known_at')})"
_FROM = "FROM usage AS u JOIN accounts_in_play AS a ON a.account_id = u.account_id CROSS JOIN clock AS c"

_DAYS = f"""
SELECT a.account, {_DAY} AS day, {_KNOWN} AS known_day, SUM({exact("COALESCE(u.quantity, 1)")}) AS events
{_FROM} GROUP BY a.account, {_DAY}, {_KNOWN}
"""
_USER_DAYS = f"""
SELECT a.account, u.user_id, {_DAY} AS day, {_KNOWN} AS known_day, SUM({exact("COALESCE(u.quantity, 1)")}) AS events
{_FROM} WHERE u.user_id IS NOT NULL GROUP BY a.account, u.user_id, {_DAY}, {_KNOWN}
"""
_EVENT_DAYS = f"""
SELECT a.account, u.event, {_DAY} AS day, MIN({_KNOWN}) AS known_day
{_FROM} GROUP BY a.account, u.event, {_DAY}
"""

# A day is active, and a user active on it, once: from the first moment at which any of its rows was known.
_SLOTS = """
SELECT x.account, d.slot, k.gap, SUM(x.events) AS events, SUM(x.active_days) AS active_days,
    SUM(x.user_days) AS user_days, MAX(x.day) AS last_day, MIN(x.day) AS first_day
FROM (
    SELECT account, day, known_day, events, 0 AS active_days, 0 AS user_days FROM usage_days
    UNION ALL
    SELECT account, day, MIN(known_day), 0, 1, 0 FROM usage_days GROUP BY account, day
    UNION ALL
    SELECT account, day, known_day, 0, 0, COUNT(*) FROM (
        SELECT account, user_id, day, MIN(known_day) AS known_day FROM usage_user_days GROUP BY account, user_id, day
    ) AS first_known GROUP BY account, day, known_day
) AS x JOIN days AS d ON d.day = x.day JOIN days AS k ON k.day = x.known_day
GROUP BY x.account, d.slot, k.gap
"""

_EVENT_WINDOWS = (7, 28, 56, 84, 168, 182, 364)
_SUMS = f"""
SELECT s.snapshot,
    {lines(f"SUM(CASE WHEN a.age <= {w} THEN x.events ELSE 0 END) AS events_{w}d" for w in _EVENT_WINDOWS)},
    {lines(f"SUM(CASE WHEN a.age <= {w} THEN x.active_days ELSE 0 END) AS active_days_{w}d" for w in _EVENT_WINDOWS)},
    {lines(f"SUM(CASE WHEN a.age <= {w} THEN x.user_days ELSE 0 END) AS user_days_{w}d" for w in (28, 56, 84, 364))}
FROM usage_slots AS x
JOIN ages AS a ON a.slot = x.slot
JOIN snapshots AS s ON s.account = x.account AND s.cutoff = a.cutoff AND x.gap <= s.cutoff
GROUP BY s.snapshot
"""

_LIFE = """
SELECT s.snapshot, date_diff('day', MAX(g.last_day), MAX(s.day)) - 1 AS days_since_usage,
    date_diff('day', MIN(g.first_day), MAX(s.day)) - 1 AS usage_age_days
FROM snapshots AS s JOIN (
    SELECT account, gap, MAX(last_day) AS last_day, MIN(first_day) AS first_day FROM usage_slots GROUP BY account, gap
) AS g ON g.account = s.account AND g.gap <= s.cutoff
GROUP BY s.snapshot
"""

_TOP_USER = """
SELECT snapshot, MAX(events) AS top, SUM(events) AS whole FROM (
    SELECT s.snapshot, x.user_id, SUM(x.events) AS events
    FROM (
        SELECT u.account, u.user_id, d.slot, k.gap, SUM(u.events) AS events
        FROM usage_user_days AS u JOIN days AS d ON d.day = u.day JOIN days AS k ON k.day = u.known_day
        GROUP BY u.account, u.user_id, d.slot, k.gap
    ) AS x
    JOIN ages AS a ON a.slot = x.slot AND a.age <= 28
    JOIN snapshots AS s ON s.account = x.account AND s.cutoff = a.cutoff AND x.gap <= s.cutoff
    GROUP BY s.snapshot, x.user_id
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
    {lines(f"COALESCE(e.seen_{w}, 0) AS distinct_events_{w}d" for w in (28, 84, 364))},
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
    {ratio("e.seen_28", "e.seen_84")} AS events_breadth_trend_28d,
    {ratio("p.top", "p.whole")} AS top_user_share_28d
FROM snapshots AS s
LEFT JOIN usage_sums AS t ON t.snapshot = s.snapshot
LEFT JOIN usage_life AS l ON l.snapshot = s.snapshot
LEFT JOIN usage_top_user AS p ON p.snapshot = s.snapshot
LEFT JOIN usage_users_seen AS u ON u.account = s.account AND u.cutoff = s.cutoff
LEFT JOIN usage_users_seen AS v ON v.account = s.account AND v.cutoff = s.past_cutoff
LEFT JOIN usage_events_seen AS e ON e.account = s.account AND e.cutoff = s.cutoff
"""

SUBJECT = Subject(
    name="usage",
    tables=("usage",),
    store=(("usage_days", _DAYS), ("usage_user_days", _USER_DAYS), ("usage_event_days", _EVENT_DAYS)),
    steps=(
        ("usage_slots", _SLOTS),
        ("usage_sums", _SUMS),
        ("usage_life", _LIFE),
        ("usage_top_user", _TOP_USER),
        *last_seen("usage_users", "usage_user_days", "user_id", _WINDOWS),
        *last_seen("usage_events", "usage_event_days", "event", (28, 84, 364)),
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
