"""Contracts: what the account pays, since when, until when, and how that changed.

A row of the contract is a period of constant terms; `ended_at` after `as_of` is unknown, so a row that runs then is
open. Changes compare a period with the one before it of the same subscription, among the rows known at `as_of`.
"""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import (
    by_now,
    count_if,
    days_until,
    exact,
    full_days_since,
    lines,
    max_if,
    min_if,
    ratio,
    sum_if,
    visible,
    within,
)

_AGO = (84, 182, 364)
_SINCE = ("from_28", "from_84", "from_182", "from_364")

_LINE = "OVER (PARTITION BY s.snapshot, r.subscription_id ORDER BY r.started_at)"
_ROWS = f"""
SELECT s.snapshot, s.as_of, s.day, s.shift, {", ".join(f"s.{c}" for c in _SINCE)},
    r.subscription_id, r.product, r.plan, r.started_at, r.renews_at, r.notice_days, r.billing_months, r.auto_renew,
    {exact("r.quantity")} AS quantity, {exact("r.mrr")} AS mrr, {by_now("r.ended_at")} AS ended_at,
    LAG({exact("r.mrr")}) {_LINE} AS mrr_before,
    LAG({exact("r.quantity")}) {_LINE} AS quantity_before,
    LEAD(r.started_at) {_LINE} AS next_start
FROM snapshots AS s JOIN subscriptions AS r ON r.account_id = s.account_id AND {visible("r", "started_at")}
"""


def _then(days: int) -> str:
    """Whether a period ran `days` before the snapshot."""
    return f"s.started_at <= s.from_{days} AND (s.ended_at IS NULL OR s.ended_at > s.from_{days})"


_LIVE = "s.ended_at IS NULL"
_AHEAD = f"{_LIVE} AND s.renews_at >= s.as_of"
_PRICE_UP = "s.quantity > 0 AND s.quantity_before > 0 AND s.mrr * s.quantity_before > s.mrr_before * s.quantity * 1.001"

_SUMS = f"""
SELECT s.snapshot,
    {sum_if("s.mrr", _LIVE)} AS mrr,
    {sum_if("s.quantity", _LIVE)} AS seats,
    {lines(f"{sum_if('s.mrr', _then(d))} AS mrr_{d}" for d in _AGO)},
    {lines(f"{sum_if('s.quantity', _then(d))} AS seats_{d}" for d in _AGO)},
    {max_if("s.mrr", _LIVE)} AS mrr_largest,
    {count_if(_LIVE)} AS subscriptions_active,
    COUNT(DISTINCT CASE WHEN {_LIVE} THEN s.product END) AS products_active,
    MAX({full_days_since("s.started_at")}) AS contract_age_days,
    {min_if(full_days_since("s.started_at"), _LIVE)} AS days_since_terms_changed,
    {min_if(days_until("s.renews_at"), _AHEAD)} AS days_to_renewal,
    {sum_if("s.mrr", f"{_AHEAD} AND {days_until('s.renews_at')} <= 84")} AS mrr_renewing,
    MAX(CASE WHEN {_AHEAD} AND {days_until("s.renews_at")} <= s.notice_days THEN 1 ELSE 0 END) AS in_notice_period,
    {count_if(f"{within('s.started_at', 84)} AND s.mrr > s.mrr_before")} AS expansions_84d,
    {count_if(f"{within('s.started_at', 364)} AND s.mrr > s.mrr_before")} AS expansions_364d,
    {count_if(f"{within('s.started_at', 84)} AND s.mrr < s.mrr_before")} AS contractions_84d,
    {count_if(f"{within('s.started_at', 364)} AND s.mrr < s.mrr_before")} AS contractions_364d,
    {count_if(f"{within('s.started_at', 84)} AND {_PRICE_UP}")} AS price_increases_84d,
    {count_if(f"{within('s.started_at', 364)} AND {_PRICE_UP}")} AS price_increases_364d,
    {count_if(f"{within('s.started_at', 364)} AND s.quantity > s.quantity_before")} AS seat_increases_364d,
    {count_if(f"{within('s.started_at', 364)} AND s.quantity < s.quantity_before")} AS seat_decreases_364d,
    {count_if(f"{within('s.started_at', 364)} AND s.mrr_before IS NULL")} AS subscriptions_started_364d,
    {count_if(f"{within('s.ended_at', 364)} AND s.next_start IS NULL")} AS subscriptions_ended_364d
FROM subscription_rows AS s GROUP BY s.snapshot
"""

# The terms of the subscription that pays most speak for the account.
_MAIN = f"""
SELECT snapshot, plan, product, auto_renew, billing_months, notice_days, term_days FROM (
    SELECT s.snapshot, s.plan, s.product, s.auto_renew, s.billing_months, s.notice_days,
        date_diff('day', CAST(s.started_at AS DATE), CAST(s.renews_at AS DATE)) AS term_days,
        ROW_NUMBER() OVER (PARTITION BY s.snapshot ORDER BY s.mrr DESC, s.subscription_id, s.started_at) AS place
    FROM subscription_rows AS s WHERE {_LIVE}
) AS ranked WHERE place = 1
"""

