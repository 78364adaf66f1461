"""A bundle: the folder that is saved, served and registered, and its only reader and writer.

    manifest.json     what it is, what it learned from, the SHA-256 of every other file
    features.json     ordered names, dtypes, category codes, windows
    model.txt         LightGBM's text (rungs lightgbm, blend)      model.json   numbers of the other rungs
    calibration.json  the map from log-odds to probability, and the bands
    curve.json        the hazards between the horizons, where the question has a story in time
    reference.json    training distributions: for drift, and for peers by segment
    golden.json       a few rows with what the model says of them, for a machine to prove that it agrees
    views.json        what weighs in the model: concepts, features, segments
    card.md, card.cs.md   the model card, in English and Czech

The hash of a bundle covers the manifest without times, so the same data and seed give the same hash. Everything is
verified before LightGBM sees a byte: its text loader crashes on a truncated file and mispredicts on flipped bits.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from revml.errors import BundleError, NotFound
from revml.models.baselines import Rung, baseline_from_json
from revml.models.blend import Blend, plain_from_json
from revml.models.calibration import Calibration
from revml.models.curve import RENEWAL, TERM, Curve, Renewals
from revml.models.encoding import Encoding, Rows
from revml.models.trees import Trees

FORMAT = 1
MANIFEST = "manifest.json"
SEAL = "seal"  # over all of the manifest, also over what its hash leaves out
LATER = ("reference.json", "golden.json", "views.json")  # read where somebody asks
UNHASHED = ("hash", "made", SEAL)


@dataclass(frozen=True)
class Bands:
    """Frozen thresholds on the probability: at or above `high`, at or above `medium`, below."""

    medium: float
    high: float

    def of(self, probability: np.ndarray) -> np.ndarray:
        """`high`, `medium` or `low` for each probability.

        >>> Bands(0.1, 0.3).of(np.array([0.05, 0.1, 0.5])).tolist()
        ['low', 'medium', 'high']
        """
        return np.where(probability >= self.high, "high", np.where(probability >= self.medium, "medium", "low"))


@dataclass(frozen=True)
class Bundle:
    """A verified, loaded model: give it features, get calibrated probabilities and their additive parts."""

    folder: Path
    manifest: Mapping[str, Any]
    encoding: Encoding
    model: Rung
    calibration: Calibration
    bands: Bands
    registered: str | None = None
    hazards: Curve | None = None

    @property
    def question(self) -> str:
        """Its name: churn, upsell and so on (`config.QuestionName`)."""
        return str(self.manifest["question"])

    @property
    def hash(self) -> str:
        """SHA-256 over the manifest without times."""
        return str(self.manifest["hash"])

    @property
    def version(self) -> str:
        """The registered version where there is one, else the first twelve digits of the hash."""
        return self.registered or self.hash[:12]

    @property
    def rung(self) -> str:
        """constant, rule, logistic, lightgbm or blend."""
        return str(self.manifest["rung"])

    @property
    def features(self) -> tuple[str, ...]:
        """The features the model wants, in the order of `contributions`."""
        return self.encoding.names

    @property
    def categorical(self) -> tuple[str, ...]:
        """The features that are text."""
        return self.encoding.categorical

    @property
    def horizon_days(self) -> int:
        """How far ahead the question looks; 0 where a table without dates does not say."""
        return int(self.manifest["definition"]["horizon_days"])

    @property
    def extrapolated_days(self) -> tuple[int, ...] | None:
        """The horizons of the curve that lie beyond the history; None where the question has one horizon."""
        if self.hazards is None:
            return None
        return tuple(d for d, far in zip(self.hazards.horizons, self.hazards.extrapolated, strict=True) if far)

    @property
    def base_rate(self) -> float:
        """Share of events among the training and validation rows."""
        return float(self.manifest["base_rate"])

    @property
    def figures(self) -> dict[str, Any]:
        """Figures on the test window: `{name: {value, low, high}}`."""
        return dict(self.manifest["figures"])

    @property
    def ready(self) -> Mapping[str, Any] | None:
        """What is known of the ready table whose columns are the features; None where revml made the features."""
        told: Mapping[str, Any] | None = self.manifest.get("ready")
        return told

    @cached_property
    def reference(self) -> dict[str, Any]:
        """Training distributions: `features.<name>`, `peers`, `scores` (see `models.reference`)."""
        return dict(json.loads((self.folder / "reference.json").read_text(encoding="utf-8")))

    @cached_property
    def views(self) -> dict[str, Any] | None:
        """What weighs in the model (see `evaluation.views`); None where nothing does, or nobody looked."""
        if "views.json" not in self.manifest["files"]:
            return None
        return dict(json.loads((self.folder / "views.json").read_text(encoding="utf-8")))

    def card(self, language: str = "en") -> str:
        """The model card as Markdown."""
        return (self.folder / ("card.md" if language == "en" else f"card.{language}.md")).read_text(encoding="utf-8")

    def predict(self, frame: Rows) -> np.ndarray:
        """Calibrated probabilities, float64, shape (n,); of a frame, or of Arrow's table or batch."""
        return self.calibration.apply(self.raw(frame))

    def predict_rows(self, records: list[dict[str, Any]]) -> np.ndarray:
        """`predict` for rows as a service receives them, without a frame; the same bits."""
        return self.calibration.apply(self.model.raw(self.encoding.rows(records)))

    def curve(self, frame: Rows, probability: np.ndarray | None = None) -> np.ndarray | None:
        """Probabilities at the horizons of `hazards`, shape (n, horizons); None where the question has one horizon.

        Args:
            probability: what `predict` gave for these rows, where it is at hand.
        """
        if self.hazards is None:
            return None
        if probability is None:
            probability = self.predict(frame)
        known = Encoding(tuple(column for column in self.encoding.columns if column.name in (RENEWAL, TERM)))
        return self.hazards.apply(probability, Renewals.of(known.matrix(frame), known.names))

    def curve_of(self, matrix: np.ndarray, probability: np.ndarray) -> np.ndarray | None:
        """`curve` of rows that are encoded already."""
        return None if self.hazards is None else self.hazards.apply(probability, Renewals.of(matrix, self.features))

    def raw(self, frame: Rows) -> np.ndarray:
        """Uncalibrated log-odds, shape (n,)."""
        return self.model.raw(self.encoding.matrix(frame))

    def contributions(self, frame: Rows) -> tuple[float, np.ndarray]:
        """Base and one part a feature, shape (n, features); they add up to `raw`."""
        return self.model.contributions(self.encoding.matrix(frame))


