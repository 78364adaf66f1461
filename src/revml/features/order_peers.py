"""Orders held against those of all customers: a season that all of them share is no trend of one of them."""

from __future__ import annotations

from revml.features.peers import against, everybody
from revml.features.spec import Feature, Subject

_DAYS = """
SELECT day, known_day, SUM(net) AS net, SUM(orders) AS orders FROM (
    SELECT day, known_day, net, 0 AS orders FROM order_money_days
    UNION ALL
    SELECT day, known_day, 0, 1 FROM order_ids
) AS x GROUP BY day, known_day
"""

_FEATURES = f"""
SELECT t.snapshot,
    {
    against(
        ("t.order_revenue_84d", "(t.order_revenue_168d - t.order_revenue_84d)"),
        ("p.net_84", "(p.net_168 - p.net_84)"),
    )
}
        AS order_revenue_trend_vs_peers_84d,
    {against(("t.orders_84d", "(t.orders_168d - t.orders_84d)"), ("p.orders_84", "(p.orders_168 - p.orders_84)"))}
        AS orders_trend_vs_peers_84d,
    {against(("t.order_revenue_364d", "t.orders_364d"), ("p.net_364", "p.orders_364"))}
        AS order_value_vs_peers_364d
FROM order_sums AS t
JOIN snapshots AS s ON s.snapshot = t.snapshot
JOIN order_everybody AS p ON p.day = s.day
"""

SUBJECT = Subject(
    name="order_peers",
    tables=("orders",),
    store=(("order_all_days", _DAYS),),
    steps=(
        *everybody("order", "order_all_days", ("net", "orders"), (84, 168, 364)),
        ("features_order_peers", _FEATURES),
    ),
    features=(
        Feature("order_revenue_trend_vs_peers_84d", "ratio", "orders", "good", window_days=84),
        Feature("orders_trend_vs_peers_84d", "ratio", "orders", "good", window_days=84),
        Feature("order_value_vs_peers_364d", "ratio", "orders", "good", window_days=364),
    ),
)
