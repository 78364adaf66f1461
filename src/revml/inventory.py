"""Which models of a question there are: bundles on disk, versions in MLflow, what serves and what MLflow says of it.

Comes in: a workspace and a question. Goes out: one `Known` a bundle, newest first, and a note where the registry does
not agree with the pointers beside the bundles, which are the truth. Nothing is changed.
"""

from __future__ import annotations

from dataclasses import dataclass

from revml.config import QuestionName, Workspace
from revml.errors import BundleError, NotFound, TrackingError
from revml.evaluation.verdict import SENTENCES
from revml.models.bundle import verify
from revml.models.registry import challenger, champion, serving_bundle
from revml.tracking import registered_versions


@dataclass(frozen=True)
class Known:
    """A model.

    Args:
        serves: champion, challenger, or nothing, by the pointers here.
        version, alias: what MLflow calls it.
        tested: the newest snapshot of its test.
    """

    bundle: str
    version: str | None
    serves: str
    alias: str | None
    rung: str
    trained: str
    tested: str
    log_loss: float | None
    roc_auc: float | None
    verdict: str


@dataclass(frozen=True)
class Inventory:
    """The models, and what to know of the registry."""

    models: tuple[Known, ...]
    note: str = ""


def inventory(workspace: Workspace, question: QuestionName, *, ask_mlflow: bool = True) -> Inventory:
    """Every bundle of a question on disk; broken ones are told as such."""
    folder = workspace.bundles_dir / question
    serving, waiting = serving_bundle(workspace, question), challenger(workspace, question)
    versions: dict[str, tuple[str, str | None]] = {}
    notes = []
    if serving is None:
        try:
            champion(workspace, question)
        except BundleError as error:
            notes.append(f"nothing can serve: {error.what} ({error.where}: {error.got}); to do: {error.do}")
        except NotFound:
            pass
    if ask_mlflow:
        try:
            versions = registered_versions(workspace, question)
        except TrackingError as error:
            notes.append(f"MLflow could not be asked ({error.what}: {error.got}); versions are left out")
    rows = []
    for place in sorted(folder.glob("*/manifest.json")):
        name = place.parent.name
        if name.startswith("."):
            continue
        try:
            manifest = verify(place.parent)
        except (BundleError, NotFound) as error:
            rows.append(Known(name, None, "", None, "broken", "", "", None, None, f"{error.what}: {error.got}"))
            continue
        digest = str(manifest["hash"])
        named = {b.hash: words for b, words in ((waiting, "challenger"), (serving, "champion")) if b is not None}
        version, alias = versions.get(digest, (None, None))
        # Bundles of before, or made elsewhere, may not tell all of it.
        values, data = manifest["figures"].get("values", {}), manifest.get("data", {})
        verdict = manifest.get("verdict", {"passed": False, "reasons": ["untested"]})
        days = data.get("split", {}).get("test", [""])
        rows.append(
            Known(
                bundle=digest,
                version=version,
                serves=named.get(digest, ""),
                alias=alias,
                rung=str(manifest["rung"]),
                trained=str(manifest["made"].get("at", "")),
                tested=days[-1][:10] if data.get("dated", True) else "undated",
                log_loss=values.get("log_loss", {}).get("value"),
                roc_auc=values.get("roc_auc", {}).get("value"),
                verdict="passed" if verdict["passed"] else "; ".join(SENTENCES.get(r, r) for r in verdict["reasons"]),
            )
        )
    if versions:
        here = {row.serves: row.bundle for row in rows if row.serves and row.rung != "constant"}
        there = {alias: digest for digest, (_, alias) in versions.items() if alias}
        if here != there:
            notes.append(f"MLflow's aliases differ from what serves here; `revml register {question}` mends them")
    rows.sort(key=lambda row: (row.trained, row.bundle), reverse=True)
    return Inventory(tuple(rows), "; ".join(notes))
