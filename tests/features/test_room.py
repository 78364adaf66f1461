"""Readiness to grow: staff and people against seats, now and when the account began, on literal rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.features.one_account import features_of

ACCOUNT = {"account_id": "a", "created_at": "2024-01-01", "employees": 100}
STAFF = [{"attribute": "employees", "changed_at": "2025-01-15", "value": "150"}]


def _terms(started: str, ended: str | None = None, seats: float = 10.0, **more: Any) -> dict[str, Any]:
    row = {"subscription_id": "s", "product": "p", "quantity": seats, "mrr": 10 * seats, "started_at": started}
    return row | {"ended_at": ended} | more


def test_staff_that_grew_beyond_its_seats(tmp_path: Path) -> None:
    """Half as many people again, and a fifth more seats: a quarter more people a seat than at the start."""
    rows = [_terms("2024-02-01", "2024-08-01"), _terms("2024-08-01", seats=12.0)]
    found = features_of(tmp_path, "2025-04-01", accounts=[ACCOUNT], account_history=STAFF, subscriptions=rows)
    assert found["employees_since_start"] == pytest.approx(1.5)
    assert found["employees_per_seat_since_start"] == pytest.approx(1.25)


def test_a_module_is_no_seat(tmp_path: Path) -> None:
    """Seats are those of the subscription that pays most, however many subscriptions count them."""
    rows = [_terms("2024-02-01"), _terms("2024-09-01", subscription_id="m", product="module", mrr=20.0)]
    found = features_of(tmp_path, "2025-04-01", accounts=[ACCOUNT], account_history=STAFF, subscriptions=rows)
    assert found["employees_per_seat_since_start"] == pytest.approx(1.5)


def test_what_is_not_known_yet_says_nothing(tmp_path: Path) -> None:
    """Staff counted, seats bought and people added after the snapshot are not seen; no count, no growth."""
    rows = [_terms("2024-02-01", "2025-02-01"), _terms("2025-02-01", seats=40.0)]
    people = [{"user_id": f"u{n}", "created_at": at} for n, at in enumerate(("2024-03-01", "2024-04-01", "2025-01-20"))]
    found = features_of(
        tmp_path, "2025-01-01", accounts=[ACCOUNT], account_history=STAFF, subscriptions=rows, users=people
    )
    assert found["employees_since_start"] is None
    assert found["users_ever_per_seat"] == pytest.approx(0.2)


def test_everybody_who_ever_had_access_counts(tmp_path: Path) -> None:
    """Those who left have needed a seat too; where nobody was ever given access, the share is 0."""
    left = {"user_id": "u1", "created_at": "2024-03-01", "deactivated_at": "2024-09-01"}
    people = [left, {"user_id": "u2", "created_at": "2024-04-01"}]
    found = features_of(tmp_path / "1", "2025-04-01", subscriptions=[_terms("2024-02-01", seats=4.0)], users=people)
    assert (found["users_per_seat"], found["users_ever_per_seat"]) == (pytest.approx(0.25), pytest.approx(0.5))
    free = features_of(tmp_path / "2", "2025-04-01", subscriptions=[_terms("2024-02-01", seats=0.0)], users=people)
    assert free["users_ever_per_seat"] is None
