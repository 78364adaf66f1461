"""Surveys: the newest recommendation (NPS, 0 to 10) and how it moved; other scores by their mean."""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import count_if, exact, full_days_since, ratio, sum_if, visible, within

_NEWEST = "ORDER BY f.given_at DESC, f.score, f.known_at"
_ROWS = f"""
SELECT s.snapshot, s.day, s.shift, s.from_182, s.from_364, f.given_at, {exact("f.score")} AS score,
    CASE WHEN LOWER(f.kind) LIKE '%nps%' THEN 1 ELSE 0 END AS nps,
    ROW_NUMBER() OVER (
        PARTITION BY s.snapshot, CASE WHEN LOWER(f.kind) LIKE '%nps%' THEN 1 ELSE 0 END {_NEWEST}
    ) AS place
FROM snapshots AS s JOIN feedback AS f ON f.account_id = s.account_id AND {visible("f", "given_at")}
"""

_YEAR = within("s.given_at", 364)
_SUMS = f"""
SELECT s.snapshot,
    {count_if(_YEAR)} AS feedback_364d,
    MIN({full_days_since("s.given_at")}) AS days_since_feedback,
    MAX(CASE WHEN s.nps = 1 AND s.place = 1 THEN s.score END) AS nps_last,
    MAX(CASE WHEN s.nps = 1 AND s.place = 2 THEN s.score END) AS nps_previous,
    {sum_if("s.score", f"s.nps = 1 AND {_YEAR}")} AS nps_sum, {count_if(f"s.nps = 1 AND {_YEAR}")} AS nps_answers,
    {count_if(f"s.nps = 1 AND s.score <= 6 AND {_YEAR}")} AS nps_detractors_364d,
    {count_if(f"s.nps = 1 AND s.score >= 9 AND {_YEAR}")} AS nps_promoters_364d,
    MAX(CASE WHEN s.nps = 0 AND s.place = 1 THEN s.score END) AS survey_score_last,
    {sum_if("s.score", f"s.nps = 0 AND {_YEAR}")} AS other_sum, {count_if(f"s.nps = 0 AND {_YEAR}")} AS other_answers
FROM feedback_rows AS s GROUP BY s.snapshot
"""

_FEATURES = f"""
SELECT t.*, t.nps_last - t.nps_previous AS nps_change,
    {ratio("t.nps_sum", "t.nps_answers")} AS nps_mean_364d,
    {ratio("t.nps_detractors_364d", "t.nps_answers")} AS nps_detractor_share_364d,
    {ratio("t.other_sum", "t.other_answers")} AS survey_score_mean_364d
FROM feedback_sums AS t
"""

SUBJECT = Subject(
    name="feedback",
    tables=("feedback",),
    steps=(("feedback_rows", _ROWS), ("feedback_sums", _SUMS), ("features_feedback", _FEATURES)),
    features=(
        Feature("feedback_364d", "count", "feedback", "good", window_days=364),
        Feature("days_since_feedback", "days", "feedback", "bad"),
        Feature("nps_last", "score", "feedback", "good"),
        Feature("nps_change", "number", "feedback", "good"),
        Feature("nps_mean_364d", "score", "feedback", "good", window_days=364),
        Feature("nps_detractors_364d", "count", "feedback", "bad", window_days=364),
        Feature("nps_promoters_364d", "count", "feedback", "good", window_days=364),
        Feature("nps_detractor_share_364d", "share", "feedback", "bad", window_days=364),
        Feature("survey_score_last", "score", "feedback", "good"),
        Feature("survey_score_mean_364d", "score", "feedback", "good", window_days=364),
    ),
)
