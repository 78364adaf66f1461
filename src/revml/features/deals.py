"""Opportunities: deals in progress, how long they rest in their stage, and how earlier ones came out.

A deal stands in the stage it entered last, as far as known at `as_of`; it is open unless that stage is a win or a loss
or was left without another. Won and lost are what the stage's name says, and so is a renewal: a deal of which some
stage was one. The others are deals for more; `offers` holds both against what the account pays.
"""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import (
    by_now,
    count_if,
    exact,
    full_days_since,
    max_if,
    min_if,
    ratio,
    sum_if,
    sums,
    visible,
    within,
)

_AMOUNT = (("opportunities", "amount"),)

_ROWS = f"""
SELECT s.snapshot, s.day, s.shift, s.from_84, s.from_364, o.opportunity_id, o.entered_at,
    {exact("o.amount")} AS amount, {by_now("o.left_at")} AS left_at,
    CASE WHEN LOWER(o.stage) LIKE '%won%' THEN 1 ELSE 0 END AS won,
    CASE WHEN LOWER(o.stage) LIKE '%lost%' THEN 1 ELSE 0 END AS lost,
    MIN(o.entered_at) OVER (PARTITION BY s.snapshot, o.opportunity_id) AS began_at,
    MAX(CASE WHEN LOWER(o.stage) LIKE '%renew%' THEN 1 ELSE 0 END)
        OVER (PARTITION BY s.snapshot, o.opportunity_id) AS renewal,
    ROW_NUMBER() OVER (
        PARTITION BY s.snapshot, o.opportunity_id ORDER BY o.entered_at DESC, {by_now("o.left_at")} NULLS FIRST, o.stage
    ) AS place
FROM snapshots AS s JOIN opportunities AS o ON o.account_id = s.account_id AND {visible("o", "entered_at")}
"""

_OPEN = "s.place = 1 AND s.won = 0 AND s.lost = 0 AND s.left_at IS NULL"
_SUMS = f"""
SELECT s.snapshot,
    {count_if(_OPEN)} AS deals_open,
    {sum_if("s.amount", f"{_OPEN} AND s.amount IS NOT NULL")} AS deal_amount_open,
    {max_if(full_days_since("s.entered_at"), _OPEN)} AS days_in_stage,
    {max_if(full_days_since("s.began_at"), _OPEN)} AS deal_age_days,
    {count_if(f"s.place = 1 AND {within('s.began_at', 84)}")} AS deals_begun_84d,
    {count_if(f"s.place = 1 AND {within('s.began_at', 364)}")} AS deals_begun_364d,
    {count_if(f"s.won = 1 AND {within('s.entered_at', 364)}")} AS deals_won_364d,
    {count_if(f"s.lost = 1 AND {within('s.entered_at', 364)}")} AS deals_lost_364d,
    {sums("deal_amount_won", "s.amount", "s.entered_at", (364,), "s.won = 1 AND s.amount IS NOT NULL")},
    {min_if(full_days_since("s.entered_at"), "s.lost = 1")} AS days_since_deal_lost,
    {min_if(full_days_since("s.entered_at"), "s.won = 1")} AS days_since_deal_won,
    {count_if(f"{_OPEN} AND s.renewal = 0")} AS growth_deals_open,
    {max_if(full_days_since("s.began_at"), f"{_OPEN} AND s.renewal = 0")} AS growth_deal_age_days,
    {min_if(full_days_since("s.entered_at"), "s.lost = 1 AND s.renewal = 0")} AS days_since_growth_deal_lost,
    {min_if(full_days_since("s.entered_at"), "s.won = 1 AND s.renewal = 0")} AS days_since_growth_deal_won
FROM deal_rows AS s GROUP BY s.snapshot
"""

_FEATURES = f"""
SELECT t.*, {ratio("t.deals_won_364d", "(t.deals_won_364d + t.deals_lost_364d)")} AS deal_win_share_364d
FROM deal_sums AS t
"""

SUBJECT = Subject(
    name="deals",
    tables=("opportunities",),
    steps=(("deal_rows", _ROWS), ("deal_sums", _SUMS), ("features_deals", _FEATURES)),
    features=(
        Feature("deals_open", "count", "deals", "good"),
        Feature("deal_amount_open", "money", "deals", "good", zero=True, needs=_AMOUNT),
        Feature("days_in_stage", "days", "deals", "bad"),
        Feature("deal_age_days", "days", "deals", "bad"),
        *(Feature(f"deals_begun_{w}d", "count", "deals", "good", window_days=w) for w in (84, 364)),
        Feature("deals_won_364d", "count", "deals", "good", window_days=364),
        Feature("deals_lost_364d", "count", "deals", "bad", window_days=364),
        Feature("deal_win_share_364d", "share", "deals", "good", window_days=364),
        Feature("deal_amount_won_364d", "money", "deals", "good", window_days=364, zero=True, needs=_AMOUNT),
        Feature("days_since_deal_lost", "days", "deals", "good"),
        Feature("days_since_deal_won", "days", "deals"),
        Feature("growth_deals_open", "count", "deals", "good"),
        Feature("growth_deal_age_days", "days", "deals", "bad"),
        Feature("days_since_growth_deal_lost", "days", "deals", "good"),
        Feature("days_since_growth_deal_won", "days", "deals"),
    ),
)
