"""Readiness to grow: what the account has become since it began, against what it holds.

Whoever has grown in staff and not in seats, or has had more people through the seats than there are, will ask for more.
Seats are those of the subscription that pays most: modules are often counted by the same people once more.
"""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import ratio, visible
from revml.sources.at_start import EMPLOYEES

_SEATS = (("subscriptions", "quantity"),)
# Today's staff instead of the first would know the future.
_STAFF = (("account_history", "value"), ("accounts", EMPLOYEES))

_NOW = """
SELECT snapshot, seats FROM (
    SELECT s.snapshot, s.quantity AS seats,
        ROW_NUMBER() OVER (PARTITION BY s.snapshot ORDER BY s.mrr DESC, s.subscription_id, s.started_at) AS place
    FROM subscription_rows AS s WHERE s.ended_at IS NULL
) AS ranked WHERE place = 1
"""

_FIRST = """
SELECT snapshot, seats FROM (
    SELECT s.snapshot, s.quantity AS seats,
        ROW_NUMBER() OVER (PARTITION BY s.snapshot ORDER BY s.started_at, s.mrr DESC, s.subscription_id) AS place
    FROM subscription_rows AS s
) AS ranked WHERE place = 1
"""

_EVER = f"""
SELECT s.snapshot, COUNT(*) AS users
FROM snapshots AS s JOIN users AS u ON u.account_id = s.account_id AND {visible("u", "created_at")}
GROUP BY s.snapshot
"""

_GREW = ratio("TRY_CAST(t.employees AS BIGINT)", "a.employees")
_FEATURES = f"""
SELECT s.snapshot,
    {ratio("COALESCE(u.users, 0)", "n.seats")} AS users_ever_per_seat,
    {_GREW} AS employees_since_start,
    CASE WHEN n.seats > 0 THEN {_GREW} * CAST(f.seats AS DOUBLE) / CAST(n.seats AS DOUBLE) END
        AS employees_per_seat_since_start
FROM snapshots AS s
JOIN accounts AS a ON a.account_id = s.account_id AND {visible("a", "created_at")}
JOIN seats_now AS n ON n.snapshot = s.snapshot
JOIN seats_first AS f ON f.snapshot = s.snapshot
LEFT JOIN attributes_wide AS t ON t.snapshot = s.snapshot
LEFT JOIN users_ever AS u ON u.snapshot = s.snapshot
"""

SUBJECT = Subject(
    name="room",
    tables=("subscriptions",),
    steps=(("seats_now", _NOW), ("seats_first", _FIRST), ("users_ever", _EVER), ("features_room", _FEATURES)),
    features=(
        Feature("users_ever_per_seat", "ratio", "seats", "good", needs=(*_SEATS, ("users", "created_at"))),
        Feature("employees_since_start", "ratio", "demand", "good", needs=_STAFF),
        Feature("employees_per_seat_since_start", "ratio", "demand", "good", needs=(*_SEATS, *_STAFF)),
    ),
)
