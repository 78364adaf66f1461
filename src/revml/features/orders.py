"""Repeat orders: how much, how often, how broadly, and how late the next order is by the account's own rhythm.

Lines are read once, to days (`store`). An order counts on a day if a line of it has a positive quantity; amounts are
net of returns. Gaps lie between days with an order, in whole days, over the last 728 days.
"""

from __future__ import annotations

from revml.features.last_seen import last_seen
from revml.features.spec import Feature, Subject
from revml.features.sql import exact, lines, period, ratio

_WINDOWS = (28, 84, 182, 364)
_FAMILY = (("products", "family"),)
_COST = (("orders", "cost"),)

_DAY = period("c.shift", "o.ordered_at")
_KNOWN = f"GREATEST({_DAY}, {period('c.shift', 'o.known_at')})"
_FROM = "FROM orders AS o JOIN accounts_in_play AS a ON a.account_id = o.account_id CROSS JOIN clock AS c"

_MONEY_DAYS = f"""
SELECT a.account, {_DAY} AS day, {_KNOWN} AS known_day, SUM({exact("o.amount")}) AS net,
    SUM(CASE WHEN o.quantity < 0 OR o.amount < 0 THEN {exact("o.amount")} ELSE 0 END) AS returned,
    SUM(CASE WHEN o.cost IS NOT NULL THEN {exact("o.amount")} ELSE 0 END) AS costed,
    SUM({exact("o.cost")}) AS cost
{_FROM} GROUP BY a.account, {_DAY}, {_KNOWN}
"""
_ORDER_IDS = f"""
SELECT a.account, o.order_id, {_DAY} AS day, MIN({_KNOWN}) AS known_day
{_FROM} WHERE o.quantity > 0 GROUP BY a.account, o.order_id, {_DAY}
"""
_PRODUCT_DAYS = f"""
SELECT a.account, o.product, {_DAY} AS day, MIN({_KNOWN}) AS known_day
{_FROM} WHERE o.quantity > 0 GROUP BY a.account, o.product, {_DAY}
"""
_FAMILY_DAYS = """
SELECT d.account, p.family, d.day, MIN(d.known_day) AS known_day
FROM order_product_days AS d JOIN products AS p ON p.product = d.product
WHERE p.family IS NOT NULL GROUP BY d.account, p.family, d.day
"""


def _in(days: int, until: int = 0) -> str:
    """Whether a day of `x` lies in the trailing window."""
    start = f"x.day >= s.from_day_{days}"
    return f"{start} AND x.day < s.from_day_{until}" if until else start


def _sum(value: str, condition: str) -> str:
    return f"SUM(CASE WHEN {condition} THEN {value} ELSE 0 END)"


_SEEN = "x.account = s.account AND x.day < s.day AND x.known_day < s.day"

_SUMS = f"""
SELECT s.snapshot,
    {lines(f"{_sum('x.net', _in(w))} AS order_revenue_{w}d" for w in (*_WINDOWS, 168, 728))},
    {lines(f"{_sum('x.orders', _in(w))} AS orders_{w}d" for w in (*_WINDOWS, 168, 728))},
    SUM(x.net) AS net, SUM(x.orders) AS orders_ever,
    {_sum("x.returned", _in(364))} AS returned_364,
    {_sum("x.net - x.returned", _in(364))} AS gross_364,
    {_sum("x.net - x.returned", _in(84))} AS gross_84,
    {_sum("x.costed", _in(364))} AS costed_364, {_sum("x.cost", _in(364))} AS cost_364,
    {_sum("x.net", _in(448, 364))} AS order_revenue_year_ago_84d,
    {_sum("x.net", _in(364, 280))} AS order_revenue_year_ago_ahead_84d
FROM snapshots AS s JOIN (
    SELECT account, day, known_day, net, returned, costed, COALESCE(cost, 0) AS cost, 0 AS orders FROM order_money_days
    UNION ALL
    SELECT account, day, known_day, 0, 0, 0, 0, COUNT(*) FROM order_ids GROUP BY account, day, known_day
) AS x ON {_SEEN}
GROUP BY s.snapshot
"""

