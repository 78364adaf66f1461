"""Payment features on literal rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.features.one_account import features_of

INVOICES = [
    {"invoice_id": "1", "issued_at": "2025-01-01", "due_at": "2025-01-31", "amount": 100.0, "paid_at": "2025-01-21"},
    {"invoice_id": "2", "issued_at": "2025-02-01", "due_at": "2025-03-03", "amount": 200.0, "paid_at": "2025-03-23"},
    {"invoice_id": "3", "issued_at": "2025-03-01", "due_at": "2025-03-31", "amount": 400.0, "paid_at": "2025-04-20"},
]


def test_an_invoice_paid_later_is_overdue_now(tmp_path: Path) -> None:
    """A payment after as_of is not known."""
    found = features_of(tmp_path, "2025-04-10", invoices=INVOICES)
    assert (found["invoices_overdue"], found["overdue_amount"], found["overdue_oldest_days"]) == (1, 400, 10)
    assert (found["invoices_unpaid"], found["unpaid_amount"]) == (1, 400)
    assert found["overdue_share_364d"] == pytest.approx(400 / 700)


def test_lateness(tmp_path: Path) -> None:
    """Ten days early and twenty late are five late on average; two of three were or are late."""
    found = features_of(tmp_path, "2025-04-10", invoices=INVOICES)
    assert found["late_share_364d"] == pytest.approx(2 / 3)
    assert found["days_late_364d"] == pytest.approx(5)
    assert found["days_to_pay_364d"] == pytest.approx((20 + 50) / 2)
    assert found["latest_payment_days_364d"] == 20


def test_an_invoice_due_at_as_of_is_not_overdue_yet(tmp_path: Path) -> None:
    """Overdue begins after the due date."""
    assert features_of(tmp_path, "2025-03-31", invoices=INVOICES)["invoices_overdue"] == 0


def test_without_payments_nothing_is_called_unpaid(tmp_path: Path) -> None:
    """A company that keeps no payment dates gets no payment features, rather than all invoices unpaid."""
    rows = [{k: v for k, v in row.items() if k != "paid_at"} for row in INVOICES]
    found = features_of(tmp_path, "2025-04-10", invoices=rows)
    assert "invoices_unpaid" not in found
    assert found["invoiced_364d"] == 700
