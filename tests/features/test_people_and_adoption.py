"""People with access and their use, on literal rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.features.one_account import features_of

USERS = [
    {"user_id": "u1", "created_at": "2024-06-01", "role": "Champion", "deactivated_at": "2025-03-01"},
    {"user_id": "u2", "created_at": "2024-06-01", "role": "administrator"},
    {"user_id": "u3", "created_at": "2025-03-15", "role": "user"},
]


def test_people_come_and_go(tmp_path: Path) -> None:
    """Who has access now, who came and who left in the window."""
    found = features_of(tmp_path, "2025-04-01", users=USERS)
    assert (found["users"], found["users_added_28d"], found["users_removed_84d"]) == (2, 1, 1)
    assert found["users_trend_84d"] == pytest.approx(1.0)
    assert found["users_removed_share_84d"] == pytest.approx(1 / 3)


def test_a_champion_who_left_is_missed(tmp_path: Path) -> None:
    """Before the end of access the champion is there, whatever the row says of the future."""
    after = features_of(tmp_path / "after", "2025-04-01", users=USERS)
    assert (after["champions"], after["champions_left_84d"], after["champion_missing"]) == (0, 1, 1)
    assert after["days_since_champion_left"] == 31
    before = features_of(tmp_path / "before", "2025-02-28", users=USERS)
    assert (before["champions"], before["champion_missing"], before["days_since_champion_left"]) == (1, 0, None)
    assert before["administrators"] == 1


def test_active_users_stand_against_seats_and_people(tmp_path: Path) -> None:
    """One active user of four seats, and of two people with access."""
    subscription = {"subscription_id": "s", "product": "p", "quantity": 4.0, "mrr": 80.0, "started_at": "2025-01-01"}
    use = {"occurred_at": "2025-03-20", "user_id": "u2", "event": "open", "quantity": 6.0}
    found = features_of(tmp_path, "2025-04-01", users=USERS, subscriptions=[subscription], usage=[use])
    assert found["active_users_per_seat_28d"] == pytest.approx(0.25)
    assert found["events_per_seat_28d"] == pytest.approx(1.5)
    assert found["mrr_per_active_user_28d"] == pytest.approx(80)
    assert found["users_active_share_28d"] == pytest.approx(0.5)


def test_people_stand_against_seats_even_without_usage(tmp_path: Path) -> None:
    """Two people with access, one of them new, and sixty employees for four seats."""
    subscription = {"subscription_id": "s", "product": "p", "quantity": 4.0, "mrr": 80.0, "started_at": "2025-01-01"}
    account = {"account_id": "a", "created_at": "2024-01-01", "employees": 60}
    found = features_of(tmp_path, "2025-04-01", accounts=[account], users=USERS, subscriptions=[subscription])
    assert found["users_per_seat"] == pytest.approx(0.5)
    assert found["users_added_per_seat_84d"] == pytest.approx(0.25)
    assert found["employees_per_seat"] == pytest.approx(15)
