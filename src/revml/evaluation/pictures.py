"""Pictures of a test: predicted against observed, and the ladder. Drawn without pyplot: nothing global is touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure as Drawing

INK, QUIET, ACCENT = "#1f2933", "#9aa5b1", "#c2410c"


def reliability(rows: Sequence[dict[str, Any]], title: str) -> Drawing:
    """Observed against predicted share by tenth of the test rows; on the diagonal is calibrated."""
    drawing = Drawing(figsize=(5, 5), layout="constrained")
    axes = drawing.subplots()
    top = 1.05 * max([0.01, *(max(r["predicted"], r["observed"]) for r in rows)])
    axes.plot([0, top], [0, top], color=QUIET, linewidth=1, linestyle="--")
    axes.plot([r["predicted"] for r in rows], [r["observed"] for r in rows], "o-", color=ACCENT)
    axes.set(xlim=(0, top), ylim=(0, top), xlabel="predicted share", ylabel="observed share", title=title)
    axes.spines[["top", "right"]].set_visible(False)
    return drawing


def ladder(rows: Sequence[dict[str, Any]], served: str, title: str) -> Drawing:
    """Out-of-sample log-loss of every rung; the served one stands out."""
    drawing = Drawing(figsize=(6, 3), layout="constrained")
    axes = drawing.subplots()
    names = [r["rung"] for r in rows]
    losses = [r["log_loss"] for r in rows]
    axes.barh(names, losses, color=[ACCENT if n == served else QUIET for n in names])
    for place, loss in enumerate(losses):
        axes.text(loss, place, f" {loss:.4f}", va="center", color=INK)
    axes.invert_yaxis()
    axes.set(xlim=(0.8 * min(losses), 1.05 * max(losses)), xlabel="log-loss, lower is better", title=title)
    axes.spines[["top", "right"]].set_visible(False)
    return drawing
