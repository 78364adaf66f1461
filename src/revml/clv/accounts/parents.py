"""Families of accounts: what a parent is worth with all that stands below it.

Comes in: accounts and whom each names as its parent. Goes out: `Family`, and sums over it. Each account is counted once
on every level. A parent that is not known, and parents that run in a circle, are named and taken as no parent: nothing
is guessed, and nothing is lost from the total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from revml.clv.value import Floats

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Family:
    """Who belongs to whom.

    Attributes:
        account_id: (n,) sorted.
        parent: (n,) row of the parent, -1 where there is none (or none that can be used).
        below: rows from the lowest level up, so that each stands before its parent; only those with a parent.
        unknown: accounts whose parent is not among the accounts.
        circles: accounts that are their own ancestor.
    """

    account_id: npt.NDArray[np.object_]
    parent: Codes
    below: tuple[Codes, ...]
    unknown: tuple[str, ...]
    circles: tuple[str, ...]

    def with_children(self, own: Floats) -> Floats:
        """(n,) own values and those of all descendants; roots add up to the total of `own`."""
        out = np.array(own, dtype=np.float64)
        for level in self.below:
            np.add.at(out, self.parent[level], out[level])
        return out

    def ancestors(self, accounts: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """(n,) the given accounts and everybody above them."""
        out = accounts.copy()
        for level in self.below:
            out[self.parent[level][out[level]]] = True
        return out


def family(parents: Mapping[str, str | None]) -> Family:
    """Build the family of accounts.

    Args:
        parents: by account its parent's id, None where it has none.

    >>> made = family({"group": None, "a": "group", "b": "group", "b1": "b"})
    >>> made.with_children(np.array([1.0, 2.0, 4.0, 0.0])).tolist()
    [1.0, 6.0, 4.0, 7.0]
    """
    ids = sorted(parents)
    row = {account: i for i, account in enumerate(ids)}
    named = [parents[account] for account in ids]
    parent = np.array([-1 if name is None else row.get(name, -1) for name in named], dtype=np.int64)
    unknown = tuple(account for account, name in zip(ids, named, strict=True) if name is not None and name not in row)
    rounds, circle = _upwards(parent)
    parent[circle] = -1
    return Family(
        account_id=np.array(ids, dtype=object),
        parent=parent,
        below=tuple(level[parent[level] >= 0] for level in rounds),
        unknown=unknown,
        circles=tuple(ids[i] for i in np.flatnonzero(circle)),
    )


def _upwards(parent: Codes) -> tuple[list[Codes], npt.NDArray[np.bool_]]:
    """Accounts in rounds, each after all that stand below it; and those never reached, who stand above themselves."""
    waiting = np.bincount(parent[parent >= 0], minlength=len(parent))
    left = np.ones(len(parent), dtype=bool)
    rounds = []
    free = np.flatnonzero(waiting == 0)
    while len(free):
        rounds.append(free)
        left[free] = False
        above = parent[free]
        above = above[above >= 0]
        np.subtract.at(waiting, above, 1)
        free = np.unique(above[waiting[above] == 0])
    return rounds, left


def said(parents: Family) -> list[str]:
    """What a reader must know of parents that could not be used."""
    notes = []
    if parents.unknown:
        notes.append(f"{_named(parents.unknown)} name a parent that is not among the accounts: taken as having none")
    if parents.circles:
        notes.append(f"{_named(parents.circles)} are their own ancestors: taken as having no parent")
    return notes


def _named(accounts: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(accounts[:most])
    more = f" and {len(accounts) - most} more" if len(accounts) > most else ""
    return f"{len(accounts)} account{'s' if len(accounts) > 1 else ''} ({shown}{more})"
