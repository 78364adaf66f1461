"""Use held against that of all customers: a fall in which everybody takes part tells nothing of one of them."""

from __future__ import annotations

from revml.features.peers import against, everybody
from revml.features.spec import Feature, Subject

_FEATURES = f"""
SELECT t.snapshot,
    {against(("t.events_28d", "(t.events_56d - t.events_28d)"), ("p.events_28", "(p.events_56 - p.events_28)"))}
        AS events_trend_vs_peers_28d,
    {against(("t.events_84d", "(t.events_168d - t.events_84d)"), ("p.events_84", "(p.events_168 - p.events_84)"))}
        AS events_trend_vs_peers_84d,
    {
    against(
        ("t.active_days_28d", "(t.active_days_56d - t.active_days_28d)"),
        ("p.active_days_28", "(p.active_days_56 - p.active_days_28)"),
    )
}
        AS active_days_trend_vs_peers_28d,
    {against(("t.events_28d", "t.active_days_28d"), ("p.events_28", "p.active_days_28"))}
        AS events_per_active_day_vs_peers_28d
FROM usage_sums AS t
JOIN snapshots AS s ON s.snapshot = t.snapshot
JOIN usage_everybody AS p ON p.day = s.day
"""

SUBJECT = Subject(
    name="usage_peers",
    tables=("usage",),
    steps=(
        *everybody("usage", "usage_days", ("events", "active_days"), (28, 56, 84, 168)),
        ("features_usage_peers", _FEATURES),
    ),
    features=(
        Feature("events_trend_vs_peers_28d", "ratio", "usage", "good", window_days=28),
        Feature("events_trend_vs_peers_84d", "ratio", "usage", "good", window_days=84),
        Feature("active_days_trend_vs_peers_28d", "ratio", "usage", "good", window_days=28),
        Feature("events_per_active_day_vs_peers_28d", "ratio", "usage", "good", window_days=28),
    ),
)