_TIERS = f"""
SELECT s.snapshot, MAX(p.tier) AS tier
FROM subscription_rows AS s JOIN products AS p ON p.product = s.product WHERE {_LIVE} GROUP BY s.snapshot
"""


def _price_change(days: int) -> str:
    return (
        f"CASE WHEN t.seats > 0 AND t.seats_{days} > 0 AND t.mrr_{days} > 0 THEN (CAST(t.mrr AS DOUBLE) / "
        f"CAST(t.seats AS DOUBLE)) / (CAST(t.mrr_{days} AS DOUBLE) / CAST(t.seats_{days} AS DOUBLE)) END"
    )


_FEATURES = f"""
SELECT t.*, m.plan, m.product AS main_product, CAST(m.auto_renew AS INTEGER) AS auto_renew, m.billing_months,
    m.notice_days, m.term_days, k.tier,
    {lines(f"{ratio('t.mrr', f't.mrr_{d}')} AS mrr_trend_{d}d" for d in _AGO)},
    {lines(f"{ratio('t.seats', f't.seats_{d}')} AS seats_trend_{d}d" for d in _AGO)},
    {_price_change(84)} AS price_trend_84d,
    {_price_change(364)} AS price_trend_364d,
    {ratio("t.mrr", "t.seats")} AS price_per_seat,
    {ratio("t.mrr_largest", "t.mrr")} AS largest_subscription_share,
    {ratio("t.mrr_renewing", "t.mrr")} AS mrr_renewing_share_84d
FROM subscription_sums AS t
LEFT JOIN subscription_main AS m ON m.snapshot = t.snapshot
LEFT JOIN subscription_tiers AS k ON k.snapshot = t.snapshot
"""


def _optional(column: str) -> tuple[tuple[str, str], ...]:
    return (("subscriptions", column),)


SUBJECT = Subject(
    name="subscriptions",
    tables=("subscriptions",),
    steps=(
        ("subscription_rows", _ROWS),
        ("subscription_sums", _SUMS),
        ("subscription_main", _MAIN),
        ("subscription_tiers", _TIERS),
        ("features_subscriptions", _FEATURES),
    ),
    features=(
        Feature("mrr", "money", "contract", "good", zero=True),
        *(Feature(f"mrr_trend_{d}d", "ratio", "contract", "good", window_days=d) for d in _AGO),
        Feature("subscriptions_active", "count", "contract", "good"),
        Feature("products_active", "count", "breadth", "good"),
        Feature("largest_subscription_share", "share", "contract"),
        Feature("contract_age_days", "days", "contract", "good"),
        Feature("days_since_terms_changed", "days", "contract"),
        Feature("plan", "category", "contract", needs=_optional("plan")),
        Feature("main_product", "category", "contract"),
        Feature("tier", "number", "contract", needs=(("products", "tier"),)),
        Feature("billing_months", "count", "contract", zero=False, needs=_optional("billing_months")),
        Feature("expansions_84d", "count", "contract", "good", window_days=84),
        Feature("expansions_364d", "count", "contract", "good", window_days=364),
        Feature("contractions_84d", "count", "contract", "bad", window_days=84),
        Feature("contractions_364d", "count", "contract", "bad", window_days=364),
        Feature("subscriptions_started_364d", "count", "contract", "good", window_days=364),
        Feature("subscriptions_ended_364d", "count", "contract", "bad", window_days=364),
        Feature("seats", "number", "seats", "good", zero=True),
        *(Feature(f"seats_trend_{d}d", "ratio", "seats", "good", window_days=d) for d in _AGO),
        Feature("seat_increases_364d", "count", "seats", "good", window_days=364),
        Feature("seat_decreases_364d", "count", "seats", "bad", window_days=364),
        Feature("price_per_seat", "money", "price"),
        Feature("price_trend_84d", "ratio", "price", "bad", window_days=84),
        Feature("price_trend_364d", "ratio", "price", "bad", window_days=364),
        Feature("price_increases_84d", "count", "price", "bad", window_days=84),
        Feature("price_increases_364d", "count", "price", "bad", window_days=364),
        Feature("days_to_renewal", "days", "renewal", needs=_optional("renews_at")),
        Feature("term_days", "days", "renewal", needs=_optional("renews_at")),
        Feature("mrr_renewing_share_84d", "share", "renewal", window_days=84, needs=_optional("renews_at")),
        Feature("auto_renew", "flag", "renewal", "good", needs=_optional("auto_renew")),
        Feature("notice_days", "days", "renewal", needs=_optional("notice_days")),
        Feature(
            "in_notice_period",
            "flag",
            "renewal",
            "bad",
            needs=(("subscriptions", "renews_at"), ("subscriptions", "notice_days")),
        ),
    ),
)
