"""Ratios between landmarks of the past: what survivors' MRR became."""

from pathlib import Path

import numpy as np
import pytest

from revml.clv.contracts.growth import Growth, GrowthModel
from revml.clv.contracts.ratios import PRIOR_CHANGES, past_ratios
from revml.clv.contracts.subscriptions import standing_months
from revml.windows import instant
from tests.clv.companies import AS_OF, line, stepwise
from tests.literal_facts import stage


def test_standing_months_by_hand(tmp_path: Path) -> None:
    """Column 0 is today; a spell ends with the loss and has another number after the return."""
    rows = [
        line("a", 10.0, "2025-06-01", "2025-09-15"),
        line("a", 30.0, "2025-12-01", subscription_id="again"),
    ]
    facts = stage(tmp_path, accounts=[{"account_id": "a", "created_at": "2025-01-01"}], subscriptions=rows)
    past = standing_months(facts, AS_OF, 6)
    mrr, spell = past.mrr, past.spell
    assert mrr.tolist() == [[30.0, 30.0, 0.0, 0.0, 10.0, 10.0, 10.0]]
    assert spell[0, 0] != spell[0, 4]
    assert spell[0, 2:4].tolist() == [-1, -1]


def test_a_rise_is_seen_at_every_lag_that_spans_it(tmp_path: Path) -> None:
    """24 landmarks, one step by half: k of the 24 - k pairs at lag k span it."""
    ratios = past_ratios(stepwise(tmp_path), AS_OF, 12)
    trust = 40 / (40 + PRIOR_CHANGES)
    pairs = 24
    for k in (1, 6):
        assert ratios.rises[k - 1] == pytest.approx(trust * 0.5 * k / _weight(pairs, k), rel=0.15)
    assert (ratios.falls == 0).all()
    assert (ratios.observed_months, ratios.accounts, ratios.changes) == (12, 40, 40)


def _weight(pairs: int, k: int) -> float:
    """Pairs at lag k by MRR: those before the step weigh 1, those after it 1.5."""
    before, after = 12, pairs - 12 - k
    return before + 1.5 * after


def test_who_left_does_not_count(tmp_path: Path) -> None:
    """Only pairs of one unbroken spell are compared: a loss is no fall."""
    assert (past_ratios(stepwise(tmp_path, leaving=10), AS_OF, 12).falls == 0).all()


def test_beyond_what_was_seen_the_last_pace_goes_on(tmp_path: Path) -> None:
    """And never turns back."""
    ratios = past_ratios(stepwise(tmp_path), AS_OF, 60)
    assert ratios.observed_months < 30
    steps = np.diff(ratios.rises)
    assert (steps >= 0).all()
    assert np.ptp(steps[ratios.observed_months :]) == pytest.approx(0, abs=1e-12)


def test_young_and_old_accounts_have_paces_of_their_own(tmp_path: Path) -> None:
    """A step after a year and none else: who is half a year old rises, the younger and the older hardly do."""
    ratios = past_ratios(stepwise(tmp_path, accounts=400), AS_OF, 6)
    young, due, old, _ = ratios.rising_pace
    assert due > 1.5 > 0.5 > max(young, old)
    one, other = (
        Growth(GrowthModel.RATIO, ratios=ratios, tenure=np.array([t])).factors(np.array([100.0]), 6)[0][0, -1]
        for t in (8.0, 18.0)
    )
    assert one > 1 + ratios.rises[5] > other


def test_one_large_account_does_not_speak_for_all(tmp_path: Path) -> None:
    """Of forty accounts that stay as they are, one with most of the revenue doubles: it counts for a tenth or so."""
    rows = [line(f"a{i:02}", 10.0, "2024-01-01") for i in range(40)]
    rows += [line("big", 5000.0, "2024-01-01", "2025-01-01"), line("big", 10_000.0, "2025-01-01")]
    accounts = [{"account_id": name, "created_at": "2024-01-01"} for name in sorted({r["account_id"] for r in rows})]
    ratios = past_ratios(stage(tmp_path, accounts=accounts, subscriptions=rows), AS_OF, 12)
    assert 0 < ratios.rises[11] < 0.2


def test_few_accounts_say_nothing(tmp_path: Path) -> None:
    """Below thirty pairs no lag is told, and the level is none."""
    ratios = past_ratios(stepwise(tmp_path, accounts=8), AS_OF, 12)
    assert ratios.observed_months == 0
    assert (ratios.rises == 0).all()


def test_nothing_after_as_of_is_seen(tmp_path: Path) -> None:
    """The step of 2025 is unknown in 2024."""
    assert (past_ratios(stepwise(tmp_path), instant("2024-12-31"), 6).rises == 0).all()