_GAPS = f"""
SELECT snapshot, recency, age, gap,
    ROW_NUMBER() OVER (PARTITION BY snapshot ORDER BY gap NULLS FIRST) AS place,
    COUNT(gap) OVER (PARTITION BY snapshot) AS gaps,
    ROW_NUMBER() OVER (PARTITION BY snapshot ORDER BY day DESC) AS newest
FROM (
    SELECT s.snapshot, x.day, date_diff('day', x.day, s.day) - 1 AS age,
        MIN(date_diff('day', x.day, s.day) - 1) OVER (PARTITION BY s.snapshot) AS recency,
        date_diff('day', LAG(x.day) OVER (PARTITION BY s.snapshot ORDER BY x.day NULLS FIRST), x.day) AS gap
    FROM snapshots AS s JOIN purchase_days AS x ON {_SEEN} AND {_in(728)}
) AS visits
"""

# The first visit has no gap and sorts first, so gap number i stands at place i + 1 and the median of n gaps lies
# between places (n + 1) / 2 + 1 and (n + 2) / 2 + 1, rounded down.
_RHYTHM = """
SELECT snapshot, MAX(recency) AS recency, MAX(gaps) AS gaps,
    SUM(gap) AS gap_sum, SUM(gap * gap) AS gap_squares, MAX(gap) AS gap_max,
    SUM(CASE WHEN newest <= 3 THEN gap ELSE 0 END) AS recent_gap_sum,
    SUM(CASE WHEN newest <= 3 AND gap IS NOT NULL THEN 1 ELSE 0 END) AS recent_gaps,
    SUM(CASE WHEN 2 * (place - 1) BETWEEN gaps AND gaps + 2 AND place > 1 THEN gap ELSE 0 END) AS middle_sum,
    SUM(CASE WHEN 2 * (place - 1) BETWEEN gaps AND gaps + 2 AND place > 1 THEN 1 ELSE 0 END) AS middles,
    SUM(CASE WHEN gap >= recency THEN 1 ELSE 0 END) AS gaps_as_long,
    COUNT(DISTINCT CASE WHEN age < 364 THEN CAST(FLOOR(age / 28.0) AS INTEGER) END) AS order_periods_364d
FROM order_gaps GROUP BY snapshot
"""

_LAST = f"""
SELECT s.snapshot, date_diff('day', MAX(x.day), MAX(s.day)) - 1 AS days_since_order,
    date_diff('day', MIN(x.day), MAX(s.day)) - 1 AS order_age_days
FROM snapshots AS s JOIN purchase_days AS x ON {_SEEN} GROUP BY s.snapshot
"""


def _exposure(days: int) -> str:
    """Days of a window since the first order: a customer of two months has no year to be compared with."""
    return f"LEAST(l.order_age_days + 1, {days})"


def _vs_year(name: str, days: int) -> str:
    """The daily rate of a window against that of the year, or of as much of it as there is."""
    return ratio(f"t.{name}_{days}d * {_exposure(364)}", f"(t.{name}_364d * {_exposure(days)})")


