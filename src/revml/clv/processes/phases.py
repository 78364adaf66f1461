"""Orders that take k phases each, given the probability that an order is the last one.

Phases from now on are a negative binomial number: Poisson with a rate that is gamma(shape + j) where j phases have
passed since the last order. Comes in, all broadcast to (rows, spans): `p`; `phases` (k, rows, 1), the probability of
each j; `shape`; and spans in units of the gamma's rate. With k = 1 nothing of this is needed and the formula is short.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from revml.clv.value import Floats


def orders_by(p: Floats, phases: Floats, shape: Floats, ahead: Floats) -> Floats:
    """Expected orders of a living buyer within `ahead`.

    >>> one = np.ones((1, 1))
    >>> round(float(orders_by(one * 0.5, np.ones((1, 1, 1)), one, one)[0, 0]), 4)
    0.6667
    """
    k = len(phases)
    if k == 1:
        return np.asarray(-np.expm1(-shape * np.log1p(p * ahead)) / p)
    total = np.zeros(np.broadcast_shapes(p.shape, shape.shape, ahead.shape))
    for root, gap, times in _roots(p, k):
        grown = ahead * gap
        one_less = 1.0 / (1.0 + grown)
        less = grown * one_less
        missing = -np.expm1(-shape * np.log1p(grown))
        power, each = root, np.zeros_like(missing)
        for j in range(k):
            each = each + phases[j] * power * missing
            missing, power = missing * one_less + less, power * root
        total += times * np.real(each / gap)
    return total / (k * (1.0 - p))


def any_order(p: Floats, phases: Floats, shape: Floats, start: Floats, span: Floats) -> Floats:
    """Probability that a living buyer orders within `span` after `start`."""
    k = len(phases)
    if k == 1:
        near, far = np.log1p(p * start), np.log1p(p * start + span)
        return np.asarray(np.exp(-shape * near) - np.exp(-shape * far))
    total = np.zeros(np.broadcast_shapes(p.shape, shape.shape, start.shape))
    for root, gap, times in _roots(p, k):
        near, far = 1.0 / (1.0 + start * gap), 1.0 / (1.0 + start * gap + span)
        until, through = near**shape, far**shape
        inverse = [root**-i for i in range(k)]
        power, each = np.ones_like(root), np.zeros_like(until)
        for j in range(k):
            # j phases have passed; i have after `start`, and fewer than k - i come within the span
            quiet, term = np.zeros_like(through), through
            for m in range(k):
                quiet = quiet + term * sum(inverse[: k - m])
                term = term * (shape + j + m) / (m + 1) * span * far
            each = each + phases[j] * power * (until * sum(inverse) - quiet)
            until, through, power = until * near, through * far, power * root
        total += times * np.real(each)
    return np.clip(total / k, 0.0, 1.0)


def _roots(p: Floats, k: int) -> Iterator[tuple[Floats, Floats, float]]:
    """Each k-th root u of 1 - p, 1 - u to the last digit, and how often it counts: of two conjugates only one comes."""
    size = np.exp(np.log1p(-p) / k)
    yield size, -np.expm1(np.log1p(-p) / k), 1.0
    for turn in range(1, k // 2 + 1):
        root = -size if 2 * turn == k else size * np.exp(2j * np.pi * turn / k)
        yield root, 1.0 - root, 1.0 if 2 * turn == k else 2.0
