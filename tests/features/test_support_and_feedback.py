"""Support and survey features on literal rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.features.one_account import features_of

TICKETS = [
    {"ticket_id": "1", "opened_at": "2025-03-01", "closed_at": "2025-03-03", "priority": "low", "satisfaction": 5.0},
    {"ticket_id": "2", "opened_at": "2025-03-10", "closed_at": "2025-04-20", "priority": "High", "satisfaction": 1.0},
    {"ticket_id": "3", "opened_at": "2024-12-20", "closed_at": "2024-12-24", "priority": "low", "satisfaction": 2.0},
]


def test_a_case_closed_later_is_open_and_unrated(tmp_path: Path) -> None:
    """Neither its end nor its satisfaction is known."""
    found = features_of(tmp_path, "2025-04-01", tickets=TICKETS)
    assert (found["tickets_open"], found["severe_tickets_open"], found["oldest_open_ticket_days"]) == (1, 1, 22)
    assert found["satisfaction_84d"] == 5
    assert found["satisfaction_364d"] == pytest.approx(3.5)
    assert found["satisfaction_change_84d"] == pytest.approx(1.5)
    assert found["unhappy_tickets_364d"] == 1


def test_cases_are_counted_by_window_and_severity(tmp_path: Path) -> None:
    """Counts, trend against the span before, share of severe ones, time to close."""
    found = features_of(tmp_path, "2025-04-01", tickets=TICKETS)
    assert (found["tickets_28d"], found["tickets_84d"], found["tickets_364d"]) == (1, 2, 3)
    assert found["tickets_trend_84d"] == pytest.approx(2)
    assert found["severe_share_364d"] == pytest.approx(1 / 3)
    assert found["days_to_close_364d"] == pytest.approx(3)
    assert found["longest_ticket_days_364d"] == pytest.approx(4)


FEEDBACK = [
    {"given_at": "2025-01-01", "kind": "NPS", "score": 9.0},
    {"given_at": "2025-03-01", "kind": "NPS", "score": 4.0},
    {"given_at": "2025-03-05", "kind": "csat", "score": 3.0},
    {"given_at": "2025-05-01", "kind": "NPS", "score": 10.0},
]


def test_the_last_recommendation_and_its_change(tmp_path: Path) -> None:
    """The newest answer known, against the one before it; other surveys stand apart."""
    found = features_of(tmp_path, "2025-04-01", feedback=FEEDBACK)
    assert (found["nps_last"], found["nps_change"], found["nps_mean_364d"]) == (4, -5, 6.5)
    assert (found["nps_detractors_364d"], found["nps_promoters_364d"], found["feedback_364d"]) == (1, 1, 3)
    assert (found["survey_score_last"], found["days_since_feedback"]) == (3, 27)
