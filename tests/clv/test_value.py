"""Discounting and the share that lies beyond what was observed."""

import numpy as np
import pytest

from revml.clv.value import discount_factors, share_beyond


def test_money_of_the_first_month_is_discounted_by_half_a_month() -> None:
    """The factor of month k is (1 + d) ** -((k - 1/2) / 12)."""
    assert discount_factors(0.10, 3) == pytest.approx([1.1 ** (-0.5 / 12), 1.1 ** (-1.5 / 12), 1.1 ** (-2.5 / 12)])


def test_without_a_discount_rate_money_keeps_its_value() -> None:
    """A rate of zero gives factors of one."""
    assert (discount_factors(0.0, 5) == 1.0).all()


def test_negative_flows_have_the_same_share_beyond_as_positive_ones() -> None:
    """The share is of sizes, so that a sign cannot push it outside 0 to 1."""
    flows = np.array([[2.0, 1.0, 1.0]])
    seen = np.array([1.0])
    assert share_beyond(flows, seen) == share_beyond(-flows, seen) == pytest.approx([0.5])


def test_an_account_worth_nothing_has_nothing_beyond() -> None:
    """No flow at all gives a share of zero, not a division by zero."""
    assert share_beyond(np.zeros((1, 4)), np.zeros(1)).tolist() == [0.0]
