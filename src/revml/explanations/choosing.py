"""Which concepts are told of a row and which feature tells each, row by row in compiled loops.

Comes in: contributions and what is known of the features, as plain arrays. Goes out: `Chosen`, at most `top` reasons a
row. A concept's weight is the sum over all its features; the feature only tells its story. Ties fall to the name, so
that the same row gives the same reasons, alone or among a million.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from revml.explanations.facts import OWN
from revml.features.spec import CIRCUMSTANCE_WEIGHT, CIRCUMSTANCES, Feature
from revml.models.compiled import compiled

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

LEAST = 0.02  # log-odds; a concept that moves the odds by less than 2 % is no reason,
LEAST_SHARE = 0.03  # nor is one beside another that moves them over thirty times as much

# How well a feature tells its concept's story, as a factor of its own contribution.
AGREES = 1.0  # it differs from its past or its peers in the direction of its contribution
SILENT = 0.7  # it cannot be compared, or has no direction
DISAGREES = 0.4  # it differs the other way, or not at all
MISSING = 0.2  # it is not known, which is a reason only where the model makes much of it


@dataclass(frozen=True)
class Concepts:
    """The concepts of some features.

    Attributes:
        ideas: names of what is summed, sorted; a column of a company's own table is a concept by itself.
        called: what each is called.
        of: (features,) place of each feature's concept.
        weight: (concepts,) how much each counts among the reasons.
    """

    ideas: tuple[str, ...]
    called: tuple[str, ...]
    of: Places
    weight: Floats

    @classmethod
    def of_features(cls, features: Sequence[Feature]) -> Concepts:
        """Sort the features of a model by concept."""
        idea_of = [feature.name if feature.concept == OWN else feature.concept for feature in features]
        names = dict(zip(idea_of, (feature.concept for feature in features), strict=True))
        ideas = tuple(sorted(names))
        called = tuple(names[idea] for idea in ideas)
        weight = np.where(np.isin(called, CIRCUMSTANCES), CIRCUMSTANCE_WEIGHT, 1.0)
        return cls(ideas, called, np.array([ideas.index(idea) for idea in idea_of], dtype=np.int64), weight)

    def sums(self, parts: Floats) -> Floats:
        """Contributions by concept, (rows, concepts), not weighted; feature by feature, so always the same bits."""
        sums: Floats = _sums(self.of, len(self.ideas), np.ascontiguousarray(parts, dtype=np.float64))
        return sums


@dataclass(frozen=True)
class Chosen:
    """Reasons, sorted by row and rank; every array has one place a reason.

    Attributes:
        row: of which row.
        rank: from 1; what raises the log-odds first, each side by strength.
        concept: place among the concepts.
        column: the feature that tells it.
        contribution: log-odds of the whole concept.
    """

    row: Places
    rank: Places
    concept: Places
    column: Places
    contribution: Floats

    def part(self, start: int, stop: int) -> Chosen:
        """The reasons of some rows, counted from the first of them."""
        some = slice(*np.searchsorted(self.row, (start, stop)).tolist())
        return Chosen(
            self.row[some] - start, self.rank[some], self.concept[some], self.column[some], self.contribution[some]
        )


def choose(
    concepts: Concepts,
    parts: Floats,
    value: Floats,
    past: Floats,
    peers: Floats,
    known: npt.NDArray[np.bool_],
    slope: Floats,
    top: int,
) -> Chosen:
    """The reasons of some rows; all arrays but `slope` (features,) are (rows, features).

    Args:
        value, past, peers: NaN where unknown, and for categories.
        known: whether there is a value, also of a category.
        slope: 1 where more of a feature raises the log-odds, -1 where it lowers them, 0 where neither is known.
        top: at most so many reasons a row, at most `top - 1` of them raising where others lower.
    """
    # One layout of arrays, so that one compiled loop serves all.
    given = [np.ascontiguousarray(array, dtype=np.float64) for array in (parts, value, past, peers)]
    told = _choose(concepts.of, concepts.weight, *given, np.ascontiguousarray(known), slope, max(top, 0))
    return Chosen(*told)


def strongest(sums: Floats, top: int) -> tuple[Places, Places, Places]:
    """Which concepts are told of each row.

    Up to `top - 1` that raise, then those that lower, then whatever else raises, until there are `top`.

    Args:
        sums: (rows, concepts) log-odds, weighted.

    Returns:
        Row, concept and rank (from 1) of each reason, sorted by row and rank.

    >>> row, concept, rank = strongest(np.array([[0.5, -0.9, 0.1, 0.3, 0.2]]), top=4)
    >>> concept.tolist(), rank.tolist()
    ([0, 3, 4, 1], [1, 2, 3, 4])
    """
    count, concept = _strongest(np.ascontiguousarray(sums, dtype=np.float64), top)
    row = np.repeat(np.arange(len(sums)), count)
    place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, concept[row, place], place + 1


def warm() -> None:
    """Compile the loops, or load what was compiled before."""
    one = np.zeros((1, 1))
    none = Concepts((), (), np.zeros(1, dtype=np.int64), np.ones(1))
    choose(none, one, one, one, one, one > 0, np.zeros(1), 1)
    strongest(one, 1)
    Concepts(("",), ("",), np.zeros(1, dtype=np.int64), np.ones(1)).sums(one)


@compiled
def _sums(of, concepts, parts):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    sums = np.zeros((len(parts), concepts))
    for row in range(len(parts)):
        for j in range(len(of)):
            sums[row, of[j]] += parts[row, j]
    return sums


@compiled
def _pick(sums, top, found):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Write the concepts that are told of one row into `found`, in the order of telling; returns how many."""
    most = 0.0
    for one in sums:
        most = max(most, abs(one))
    bar = max(LEAST, LEAST_SHARE * most)
    raising = lowering = 0
    for one in sums:
        if abs(one) >= bar:
            raising += one > 0
            lowering += one < 0
    first = min(raising, max(top - 1, 1), top)
    lowers = min(lowering, top - first)
    raises = min(raising, top - lowers)
    _take(sums, bar, 1.0, found, 0, raises)
    _take(sums, bar, -1.0, found, raises, lowers)
    return raises + lowers


