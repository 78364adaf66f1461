"""What every purchase process answers, whichever story it tells. Time is in weeks, counted from a buyer's T."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from revml.clv.value import Floats


class Process(StrEnum):
    """Which story is told."""

    BG_NBD = "bg_nbd"
    MBG_NBD = "mbg_nbd"
    MBG_ERLANG = "mbg_erlang"
    PARETO_NBD = "pareto_nbd"


@dataclass(frozen=True)
class Lives:
    """Drawn lives of buyers; every array is (draws, n).

    Attributes:
        rate: orders a week within the life, apart from one that ends it.
        alive: whether the buyer had not dropped out by T.
        left: weeks of life left after T, 0 where not alive.
        ends_with_order: whether the end of a life is an order, which counts. Then, and for a buyer without rhythm,
            orders of a span are Poisson of rate times the life in it, and one more if the end is in it.
    """

    rate: Floats
    alive: npt.NDArray[np.bool_]
    left: Floats
    ends_with_order: bool


class PurchaseProcess(Protocol):
    """A fitted process; rates are a week.

    x, t_x, T are (n,): repeat purchases, weeks from the first purchase to the last one, and to now.
    """

    @property
    def process(self) -> Process:
        """Which story."""

    @property
    def log_likelihood(self) -> float:
        """At the estimate, of x and t_x (and of the gaps between orders, where they were given)."""

    @property
    def buyers(self) -> int:
        """How many buyers it was fitted to."""

    @property
    def patterns(self) -> int:
        """How many different (x, t_x, T) were counted among them."""

    @property
    def held(self) -> bool:
        """Whether the weak prior of small populations was used."""

    def p_alive(self, x: Floats, t_x: Floats, T: Floats) -> Floats:
        """(n,) probability that a buyer has not dropped out by T."""

    def expected_orders(self, x: Floats, t_x: Floats, T: Floats, ahead: Floats) -> Floats:
        """(n, m) expected orders within each of `ahead` (m,) weeks after T."""

    def p_order(self, x: Floats, t_x: Floats, T: Floats, start: Floats, end: Floats) -> Floats:
        """(n, m) probability of at least one order in `(start, end]` weeks after T; both (m,).

        This, and not `p_alive`, is what to act on: who is alive but orders once in five years will not order.
        """

    def posterior_draw(self, x: Floats, t_x: Floats, T: Floats, rng: np.random.Generator, draws: int) -> Lives:
        """Drawn rates and remaining lives, given what each buyer did."""

    def simulate(
        self, x: Floats, t_x: Floats, T: Floats, ends: Floats, rng: np.random.Generator, draws: int
    ) -> npt.NDArray[np.int32]:
        """(draws, n, m) orders in each span `(ends[k - 1], ends[k]]` weeks after T, the first one from T on."""
