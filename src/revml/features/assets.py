"""The installed base: how many machines are in service, how old they are, and how many have outlived their usual life.

An asset whose `retired_at` lies after `as_of` is in service. Life is `life_months` of its product, at 30.4375 days.
"""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import by_now, count_if, full_days_since, max_if, ratio, sum_if, visible, within

_LIFE = (("products", "life_months"),)
_RETIRED = (("assets", "retired_at"),)

_ROWS = f"""
SELECT s.snapshot, s.from_84, s.from_364, a.product, a.installed_at, {by_now("a.retired_at")} AS retired_at,
    {full_days_since("a.installed_at")} AS age, p.life_months
FROM snapshots AS s JOIN assets AS a ON a.account_id = s.account_id AND {visible("a", "installed_at")}
LEFT JOIN products AS p ON p.product = a.product
"""

_LIVE = "s.retired_at IS NULL"
_AGING = f"{_LIVE} AND s.life_months IS NOT NULL"
_SUMS = f"""
SELECT s.snapshot,
    {count_if(_LIVE)} AS assets,
    {count_if("s.installed_at <= s.from_364 AND (s.retired_at IS NULL OR s.retired_at > s.from_364)")} AS assets_364,
    {sum_if("s.age", _LIVE)} AS ages,
    {max_if("s.age", _LIVE)} AS oldest_asset_days,
    MIN(s.age) AS days_since_asset,
    {count_if(within("s.installed_at", 364))} AS assets_installed_364d,
    {count_if(within("s.retired_at", 364))} AS assets_retired_364d,
    COUNT(DISTINCT CASE WHEN {_LIVE} THEN s.product END) AS asset_models,
    {count_if(_AGING)} AS aging,
    {count_if(f"{_AGING} AND 10000 * s.age > 304375 * s.life_months")} AS beyond_life,
    {count_if(f"{_AGING} AND 10000 * (s.age + 364) > 304375 * s.life_months")} AS beyond_life_soon,
    {sum_if("s.age", _AGING)} AS ages_of_aging,
    {sum_if("s.life_months", _AGING)} AS lives_of_aging
FROM asset_rows AS s GROUP BY s.snapshot
"""

_FEATURES = f"""
SELECT t.*, {ratio("t.ages", "t.assets")} AS asset_age_days,
    {ratio("t.assets", "t.assets_364")} AS assets_trend_364d,
    {ratio("t.beyond_life", "t.aging")} AS assets_beyond_life_share,
    {ratio("t.beyond_life_soon", "t.aging")} AS assets_due_share_364d,
    {ratio("t.ages_of_aging", "(30.4375 * t.lives_of_aging)")} AS asset_life_used
FROM asset_sums AS t
"""

SUBJECT = Subject(
    name="assets",
    tables=("assets",),
    steps=(("asset_rows", _ROWS), ("asset_sums", _SUMS), ("features_assets", _FEATURES)),
    features=(
        Feature("assets", "count", "assets", "good"),
        Feature("assets_trend_364d", "ratio", "assets", "good", window_days=364),
        Feature("asset_age_days", "number", "assets"),
        Feature("oldest_asset_days", "days", "assets"),
        Feature("days_since_asset", "days", "assets"),
        Feature("assets_installed_364d", "count", "assets", "good", window_days=364),
        Feature("assets_retired_364d", "count", "assets", "bad", window_days=364, needs=_RETIRED),
        Feature("asset_models", "count", "breadth", "good"),
        Feature("assets_beyond_life_share", "share", "assets", needs=_LIFE),
        Feature("assets_due_share_364d", "share", "assets", window_days=364, needs=_LIFE),
        Feature("asset_life_used", "share", "assets", needs=_LIFE),
    ),
)