_EXPECTED = f"(CAST(t.orders_364d AS DOUBLE) * {_exposure(84)} / {_exposure(364)})"
_MEAN = "(CAST(g.gap_sum AS DOUBLE) / g.gaps)"
_STD = f"SQRT(GREATEST(CAST(g.gap_squares AS DOUBLE) / g.gaps - {_MEAN} * {_MEAN}, 0))"
_RECENT = "(CAST(g.recent_gap_sum AS DOUBLE) / g.recent_gaps)"
_VALUE_84 = "(CAST(t.gross_84 AS DOUBLE) / CAST(t.orders_84d AS DOUBLE))"
_VALUE_364 = "(CAST(t.gross_364 AS DOUBLE) / CAST(t.orders_364d AS DOUBLE))"
_FEATURES = f"""
SELECT s.snapshot,
    {lines(f"t.order_revenue_{w}d, t.orders_{w}d" for w in _WINDOWS)},
    t.orders_ever, t.order_revenue_year_ago_84d, t.order_revenue_year_ago_ahead_84d,
    {ratio("t.order_revenue_84d", "(t.order_revenue_168d - t.order_revenue_84d)")} AS order_revenue_trend_84d,
    {ratio("t.orders_84d", "(t.orders_168d - t.orders_84d)")} AS orders_trend_84d,
    {ratio("t.order_revenue_364d", "(t.order_revenue_728d - t.order_revenue_364d)")} AS order_revenue_trend_364d,
    {ratio("t.orders_364d", "(t.orders_728d - t.orders_364d)")} AS orders_trend_364d,
    {_vs_year("order_revenue", 84)} AS order_revenue_vs_year_84d,
    {_vs_year("orders", 84)} AS orders_vs_year_84d,
    CASE WHEN t.orders_364d > 0 THEN (t.orders_84d - {_EXPECTED}) / SQRT({_EXPECTED} + 0.5) END AS orders_surprise_84d,
    {ratio("28 * t.orders_364d", _exposure(364))} AS order_rate_364d,
    {ratio("t.order_revenue_84d", "t.order_revenue_year_ago_84d")} AS order_revenue_vs_year_ago_84d,
    {ratio("t.order_revenue_year_ago_ahead_84d", "t.order_revenue_year_ago_84d")} AS season_ahead_84d,
    {ratio("-t.returned_364", "t.gross_364")} AS returns_share_364d,
    {ratio("t.gross_364", "t.orders_364d")} AS order_value_364d,
    {ratio("t.gross_84", "t.orders_84d")} AS order_value_84d,
    CASE WHEN t.orders_84d > 0 AND t.gross_364 > 0 THEN {_VALUE_84} / {_VALUE_364} END AS order_value_trend_84d,
    {ratio("t.costed_364 - t.cost_364", "t.costed_364")} AS order_margin_364d,
    l.days_since_order, l.order_age_days, g.order_periods_364d,
    CASE WHEN g.gaps > 0 THEN {_MEAN} END AS order_gap_mean,
    CASE WHEN g.gaps > 0 THEN CAST(g.middle_sum AS DOUBLE) / g.middles END AS order_gap_median,
    CASE WHEN g.gaps > 1 THEN {_STD} END AS order_gap_std,
    CASE WHEN g.gaps > 1 THEN {_STD} / {_MEAN} END AS order_gap_variation,
    CASE WHEN g.recent_gaps > 0 THEN {_RECENT} / {_MEAN} END AS order_gap_trend,
    CASE WHEN g.gaps > 0 THEN CAST(g.recency AS DOUBLE) * g.middles / g.middle_sum END AS order_overdue_ratio,
    CASE WHEN g.gaps > 0 THEN CAST(g.recency AS DOUBLE) / g.gap_max END AS order_overdue_worst_ratio,
    {ratio("g.gaps_as_long", "g.gaps")} AS longer_gaps_share,
    {lines(f"COALESCE(p.seen_{w}, 0) AS products_ordered_{w}d" for w in (84, 364))},
    {lines(f"COALESCE(f.seen_{w}, 0) AS families_ordered_{w}d" for w in (84, 364))},
    {ratio("p.seen_84", "p.seen_364")} AS products_kept_share_84d,
    {ratio("f.seen_84", "f.seen_364")} AS families_kept_share_84d
FROM snapshots AS s
LEFT JOIN order_sums AS t ON t.snapshot = s.snapshot
LEFT JOIN order_last AS l ON l.snapshot = s.snapshot
LEFT JOIN order_rhythm AS g ON g.snapshot = s.snapshot
LEFT JOIN order_products_seen AS p ON p.account = s.account AND p.cutoff = s.cutoff
LEFT JOIN order_families_seen AS f ON f.account = s.account AND f.cutoff = s.cutoff
"""

