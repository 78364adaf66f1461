"""When a movement came about, as far as windows tell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from revml.explanations.since import since
from revml.features.catalog import catalog


def _since(name: str, value: float, past: float, **windows: float) -> int:
    frame = pd.DataFrame({window: np.array([amount]) for window, amount in windows.items()})
    told = since(frame, (catalog()[name],), np.array([[value]]), np.array([[past]]))
    return int(told[0, 0])


@pytest.mark.parametrize(
    ("between", "told"),
    [(100.0, 28), (95.0, 28), (60.0, 0), (25.0, -28), (20.0, -28), (0.0, -28)],
)
def test_a_fall_from_100_to_20_began_when_the_weeks_between_say(between: float, told: int) -> None:
    """At 100 until four weeks ago it came lately; at 20 since then it came before; half way nothing is said."""
    assert _since("events_28d", 20.0, 100.0, events_28d=20.0, events_84d=20.0 + 2 * between) == told


def test_a_rise_has_a_beginning_too() -> None:
    """The same of a rise."""
    assert _since("orders_28d", 60.0, 10.0, orders_28d=60.0, orders_84d=60.0 + 20.0) == 28


def test_a_long_window_fell_by_its_last_part() -> None:
    """84 days that lost what their last 28 days lost."""
    assert _since("events_84d", 220.0, 300.0, events_28d=20.0, events_84d=220.0) == 28
    assert _since("events_84d", 240.0, 300.0, events_28d=80.0, events_84d=240.0) == 0


def test_chance_has_no_beginning() -> None:
    """Two support cases instead of four say nothing about when."""
    assert _since("tickets_28d", 2.0, 4.0, tickets_28d=2.0, tickets_84d=10.0) == 0


def test_what_does_not_add_up_has_none() -> None:
    """Users of four weeks and of twelve are partly the same people."""
    assert _since("active_users_28d", 20.0, 100.0, active_users_28d=20.0, active_users_84d=220.0) == 0


def test_a_window_that_was_not_built_says_nothing() -> None:
    """Nothing is guessed without both windows, or without a past."""
    assert _since("events_28d", 20.0, 100.0, events_28d=20.0) == 0
    assert _since("events_28d", 20.0, np.nan, events_28d=20.0, events_84d=220.0) == 0
