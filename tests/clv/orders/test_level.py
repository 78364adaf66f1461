"""The level of repeat orders by lag."""

import numpy as np
import pytest

from revml.clv.orders.level import Sighting, level_curve, sighting


def seen(ratios: list[float], back: float, noise: float = 0.02) -> Sighting:
    """An origin after which so much more came than was expected, span by span of three months."""
    n = len(ratios)
    return Sighting(back, 3, np.full(n, 100.0), 100 * np.array(ratios), np.full(n, noise))


def rising(back: int) -> Sighting:
    """A fifth more a year of lag."""
    return seen([1.2 ** ((3 * q + 1.5) / 12) for q in range(back // 3)], back)


def test_nothing_seen_is_a_level_of_one() -> None:
    """Without earlier origins the process stands as it is."""
    assert (level_curve([]).ahead(24) == 1).all()


def test_a_level_that_rises_with_the_lag_is_found() -> None:
    """Four years of origins: a fifth a year comes back within a twentieth, and the level stays flat beyond the end."""
    found = level_curve([rising(back) for back in (12, 24, 36, 48)])
    assert found.seen_months == 48
    assert found.ahead(24)[23] == pytest.approx(1.2**2, rel=0.05)
    assert (found.ahead(60)[48:] == found.ahead(60)[48]).all()


def test_a_short_look_back_is_believed_less() -> None:
    """The same tenth more moves the level less after half a year than after four years, and never beyond a tenth."""
    short = level_curve([seen([1.1, 1.1], 6)]).ahead(6)
    long = level_curve([seen([1.1] * 16, 48)]).ahead(6)
    assert (short < long).all()
    assert (short > 1).all()
    assert (long < 1.1 + 1e-9).all()


def test_few_buyers_are_believed_less() -> None:
    """Chance of single buyers of one half hides what the same ratio tells where chance is a fiftieth."""
    loud, quiet = (level_curve([seen([1.3] * 8, 24, noise)]).ahead(12).mean() for noise in (0.5, 0.02))
    assert 1 < loud < quiet < 1.3


def test_a_level_is_never_beyond_what_all_origins_show() -> None:
    """Origins with much and with little chance that all stand above one give a level above one."""
    found = level_curve([seen([1.2, 1.1, 1.2], 9, 0.05), seen([1.1, 1.2, 1.1], 12, 0.2), seen([1.15] * 5, 15, 0.1)])
    assert (found.ahead(15) > 1.05).all()
    assert (found.ahead(15) < 1.2).all()


def test_chance_of_a_sighting_is_that_of_its_buyers() -> None:
    """One buyer of four who brought 4 where 1 was expected: the total is off by three of four."""
    made = sighting(3, 3, np.ones((4, 1)), np.array([[4.0], [1.0], [1.0], [1.0]]))
    assert (made.expected.item(), made.came.item(), made.noise.item()) == (4, 7, 0.75)
