"""Loops that numba compiles, kept in its cache: beside the package, or in the user's folder.

Where neither may be written (a read-only installation without a home), each process compiles anew when it warms up:
some ten seconds, nothing else changes. `NUMBA_CACHE_DIR` names another folder.
"""

from __future__ import annotations

from typing import Any

from numba import njit


def compiled(loop: Any) -> Any:
    """The loop, compiled at its first call; other threads run meanwhile."""
    try:
        return njit(nogil=True, cache=True)(loop)
    except RuntimeError:  # no folder takes the cache
        return njit(nogil=True)(loop)
