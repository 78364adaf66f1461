"""The people at the account: who has access, who joined, who left, and whether a champion is still there.

A role counts as champion, or as administrator, if its name says so. A user whose `deactivated_at` lies after `as_of`
is still there.
"""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import by_now, count_if, counts, full_days_since, min_if, ratio, visible, within

_ROLE = (("users", "role"),)
_LEFT = (("users", "deactivated_at"),)

_ROWS = f"""
SELECT s.snapshot, s.day, s.shift, s.from_28, s.from_84, s.from_182, s.from_364, u.created_at,
    {by_now("u.deactivated_at")} AS left_at,
    CASE WHEN LOWER(u.role) LIKE '%champion%' OR LOWER(u.role) LIKE '%sponsor%' THEN 1 ELSE 0 END AS champion,
    CASE WHEN LOWER(u.role) LIKE '%admin%' THEN 1 ELSE 0 END AS administrator
FROM snapshots AS s JOIN users AS u ON u.account_id = s.account_id AND {visible("u", "created_at")}
"""

_HERE = "s.left_at IS NULL"
_SUMS = f"""
SELECT s.snapshot,
    {count_if(_HERE)} AS users,
    {count_if("s.created_at <= s.from_84 AND (s.left_at IS NULL OR s.left_at > s.from_84)")} AS users_84,
    {counts("users_added", "s.created_at", (28, 84, 364))},
    {counts("users_removed", "s.left_at", (28, 84, 364))},
    {count_if(f"{_HERE} AND s.champion = 1")} AS champions,
    {count_if(f"{_HERE} AND s.administrator = 1")} AS administrators,
    {counts("champions_left", "s.left_at", (84, 364), "s.champion = 1")},
    {count_if(f"{within('s.left_at', 182)} AND s.administrator = 1")} AS administrators_left_182d,
    {min_if(full_days_since("s.left_at"), "s.champion = 1")} AS days_since_champion_left,
    MAX(s.champion) AS ever_champion,
    {min_if(full_days_since("s.created_at"), "s.champion = 1 AND s.left_at IS NULL")} AS champion_age_days
FROM user_rows AS s GROUP BY s.snapshot
"""

_FEATURES = f"""
SELECT t.*, {ratio("t.users", "t.users_84")} AS users_trend_84d,
    {ratio("t.users_removed_84d", "(t.users + t.users_removed_84d)")} AS users_removed_share_84d,
    CASE WHEN t.ever_champion = 1 AND t.champions = 0 THEN 1 ELSE 0 END AS champion_missing
FROM user_sums AS t
"""

SUBJECT = Subject(
    name="people",
    tables=("users",),
    steps=(("user_rows", _ROWS), ("user_sums", _SUMS), ("features_people", _FEATURES)),
    features=(
        Feature("users", "count", "seats", "good"),
        Feature("users_trend_84d", "ratio", "seats", "good", window_days=84),
        *(Feature(f"users_added_{w}d", "count", "seats", "good", window_days=w) for w in (28, 84, 364)),
        *(Feature(f"users_removed_{w}d", "count", "seats", "bad", window_days=w, needs=_LEFT) for w in (28, 84, 364)),
        Feature("users_removed_share_84d", "share", "seats", "bad", window_days=84, needs=_LEFT),
        Feature("champions", "count", "seats", "good", needs=_ROLE),
        Feature("administrators", "count", "seats", "good", needs=_ROLE),
        *(
            Feature(f"champions_left_{w}d", "count", "seats", "bad", window_days=w, needs=(*_ROLE, *_LEFT))
            for w in (84, 364)
        ),
        Feature("administrators_left_182d", "count", "seats", "bad", window_days=182, needs=(*_ROLE, *_LEFT)),
        Feature("days_since_champion_left", "days", "seats", "good", needs=(*_ROLE, *_LEFT)),
        Feature("champion_missing", "flag", "seats", "bad", needs=(*_ROLE, *_LEFT)),
        Feature("champion_age_days", "days", "seats", "good", needs=_ROLE),
    ),
)
