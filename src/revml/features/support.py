"""Support cases: how many, how severe, how long they last, and how content the customer was.

A case whose `closed_at` lies after `as_of` is open, and its satisfaction unknown. Severe is what the priority's name
says.
"""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import (
    by_now,
    count_if,
    counts,
    exact,
    full_days_since,
    lines,
    max_if,
    ratio,
    sums,
    visible,
    within,
)

_CLOSED = (("tickets", "closed_at"),)
_PRIORITY = (("tickets", "priority"),)
_SATISFACTION = (("tickets", "satisfaction"), ("tickets", "closed_at"))
_SEVERE = "('urgent', 'critical', 'high', 'severe', 'blocker', 'emergency', 'p0', 'p1', 's1', 'sev1', '1')"

_ROWS = f"""
SELECT s.snapshot, s.day, s.shift, s.from_28, s.from_84, s.from_168, s.from_364, t.opened_at, t.category,
    {by_now("t.closed_at")} AS closed_at,
    CASE WHEN t.closed_at <= s.as_of THEN {exact("t.satisfaction")} END AS satisfaction,
    CASE WHEN LOWER(t.priority) IN {_SEVERE} THEN 1 ELSE 0 END AS severe,
    date_diff('hour', date_trunc('hour', t.opened_at), date_trunc('hour', {by_now("t.closed_at")})) AS hours
FROM snapshots AS s JOIN tickets AS t ON t.account_id = s.account_id AND {visible("t", "opened_at")}
"""

_OPEN = "s.closed_at IS NULL"
_RATED = "s.satisfaction IS NOT NULL"
_SUMS = f"""
SELECT s.snapshot,
    {counts("tickets", "s.opened_at", (28, 84, 168, 364))},
    {counts("severe_tickets", "s.opened_at", (28, 84, 364), "s.severe = 1")},
    {count_if(_OPEN)} AS tickets_open,
    {count_if(f"{_OPEN} AND s.severe = 1")} AS severe_tickets_open,
    {max_if(full_days_since("s.opened_at"), _OPEN)} AS oldest_open_ticket_days,
    {counts("closed", "s.closed_at", (84, 364))},
    {sums("hours", "s.hours", "s.closed_at", (84, 364))},
    {max_if("s.hours", within("s.closed_at", 364))} AS hours_max_364,
    {counts("rated", "s.closed_at", (84, 364), _RATED)},
    {sums("rating", "s.satisfaction", "s.closed_at", (84, 364), _RATED)},
    {count_if(f"{within('s.closed_at', 364)} AND s.satisfaction <= 2")} AS unhappy_tickets_364d,
    COUNT(DISTINCT CASE WHEN {within("s.opened_at", 84)} THEN s.category END) AS ticket_categories_84d,
    MIN({full_days_since("s.opened_at")}) AS days_since_ticket
FROM ticket_rows AS s GROUP BY s.snapshot
"""

_FEATURES = f"""
SELECT t.*,
    {ratio("t.tickets_84d", "(t.tickets_168d - t.tickets_84d)")} AS tickets_trend_84d,
    {ratio("13 * t.tickets_28d", "t.tickets_364d")} AS tickets_vs_year_28d,
    {ratio("t.severe_tickets_364d", "t.tickets_364d")} AS severe_share_364d,
    {lines(f"{ratio(f't.hours_{w}d', f'(24 * t.closed_{w}d)')} AS days_to_close_{w}d" for w in (84, 364))},
    CAST(t.hours_max_364 AS DOUBLE) / 24 AS longest_ticket_days_364d,
    {lines(f"{ratio(f't.rating_{w}d', f't.rated_{w}d')} AS satisfaction_{w}d" for w in (84, 364))},
    {ratio("t.rating_84d", "t.rated_84d")} - {ratio("t.rating_364d", "t.rated_364d")} AS satisfaction_change_84d
FROM ticket_sums AS t
"""

SUBJECT = Subject(
    name="support",
    tables=("tickets",),
    steps=(("ticket_rows", _ROWS), ("ticket_sums", _SUMS), ("features_support", _FEATURES)),
    features=(
        *(Feature(f"tickets_{w}d", "count", "support", "bad", window_days=w) for w in (28, 84, 364)),
        Feature("tickets_trend_84d", "ratio", "support", "bad", window_days=84),
        Feature("tickets_vs_year_28d", "ratio", "support", "bad", window_days=28),
        Feature("days_since_ticket", "days", "support", "good"),
        Feature("tickets_open", "count", "support", "bad", needs=_CLOSED),
        Feature("oldest_open_ticket_days", "days", "support", "bad", needs=_CLOSED),
        *(
            Feature(f"severe_tickets_{w}d", "count", "support", "bad", window_days=w, needs=_PRIORITY)
            for w in (28, 84, 364)
        ),
        Feature("severe_tickets_open", "count", "support", "bad", needs=(*_PRIORITY, *_CLOSED)),
        Feature("severe_share_364d", "share", "support", "bad", window_days=364, needs=_PRIORITY),
        *(Feature(f"days_to_close_{w}d", "number", "support", "bad", window_days=w, needs=_CLOSED) for w in (84, 364)),
        Feature("longest_ticket_days_364d", "number", "support", "bad", window_days=364, needs=_CLOSED),
        *(
            Feature(f"satisfaction_{w}d", "score", "support", "good", window_days=w, needs=_SATISFACTION)
            for w in (84, 364)
        ),
        Feature("satisfaction_change_84d", "number", "support", "good", window_days=84, needs=_SATISFACTION),
        Feature("unhappy_tickets_364d", "count", "support", "bad", window_days=364, needs=_SATISFACTION),
        Feature("ticket_categories_84d", "count", "support", "bad", window_days=84, needs=(("tickets", "category"),)),
    ),
)
