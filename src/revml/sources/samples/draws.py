"""Random numbers for a step of the latent process, for the one real path or for many imagined ones.

The same step runs for both: `PlainDraws` feeds the path that becomes the data, `LatinDraws` feeds the paths that
truth averages over. A Latin hypercube (each account's own random shift of a shared permutation) leaves every number
uniform and makes the average of 64 paths as good as that of several hundred independent ones.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.special import ndtri

from revml.sources.samples.clock import Floats


class Draws(Protocol):
    """Uniform and normal numbers of the shape of the accounts in hand."""

    def uniform(self) -> Floats:
        """Numbers in (0, 1)."""
        ...

    def normal(self) -> Floats:
        """Standard normal numbers."""
        ...


class PlainDraws:
    """Independent numbers, one an account."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self._rng, self._size = rng, size

    def uniform(self) -> Floats:
        """Numbers in (0, 1)."""
        return self._rng.random(self._size)

    def normal(self) -> Floats:
        """Standard normal numbers."""
        return self._rng.standard_normal(self._size)


class LatinDraws:
    """Stratified numbers: (accounts, paths), float32."""

    def __init__(self, rng: np.random.Generator, size: int, paths: int) -> None:
        self._rng, self._size, self._paths = rng, size, paths

    def uniform(self) -> Floats:
        """Numbers in (0, 1), one in each of `paths` equal strata an account."""
        strata = (self._rng.permutation(self._paths) / self._paths).astype(np.float32)
        u = self._rng.random((self._size, 1), dtype=np.float32) + strata
        u -= u >= 1
        return np.clip(u, 1e-6, 1 - 1e-6, out=u)

    def normal(self) -> Floats:
        """Standard normal numbers."""
        out: Floats = ndtri(self.uniform())
        return out


class Tilt:
    """Lets something rare happen in more of the imagined paths than it does, and keeps the weights that set it right.

    `weight` is, a path, the density of what was drawn over that of what is asked about; means are weighted by it.
    """

    def __init__(self, least: float, size: int, paths: int) -> None:
        self._least = np.float32(least)
        self.weight: Floats = np.ones((size, paths), np.float32)

    def __call__(self, u: Floats, chance: Floats, where: np.ndarray | bool = True) -> Floats:
        """Uniform numbers bent so that `u < chance` holds for at least a share `least` of them."""
        aimed = np.where(where, np.maximum(chance, self._least), chance)
        low = u < aimed
        ratio = np.where(low, chance / aimed, (1 - chance) / (1 - aimed))
        self.weight = self.weight * ratio
        bent: Floats = np.where(low, u * ratio, chance + (u - aimed) * ratio)
        return bent


def stream(seed: int, name: str) -> np.random.Generator:
    """A generator of its own for each table, so that a change of one table leaves the others as they were."""
    return np.random.default_rng([seed, *name.encode()])
