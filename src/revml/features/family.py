"""The group of companies: the parent and its other subsidiaries, what they pay, and whether they left.

A family is a parent with the accounts that name it. An account that is both has the siblings of both families. Totals
are made once a family and cutoff and the account's own part is taken off, so that big groups cost no more.
"""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import exact, ratio, visible, within

_PARENT = (("accounts", "parent_account_id"),)
_CONTRACT = (*_PARENT, ("subscriptions", "mrr"))

_MEMBERS = """
SELECT account_id, parent_account_id AS family, created_at, known_at FROM accounts WHERE parent_account_id IS NOT NULL
UNION ALL
SELECT a.account_id, a.account_id, a.created_at, a.known_at
FROM accounts AS a JOIN (
    SELECT DISTINCT parent_account_id AS head FROM accounts WHERE parent_account_id IS NOT NULL
) AS h ON h.head = a.account_id
"""

_LOOKS = """
SELECT DISTINCT m.family, s.cutoff, s.as_of, s.from_364
FROM family_members AS m JOIN snapshots AS s ON s.account_id = m.account_id
"""

_STATES = f"""
SELECT s.family, s.cutoff, m.account_id,
    SUM(CASE WHEN r.ended_at IS NULL OR r.ended_at > s.as_of THEN {exact("COALESCE(r.mrr, 0)")} ELSE 0 END) AS mrr,
    MAX(CASE WHEN r.mrr IS NOT NULL AND (r.ended_at IS NULL OR r.ended_at > s.as_of) THEN 1 ELSE 0 END) AS live,
    MAX(CASE WHEN r.ended_at <= s.as_of AND {within("r.ended_at", 364)} THEN 1 ELSE 0 END) AS ended
FROM family_looks AS s
JOIN family_members AS m ON m.family = s.family AND {visible("m", "created_at")}
LEFT JOIN subscriptions AS r ON r.account_id = m.account_id AND {visible("r", "started_at")}
GROUP BY s.family, s.cutoff, m.account_id
"""

_TOTALS = """
SELECT family, cutoff, COUNT(*) AS members, SUM(mrr) AS mrr, SUM(live) AS live,
    SUM(CASE WHEN live = 0 AND ended = 1 THEN 1 ELSE 0 END) AS churned
FROM family_states GROUP BY family, cutoff
"""

_SUMS = """
SELECT s.snapshot, SUM(t.members - 1) AS siblings, SUM(t.mrr - x.mrr) AS sibling_mrr,
    SUM(t.live - x.live) AS siblings_live,
    SUM(t.churned - CASE WHEN x.live = 0 AND x.ended = 1 THEN 1 ELSE 0 END) AS siblings_churned_364d,
    MAX(CASE WHEN x.family <> x.account_id THEN 1 ELSE 0 END) AS has_parent
FROM snapshots AS s
JOIN family_states AS x ON x.account_id = s.account_id AND x.cutoff = s.cutoff
JOIN family_totals AS t ON t.family = x.family AND t.cutoff = x.cutoff
GROUP BY s.snapshot
"""

_FEATURES = f"""
SELECT t.*, {ratio("t.siblings_live", "t.siblings")} AS siblings_live_share FROM family_sums AS t
"""

SUBJECT = Subject(
    name="family",
    tables=("accounts",),
    store=(("family_members", _MEMBERS),),
    steps=(
        ("family_looks", _LOOKS),
        ("family_states", _STATES),
        ("family_totals", _TOTALS),
        ("family_sums", _SUMS),
        ("features_family", _FEATURES),
    ),
    features=(
        Feature("has_parent", "flag", "family", zero=True, needs=_PARENT),
        Feature("siblings", "count", "family", needs=_PARENT),
        Feature("sibling_mrr", "money", "family", "good", zero=True, needs=_CONTRACT),
        Feature("siblings_live_share", "share", "family", "good", needs=_CONTRACT),
        Feature("siblings_churned_364d", "count", "family", "bad", window_days=364, needs=_CONTRACT),
    ),
)
