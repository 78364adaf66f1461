"""Pictures of a test: calibration, ladder, ROC, what lists catch, importance. Without pyplot: nothing global moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure as Drawing

INK, QUIET, ACCENT = "#1f2933", "#9aa5b1", "#c2410c"


def reliability(rows: Sequence[dict[str, Any]], title: str) -> Drawing:
    """Observed against predicted share by tenth of the test rows; on the diagonal is calibrated.

    A bar is where the observed share lies in 19 cases of 20 if the predicted one is right.
    """
    drawing = Drawing(figsize=(5, 5), layout="constrained")
    axes = drawing.subplots()
    top = 1.05 * max([0.01, *(max(r["predicted"], r["observed"]) for r in rows)])
    axes.plot([0, top], [0, top], color=QUIET, linewidth=1, linestyle="--")
    if all("low" in r for r in rows):
        predicted = [r["predicted"] for r in rows]
        axes.vlines(predicted, [r["low"] for r in rows], [r["high"] for r in rows], color=QUIET, linewidth=4, alpha=0.4)
    axes.plot([r["predicted"] for r in rows], [r["observed"] for r in rows], "o-", color=ACCENT)
    axes.set(
        xlim=(0, top),
        ylim=(0, max([top, *(r.get("high", 0.0) for r in rows)])),
        xlabel="predicted share",
        ylabel="observed share",
        title=title,
    )
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


def segments(rows: Sequence[dict[str, Any]], title: str) -> Drawing:
    """Expected events with their interval, and the observed, a line a segment; what the interval misses stands out."""
    drawing = Drawing(figsize=(7, 1 + 0.3 * len(rows)), layout="constrained")
    axes = drawing.subplots()
    places = range(len(rows))
    axes.hlines(places, [r["expected_low"] for r in rows], [r["expected_high"] for r in rows], color=QUIET, linewidth=4)
    axes.plot([r["expected"] for r in rows], places, "|", color=INK, markersize=10, label="expected, 95 % interval")
    for agree, marker in ((True, "o"), (False, "X")):
        mine = [(r["events"], k) for k, r in enumerate(rows) if (r["calibrated"] == "yes") == agree]
        if mine:
            axes.plot(
                *zip(*mine, strict=True), marker, color=ACCENT, label="observed" if agree else "observed, outside"
            )
    axes.set_yticks(list(places), [f"{r['column']}: {r['value']}" for r in rows])
    axes.invert_yaxis()
    axes.set(xlabel="events", title=title)
    drawing.legend(frameon=False, loc="outside lower center", ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    return drawing


def roc(fpr: Sequence[float], tpr: Sequence[float], area: float | None, title: str) -> Drawing:
    """Share of events against share of others above every threshold; the diagonal is chance."""
    drawing, axes = _square(f"{title}, ROC-AUC {area:.3f}" if area is not None else title)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--")
    axes.plot(fpr, tpr, color=ACCENT)
    axes.set(xlabel="share of those without the event", ylabel="share of those with it")
    return drawing


def gain(share: Sequence[float], caught: Sequence[float], what: str, title: str) -> Drawing:
    """What a list of any length catches, against a random list of that length."""
    drawing, axes = _square(title)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle="--", label="a random list")
    axes.plot(share, caught, color=ACCENT, label="the model's list")
    axes.set(xlabel="share of the accounts on the list", ylabel=f"share of {what} on it")
    axes.legend(frameon=False, loc="lower right")
    return drawing


def lift(share: Sequence[float], caught: Sequence[float], title: str) -> Drawing:
    """How many times more events a list holds than a random list of that length."""
    drawing = Drawing(figsize=(5, 4), layout="constrained")
    axes = drawing.subplots()
    axes.axhline(1.0, color=QUIET, linewidth=1, linestyle="--")
    pairs = [(s, c / s) for s, c in zip(share, caught, strict=True) if s > 0]
    axes.plot([s for s, _ in pairs], [c for _, c in pairs], "o-", color=ACCENT, markersize=3)
    axes.set(xlim=(0, 1), xlabel="share of the accounts on the list", ylabel="lift over a random list", title=title)
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    return drawing


def importance(shares: Mapping[str, float], title: str, most: int = 15) -> Drawing:
    """Shares of the mean absolute contribution, the largest on top."""
    names = list(shares)[:most]
    drawing = Drawing(figsize=(7, 1.0 + 0.3 * len(names)), layout="constrained")
    axes = drawing.subplots()
    axes.barh(names, [shares[name] for name in names], color=ACCENT)
    axes.invert_yaxis()
    axes.set(xlabel="share of what moves the probability", title=title)
    axes.spines[["top", "right"]].set_visible(False)
    return drawing


def _square(title: str) -> tuple[Drawing, Any]:
    drawing = Drawing(figsize=(5, 5), layout="constrained")
    axes = drawing.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1.02), title=title)
    axes.spines[["top", "right"]].set_visible(False)
    return drawing, axes
