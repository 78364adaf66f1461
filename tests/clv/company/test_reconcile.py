"""What earlier origins teach, and how wide bands become."""

import numpy as np
import pytest

from revml.clv.company.reconcile import Lesson, Tie, factor
from revml.clv.company.total_spread import Z, drift, of_sum, quantiles, spread
from revml.clv.relations import Relation


def lesson(relation: Relation, predicted: list[float], realised: list[float]) -> Lesson:
    """A lesson without new business."""
    none = np.zeros(len(predicted))
    return Lesson(relation, len(predicted), np.array(predicted), np.array(realised), none, none)


def test_without_lessons_the_factor_is_one() -> None:
    """Nothing to learn from: nothing is changed."""
    assert factor((), Relation.ORDERS, 3).tolist() == [1, 1, 1]


def test_the_factor_is_drawn_towards_one() -> None:
    """Half of what came was told, twice: more than one, less than two, the same in all months."""
    made = factor((lesson(Relation.ORDERS, [5, 5], [10, 10]),) * 2, Relation.ORDERS, 3)
    assert made.tolist() == pytest.approx([2**0.5] * 3)


def test_a_contract_is_right_at_the_start() -> None:
    """The factor of contracts leaves one month by month, and stays what it is beyond the longest origin."""
    miss = np.exp(0.01 * np.arange(1, 13))
    made = factor((lesson(Relation.CONTRACT, [100.0] * 12, (100 * miss).tolist()),), Relation.CONTRACT, 24)
    assert made[0] == pytest.approx(np.exp(0.01 / 3))
    assert made[11] == pytest.approx(np.exp(0.12 / 3))
    assert made[23] == made[11]


def test_other_relations_do_not_matter() -> None:
    """Orders teach nothing of contracts."""
    assert factor((lesson(Relation.ORDERS, [5], [10]),), Relation.CONTRACT, 2).tolist() == [1, 1]


def test_a_tie_tells_the_difference() -> None:
    """In currency units, with its reason."""
    told = Tie(1_000_01, 1_000_00, "accounts_differ").to_dict()
    assert told == {"accounts": 1000.01, "kpi": 1000.0, "difference": 0.01, "reason": "accounts_differ"}


def test_no_origin_leaves_the_usual_drift_and_misses_widen_it() -> None:
    """The floor of short histories; origins that were right narrow it, others widen it."""
    right, wrong = np.zeros(12), np.full(12, 0.5)
    assert drift([right, right], 0.0, 0.02) < drift([], 0.0, 0.02) == 0.02 < drift([wrong], 0.0, 0.02)
    assert drift([right] * 10, 0.0, 0.02) > 0


def test_bands_hold_what_they_say() -> None:
    """Eight of ten lognormals lie between p10 and p90, and their mean is the forecast's."""
    rng = np.random.default_rng(1)
    drawn = np.exp(rng.normal(-0.02, 0.2, 200_000))
    found = quantiles(np.array([1.0]), np.array([0.2]))
    assert drawn.mean() == pytest.approx(1, abs=0.01)
    assert ((drawn > found["p10"]) & (drawn < found["p90"])).mean() == pytest.approx(0.8, abs=0.01)
    assert pytest.approx(1.2816, abs=1e-4) == Z


def test_the_sum_of_independent_parts_is_surer() -> None:
    """Two equal parts: the spread falls by the root of two; a part of nothing changes nothing."""
    one = np.array([100.0]), np.array([0.1])
    assert of_sum([one, one])[0] == pytest.approx(0.1 / 2**0.5, rel=0.01)
    assert of_sum([one, (np.zeros(1), np.array([1.0]))])[0] == pytest.approx(0.1)
    assert spread(4, 0.0, 0.01).tolist() == pytest.approx([0.01, 0.01 * 2**0.5, 0.01 * 3**0.5, 0.02])
