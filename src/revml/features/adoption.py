"""How much of what is paid for is used: active users against seats, against people with access, and their price."""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import exact, ratio, visible

_SEATS = (("subscriptions", "quantity"), ("usage", "user_id"))
_PEOPLE = (("users", "created_at"), ("usage", "user_id"))

_PAID = f"""
SELECT s.snapshot, SUM({exact("r.quantity")}) AS seats, SUM({exact("r.mrr")}) AS mrr
FROM snapshots AS s JOIN subscriptions AS r ON r.account_id = s.account_id AND {visible("r", "started_at")}
    AND (r.ended_at IS NULL OR r.ended_at > s.as_of)
GROUP BY s.snapshot
"""

_PEOPLE_NOW = f"""
SELECT s.snapshot, COUNT(*) AS users
FROM snapshots AS s JOIN users AS u ON u.account_id = s.account_id AND {visible("u", "created_at")}
    AND (u.deactivated_at IS NULL OR u.deactivated_at > s.as_of)
GROUP BY s.snapshot
"""

_FEATURES = f"""
SELECT s.snapshot,
    {ratio("f.active_users_28d", "p.seats")} AS active_users_per_seat_28d,
    {ratio("f.active_users_84d", "p.seats")} AS active_users_per_seat_84d,
    {ratio("f.events_28d", "p.seats")} AS events_per_seat_28d,
    {ratio("p.mrr", "f.active_users_28d")} AS mrr_per_active_user_28d,
    {ratio("f.active_users_28d", "h.users")} AS users_active_share_28d,
    {ratio("f.active_users_84d", "h.users")} AS users_active_share_84d
FROM snapshots AS s
JOIN features_usage AS f ON f.snapshot = s.snapshot
LEFT JOIN paid_now AS p ON p.snapshot = s.snapshot
LEFT JOIN people_now AS h ON h.snapshot = s.snapshot
"""

SUBJECT = Subject(
    name="adoption",
    tables=("usage",),
    steps=(("paid_now", _PAID), ("people_now", _PEOPLE_NOW), ("features_adoption", _FEATURES)),
    features=(
        Feature("active_users_per_seat_28d", "share", "adoption", "good", window_days=28, needs=_SEATS),
        Feature("active_users_per_seat_84d", "share", "adoption", "good", window_days=84, needs=_SEATS),
        Feature(
            "events_per_seat_28d", "number", "adoption", "good", window_days=28, needs=(("subscriptions", "quantity"),)
        ),
        Feature("mrr_per_active_user_28d", "money", "price", "bad", window_days=28, needs=_SEATS),
        Feature("users_active_share_28d", "share", "adoption", "good", window_days=28, needs=_PEOPLE),
        Feature("users_active_share_84d", "share", "adoption", "good", window_days=84, needs=_PEOPLE),
    ),
)
