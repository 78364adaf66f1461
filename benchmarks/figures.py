"""How a benchmark prints: one line a figure, `ok` or `short`, and a non-zero exit if one is short.

A figure is a ratio against a peer or a floor measured in the same run, because the machine may be shared and noisy.
`QUICK=1` asks for a smaller version in under a minute; its figures are for a glance, not for the record.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

QUICK = os.environ.get("QUICK") == "1"


def seconds(call: Callable[[], object], *, runs: int = 3) -> float:
    """The median wall time of some runs."""
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def in_turns(*calls: Callable[[], object], runs: int = 3) -> list[float]:
    """The median wall time of each call, the calls taking turns, so that a busy spell of the machine meets them all."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(runs):
        for call, mine in zip(calls, taken, strict=True):
            mine.append(seconds(call, runs=1))
    return [statistics.median(mine) for mine in taken]


def peak_mib() -> float:
    """The highest resident memory of this process so far.

    On Linux from /proc: what `getrusage` tells a child begins with what its parent held when it was forked.
    """
    status = Path("/proc/self/status")
    if status.exists():
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


class Figures:
    """Collects figures, prints each as it comes, and ends the process by what came out."""

    def __init__(self) -> None:
        self._short = 0

    def at_least(self, name: str, value: float, target: float, unit: str = "x") -> None:
        """A figure that must reach its target."""
        self._print(name, value, f">= {target:g}", unit, value >= target)

    def at_most(self, name: str, value: float, target: float, unit: str = "x") -> None:
        """A figure that must stay under its target."""
        self._print(name, value, f"<= {target:g}", unit, value <= target)

    def _print(self, name: str, value: float, target: str, unit: str, ok: bool) -> None:
        self._short += not ok
        print(f"{name:<64} {value:10.3g} {unit:<6} {target:<10} {'ok' if ok else 'short'}", flush=True)

    def end(self) -> None:
        """Exit 1 if a figure was short."""
        sys.exit(1 if self._short else 0)