@compiled
def _take(sums, bar, side, found, start, count):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Write the `count` strongest of one side into `found`, the strongest first, of equal ones the first by place."""
    told = 0
    for c in range(len(sums)):
        one = side * sums[c]
        if one < bar or (told == count and (count == 0 or one <= side * sums[found[start + count - 1]])):
            continue
        at = told if told < count else count - 1
        while at > 0 and side * sums[found[start + at - 1]] < one:
            found[start + at] = found[start + at - 1]
            at -= 1
        found[start + at] = c
        told = min(told + 1, count)


@compiled
def _strongest(sums, top):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    count = np.zeros(len(sums), dtype=np.int64)
    concept = np.zeros((len(sums), top), dtype=np.int64)
    for row in range(len(sums)):
        count[row] = _pick(sums[row], top, concept[row])
    return count, concept


@compiled
def _fits(value, other, slope, part):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Whether a value differs from another one in the direction of its contribution; never where one is unknown."""
    away = (value - other) * slope
    return (away > 0 and part > 0) or (away < 0 and part < 0) or (away == 0 and part == 0)


@compiled
def _choose(of, weight, parts, value, past, peers, known, slope, top):  # type: ignore[no-untyped-def]  # pragma: no cover
    n_rows, n_features = parts.shape
    n_concepts = len(weight)
    most = n_rows * min(top, n_concepts)
    of_row, rank = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    concept, column = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    total = np.empty(most)
    sums, weighted = np.empty(n_concepts), np.empty(n_concepts)
    place = np.empty(n_concepts, dtype=np.int64)
    picked = np.empty(max(top, 1), dtype=np.int64)
    best = np.empty(max(top, 1))
    end = 0
    for row in range(n_rows):
        sums[:] = 0.0
        for j in range(n_features):
            sums[of[j]] += parts[row, j]
        for c in range(n_concepts):
            weighted[c] = sums[c] * weight[c]
        told = _pick(weighted, top, picked)
        place[:] = -1
        for at in range(told):
            c = picked[at]
            place[c] = at
            of_row[end + at], rank[end + at], concept[end + at] = row, at + 1, c
            total[end + at] = sums[c]
            column[end + at] = -1
        for j in range(n_features):
            at = place[of[j]]
            if at < 0:
                continue
            part = parts[row, j]
            if not known[row, j]:
                story = MISSING
            elif (
                slope[j] == 0
                or not np.isfinite(value[row, j])
                or (not np.isfinite(past[row, j]) and not np.isfinite(peers[row, j]))
            ):
                story = SILENT
            elif _fits(value[row, j], past[row, j], slope[j], part) or _fits(
                value[row, j], peers[row, j], slope[j], part
            ):
                story = AGREES
            else:
                story = DISAGREES
            pull = part * story if total[end + at] > 0 else -part * story
            if column[end + at] < 0 or pull > best[at]:
                column[end + at] = j
                best[at] = pull
        end += told
    return of_row[:end], rank[:end], concept[:end], column[:end], total[:end]
