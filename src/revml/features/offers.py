"""What lies on the table: the renewal that was offered, and a deal for more, each against what the account pays.

A quote for a renewal says weeks before its day whether the price is to rise, and an open deal how much more is spoken
of. Amounts of deals are held against a year of the recurring revenue of now.
"""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import count_if, full_days_since, max_if, ratio, sum_if

_AMOUNT = (("opportunities", "amount"), ("subscriptions", "mrr"))

_OPEN = "s.place = 1 AND s.won = 0 AND s.lost = 0 AND s.left_at IS NULL"
_SUMS = f"""
SELECT s.snapshot,
    {count_if(f"{_OPEN} AND s.renewal = 1")} AS renewals_offered,
    {max_if(full_days_since("s.began_at"), f"{_OPEN} AND s.renewal = 1")} AS renewal_offer_age_days,
    {sum_if("s.amount", f"{_OPEN} AND s.renewal = 1 AND s.amount IS NOT NULL")} AS renewal_amount,
    {sum_if("s.amount", f"{_OPEN} AND s.renewal = 0 AND s.amount IS NOT NULL")} AS growth_amount
FROM deal_rows AS s GROUP BY s.snapshot
"""

_FEATURES = f"""
SELECT o.snapshot, o.renewals_offered, o.renewal_offer_age_days,
    CASE WHEN o.renewal_amount > 0 THEN {ratio("o.renewal_amount", "(12 * p.mrr)")} END AS renewal_quote_ratio,
    CASE WHEN o.growth_amount > 0 THEN {ratio("o.growth_amount", "(12 * p.mrr)")} END AS growth_deal_ratio
FROM offer_sums AS o
LEFT JOIN subscription_sums AS p ON p.snapshot = o.snapshot
"""

SUBJECT = Subject(
    name="offers",
    tables=("opportunities", "subscriptions"),
    steps=(("offer_sums", _SUMS), ("features_offers", _FEATURES)),
    features=(
        Feature("renewals_offered", "count", "renewal"),
        Feature("renewal_offer_age_days", "days", "renewal"),
        Feature("renewal_quote_ratio", "ratio", "price", "bad", needs=_AMOUNT),
        Feature("growth_deal_ratio", "ratio", "deals", "good", needs=_AMOUNT),
    ),
)