def write_bundle(parent: Path, manifest: Mapping[str, Any], files: Mapping[str, str], made: Mapping[str, Any]) -> Path:
    """Write a bundle to `parent/<first 12 digits of its hash>` and return that folder.

    Args:
        manifest: everything the hash covers, without `files`.
        files: name and text of every other file.
        made: what the hash leaves out: times, versions, the parent.
    """
    content = {name: text.encode("utf-8") for name, text in files.items()}
    whole = {
        "format": FORMAT,
        **manifest,
        "files": {name: hashlib.sha256(content[name]).hexdigest() for name in sorted(content)},
    }
    digest = manifest_hash(whole)
    target = parent / digest[:12]
    if target.is_dir() and _sound(target):
        return target  # the same model once more: what stands there is it, to the byte
    try:
        _put(parent, target, content, {**whole, "hash": digest, "made": dict(made)})
    except OSError as error:
        raise BundleError(
            "the model cannot be written",
            where=str(target),
            wanted=f"a folder that takes {sum(map(len, content.values())) / 1e6:.1f} MB",
            got=error.strerror or str(error),
            do="make room or allow writing there, then train again; what served before serves on",
        ) from error
    return target


def _put(parent: Path, target: Path, content: dict[str, bytes], told: dict[str, Any]) -> None:
    """All files beside their place first, then in it: the whole bundle or none of it."""
    parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".writing-{os.getpid()}-", dir=parent))
    try:
        content[MANIFEST] = to_text({**told, SEAL: _seal(told)}).encode("utf-8")
        for name, data in content.items():
            with (temporary / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        temporary.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        temporary.replace(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def load_bundle(folder: str | Path, *, version: str | None = None) -> Bundle:
    """Verify a bundle and load it.

    Raises:
        NotFound: there is no bundle.
        BundleError: a file is missing, truncated or altered, or the format is newer than this revml.
    """
    folder = Path(folder)
    manifest = verify(folder)
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in manifest["files"] if name not in LATER}
    calibration = json.loads(texts["calibration.json"])
    return Bundle(
        folder=folder,
        manifest=manifest,
        encoding=Encoding.from_json(json.loads(texts["features.json"])),
        model=read_model(texts),
        calibration=Calibration.from_json(calibration),
        bands=Bands(**calibration["bands"]),
        registered=version,
        hazards=Curve.from_json(json.loads(texts["curve.json"])) if "curve.json" in texts else None,
    )


def read_model(texts: Mapping[str, str]) -> Rung:
    """The rung that the model files of a bundle hold."""
    trees = Trees(texts["model.txt"]) if "model.txt" in texts else None
    plain = json.loads(texts["model.json"]) if "model.json" in texts else None
    if trees is not None and plain is not None:
        return Blend(plain_from_json(plain["first"]), trees, plain["share"])
    if trees is not None:
        return trees
    if plain is not None:
        return baseline_from_json(plain)
    raise BundleError("the bundle holds no model", wanted="model.txt or model.json")


def model_files(model: Rung) -> dict[str, str]:
    """The files that hold a rung."""
    if isinstance(model, Blend):
        return {"model.json": to_text(model.to_json()), **model_files(model.second)}
    if isinstance(model, Trees):
        return {"model.txt": model.text}
    return {"model.json": to_text(model.to_json())}


def verify(folder: Path) -> dict[str, Any]:
    """Check a bundle's manifest and every file's digest; returns the manifest."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(
            "there is no model bundle", where=str(folder), wanted=MANIFEST, do="train with `revml train QUESTION`"
        ) from None
    except (OSError, ValueError) as error:
        raise _broken(folder, MANIFEST, f"not readable: {error}") from None
    if not isinstance(manifest, dict) or "hash" not in manifest or not isinstance(manifest.get("files"), dict):
        raise _broken(folder, MANIFEST, "no hash or no list of files")
    if not isinstance(manifest.get("format", 0), int):
        raise _broken(folder, MANIFEST, "no number of its format")
    if manifest.get("format", 0) > FORMAT:
        raise BundleError(
            "this bundle was written by a newer revml",
            where=str(folder),
            wanted=f"format {FORMAT} or older",
            got=f"format {manifest['format']}",
            do="upgrade revml, or train again",
        )
    # Bundles of before bear no seal.
    if manifest_hash(manifest) != manifest["hash"] or manifest.get(SEAL, _seal(manifest)) != _seal(manifest):
        raise _broken(folder, MANIFEST, "its content does not give its hash")
    for name, wanted in manifest["files"].items():
        try:
            got = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except FileNotFoundError:
            raise _broken(folder, name, "missing") from None
        except (OSError, ValueError) as error:
            raise _broken(folder, name, f"not readable: {error}") from None
        if got != wanted:
            raise _broken(folder, name, "its SHA-256 is not the manifest's")
    return manifest


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """SHA-256 over the manifest without its hash and what depends on when and where it was made."""
    covered = {k: v for k, v in manifest.items() if k not in UNHASHED}
    return hashlib.sha256(json.dumps(covered, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _seal(manifest: Mapping[str, Any]) -> str:
    """SHA-256 over all of the manifest but the seal itself."""
    covered = {k: v for k, v in manifest.items() if k != SEAL}
    return hashlib.sha256(json.dumps(covered, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def to_text(value: Any) -> str:
    """JSON as bundles write it: sorted keys, one line a level, a newline at the end."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _sound(folder: Path) -> bool:
    try:
        verify(folder)
    except (BundleError, NotFound):
        return False
    return True


def _broken(folder: Path, name: str, got: str) -> BundleError:
    return BundleError(
        "the model bundle is broken or was altered, so it is not loaded",
        where=str(folder / name),
        wanted="the bytes that training wrote",
        got=got,
        do="restore the folder from a copy or from MLflow, or train again",
    )
