"""When a movement came about, as far as the windows of the features tell.

What adds up over time (uses, orders, support cases) is known in a short window and in a longer one that holds it, so
that the time between them is known too. With the amount 12 weeks ago that makes three points: then, between, now. Most
of a movement came lately when the step from between to now is at least `MOST` of it, and before that when the step is
at most the rest. Nothing is said of what does not add up (people, shares, averages), nor where chance alone makes such
a step: a count wanders by its square root.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from revml.features.spec import Feature

# Catalogue keys of features whose window is the sum of its days.
ADDING_UP = frozenset(
    f"feature.{stem}"
    for stem in (
        "events",
        "active_days",
        "order_revenue",
        "orders",
        "tickets",
        "severe_tickets",
        "touches",
        "inbound_touches",
        "plays",
        "users_added",
        "users_removed",
    )
)
WINDOWS = {7: (7, 28), 28: (28, 84), 84: (28, 84)}  # of a feature's window: the short one and the one that holds it
MOST = 0.75
CHANCE = 2.0  # standard deviations of a count


def since(frame: pd.DataFrame, features: Sequence[Feature], value: np.ndarray, past: np.ndarray) -> np.ndarray:
    """Days in which most of a movement came about, (accounts, features).

    Args:
        frame: the rows now, with whatever windows were built.
        value, past: (accounts, features) numbers now and before.

    Returns:
        28: most of it in the last 28 days; -28: most of it before the last 28 days; 0: neither, or not known.
    """
    days = np.zeros(value.shape, dtype=np.int16)
    for i, feature in enumerate(features):
        windows = WINDOWS.get(feature.window_days or 0)
        if feature.key not in ADDING_UP or feature.label or windows is None:
            continue
        stem = feature.name.removesuffix(f"_{feature.window_days}d")
        names = [f"{stem}_{window}d" for window in windows]
        if all(name in frame for name in names):
            short, long = (frame[name].to_numpy(dtype="float64", na_value=np.nan) for name in names)
            days[:, i] = _since(feature, windows, short, long, value[:, i], past[:, i])
    return days


def _since(
    feature: Feature,
    windows: tuple[int, int],
    short: np.ndarray,
    long: np.ndarray,
    value: np.ndarray,
    past: np.ndarray,
) -> np.ndarray:
    lately, whole = windows
    between = (long - short) * (lately / (whole - lately))  # what a short window held in the time between
    then = past * (lately / (feature.window_days or lately))
    counted = feature.kind != "money"
    with np.errstate(invalid="ignore", divide="ignore"):
        wander = CHANCE * np.sqrt(np.maximum(np.maximum(between, then), 1.0)) if counted else 0.0
        if feature.window_days == whole:  # its own last part, beside what it was
            part = (short - then) / (value - past)
            late = (part >= MOST) & (np.abs(short - then) > wander)
            early = np.zeros(len(value), dtype=bool)
        else:
            part = (short - between) / (value - past)
            late = (part >= MOST) & (np.abs(short - between) > wander)
            early = (part <= 1 - MOST) & (np.abs(between - then) > wander)
    told = np.isfinite(part)
    return np.select([told & late, told & early], [lately, -lately], default=0)
