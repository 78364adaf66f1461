"""Who the account is: industry, country, size, age of the relation, and its attributes as they were at `as_of`.

An attribute that `account_history` tells (industry, country, region, employees) is read from there; where the history
has nothing yet, the column of `accounts` stands in.
"""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import count_if, full_days_since, lines, period, ratio, visible, within
from revml.sources.at_start import EMPLOYEES

_TEXTS = ("industry", "country", "region")

_LATEST = f"""
SELECT snapshot, attribute, value FROM (
    SELECT s.snapshot, h.attribute, h.value,
        ROW_NUMBER() OVER (PARTITION BY s.snapshot, h.attribute ORDER BY h.changed_at DESC) AS newest
    FROM snapshots AS s JOIN account_history AS h ON h.account_id = s.account_id AND {visible("h", "changed_at")}
) AS changes WHERE newest = 1
"""

_ATTRIBUTES = f"""
SELECT snapshot,
    {lines(f"MAX(CASE WHEN attribute = '{name}' THEN value END) AS {name}" for name in (*_TEXTS, "employees"))}
FROM attributes_then GROUP BY snapshot
"""

# The number of employees a year ago; before the first change, that of the account's start.
_EMPLOYEES_THEN = f"""
SELECT snapshot, TRY_CAST(value AS BIGINT) AS employees FROM (
    SELECT s.snapshot, h.value, ROW_NUMBER() OVER (PARTITION BY s.snapshot ORDER BY h.changed_at DESC) AS newest
    FROM snapshots AS s JOIN account_history AS h ON h.account_id = s.account_id AND {visible("h", "changed_at")}
    WHERE h.attribute = 'employees' AND h.changed_at <= s.from_364
) AS changes WHERE newest = 1
"""

_CHANGES = f"""
SELECT s.snapshot, {count_if(within("h.changed_at", 364))} AS changes
FROM snapshots AS s JOIN account_history AS h ON h.account_id = s.account_id AND {visible("h", "changed_at")}
GROUP BY s.snapshot
"""

_DAY = period("c.shift", "o.ordered_at")
_PURCHASES = f"""
SELECT a.account, {_DAY} AS day, MIN(GREATEST({_DAY}, {period("c.shift", "o.known_at")})) AS known_day
FROM orders AS o JOIN accounts_in_play AS a ON a.account_id = o.account_id CROSS JOIN clock AS c
WHERE o.quantity > 0 GROUP BY a.account, {_DAY}
"""

_CONTRACTS = f"""
SELECT s.snapshot, COUNT(*) AS subscriptions
FROM snapshots AS s JOIN subscriptions AS r ON r.account_id = s.account_id AND {visible("r", "started_at")}
    AND (r.ended_at IS NULL OR r.ended_at > s.as_of)
GROUP BY s.snapshot
"""

_BUYERS = """
SELECT s.snapshot, COUNT(*) AS order_days
FROM snapshots AS s JOIN purchase_days AS x ON x.account = s.account
    AND x.day < s.day AND x.known_day < s.day AND x.day >= s.from_day_364
GROUP BY s.snapshot
"""

_PROFILE = f"""
SELECT s.snapshot,
    {full_days_since("a.created_at")} AS tenure_days,
    CASE WHEN r.subscriptions > 0 THEN 1 ELSE 0 END AS has_contract,
    CASE WHEN b.order_days > 0 THEN 1 ELSE 0 END AS has_orders,
    {lines(f"COALESCE(t.{name}, a.{name}) AS {name}" for name in _TEXTS)},
    CAST(COALESCE(TRY_CAST(t.employees AS BIGINT), a.employees) AS DOUBLE) AS employees,
    a.acquisition_channel,
    COALESCE(c.changes, 0) AS profile_changes_364d,
    {ratio("TRY_CAST(t.employees AS BIGINT)", "COALESCE(y.employees, a.employees)")} AS employees_trend_364d
FROM snapshots AS s
JOIN accounts AS a ON a.account_id = s.account_id AND {visible("a", "created_at")}
LEFT JOIN attributes_wide AS t ON t.snapshot = s.snapshot
LEFT JOIN profile_changes AS c ON c.snapshot = s.snapshot
LEFT JOIN employees_then AS y ON y.snapshot = s.snapshot
LEFT JOIN contracts_now AS r ON r.snapshot = s.snapshot
LEFT JOIN buyers_now AS b ON b.snapshot = s.snapshot
"""

SUBJECT = Subject(
    name="profile",
    tables=("accounts",),
    store=(("purchase_days", _PURCHASES),),
    steps=(
        ("attributes_then", _LATEST),
        ("attributes_wide", _ATTRIBUTES),
        ("employees_then", _EMPLOYEES_THEN),
        ("profile_changes", _CHANGES),
        ("contracts_now", _CONTRACTS),
        ("buyers_now", _BUYERS),
        ("features_profile", _PROFILE),
    ),
    features=(
        Feature("tenure_days", "days", "profile"),
        Feature("has_contract", "flag", "profile", zero=True),
        Feature("has_orders", "flag", "profile", zero=True),
        Feature("industry", "category", "profile", needs=(("accounts", "industry"),)),
        Feature("country", "category", "profile", needs=(("accounts", "country"),)),
        Feature("region", "category", "profile", needs=(("accounts", "region"),)),
        Feature("employees", "number", "profile", needs=(("accounts", "employees"),)),
        Feature("acquisition_channel", "category", "profile", needs=(("accounts", "acquisition_channel"),)),
        Feature("profile_changes_364d", "count", "profile", window_days=364, needs=(("account_history", "value"),)),
        Feature(
            "employees_trend_364d",
            "ratio",
            "demand",
            "good",
            window_days=364,
            needs=(("account_history", "value"), ("accounts", EMPLOYEES)),
        ),
    ),
)
