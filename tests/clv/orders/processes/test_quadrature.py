"""Integrals by few nodes are those by many."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from revml.clv.orders.processes.quadrature import beta_rule, decay, enough_nodes


@pytest.mark.parametrize(
    ("m", "a", "s", "b", "span", "error"),
    [
        (0.55, 10.6, 1.6, 11.7, 39.0, 1e-9),
        (500.5, 100.0, 1.6, 5000.0, 300.0, 1e-8),
        (500.5, 0.1, 1.6, 12.0, 1e-3, 1e-9),
        (0.05, 5.0, 1.05, 500.0, 1000.0, 1e-5),
        (0.5, 10.0, 8100.0, 81000.0, 500.0, 1e-4),
        (2.0, 0.01, 1.5, 50.0, 300.0, 1e-3),
        (1.0, 3.0, 1.0, 3.0, 0.0, 1e-9),
    ],
)
def test_decay_of_every_kind(m: float, a: float, s: float, b: float, span: float, error: float) -> None:
    """Ordinary, heavy and newborn buyers to 1e-8; populations at the far end of what is allowed to 1e-3."""
    edges = np.concatenate([[0.0], span * np.logspace(-8, 0, 60)])
    long_way = sum(
        quad(lambda v: (1 + v / a) ** -m * (1 + v / b) ** -s, low, high, epsrel=1e-11, epsabs=0)[0]
        for low, high in pairwise(edges)
        if high > low
    )
    one = np.ones(1)
    assert decay(m * one, a * one, s, b * one, span * one)[0] == pytest.approx(long_way, rel=error)


@pytest.mark.parametrize("ahead", [0.1, 3.0, 40.0])
@pytest.mark.parametrize(("x", "a", "b"), [(0, 0.2, 0.3), (2, 0.8, 4.4), (60, 0.8, 64.4), (300, 1.2, 301.0)])
def test_enough_nodes_are_enough(x: int, a: float, b: float, ahead: float) -> None:
    """What a forecast integrates changes by less than a hundred-thousandth with twice the nodes."""

    def mean(nodes: int) -> float:
        p, w = beta_rule(a, b, nodes)
        return float(w @ (-np.expm1(-(0.8 + x) * np.log1p(p * ahead)) / p))

    nodes = int(enough_nodes(np.array([ahead]), np.array([float(x)]))[0])
    assert mean(nodes) == pytest.approx(mean(2 * nodes), rel=1e-5)