SUBJECT = Subject(
    name="orders",
    tables=("orders",),
    store=(
        ("order_money_days", _MONEY_DAYS),
        ("order_ids", _ORDER_IDS),
        ("order_product_days", _PRODUCT_DAYS),
        ("order_family_days", _FAMILY_DAYS),
    ),
    steps=(
        ("order_sums", _SUMS),
        ("order_gaps", _GAPS),
        ("order_rhythm", _RHYTHM),
        ("order_last", _LAST),
        *last_seen("order_products", "order_product_days", "product", (84, 364)),
        *last_seen("order_families", "order_family_days", "family", (84, 364)),
        ("features_orders", _FEATURES),
    ),
    features=(
        *(Feature(f"order_revenue_{w}d", "money", "orders", "good", window_days=w, zero=True) for w in _WINDOWS),
        *(Feature(f"orders_{w}d", "count", "orders", "good", window_days=w) for w in _WINDOWS),
        Feature("orders_ever", "count", "orders", "good"),
        Feature("order_revenue_trend_84d", "ratio", "orders", "good", window_days=84),
        Feature("order_revenue_trend_364d", "ratio", "orders", "good", window_days=364),
        Feature("orders_trend_84d", "ratio", "orders", "good", window_days=84),
        Feature("orders_trend_364d", "ratio", "orders", "good", window_days=364),
        Feature("order_revenue_vs_year_84d", "ratio", "orders", "good", window_days=84),
        Feature("orders_vs_year_84d", "ratio", "orders", "good", window_days=84),
        Feature("orders_surprise_84d", "deviation", "orders", "good", window_days=84),
        Feature("order_rate_364d", "number", "rhythm", "good", window_days=364),
        Feature("order_revenue_year_ago_84d", "money", "orders", "good", window_days=84, zero=True),
        Feature("order_revenue_year_ago_ahead_84d", "money", "orders", "good", window_days=84, zero=True),
        Feature("order_revenue_vs_year_ago_84d", "ratio", "orders", "good", window_days=84),
        Feature("season_ahead_84d", "ratio", "orders", "good", window_days=84),
        Feature("returns_share_364d", "share", "orders", "bad", window_days=364),
        Feature("order_value_84d", "money", "orders", "good", window_days=84),
        Feature("order_value_364d", "money", "orders", "good", window_days=364),
        Feature("order_value_trend_84d", "ratio", "orders", "good", window_days=84),
        Feature("order_margin_364d", "share", "orders", "good", window_days=364, needs=_COST),
        Feature("days_since_order", "days", "rhythm", "bad"),
        Feature("order_age_days", "days", "rhythm", "good"),
        Feature("order_periods_364d", "count", "rhythm", "good", window_days=364),
        Feature("order_gap_mean", "number", "rhythm", "bad"),
        Feature("order_gap_median", "number", "rhythm", "bad"),
        Feature("order_gap_std", "number", "rhythm"),
        Feature("order_gap_variation", "number", "rhythm"),
        Feature("order_gap_trend", "ratio", "rhythm", "bad"),
        Feature("order_overdue_ratio", "ratio", "rhythm", "bad"),
        Feature("order_overdue_worst_ratio", "ratio", "rhythm", "bad"),
        Feature("longer_gaps_share", "share", "rhythm", "good"),
        *(Feature(f"products_ordered_{w}d", "count", "breadth", "good", window_days=w) for w in (84, 364)),
        *(
            Feature(f"families_ordered_{w}d", "count", "breadth", "good", window_days=w, needs=_FAMILY)
            for w in (84, 364)
        ),
        Feature("products_kept_share_84d", "share", "breadth", "good", window_days=84),
        Feature("families_kept_share_84d", "share", "breadth", "good", window_days=84, needs=_FAMILY),
    ),
)
