"""What a run in MLflow tells of a bundle: tags, parameters, figures, data sets, pictures, and a run a fold and a trial.

Comes in: a bundle, and MLflow as `store` imported it. Goes out: MLflow's entities and drawings, read from the
bundle's manifest alone, so that a bundle that is registered a month later tells as much as one registered at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure as Drawing

from revml.evaluation import pictures
from revml.evaluation.verdict import SENTENCES
from revml.evaluation.view_pictures import view_drawings
from revml.locales import words
from revml.models.bundle import Bundle, to_text


@dataclass(frozen=True)
class Nested:
    """A run below a bundle's run: a fold of the ladder, or a trial of the search."""

    name: str
    kind: str
    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


def tags(bundle: Bundle) -> dict[str, str]:
    """What runs and versions are found by."""
    verdict = bundle.manifest["verdict"]
    why = "; ".join(SENTENCES[r] for r in verdict["reasons"])
    return {
        "revml.bundle": bundle.hash,
        "revml.question": bundle.question,
        "revml.rung": bundle.rung,
        "revml.verdict": "passed" if verdict["passed"] else "not passed",
        "revml.data": str(bundle.manifest["data"]["fingerprint"]),
        **({"revml.reasons": why} if why else {}),
    }


def run_name(bundle: Bundle) -> str:
    """The day of the test, what serves, the bundle; the question is the name of the experiment."""
    return f"{_until(bundle, bundle.manifest['data']['split']['test'][-1])} {bundle.rung} {bundle.hash[:8]}"


def _until(bundle: Bundle, at: str) -> str:
    """A day of the data, or that there is none."""
    return at[:10] if bundle.manifest["data"].get("dated", True) else "undated"


def dataset_inputs(mlflow: Any, bundle: Bundle) -> list[Any]:
    """What was learned from and what was tested on: the fingerprint, as-of dates and rows of each."""
    told = bundle.manifest["data"]
    entities = mlflow.entities
    columns = [
        {"name": c.name, "type": "string" if c.kind == "category" else "double", "required": True}
        for c in bundle.encoding.columns
    ]
    schema = json.dumps({"mlflow_colspec": columns})
    source = to_text({"uri": f"ready: {bundle.ready['table']}" if bundle.ready else "staged"})
    found = []
    for context, parts in (("train", ("train", "valid")), ("test", ("test",))):
        of = [part for part in parts if told["split"][part]]
        as_of = [at for part in of for at in told["split"][part]]
        profile: dict[str, Any] = {
            "fingerprint": told["fingerprint"],
            "observed_until": _until(bundle, told["observed_until"]),
            "as_of": {part: [_until(bundle, at) for at in told["split"][part]] for part in of},
        }
        if context == "train":
            profile |= {name: told[name] for name in ("rows", "accounts", "events")}
        else:
            figures = bundle.manifest["figures"]
            profile |= {name: figures[name] for name in ("rows", "accounts", "events") if name in figures}
        profile["parts"] = {part: told["parts"][part] for part in of if part in told.get("parts", {})}
        span = f"{_until(bundle, as_of[0])} to {_until(bundle, as_of[-1])}" if told.get("dated", True) else "undated"
        dataset = entities.Dataset(
            name=f"{bundle.question} {context} {span}",
            digest=str(told["fingerprint"])[:36],
            source_type="local",
            source=source,
            schema=schema if len(schema) < 1_000_000 else None,
            profile=to_text(profile),
        )
        found.append(entities.DatasetInput(dataset, tags=[entities.InputTag("mlflow.data.context", context)]))
    return found


def metrics(bundle: Bundle) -> dict[str, float]:
    """Figures of the test; what stands before a slash is a section of its own on MLflow's page of metrics.

    `test/*` are the figures, `test_interval/*` their 90 % intervals, `test_horizon/*` those of the curve over other
    horizons, `train/*` what every rung of the ladder reached where it was chosen. MLflow orders sections by name, so
    that the figures stand first.
    """
    manifest = bundle.manifest
    values: dict[str, float] = {}
    for name, figure in manifest["figures"]["values"].items():
        parts = {f"test/{name}": "value", f"test_interval/{name}_low": "low", f"test_interval/{name}_high": "high"}
        values |= {called: float(figure[part]) for called, part in parts.items() if figure[part] is not None}
    for row in manifest["ladder"]:
        values[f"train/{row['rung']}_log_loss"] = float(row["log_loss"])
    for row in manifest.get("curve", {}).get("horizons", ()):
        for name in ("roc_auc", "log_loss", "log_loss_constant", "expected", "observed"):
            if row[name] is not None:
                values[f"test_horizon/{row['days']}d_{name}"] = float(row[name])
    for name in ("rows", "accounts", "events", "base_rate"):
        if name in manifest["figures"]:
            values[f"test/{name}"] = float(manifest["figures"][name])
    if expected := manifest["figures"].get("expected"):
        values |= {f"test/expected_{k}": float(expected[k]) for k in ("events", "inside")}
        values |= {f"test_interval/expected_events_{k}": float(expected[k]) for k in ("low", "high")}
    values["train/base_rate"] = float(manifest["base_rate"])
    return dict(sorted(values.items(), key=lambda one: one[0].partition("/")[0]))  # MLflow lists them as they came


