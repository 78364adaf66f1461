"""Levers: which actionable features, moved to a realistic goal, would bring an account out of its band.

Comes in: a bundle, the row that it scored, and what a sheet declares as actionable. Goes out: `Levers`: each feature
moved alone, the best of them in pairs, each checked on the model itself with all that moves along; and the smallest
change that leaves the band, or the best that is within reach. Goals are what accounts reach: one step, what is usual
among similar accounts, the bound of the sheet. The model tells a correlation: what accounts like the changed one did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from revml.config import LOSSES
from revml.explanations.amounts import Value
from revml.explanations.one_row import Row, ask, feature_of, must_hold, probabilities
from revml.explanations.what_if import changed
from revml.features.moving import at_most
from revml.features.spec import WHOLE_NUMBERS
from revml.models.bundle import Bundle
from revml.models.reference import segment_of
from revml.models.sheet import Actionable

PAIRED = 6  # features whose pairs are tried
LEAST = 0.0005  # of the probability: a lever that moves less is none
DECILES = np.linspace(0, 1, 11)


@dataclass(frozen=True)
class Step:
    """One feature moved to a goal.

    Args:
        goal: step, peers (the median of similar accounts) or bound (that of the sheet).
        effort: the share of the accounts that the model learned from that lie between value and goal.
        why: what the sheet says of it.
    """

    feature: str
    before: float
    after: float
    goal: str
    effort: float
    why: Actionable


@dataclass(frozen=True)
class Lever:
    """One or two features moved, and what the model would give.

    Attributes:
        enough: whether the account leaves its band in the direction that one wishes.
        moved: feature: value before and after, of what moved along.
    """

    steps: tuple[Step, ...]
    probability: float
    band: str
    log_odds: float
    enough: bool
    moved: Mapping[str, tuple[Value, Value]]

    @property
    def effort(self) -> float:
        """Of all steps together."""
        return sum(step.effort for step in self.steps)


@dataclass(frozen=True)
class Levers:
    """What would bring an account out of its band.

    Attributes:
        wanted: the band beyond whose edge the levers are to bring it; None where it is in the best one already.
        threshold: the probability to fall below, or to reach.
        singles: each feature alone, at the goal that moves most, strongest first.
        best: the smallest change that is enough; else the one that moves most; None where nothing moves.
        tried: features that are actionable and known of the account, with their values.
    """

    question: str
    probability: float
    band: str
    log_odds: float
    wanted: str | None
    threshold: float | None
    singles: tuple[Lever, ...]
    best: Lever | None
    tried: Mapping[str, float]


def levers(bundle: Bundle, row: Row, actionable: Mapping[str, Actionable]) -> Levers:
    """Look for levers of an account.

    Args:
        row: the features as they were scored (`one_row.values_of_row`).
        actionable: by name or glob, as a sheet has them; the first that fits a feature counts.

    Raises:
        BundleError: the row lacks a feature of the model.
    """
    must_hold(bundle, row, where=f"{bundle.question} model {bundle.version}")
    now = ask(bundle, [row])[0]
    wanted, threshold = goal_of(bundle, now.band)
    steps = [step for name in row for step in _steps(bundle, row, name, actionable)]
    singles = _tried(bundle, row, [(step,) for step in steps], threshold)
    by_feature: dict[str, list[Lever]] = {}
    for lever in singles:
        by_feature.setdefault(lever.steps[0].feature, []).append(lever)
    sign = -1.0 if bundle.question in LOSSES else 1.0
    helping = {
        name: some
        for name, some in by_feature.items()
        if max(_gain(one, now.probability, sign) for one in some) > LEAST
    }
    strongest = sorted(
        helping, key=lambda name: (-max(_gain(one, now.probability, sign) for one in helping[name]), name)
    )
    pairs = [
        (a.steps[0], b.steps[0])
        for first, second in combinations(strongest[:PAIRED], 2)
        for a, b in product(helping[first], helping[second])
    ]
    every = [lever for name in strongest for lever in helping[name]]
    if threshold is not None and not any(lever.enough for lever in every):
        every += _tried(bundle, row, pairs, threshold)
    best = _best(every, now.probability, sign)
    at_most = [
        max(helping[name], key=lambda one: (_gain(one, now.probability, sign), -one.effort)) for name in strongest
    ]
    return Levers(
        question=bundle.question,
        probability=now.probability,
        band=now.band,
        log_odds=now.log_odds,
        wanted=wanted,
        threshold=threshold,
        singles=tuple(_with_moved(bundle, row, lever) for lever in at_most),
        best=None if best is None else _with_moved(bundle, row, best),
        tried={name: v for name, v in row.items() if isinstance(v, float) and actionable_of(name, actionable)},
    )


def goal_of(bundle: Bundle, band: str) -> tuple[str | None, float | None]:
    """The band that one wishes next, and the probability at its edge; None where there is none better."""
    edges = {"high": bundle.bands.high, "medium": bundle.bands.medium}
    if bundle.question in LOSSES:
        better = {"high": "medium", "medium": "low"}.get(band)
        return better, None if better is None else edges[band]
    better = {"low": "medium", "medium": "high"}.get(band)
    return better, None if better is None else edges[better]


def actionable_of(name: str, actionable: Mapping[str, Actionable]) -> Actionable | None:
    """What a sheet says of a feature: its own name first, then the first glob that fits."""
    return actionable.get(name) or next((one for glob, one in actionable.items() if fnmatchcase(name, glob)), None)


def _steps(bundle: Bundle, row: Row, name: str, actionable: Mapping[str, Actionable]) -> list[Step]:
    """The goals of a feature: in the direction of the sheet, no further than its bound."""
    told, value = actionable_of(name, actionable), row[name]
    if told is None or not isinstance(value, float):
        return []
    quantiles = _quantiles(bundle, name)
    peers = peers_of(bundle, row, name)
    bound = _bound(told, quantiles, peers)
    # a score that only ever was a whole number is asked about as one
    whole = feature_of(bundle, name).kind in WHOLE_NUMBERS or bool(len(quantiles) and (quantiles % 1 == 0).all())
    numbers = {other: v for other, v in row.items() if not isinstance(v, str)}
    most = at_most(name, numbers)
    up = told.direction == "up"
    goals = {"bound": bound, "peers": peers, "step": _one_step(value, quantiles, up=up, whole=whole)}
    made: list[Step] = []
    for goal, at in goals.items():
        if at is None:
            continue
        if bound is not None:
            at = min(at, bound) if up else max(at, bound)
        if most is not None:
            at = min(at, most)
        if whole:  # never beyond the goal
            at = float(np.floor(at) if up else np.ceil(at))
        at = float(np.float32(at))
        if (at > value) is not up or at == value or any(step.after == at for step in made):
            continue
        made.append(Step(name, value, at, goal, _effort(quantiles, value, at), told))
    return made


def _quantiles(bundle: Bundle, name: str) -> np.ndarray:
    told = bundle.reference.get("features", {}).get(name, {}).get("quantiles") or []
    return np.asarray(told, dtype=float)


def peers_of(bundle: Bundle, row: Row, name: str) -> float | None:
    """The median of similar accounts, of all where there are no similar ones; None where it is not known."""
    peers = bundle.reference.get("peers") or {}
    segment = None
    if peers.get("column") in row:
        segment = segment_of(pd.DataFrame({peers["column"]: [row[peers["column"]]]}), peers)[0]
    found: Any = peers.get("median", {}).get(segment, {}).get(name) if segment is not None else None
    if found is None:
        found = bundle.reference.get("features", {}).get(name, {}).get("median")
    return None if found is None else float(found)


def _bound(told: Actionable, quantiles: np.ndarray, peers: float | None) -> float | None:
    if not isinstance(told.to, str):
        return float(told.to)
    if told.to == "peers":
        return peers
    return float(np.interp(int(told.to[1:]) / 100, DECILES, quantiles)) if len(quantiles) else None


def _one_step(value: float, quantiles: np.ndarray, *, up: bool, whole: bool) -> float | None:
    """One more or one fewer of what is counted; else the next tenth of the accounts."""
    if whole:
        return value + 1 if up else max(value - 1, 0.0)
    beyond = quantiles[quantiles > value] if up else quantiles[quantiles < value]
    return None if not len(beyond) else float(beyond[0] if up else beyond[-1])


def _effort(quantiles: np.ndarray, before: float, after: float) -> float:
    """The share of the accounts between two values, and a trifle for the distance itself where there are none."""
    near = abs(after - before) / (1.0 + abs(before) + abs(after)) * 0.01
    if not len(quantiles):
        return near
    return abs(_rank(quantiles, after) - _rank(quantiles, before)) + near


def _rank(quantiles: np.ndarray, value: float) -> float:
    """Where a value stands among the accounts, 0 to 1; the middle of those that have the same."""
    left, right = np.searchsorted(quantiles, value, "left"), np.searchsorted(quantiles, value, "right")
    if left != right:
        return float((DECILES[left] + DECILES[right - 1]) / 2)
    return float(np.interp(value, quantiles, DECILES))


def _tried(bundle: Bundle, row: Row, changes: Sequence[tuple[Step, ...]], threshold: float | None) -> list[Lever]:
    """What the model says of each change; one pass for all."""
    rows = [changed(bundle, row, {step.feature: step.after for step in steps})[0] for steps in changes]
    chances = probabilities(bundle, rows)
    bands = bundle.bands.of(chances)
    loss = bundle.question in LOSSES
    return [
        Lever(steps, float(p), str(band), float("nan"), _enough(float(p), threshold, loss=loss), {})
        for steps, p, band in zip(changes, chances, bands, strict=True)
    ]


def _enough(probability: float, threshold: float | None, *, loss: bool) -> bool:
    if threshold is None:
        return False
    return probability < threshold if loss else probability >= threshold


def _gain(lever: Lever, now: float, sign: float) -> float:
    return sign * (lever.probability - now)


def _best(every: list[Lever], now: float, sign: float) -> Lever | None:
    enough = [lever for lever in every if lever.enough]
    if enough:
        return min(enough, key=lambda one: (len(one.steps), one.effort, -_gain(one, now, sign), _names(one)))
    moving = [lever for lever in every if _gain(lever, now, sign) > LEAST]
    return min(moving, key=lambda one: (-_gain(one, now, sign), one.effort, _names(one)), default=None)


def _names(lever: Lever) -> tuple[str, ...]:
    return tuple(step.feature for step in lever.steps)


def _with_moved(bundle: Bundle, row: Row, lever: Lever) -> Lever:
    new, moved, _ = changed(bundle, row, {step.feature: step.after for step in lever.steps})
    told = ask(bundle, [new])[0]
    return replace(lever, log_odds=told.log_odds, moved={name: (row[name], new[name]) for name in moved})
