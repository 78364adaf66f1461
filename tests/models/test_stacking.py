"""The weights of a blend: near the plain mean while little is known, without what adds nothing when much is."""

from __future__ import annotations

import numpy as np
import pytest

from revml.models.stacking import PLAIN, mean_of_rungs, setting_of, stacked, weights

RNG = np.random.default_rng(5)
TRUTH = RNG.normal(size=(8_000, 2))
LABEL = (RNG.random(8_000) < 1 / (1 + np.exp(1 - TRUTH.sum(axis=1)))).astype(float)
HALVES = {"logistic": TRUTH[:, 0], "lightgbm": TRUTH[:, 1]}


def test_few_events_leave_the_plain_mean() -> None:
    """Six events say nothing against the weights that are believed beforehand."""
    rows = np.r_[np.flatnonzero(LABEL == 1)[:6], np.flatnonzero(LABEL == 0)[:12]]
    raws = {"rule": 0 * TRUTH[:, 0], **HALVES}
    assert weights({n: r[rows] for n, r in raws.items()}, LABEL[rows]) == pytest.approx(dict(PLAIN), abs=0.08)


def test_what_each_half_tells_has_its_weight() -> None:
    """Two halves of the truth that tell as much as each other weigh as much."""
    assert weights(HALVES, LABEL) == pytest.approx({"logistic": 0.5, "lightgbm": 0.5}, abs=0.04)


def test_what_speaks_against_the_truth_is_left_out() -> None:
    """A rung that is wrong throughout has no weight, never a negative one."""
    found = weights({**HALVES, "rule": -TRUTH.sum(axis=1) + RNG.normal(size=8_000)}, LABEL)
    assert found["rule"] == 0.0
    assert min(found.values()) >= 0.0
    assert sum(found.values()) == pytest.approx(1.0, abs=0.002)


def test_a_setting_holds_the_weights() -> None:
    """The mean that a setting tells is the mean under the weights that made it."""
    weight = {"logistic": 0.3, "rule": 0.2, "lightgbm": 0.5}
    raws = {"logistic": TRUTH[:, 0], "rule": TRUTH[:, 1], "lightgbm": TRUTH.sum(axis=1)}
    assert mean_of_rungs(setting_of(weight), raws) == pytest.approx(
        sum(w * raws[name] for name, w in weight.items()), abs=1e-9
    )
    assert setting_of({"logistic": 0.0, "lightgbm": 1.0}) == {"share": 1.0}


def test_accounts_have_no_say_in_their_own_weights() -> None:
    """Turning a group's labels moves the weights of the others, not its own."""
    groups = np.arange(8_000) % 4
    turned = np.where(groups == 0, 1 - LABEL, LABEL)
    first, second = (stacked(HALVES, label, groups)[0] for label in (LABEL, turned))
    assert (first[groups == 0] == second[groups == 0]).all()
    assert (first[groups != 0] != second[groups != 0]).any()
