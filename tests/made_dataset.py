"""A dataset made by a known mechanism: a slowly moving health drives the label, most features are noise."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from revml.config import QuestionSpec
from revml.datasets import Dataset
from revml.windows import TimeSplit, month_starts

START = datetime(2025, 1, 1)  # noqa: DTZ001 - naive means UTC in revml


def made_dataset(
    *, accounts: int = 300, months: int = 14, seed: int = 0, level: float = -2.0, noise: int = 6, valid: bool = True
) -> Dataset:
    """Monthly snapshots; the last is the test, with a gap of three months before each later part."""
    rng = np.random.default_rng(seed)
    dates = month_starts(START, datetime(2030, 1, 1))[:months]  # noqa: DTZ001
    health = rng.normal(size=accounts)
    industry = rng.choice(["banking", "mining", "retail"], accounts)
    parts = []
    for at in dates:
        health = 0.9 * health + 0.45 * rng.normal(size=accounts)
        chance = 1 / (1 + np.exp(-(level - 1.3 * health + 0.5 * (industry == "retail"))))
        frame = pd.DataFrame(
            {
                "account_id": [f"a{i:04d}" for i in range(accounts)],
                "as_of": at,
                "label": (rng.random(accounts) < chance).astype("int8"),
                "money": np.exp(7 + rng.normal(size=accounts)),
                "active_users_28d": np.maximum(0, 20 + 10 * health + 3 * rng.normal(size=accounts)).astype("float32"),
                "mrr": np.exp(5 + rng.normal(size=accounts)).astype("float32"),
            }
        )
        for i in range(noise):
            frame[f"noise_{i}"] = rng.normal(size=accounts).astype("float32")
        frame["industry"] = pd.Series(industry, dtype="str")
        frame.loc[rng.random(accounts) < 0.05, "active_users_28d"] = np.nan
        parts.append(frame)
    whole = pd.concat(parts, ignore_index=True)
    split = (
        TimeSplit(tuple(dates[: months - 7]), tuple(dates[months - 6 : months - 4]), (dates[-1],))
        if valid
        else TimeSplit(tuple(dates[: months - 4]), (), (dates[-1],))
    )
    return Dataset(
        question="churn",
        spec=QuestionSpec(),
        frame=whole,
        features=tuple(whole.columns[4:]),
        categorical=("industry",),
        split=split,
        observed_until=datetime(2031, 1, 1),  # noqa: DTZ001
        fingerprint=f"made-{accounts}-{months}-{seed}",
    )
