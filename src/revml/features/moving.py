"""A row of features as it would be if some of them were others: what hangs together moves together.

Comes in: the numeric features of a row, and the values that are asked about. Goes out: what moved along by the ties of
`features.derived`, and what could not be told. What is asked about stays as it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from revml.features.derived import (
    AFTER_SCALED,
    ALSO,
    AT_MOST,
    CLOCKS,
    FORMULAS,
    NONE_LEFT,
    PARTS,
    SCALED,
    UNTOLD,
    WINDOWS,
    Formula,
    Number,
    Values,
)


@dataclass(frozen=True)
class Moved:
    """A row after some of its features were set.

    Attributes:
        values: of every numeric feature that moved or was set; None is unknown.
        moved: what moved along, in order of names.
        left: what is also made of something that moved, and stays as it was.
    """

    values: Values
    moved: tuple[str, ...]
    left: tuple[str, ...]


def move(row: Mapping[str, Number], asked: Mapping[str, Number]) -> Moved:
    """The row as it would be.

    Args:
        row: the numeric features as they are; None where unknown.
        asked: what is set; it stays as it is set.

    >>> row = {"active_users_28d": 10.0, "active_users_84d": 16.0, "seats": 20.0, "active_users_per_seat_28d": 0.5}
    >>> told = move(row, {"active_users_28d": 18.0})
    >>> told.values["active_users_84d"], told.values["active_users_per_seat_28d"]
    (18.0, 0.8999999761581421)
    """
    new: dict[str, Number] = {**row, **asked}
    for _ in range(4):  # a clock moves its count, a part its whole, the whole its windows, and these clocks again
        before = dict(new)
        for clock, stem in CLOCKS.items():
            _clock(clock, stem, row, new, asked)
        for stem, (windows, kind) in WINDOWS.items():
            _windows([f"{stem}_{w}d" for w in windows], kind, row, new, asked)
        for part, whole in PARTS.items():
            _part(part, whole, row, new, asked)
        for first, others in NONE_LEFT.items():
            if first in new and _changed(first, row, new) and new[first] == 0:
                new |= {name: value for name, value in others.items() if name in row and name not in asked}
        if new == before:
            break
    left: list[str] = []
    for name, formula in FORMULAS.items():
        _again(name, formula, row, new, asked, left)
    for name, formula in SCALED.items():
        _in_proportion(name, formula, row, new, asked, left)
    for name, formula in AFTER_SCALED.items():
        _again(name, formula, row, new, asked, left)
    for name, inputs in UNTOLD.items():
        if name in row and name not in asked and not _changed(name, row, new) and _any_changed(inputs, row, new):
            left.append(name)
    changed = [name for name in new if name in asked or _changed(name, row, new)]
    values = {name: _narrow(new[name]) for name in changed}
    return Moved(values, tuple(sorted(n for n in changed if n not in asked)), tuple(sorted(left)))


def _windows(
    names: Sequence[str],
    kind: str,
    row: Mapping[str, Number],
    new: dict[str, Number],
    asked: Mapping[str, Number],
) -> None:
    """Longer windows hold what shorter ones hold; a window that was not asked about follows the nearest that was."""
    there = [name for name in names if row.get(name) is not None or name in asked]
    told = [name for name in there if _changed(name, row, new)]
    if not told or any(new[name] is None for name in told):
        return
    for place, name in enumerate(there):
        if name in told:
            continue
        old = row[name]
        assert old is not None  # noqa: S101 - `there` holds known ones
        shorter = [n for n in there[:place] if n in told]
        longer = [n for n in there[place + 1 :] if n in told]
        if shorter:
            value = _lengthened(old, new[shorter[-1]] or 0.0, row.get(shorter[-1]) or 0.0, kind)
        else:
            value = _shortened(old, new[longer[0]] or 0.0, row.get(longer[0]) or 0.0)
        most = new[longer[0]] if longer else None
        new[name] = value if most is None else min(value, most)


def _lengthened(old: float, near: float, was: float, kind: str) -> float:
    """A longer window, where the shorter one within it moved from `was` to `near`."""
    return max(old + near - was if kind == "adds" else old, near)


def _shortened(old: float, far: float, was: float) -> float:
    """A shorter window, where the longer one around it moved from `was` to `far`: spread evenly over its days."""
    value = old * far / was if was else old
    return min(float(round(value)) if old.is_integer() and far.is_integer() else value, far)


def _clock(
    clock: str, stem: str, row: Mapping[str, Number], new: dict[str, Number], asked: Mapping[str, Number]
) -> None:
    """Something of so many days ago is counted in the windows that reach so far, and what is counted has a day."""
    days, now = WINDOWS[stem][0], new.get(clock)
    counts = [(w, f"{stem}_{w}d") for w in days if f"{stem}_{w}d" in row]
    if _changed(clock, row, new) and now is not None:
        for w, name in counts:
            known = new[name]
            if name not in asked and known is not None:
                new[name] = max(known, 1.0) if now < w else 0.0
    elif clock in row and _any_changed([name for _, name in counts], row, new):
        within = min((w for w, name in counts if (new[name] or 0) > 0), default=None)
        beyond = max((w for w, name in counts if new[name] == 0), default=0)
        if within is not None and (now is None or now >= within):
            new[clock] = float(within - 1)
        elif now is not None and now < beyond:
            new[clock] = float(beyond)
    other = ALSO.get(clock)
    if other is not None and other in row and other not in asked and _changed(clock, row, new):
        mine, theirs = new[clock], new[other]
        if mine is not None and (theirs is None or mine < theirs):
            new[other] = mine


def at_most(name: str, row: Mapping[str, Number]) -> float | None:
    """The most that a feature can be beside the others of its row; None where nothing limits it.

    >>> at_most("active_users_28d", {"users": 3.0, "seats": 9.0}), at_most("mrr", {})
    (9.0, None)
    """
    for stem, limits in AT_MOST.items():
        if any(name == f"{stem}_{w}d" for w in WINDOWS[stem][0]):
            known = [value for limit in limits if (value := row.get(limit))]
            return max(known, default=None)
    if name.startswith("active_days_"):
        return float(name.removeprefix("active_days_").removesuffix("d"))
    return None


def _part(
    part: str, whole: str, row: Mapping[str, Number], new: dict[str, Number], asked: Mapping[str, Number]
) -> None:
    was, now, all_ = row.get(part), new.get(part), row.get(whole)
    if whole in asked or was is None or now is None or all_ is None or was == now or _changed(whole, row, new):
        return
    new[whole] = max(all_ + now - was, now)


def _again(
    name: str,
    formula: Formula,
    row: Mapping[str, Number],
    new: dict[str, Number],
    asked: Mapping[str, Number],
    left: list[str],
) -> None:
    if name not in row or name in asked or not _any_changed(formula.inputs, row, new):
        return
    if any(i not in new for i in formula.inputs):
        left.append(name)
    else:
        new[name] = _narrow(formula.function(*(new[i] for i in formula.inputs)))


def _in_proportion(
    name: str,
    formula: Formula,
    row: Mapping[str, Number],
    new: dict[str, Number],
    asked: Mapping[str, Number],
    left: list[str],
) -> None:
    if name not in row or name in asked or not _any_changed(formula.inputs, row, new):
        return
    old = row[name]
    was = formula.function(*(row[i] for i in formula.inputs)) if all(i in row for i in formula.inputs) else None
    now = formula.function(*(new[i] for i in formula.inputs)) if all(i in new for i in formula.inputs) else None
    if old is None or was is None or now is None or was <= 0:
        left.append(name)
    else:
        new[name] = _narrow(old * now / was)


def _changed(name: str, row: Mapping[str, Number], new: Mapping[str, Number]) -> bool:
    return name in new and (name not in row or row[name] != new[name])


def _any_changed(names: Sequence[str], row: Mapping[str, Number], new: Mapping[str, Number]) -> bool:
    return any(_changed(name, row, new) for name in names)


def _narrow(value: Number) -> Number:
    """As the engine stores it: 32 bits."""
    return None if value is None else float(np.float32(value))
