"""Plays aimed at the account. Hold-outs were assigned nothing in earnest: they do not count, nor does the flag show."""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import count_if, counts, full_days_since, visible, within

_SUMS = f"""
SELECT s.snapshot,
    {counts("plays", "x.assigned_at", (28, 84, 364))},
    {count_if(f"x.done_at <= s.as_of AND {within('x.done_at', 364)}")} AS plays_done_364d,
    {count_if("x.done_at IS NULL OR x.done_at > s.as_of")} AS plays_open,
    COUNT(DISTINCT CASE WHEN {within("x.assigned_at", 364)} THEN x.play END) AS different_plays_364d,
    MIN({full_days_since("x.assigned_at")}) AS days_since_play
FROM snapshots AS s JOIN actions AS x ON x.account_id = s.account_id AND {visible("x", "assigned_at")}
WHERE NOT COALESCE(x.holdout, FALSE)
GROUP BY s.snapshot
"""

_DONE = (("actions", "done_at"),)

SUBJECT = Subject(
    name="actions",
    tables=("actions",),
    steps=(("features_actions", _SUMS),),
    features=(
        *(Feature(f"plays_{w}d", "count", "contact", window_days=w) for w in (28, 84, 364)),
        Feature("plays_done_364d", "count", "contact", window_days=364, needs=_DONE),
        Feature("plays_open", "count", "contact", needs=_DONE),
        Feature("different_plays_364d", "count", "contact", window_days=364),
        Feature("days_since_play", "days", "contact"),
    ),
)
