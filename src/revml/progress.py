"""How long work tells how far it is: what is being done, and the share done, 0 to 1."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]


def silent(_what: str, _share: float) -> None:
    """The progress of whoever does not want to hear of it."""


def halves(report: Progress) -> tuple[Progress, Progress]:
    """The progress of two pieces of work that follow each other."""
    return (lambda what, share: report(what, 0.5 * share)), (lambda what, share: report(what, 0.5 + 0.5 * share))
