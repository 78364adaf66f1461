"""How the cost of a build grows with the rows of usage and with the cutoffs: numbers, and a picture for the docs.

Each point is the fastest of some builds in processes of their own, from staged files to the finished table, without a
store. The line is a least-squares fit through the points; how far they lie from it is printed.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from build_once import build_once
from companies import BUSY_DATA, busy_company
from figures import QUICK
from staged_copies import copy_staged

matplotlib.use("agg")
from matplotlib import pyplot as plt

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "linear_cost.png"
PARTS = (1, 2, 4, 8)
CUTOFFS = (6, 12, 24, 48)
RUNS = 1 if QUICK else 3
BLUE, ORANGE, GREY = "#1f5fa8", "#c8581a", "#6b7280"

Points = list[tuple[float, float]]


def draw(folder: Path) -> None:
    """Measure, print and draw; the quick version leaves the picture as it is."""
    size = BUSY_DATA["QUICK" if QUICK else "40M"]
    staged = busy_company(folder, size)
    by_rows: Points = []
    for part in PARTS:
        copy = copy_staged(staged, folder / f"part-{part}", eighths=part)
        rows = build_once("floor", copy).rows_read
        by_rows.append((rows / 1e6, _fastest(copy, "monthly", 12)))
        if part == PARTS[-2]:
            snapshots = size.accounts / 1e6
            by_cutoffs = [(n * snapshots, _fastest(copy, "weekly", n)) for n in CUTOFFS]
            fixed_rows = rows / 1e6
    print("  rows of usage (million), 12 monthly cutoffs: " + _told(by_rows))
    print(f"  accounts x weekly cutoffs (million), {fixed_rows:.3g} million rows: " + _told(by_cutoffs))
    if not QUICK:
        _picture(by_rows, by_cutoffs, fixed_rows, size.accounts)
        print(f"  drawn: {PICTURE}")


def _fastest(staged: Path, rhythm: str, cutoffs: int) -> float:
    return min(build_once("revml", staged, rhythm, cutoffs).seconds for _ in range(RUNS))


def _line(points: Points) -> tuple[float, float, float]:
    """Slope and start of the fitted line, and the share of the variance that it explains."""
    x, y = np.array(points).T
    slope, start = np.polyfit(x, y, 1)
    rest = y - (slope * x + start)
    return float(slope), float(start), float(1 - (rest**2).sum() / ((y - y.mean()) ** 2).sum())


def _told(points: Points) -> str:
    slope, start, explained = _line(points)
    each = ", ".join(f"{x:.3g}: {y:.2f} s" for x, y in points)
    return f"{each}; {start:.2f} s + {slope:.2f} s a million, R2 {explained:.4f}"


def _picture(by_rows: Points, by_cutoffs: Points, rows: float, accounts: int) -> None:
    plt.rcParams.update({"font.family": "DejaVu Sans", "font.size": 8.5, "axes.edgecolor": GREY, "axes.linewidth": 0.7})
    figure, panels = plt.subplots(1, 2, figsize=(7.4, 2.9), layout="constrained")
    panel(panels[0], by_rows, BLUE, f"Rows of usage, millions\n({accounts:,} accounts, 12 monthly cutoffs)")
    panel(panels[1], by_cutoffs, ORANGE, f"Accounts × weekly cutoffs, millions\n({rows:.0f} million rows of usage)")
    panels[0].set_ylabel("Seconds")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=130, metadata={"Software": None})
    plt.close(figure)


def panel(axes: plt.Axes, points: Points, colour: str, what: str) -> None:
    """Points, their line, and its equation."""
    slope, start, explained = _line(points)
    x, y = np.array(points).T
    ends = np.array([0, x.max() * 1.08])
    axes.plot(ends, slope * ends + start, color=colour, linewidth=1.2, alpha=0.45, zorder=1)
    axes.scatter(x, y, color=colour, s=26, zorder=2)
    for at, took in points:
        axes.annotate(
            f"{took:.1f}", (at, took), (0, 6), textcoords="offset points", ha="center", color=GREY, fontsize=7.5
        )
    axes.set_title(f"{start:.1f} s + {slope:.2f} s a million  (R² {explained:.3f})", fontsize=8.5, color=colour)
    axes.set_xlabel(what, color="#111827")
    axes.set_xlim(0, ends[1])
    axes.set_ylim(0, y.max() * 1.22)
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=0, colors=GREY)


if __name__ == "__main__":
    raise SystemExit("run `python benchmarks/bench_features.py --curve`")
