"""Real bundles over a handful of declared features, their coefficients written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from revml.models.baselines import Logistic, Rung, Scaler, Term
from revml.models.bundle import Bundle, load_bundle, model_files, to_text, write_bundle
from revml.models.calibration import Calibration
from revml.models.encoding import Encoding

FEATURES = ("active_users_28d", "mrr", "days_to_renewal", "auto_renew", "seats_trend_84d", "plan")
"""A count, money, days, a flag, a ratio and a category, over four concepts."""


def frame(accounts: int, *, seed: int = 1, start: int = 0) -> pd.DataFrame:
    """Made rows of `FEATURES` with some values missing."""
    rng = np.random.default_rng(seed)
    made = pd.DataFrame(
        {
            "account_id": [f"a{i:05d}" for i in range(start, start + accounts)],
            "as_of": pd.Timestamp("2026-03-01"),
            "money": rng.lognormal(8, 1, accounts).round(2),
            "active_users_28d": rng.poisson(30, accounts).astype("float32"),
            "mrr": rng.lognormal(6, 1, accounts).astype("float32"),
            "days_to_renewal": rng.integers(0, 365, accounts).astype("float32"),
            "auto_renew": rng.integers(0, 2, accounts).astype("float32"),
            "seats_trend_84d": rng.lognormal(0, 0.3, accounts).astype("float32"),
            "plan": pd.Series(rng.choice(["basic", "pro", "max"], accounts), dtype="str"),
        }
    )
    for name in ("days_to_renewal", "plan", "seats_trend_84d"):
        made.loc[rng.random(accounts) < 0.1, name] = None
    return made


def linear(weights: Mapping[str, float], rows: pd.DataFrame, encoding: Encoding | None = None) -> Logistic:
    """Log-odds that are linear in each standardised number; a category's weight counts for `pro`."""
    encoding = encoding or encoding_of(rows)
    terms = []
    for name, weight in weights.items():
        column = encoding.names.index(name)
        if name == "plan":
            terms.append(Term(column, weight, 0.0, category=encoding.columns[column].codes.index("pro")))
            continue
        known = rows[name].dropna()
        scaler = Scaler(-1e9, 1e9, log=False, centre=float(known.mean()), scale=max(float(known.std()), 1.0))
        terms.append(Term(column, weight, 0.0, scaler))
    return Logistic(-2.0, tuple(terms), 1.0)


def encoding_of(rows: pd.DataFrame) -> Encoding:
    """The encoding of `FEATURES` as some rows give it."""
    return Encoding.fit(rows, FEATURES, categorical=("plan",))


def bundle(
    folder: Path,
    model: Rung,
    rows: pd.DataFrame,
    *,
    question: str = "churn",
    encoding: Encoding | None = None,
    **definition: float,
) -> Bundle:
    """Write a bundle around a model and load it as scoring does."""
    encoding = encoding or encoding_of(rows)
    manifest = {
        "question": question,
        "rung": model.name,
        "definition": {"horizon_days": 90, **definition},
        "base_rate": 0.12,
        "figures": {"roc_auc": {"value": 0.7, "low": 0.6, "high": 0.8}},
    }
    files = {
        **model_files(model),
        "features.json": to_text(encoding.to_json()),
        "calibration.json": to_text({**Calibration("none").to_json(), "bands": {"medium": 0.1, "high": 0.3}}),
        "reference.json": to_text({}),
        "card.md": "# Card\n",
        "card.cs.md": "# Karta\n",
    }
    return load_bundle(write_bundle(folder, manifest, files, {}))
