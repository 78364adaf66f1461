"""Contacts by sales, marketing and customer success: how often, who began, how long ago."""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import count_if, counts, full_days_since, min_if, ratio, visible, within

_DIRECTION = (("touches", "direction"),)
_IN = "LOWER(t.direction) LIKE 'in%'"
_OUT = "LOWER(t.direction) LIKE 'out%'"
_MEETING = (
    "(LOWER(t.channel) LIKE '%meeting%' OR LOWER(t.channel) LIKE '%call%' OR LOWER(t.channel) LIKE '%phone%' "
    "OR LOWER(t.channel) LIKE '%visit%' OR LOWER(t.kind) LIKE '%review%' OR LOWER(t.kind) LIKE '%meeting%')"
)

_SUMS = f"""
SELECT s.snapshot,
    {counts("touches", "t.occurred_at", (28, 84, 168, 364))},
    {counts("inbound_touches", "t.occurred_at", (28, 84, 364), _IN)},
    {counts("outbound_touches", "t.occurred_at", (84, 364), _OUT)},
    {count_if(f"{within('t.occurred_at', 84)} AND {_MEETING}")} AS meetings_84d,
    {count_if(f"{within('t.occurred_at', 364)} AND {_MEETING}")} AS meetings_364d,
    COUNT(DISTINCT CASE WHEN {within("t.occurred_at", 84)} THEN t.channel END) AS touch_channels_84d,
    MIN({full_days_since("t.occurred_at")}) AS days_since_touch,
    {min_if(full_days_since("t.occurred_at"), _IN)} AS days_since_inbound_touch,
    {min_if(full_days_since("t.occurred_at"), _MEETING)} AS days_since_meeting
FROM snapshots AS s JOIN touches AS t ON t.account_id = s.account_id AND {visible("t", "occurred_at")}
GROUP BY s.snapshot
"""

_FEATURES = f"""
SELECT t.*, {ratio("t.touches_84d", "(t.touches_168d - t.touches_84d)")} AS touches_trend_84d,
    {ratio("t.inbound_touches_364d", "t.touches_364d")} AS inbound_share_364d
FROM touch_sums AS t
"""

SUBJECT = Subject(
    name="touches",
    tables=("touches",),
    steps=(("touch_sums", _SUMS), ("features_touches", _FEATURES)),
    features=(
        *(Feature(f"touches_{w}d", "count", "contact", window_days=w) for w in (28, 84, 364)),
        Feature("touches_trend_84d", "ratio", "contact", window_days=84),
        Feature("days_since_touch", "days", "contact", "bad"),
        *(Feature(f"inbound_touches_{w}d", "count", "contact", window_days=w, needs=_DIRECTION) for w in (28, 84, 364)),
        *(Feature(f"outbound_touches_{w}d", "count", "contact", window_days=w, needs=_DIRECTION) for w in (84, 364)),
        Feature("inbound_share_364d", "share", "contact", window_days=364, needs=_DIRECTION),
        Feature("days_since_inbound_touch", "days", "contact", needs=_DIRECTION),
        *(Feature(f"meetings_{w}d", "count", "contact", "good", window_days=w) for w in (84, 364)),
        Feature("days_since_meeting", "days", "contact", "bad"),
        Feature("touch_channels_84d", "count", "contact", window_days=84),
    ),
)
