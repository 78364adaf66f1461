"""How prediction grows with the number of accounts: the same kind of company, from a hundred accounts to ten thousand.

Draws docs/pictures/learning_curve.png: of what truth can reach, the share that the model reaches, in ranking and in
log-loss gained over the constant rate; points are worlds, lines their means. Where a world had too little data for a
model nothing is gained, and it counts as nothing gained. No targets: the curve is what it is.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("agg")
import matplotlib.pyplot as plt
from figures import QUICK
from model_worlds import SIZES, Asked, world
from records import Record, Records

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "learning_curve.png"
BLUE, ORANGE, GREY = "#2563eb", "#c2410c", "#6b7280"
SHOWN = (("auc_ratio", BLUE, "ranking: (AUC − ½) / (AUC of truth − ½)"), ("gain_ratio", ORANGE, "log-loss gain"))
QUESTIONS = ("churn", "upsell")
WORLDS = 1 if QUICK else 3


def curve(records: Records, asked: Asked) -> None:
    """Print the curve of the first kind that is asked for, and draw it."""
    kind, seeds = asked.kinds[0], asked.seeds[:WORLDS]
    points: dict[str, dict[int, list[Record]]] = {question: {} for question in QUESTIONS}
    for accounts in SIZES:
        for seed in seeds:
            for one in world(records, kind, seed, accounts):
                if one["question"] in points:
                    points[one["question"]].setdefault(accounts, []).append(one)
    for question, by_size in points.items():
        for accounts, found in by_size.items():
            served = ", ".join(str(one.get("served", "refused")) for one in found)
            means = ", ".join(f"{name} {np.mean([one.get(name, 0.0) for one in found]):.2f}" for name, *_ in SHOWN)
            print(f"  {kind} {question}, {accounts:>6,} accounts: {means}; served {served}", flush=True)
    if not QUICK:
        _picture(points, kind)


def _picture(points: dict[str, dict[int, list[Record]]], kind: str) -> None:
    plt.rcParams.update({"font.family": "DejaVu Sans", "font.size": 8.5, "axes.edgecolor": GREY, "axes.linewidth": 0.7})
    figure, panels = plt.subplots(1, len(points), figsize=(7.4, 2.9), layout="constrained", sharey=True)
    for axes, (question, by_size) in zip(panels, points.items(), strict=True):
        for key, colour, words in SHOWN:
            for accounts, found in by_size.items():
                each = [one.get(key, 0.0) for one in found]
                axes.scatter([accounts] * len(each), each, s=14, color=colour, alpha=0.45)
            means = [float(np.mean([one.get(key, 0.0) for one in found])) for found in by_size.values()]
            axes.plot(list(by_size), means, color=colour, linewidth=1.4, label=words)
        axes.axhline(1.0, color=GREY, linewidth=0.7, linestyle="--")
        axes.axhline(0.0, color=GREY, linewidth=0.7)
        axes.set_xscale("log")
        axes.set_xticks(list(by_size), [f"{accounts:,}" for accounts in by_size])
        axes.minorticks_off()
        axes.set_title(f"{question} ({kind})", fontsize=8.5)
        axes.set_xlabel("Accounts")
        axes.grid(axis="y", color="#e5e7eb", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(length=0, colors=GREY)
    panels[0].set_ylabel("Share of what truth reaches")
    panels[-1].legend(frameon=False, fontsize=7.5, loc="lower right")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=130, metadata={"Software": None})
    plt.close(figure)