def params(bundle: Bundle) -> dict[str, Any]:
    """What was chosen, by whom: the definition, the sheet, the ladder."""
    manifest = bundle.manifest
    sheet, data, tuning = manifest["sheet"], manifest["data"], manifest.get("tuning") or {}
    served: Mapping[str, Any] = next((r for r in manifest["ladder"] if r["rung"] == manifest["rung"]), {"setting": {}})
    told = {
        "rung": manifest["rung"],
        "calibration": manifest.get("calibration", ""),
        "seed": manifest["seed"],
        "features": data["features"],
        "rows": data["rows"],
        "accounts": data["accounts"],
        "events": data["events"],
        "train_from": _until(bundle, (data["split"]["train"] or data["split"]["test"])[0]),
        "train_to": _until(bundle, ([*data["split"]["train"], *data["split"]["valid"]] or data["split"]["test"])[-1]),
        "tested_on": ", ".join(dict.fromkeys(_until(bundle, at) for at in data["split"]["test"])),
        "chosen": "out of time" if data["by_time"] else "across accounts",
        "tested": "out of time" if data.get("dated", True) else "out of sample",
        **{f"definition.{k}": v for k, v in manifest["definition"].items()},
        **{f"lightgbm.{k}": v for k, v in sheet["params"].items()},
        **{f"served.{k}": v for k, v in served["setting"].items()},
        **{f"tuning.{k}": tuning[k] for k in ("trials", "kept", "why") if k in tuning},
    }
    return {name: str(value)[:500] for name, value in told.items()}


def signature(mlflow: Any, bundle: Bundle) -> Any:
    """Numbers as doubles, categories as text, every column wanted; one double out."""
    types = mlflow.types
    columns = [types.ColSpec("string" if c.kind == "category" else "double", c.name) for c in bundle.encoding.columns]
    return mlflow.models.ModelSignature(inputs=types.Schema(columns), outputs=types.Schema([types.ColSpec("double")]))


def drawings(bundle: Bundle) -> Iterator[tuple[str, Drawing]]:
    """Pictures by file name; those whose numbers an older bundle does not hold are left out."""
    manifest = bundle.manifest
    title = bundle.question
    yield "reliability", pictures.reliability(manifest["figures"]["reliability"], title)
    yield "ladder", pictures.ladder(manifest["ladder"], bundle.rung, title)
    if rows := [row for row in manifest["figures"].get("segments", ()) if "expected" in row]:
        yield "segments", pictures.segments(rows, title)
    curves = manifest.get("gains")
    if curves:
        area = manifest["figures"]["values"]["roc_auc"]["value"]
        yield "roc", pictures.roc(curves["fpr"], curves["tpr"], area, title)
        yield "lift", pictures.lift(curves["share"], curves["events"], title)
        yield "events_caught", pictures.gain(curves["share"], curves["events"], "the events", title)
        if curves["money"]:
            yield "money_caught", pictures.gain(curves["share"], curves["money"], "the events' money", title)
    shares = manifest.get("importance", {})
    if shares.get("features"):
        yield "importance_features", pictures.importance(shares["features"], f"{title}: features")
    if bundle.views:
        yield from view_drawings(bundle.views, manifest, words("en"))
    elif shares.get("concepts"):
        yield "importance_concepts", pictures.importance(shares["concepts"], f"{title}: concepts")


def nested(bundle: Bundle) -> Iterator[Nested]:
    """The folds of the ladder and the trials of the search, each a run of its own below the bundle's."""
    for number, fold in enumerate(bundle.manifest.get("folds", ()), start=1):
        yield Nested(f"fold {number}", "fold", *_fold(fold))
    tuning = bundle.manifest.get("tuning") or {}
    for trial in tuning.get("list", ()):
        loss = trial.get("log_loss")
        told = {"origin": trial["origin"], "state": "pruned" if loss is None else "complete", **trial["settings"]}
        yield Nested(f"trial {trial['number']}", "trial", told, {} if loss is None else {"log_loss": float(loss)})


def _fold(fold: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    numbers = {k: float(v) for k, v in fold.items() if isinstance(v, int | float)}
    losses = {f"{rung}_log_loss": float(loss) for rung, loss in fold.get("log_loss", {}).items()}
    return {k: v for k, v in fold.items() if isinstance(v, str)}, numbers | losses


__all__ = ["Nested", "dataset_inputs", "drawings", "metrics", "nested", "params", "run_name", "signature", "tags"]
