"""Invoices: what is overdue now, how late the account pays, and how that moves.

An invoice whose `paid_at` lies after `as_of` is unpaid. Days late count from `due_at`; a payment before it is negative.
"""

from __future__ import annotations

from revml.features.spec import Feature, Subject
from revml.features.sql import (
    by_now,
    count_if,
    counts,
    exact,
    full_days_since,
    max_if,
    ratio,
    sum_if,
    sums,
    visible,
    within,
)

_DUE = (("invoices", "due_at"), ("invoices", "paid_at"))
_PAID = (("invoices", "paid_at"),)

_ROWS = f"""
SELECT s.snapshot, s.as_of, s.day, s.shift, s.from_84, s.from_168, s.from_364, i.issued_at, i.due_at,
    {exact("i.amount")} AS amount, {by_now("i.paid_at")} AS paid_at,
    date_diff('day', CAST(i.due_at AS DATE), CAST({by_now("i.paid_at")} AS DATE)) AS days_late,
    date_diff('day', CAST(i.issued_at AS DATE), CAST({by_now("i.paid_at")} AS DATE)) AS days_to_pay
FROM snapshots AS s JOIN invoices AS i ON i.account_id = s.account_id AND {visible("i", "issued_at")}
"""

_OPEN = "s.paid_at IS NULL AND s.amount > 0"
_OVERDUE = f"{_OPEN} AND s.due_at < s.as_of"
_DUE_364 = f"s.due_at < s.as_of AND {within('s.due_at', 364)} AND s.amount > 0"

_SUMS = f"""
SELECT s.snapshot,
    {counts("invoices", "s.issued_at", (84, 364))},
    {sums("invoiced", "s.amount", "s.issued_at", (84, 168, 364))},
    {count_if(_OPEN)} AS invoices_unpaid,
    {sum_if("s.amount", _OPEN)} AS unpaid_amount,
    {count_if(_OVERDUE)} AS invoices_overdue,
    {sum_if("s.amount", _OVERDUE)} AS overdue_amount,
    {max_if(full_days_since("s.due_at"), _OVERDUE)} AS overdue_oldest_days,
    {count_if(_DUE_364)} AS due_364,
    {count_if(f"{_DUE_364} AND (s.paid_at IS NULL OR s.days_late > 0)")} AS late_364,
    {counts("paid", "s.paid_at", (84, 364), "s.due_at IS NOT NULL")},
    {sums("late_days", "s.days_late", "s.paid_at", (84, 364), "s.due_at IS NOT NULL")},
    {count_if(within("s.paid_at", 364))} AS settled_364,
    {sum_if("s.days_to_pay", within("s.paid_at", 364))} AS pay_days_364,
    {max_if("s.days_late", within("s.paid_at", 364))} AS latest_payment_days_364d,
    MIN({full_days_since("s.issued_at")}) AS days_since_invoice
FROM invoice_rows AS s GROUP BY s.snapshot
"""

_FEATURES = f"""
SELECT t.*,
    {ratio("t.invoiced_84d", "(t.invoiced_168d - t.invoiced_84d)")} AS invoiced_trend_84d,
    {ratio("t.overdue_amount", "t.invoiced_364d")} AS overdue_share_364d,
    {ratio("t.late_364", "t.due_364")} AS late_share_364d,
    {ratio("t.late_days_84d", "t.paid_84d")} AS days_late_84d,
    {ratio("t.late_days_364d", "t.paid_364d")} AS days_late_364d,
    {ratio("t.late_days_84d", "t.paid_84d")} - {ratio("t.late_days_364d", "t.paid_364d")} AS days_late_change_84d,
    {ratio("t.pay_days_364", "t.settled_364")} AS days_to_pay_364d
FROM invoice_sums AS t
"""

SUBJECT = Subject(
    name="billing",
    tables=("invoices",),
    steps=(("invoice_rows", _ROWS), ("invoice_sums", _SUMS), ("features_billing", _FEATURES)),
    features=(
        *(Feature(f"invoices_{w}d", "count", "billing", window_days=w) for w in (84, 364)),
        *(Feature(f"invoiced_{w}d", "money", "billing", "good", window_days=w, zero=True) for w in (84, 364)),
        Feature("invoiced_trend_84d", "ratio", "billing", "good", window_days=84),
        Feature("days_since_invoice", "days", "billing"),
        Feature("invoices_unpaid", "count", "billing", "bad", needs=_PAID),
        Feature("unpaid_amount", "money", "billing", "bad", zero=True, needs=_PAID),
        Feature("invoices_overdue", "count", "billing", "bad", needs=_DUE),
        Feature("overdue_amount", "money", "billing", "bad", zero=True, needs=_DUE),
        Feature("overdue_oldest_days", "days", "billing", "bad", needs=_DUE),
        Feature("overdue_share_364d", "share", "billing", "bad", window_days=364, needs=_DUE),
        Feature("late_share_364d", "share", "billing", "bad", window_days=364, needs=_DUE),
        Feature("days_late_84d", "number", "billing", "bad", window_days=84, needs=_DUE),
        Feature("days_late_364d", "number", "billing", "bad", window_days=364, needs=_DUE),
        Feature("days_late_change_84d", "number", "billing", "bad", window_days=84, needs=_DUE),
        Feature("latest_payment_days_364d", "days", "billing", "bad", window_days=364, needs=_DUE),
        Feature("days_to_pay_364d", "number", "billing", "bad", window_days=364, needs=_PAID),
    ),
)
