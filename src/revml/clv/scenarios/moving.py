"""Survival curves moved on the log-odds of leaving: the arithmetic of retention and of saved accounts.

Comes in: (n, months) curves of a forecast. Goes out: curves that reach a goal exactly. Nothing here reads data. A month
in which a contract cannot end stays one: a hazard of nothing has no odds to move.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from revml.clv.contracts.tie import SHIFT_HALF_LIFE_MONTHS, Survival, months_of, tie
from revml.clv.value import Floats

YEAR = 12
FARTHEST = 60.0  # on the log-odds: beyond it there is nothing left to move
_LEAST = 1e-300


def log_odds_of(survival: Floats) -> Floats:
    """(n, months) log-odds of leaving in each month, given that one is there at its start; -inf where nobody can.

    >>> log_odds_of(np.array([[0.5, 0.25]])).tolist()
    [[0.0, 0.0]]
    """
    before = np.column_stack([np.ones(len(survival)), survival[:, :-1]])
    left = np.clip(np.maximum(survival, _LEAST) / np.maximum(before, _LEAST), _LEAST, 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log1p(-left) - np.log(left))


def shifted(survival: Floats, shift: Floats) -> Floats:
    """The curves if the log-odds of leaving were moved by (n, months) or (n, 1) `shift`; 0 leaves a row as it is."""
    moved = np.exp(-np.cumsum(np.logaddexp(0.0, log_odds_of(survival) + shift), axis=1))
    still = (np.broadcast_to(shift, survival.shape) == 0.0).all(axis=1)
    return np.where(still[:, None], survival, moved)


def retained(survival: Floats) -> float:
    """The share of accounts that are there after twelve months, expected."""
    return float(survival[:, YEAR - 1].mean())


def shift_to_retention(survival: Floats, goal: float) -> float | None:
    """The one number that, added to all log-odds of leaving, makes `retained` the goal; None where none does."""

    odds = log_odds_of(survival[:, :YEAR])

    def miss(shift: float) -> float:
        return float(np.exp(-np.logaddexp(0.0, odds + shift).sum(axis=1)).mean()) - goal

    return _root(miss)


def shift_to_ordering(p_order: Floats, goal: float) -> float | None:
    """The number that, added to the log-odds of an order within a year, makes their mean over the buyers the goal."""
    first = p_order[:, 0]
    return _root(lambda shift: float(_more(first, shift).mean()) - goal)


def ordering(p_order: Floats, shift: float) -> Floats:
    """Probabilities of an order, their log-odds moved."""
    return p_order if shift == 0 else _more(p_order, shift)


def brought_down(survival: Floats, days: float, goal: float, success: float) -> Floats:
    """The curves if each account's risk over `days` were at most `goal`, with a chance of `success`.

    Within the days the account's log-odds move by one number; after them what was moved fades by half in
    `SHIFT_HALF_LIFE_MONTHS`, as everything does that a score knows of an account.
    """
    risk = 1.0 - Survival(survival, np.zeros(len(survival))).at_days(days)
    above = (risk > goal) & (success > 0)
    if not above.any():
        return survival
    odds = log_odds_of(survival[above])
    whole = tie(odds, np.full(len(odds), goal), days).shift
    past = np.maximum(np.arange(1, survival.shape[1] + 1) - months_of(days), 0)
    better = shifted(survival[above], whole[:, None] * 0.5 ** (past / SHIFT_HALF_LIFE_MONTHS)[None, :])
    out = survival.copy()
    out[above] = (1.0 - success) * survival[above] + success * better
    return out


def _more(p: Floats, shift: float) -> Floats:
    return np.where(p <= 0, 0.0, np.asarray(expit(logit(np.clip(p, 0.0, 1.0)) + shift)))


def _root(miss: Callable[[float], float]) -> float | None:
    if miss(0.0) == 0.0:
        return 0.0
    if miss(-FARTHEST) * miss(FARTHEST) > 0:
        return None
    return float(brentq(miss, -FARTHEST, FARTHEST, xtol=1e-13, rtol=1e-14))
