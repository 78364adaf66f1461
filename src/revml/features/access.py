"""Room to grow: people with access, and the people there are, against the seats that are paid for.

Where everybody who has a seat uses one and more are asked for, the next contract is for more seats; where most seats
have nobody, it may be for fewer.
"""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import ratio

_SEATS = (("subscriptions", "quantity"),)

_FEATURES = f"""
SELECT s.snapshot,
    {ratio("COALESCE(u.users, 0)", "p.seats")} AS users_per_seat,
    {ratio("COALESCE(u.users_added_84d, 0)", "p.seats")} AS users_added_per_seat_84d,
    {ratio("e.employees", "p.seats")} AS employees_per_seat
FROM snapshots AS s
JOIN subscription_sums AS p ON p.snapshot = s.snapshot
LEFT JOIN user_sums AS u ON u.snapshot = s.snapshot
LEFT JOIN features_profile AS e ON e.snapshot = s.snapshot
"""

SUBJECT = Subject(
    name="access",
    tables=("users", "subscriptions"),
    steps=(("features_access", _FEATURES),),
    features=(
        Feature("users_per_seat", "share", "seats", "good", needs=_SEATS),
        Feature("users_added_per_seat_84d", "share", "seats", "good", window_days=84, needs=_SEATS),
        Feature("employees_per_seat", "number", "seats", needs=(*_SEATS, ("accounts", "employees"))),
    ),
)
