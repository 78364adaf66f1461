"""Choosing in compiled loops: the same reasons as the rules written down in numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from revml.explanations.choosing import (
    AGREES,
    DISAGREES,
    LEAST,
    LEAST_SHARE,
    MISSING,
    SILENT,
    Concepts,
    choose,
)
from revml.features.spec import Feature

FEATURES = (
    Feature("active_users_28d", "count", "usage"),
    Feature("events_28d", "count", "usage"),
    Feature("mrr", "money", "price"),
    Feature("industry", "category", "profile"),
    Feature("days_to_renewal", "days", "renewal"),
    Feature("seats", "count", "seats"),
    Feature("score_of_sales", "number", "own"),
    Feature("score_of_support", "number", "own"),
)
CONCEPTS = Concepts.of_features(FEATURES)


def test_columns_of_an_own_table_are_concepts_by_themselves() -> None:
    """Each is summed alone, and called by the concept that they share."""
    told = dict(zip(CONCEPTS.ideas, CONCEPTS.called, strict=True))
    assert (told["score_of_sales"], told["score_of_support"], told["usage"]) == ("own", "own", "usage")


def test_circumstances_count_half() -> None:
    """Nobody can act on the calendar or on the industry."""
    weight = dict(zip(CONCEPTS.ideas, CONCEPTS.weight.tolist(), strict=True))
    assert (weight["profile"], weight["renewal"], weight["usage"]) == (0.5, 0.5, 1.0)


def _plainly(parts, value, past, peers, known, slope, top):  # type: ignore[no-untyped-def]
    """The rules, one row at a time, without any regard for speed."""
    told = []
    for i in range(len(parts)):
        sums = np.zeros(len(CONCEPTS.ideas))
        for j, at in enumerate(CONCEPTS.of):
            sums[at] += parts[i, j]
        weighted = sums * CONCEPTS.weight
        order = sorted(range(len(sums)), key=lambda c: -abs(weighted[c]))
        bar = max(LEAST, LEAST_SHARE * abs(weighted[order[0]]))
        raises = [c for c in order if weighted[c] >= bar]
        lowers = [c for c in order if -weighted[c] >= bar]
        first = raises[: max(top - 1, 1)][:top]
        second = lowers[: top - len(first)]
        third = [c for c in raises if c not in first][: top - len(first) - len(second)]
        for rank, c in enumerate([*first, *third, *second], start=1):
            best, teller = -np.inf, -1
            for j in np.flatnonzero(CONCEPTS.of == c):
                others = [o for o in (past[i, j], peers[i, j]) if np.isfinite(o)]
                if not known[i, j]:
                    story = MISSING
                elif slope[j] == 0 or not np.isfinite(value[i, j]) or not others:
                    story = SILENT
                elif any(np.sign(value[i, j] - o) * slope[j] == np.sign(parts[i, j]) for o in others):
                    story = AGREES
                else:
                    story = DISAGREES
                pull = parts[i, j] * story * np.sign(sums[c])
                if pull > best:
                    best, teller = pull, j
            told.append((i, rank, c, teller, sums[c]))
    return told


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_reasons_are_those_of_the_rules(seed: int, top: int) -> None:
    """Of rows with unknowns, ties and zeros among them."""
    rng = np.random.default_rng(seed)
    shape = (5, len(FEATURES))
    parts = np.round(rng.normal(0, 0.2, shape), 1)  # rounded, so that there are ties
    value, past, peers = (np.where(rng.random(shape) < 0.3, np.nan, rng.integers(0, 3, shape)) for _ in range(3))
    known = np.isfinite(value) | (rng.random(shape) < 0.2)
    slope = rng.integers(-1, 2, shape[1]).astype(float)
    told = choose(CONCEPTS, parts, value, past, peers, known, slope, top)
    rows = list(zip(*(a.tolist() for a in (told.row, told.rank, told.concept, told.column)), strict=True))
    wanted = _plainly(parts, value, past, peers, known, slope, top)
    assert rows == [one[:4] for one in wanted]
    assert told.contribution.tolist() == [one[4] for one in wanted]


def test_a_row_has_the_same_reasons_alone_and_among_others() -> None:
    """A part of what was chosen is what is chosen of the part."""
    rng = np.random.default_rng(7)
    shape = (40, len(FEATURES))
    parts, value, past, peers = (rng.normal(size=shape) for _ in range(4))
    slope, known = np.ones(shape[1]), np.ones(shape, dtype=bool)
    whole = choose(CONCEPTS, parts, value, past, peers, known, slope, 4)
    for start, stop in ((0, 1), (3, 17), (39, 40), (5, 5)):
        some = slice(start, stop)
        alone = choose(CONCEPTS, parts[some], value[some], past[some], peers[some], known[some], slope, 4)
        part = whole.part(start, stop)
        for name in ("row", "rank", "concept", "column", "contribution"):
            assert getattr(part, name).tolist() == getattr(alone, name).tolist()


@pytest.mark.parametrize("order", ["C", "F"])
def test_sums_add_up_in_any_layout(order: str) -> None:
    """Concepts add up to the row's own sum."""
    parts = np.asarray(np.random.default_rng(3).normal(size=(9, len(FEATURES))), order=order)  # type: ignore[call-overload]
    sums = CONCEPTS.sums(parts)
    assert sums.shape == (9, len(CONCEPTS.ideas))
    assert np.allclose(sums.sum(axis=1), parts.sum(axis=1))
