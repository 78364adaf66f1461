"""What a bundle tells of its training, and its files.

Comes in: what was fitted and how it was measured. Goes out: the bundle in its folder. The manifest is hashed: the same
data, sheet and seed give the same, so nothing random, timed or bound to a machine goes into it; only `made` tells when.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import lightgbm
import numpy as np
import pandas as pd

from revml import __version__
from revml.config import Workspace
from revml.datasets import Dataset
from revml.evaluation.card import card
from revml.evaluation.figures import Figures
from revml.evaluation.verdict import Verdict
from revml.evaluation.views import VIEWS, Views, importance_of
from revml.models.baselines import Rule, Rung
from revml.models.bundle import Bands, Bundle, load_bundle, model_files, to_text, write_bundle
from revml.models.calibration import sigmoid
from revml.models.curve import Curve
from revml.models.encoding import Encoding
from revml.models.golden import GOLDEN, golden, golden_text
from revml.models.ladder import CLEARLY, NOT_WORSE, ORDERED, Attempt, Climbed
from revml.models.learning import Learning
from revml.models.registry import serving_bundle

HIGH, MEDIUM = 0.90, 0.70  # quantiles of the out-of-sample probabilities at which bands begin


def write(
    workspace: Workspace,
    dataset: Dataset,
    data: Learning,
    climbed: Climbed,
    distributions: dict[str, Any],
    figures: Figures,
    verdict: Verdict,
    told: dict[str, Any],
    more: dict[str, Any],
    curve: tuple[Curve, dict[str, Any]] | None,
    views: Views | None,
) -> Bundle:
    """Write the bundle of a training, and read it back verified.

    Args:
        told: what `told_of` gives.
        more: keys of the manifest besides.
        curve: over other horizons, with what the manifest tells of it.
        views: what weighs in the model (see `evaluation.views`); None where nothing does.
    """
    manifest = {
        "question": dataset.question,
        "rung": climbed.model.name,
        "definition": _definition(dataset),
        "base_rate": float(data.label.mean()),
        "seed": workspace.seed,
        "sheet": data.sheet.model_dump(mode="json"),
        "data": told,
        "ladder": [_ladder_row(a) for a in climbed.attempts],
        "rule_of_choice": {"clearly": CLEARLY, "not_worse": NOT_WORSE, "ordered": ORDERED},
        "enough": climbed.enough,
        "calibration": climbed.calibration.kind,
        "held": [c.name for c in data.encoding.columns if c.monotone],
        "rule": _rule(climbed.model, data.encoding),
        "importance": importance_of(views, own=dataset.own is not None),
        "figures": figures.to_json(),
        "verdict": {"passed": verdict.passed, "reasons": list(verdict.reasons), "borrowed": verdict.borrowed},
        **more,
    }
    if dataset.own is not None:
        manifest["ready"] = dict(dataset.own)
    if curve is not None:
        manifest["curve"] = curve[1]
    files = {
        **model_files(climbed.model),
        "features.json": to_text(data.encoding.to_json()),
        "calibration.json": to_text({**climbed.calibration.to_json(), "bands": vars(_bands(climbed, data))}),
        "reference.json": to_text(distributions),
        GOLDEN: golden_text(golden(climbed.model, climbed.calibration, data.encoding, _newest(data))),
        "card.md": card("en", manifest, views),
        "card.cs.md": card("cs", manifest, views),
    }
    if views is not None:
        files[VIEWS] = to_text(views)
    if curve is not None:
        files["curve.json"] = to_text(curve[0].to_json())
    serving = serving_bundle(workspace, dataset.question)
    made = {
        "at": datetime.now(UTC).replace(tzinfo=None, microsecond=0).isoformat(),
        "revml": __version__,
        "lightgbm": lightgbm.__version__,
        "parent": serving.hash if serving else None,
    }
    return load_bundle(write_bundle(workspace.bundles_dir / dataset.question, manifest, files, made))


def _definition(dataset: Dataset) -> dict[str, Any]:
    """The definition; a table without dates that does not say how far it looks ahead has a horizon of 0 days."""
    told = dataset.spec.model_dump(mode="json")
    if dataset.own is not None and dataset.own["horizon_days"] is None:
        told["horizon_days"] = 0
    return told


def _bands(climbed: Climbed, data: Learning) -> Bands:
    """Bands begin at the 90 % and 70 % points of the out-of-sample probabilities.

    A rung that knows a few values only gives a whole group of accounts one band, by the middle of its ranks: where half
    of the accounts share the lowest risk, none of them is high, and where all are alike nobody stands out.
    """
    if climbed.served in ("constant", "rule"):
        served = climbed.calibration.apply(climbed.model.raw(data.matrix[climbed.judged]))
        values, counts = np.unique(np.round(served, 9), return_counts=True)
        middle = (np.cumsum(counts) - counts / 2) / counts.sum()
        edges = [1.0, *(values[1:] + values[:-1]) / 2]  # between two values: no last digit decides
        begins = [next((e for e, m in zip(edges, middle, strict=True) if m >= point), 1.0) for point in (MEDIUM, HIGH)]
        return Bands(*(float(one) for one in begins))
    p = np.sort(climbed.probability)
    medium, high = np.quantile(p, MEDIUM, method="higher"), np.quantile(p, HIGH, method="higher")
    return Bands(float(medium), float(high))


def _ladder_row(attempt: Attempt) -> dict[str, Any]:
    return {
        "rung": attempt.rung,
        "log_loss": round(attempt.log_loss, 6),
        "better": attempt.better,
        "ranks": attempt.ranks,
        "asked": attempt.clearly,
        "setting": attempt.setting,
    }


def _newest(data: Learning, most: int = 2_000) -> np.ndarray:
    """The newest learning rows, at most so many."""
    return data.matrix[np.flatnonzero(data.as_of == data.as_of.max())[:most]]


def _rule(model: Rung, encoding: Encoding) -> dict[str, Any] | None:
    """A served rule as a table of people: each bin with its rate."""
    if not isinstance(model, Rule):
        return None
    column = encoding.columns[model.column]
    rates = [round(float(r), 6) for r in sigmoid(np.array(model.levels))]
    bins: list[dict[str, Any]]
    if column.kind == "category":
        bins = [{"category": c, "rate": r} for c, r in zip(column.codes, rates, strict=False)]
    else:
        bins = [{"upto": edge, "rate": r} for edge, r in zip(model.edges, rates, strict=False)]
        bins.append({"above": model.edges[-1], "rate": rates[-1]})
    bins.append({"rate": round(float(sigmoid(model.missing)), 6)})
    return {"feature": column.name, "bins": bins}


def told_of(
    workspace: Workspace,
    dataset: Dataset,
    rows: pd.DataFrame,
    test: pd.DataFrame,
    features: tuple[str, ...],
    by_time: bool,
) -> dict[str, Any]:
    """What the card and the tracking server tell about the data."""
    return {
        "fingerprint": dataset.fingerprint,
        "observed_until": dataset.observed_until.isoformat(),
        "features": len(features),
        "rows": len(rows),
        "accounts": int(rows["account_id"].nunique()),
        "events": int(rows["label"].sum()),
        "by_time": by_time,
        "dated": not dataset.held_out,
        "split": {part: [at.isoformat() for at in getattr(dataset.split, part)] for part in ("train", "valid", "test")},
        "test_rows": len(test),
        "parts": {
            part: {"rows": len(mine), "events": int(mine["label"].sum())}
            for part in ("train", "valid", "test")
            if len(mine := dataset.part(part))
        },
        "company": workspace.company.name,
        "currency": workspace.company.currency,
    }
