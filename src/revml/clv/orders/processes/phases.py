"""Orders that take k phases each, given the probability that an order is the last one.

Phases from now on are a negative binomial number: Poisson with a rate that is gamma(shape + j) where j phases have
passed since the last order. Comes in, all broadcast to (rows, spans): `p`; `shape`; and spans in units of the gamma's
rate. Goes out: (k, rows, spans), an answer for each j. What counts whole orders is a sum over the k-th roots of 1 - p,
each of whose terms is the generating function of the number of phases; with k = 1 the formula is short.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from revml.clv.value import Floats


def orders_by(p: Floats, k: int, shape: Floats, ahead: Floats) -> Floats:
    """Expected orders of a living buyer within `ahead`.

    >>> one = np.ones((1, 1))
    >>> round(float(orders_by(one * 0.5, 1, one, one)[0, 0, 0]), 4)
    0.6667
    """
    if k == 1:
        return np.asarray(-np.expm1(-shape * np.log1p(p * ahead)) / p)[None]
    total = np.zeros((k, *np.broadcast_shapes(p.shape, shape.shape, ahead.shape)))
    for root, gap, times in _roots(p, k):
        grown = ahead * gap
        one_less = 1.0 / (1.0 + grown)
        missing = _missing(grown, shape)
        power = times * root / (gap * k * (1.0 - p))
        for j in range(k):
            total[j] += np.real(power * missing)
            if j < k - 1:
                missing, power = (missing + grown) * one_less, power * root
    return total


def any_order(p: Floats, k: int, shape: Floats, start: Floats, span: Floats) -> Floats:
    """Probability that a living buyer orders within `span` after `start`."""
    if k == 1:
        near, far = np.log1p(p * start), np.log1p(p * start + span)
        return np.asarray(np.exp(-shape * near) - np.exp(-shape * far))[None]
    total = np.zeros((k, *np.broadcast_shapes(p.shape, shape.shape, start.shape)))
    # (shape + j) (shape + j + 1) ... (shape + j + m - 1) / m! for m phases within the span
    ways = [[np.ones_like(shape)] for _ in range(k)]
    for j in range(k):
        for m in range(k - 1):
            ways[j].append(ways[j][m] * (shape + j + m) / (m + 1))
    for root, gap, times in _roots(p, k):
        near, far = 1.0 / (1.0 + start * gap), 1.0 / (1.0 + start * gap + span)
        until, through, step = 1.0 - _missing(start * gap, shape), 1.0 - _missing(start * gap + span, shape), span * far
        # i phases have passed after `start`, and fewer than k - i come within the span
        inverse = [sum(root**-i for i in range(k - m)) * times / k for m in range(k)]
        power = np.ones_like(root)
        for j in range(k):
            quiet = inverse[k - 1] * ways[j][k - 1]
            for m in range(k - 2, -1, -1):
                quiet = quiet * step + inverse[m] * ways[j][m]
            total[j] += np.real(power * (until * inverse[0] - through * quiet))
            until, through, power = until * near, through * far, power * root
    return np.clip(total, 0.0, 1.0)


def _missing(grown: Floats, shape: Floats) -> Floats:
    """`1 - (1 + grown) ** -shape`; complex powers by length and angle, which is faster than numpy's own."""
    if not np.iscomplexobj(grown):
        return np.asarray(-np.expm1(-shape * np.log1p(grown)))
    re, im = 1.0 + grown.real, grown.imag
    size, turn = np.exp(-0.5 * shape * np.log(re * re + im * im)), -shape * np.arctan2(im, re)
    return np.asarray((1.0 - size * np.cos(turn)) - 1j * (size * np.sin(turn)))


def _roots(p: Floats, k: int) -> Iterator[tuple[Floats, Floats, float]]:
    """Each k-th root u of 1 - p, 1 - u to the last digit, and how often it counts: of two conjugates only one comes."""
    size = np.exp(np.log1p(-p) / k)
    yield size, -np.expm1(np.log1p(-p) / k), 1.0
    for turn in range(1, k // 2 + 1):
        root = -size if 2 * turn == k else size * np.exp(2j * np.pi * turn / k)
        yield root, 1.0 - root, 1.0 if 2 * turn == k else 2.0
