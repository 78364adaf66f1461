"""Scoring a partition: a function of an iterator of frames, as `mapInPandas` of Spark wants it.

Only the name of the bundle's folder and its hash travel to the workers. Each worker process verifies and loads the
bundle from its folder once; no model is ever pickled, and another bundle under the same name is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from revml.errors import BundleError
from revml.explanations.one_pass import scored
from revml.models.bundle import Bundle, load_bundle

NUMBERS = ("raw", "probability")
BAND, BASE, PART = "band", "base", "contribution_"


@dataclass(frozen=True)
class PartitionScorer:
    """Scores frames with a bundle: keys as they came, `raw` log-odds, `probability`, `band`.

    Args:
        folder, digest: of the bundle.
        features: columns that a frame must have.
        keys: columns that are handed through.
        parts: whether `base` and a column `contribution_<feature>` a feature are told too; they add up to `raw`.
    """

    folder: str
    digest: str
    features: tuple[str, ...]
    keys: tuple[str, ...]
    parts: bool = False

    @property
    def wanted(self) -> list[str]:
        """The columns that a frame must have."""
        return [*self.keys, *(name for name in self.features if name not in self.keys)]

    @property
    def numbers(self) -> list[str]:
        """The columns of numbers that come out, behind the keys; `band` is the last of all, and text."""
        return [*NUMBERS, *((BASE, *(PART + name for name in self.features)) if self.parts else ())]

    def __call__(self, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Score the frames of a partition one by one."""
        for frame in frames:
            yield self.frame(frame)

    def frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Score one frame.

        Raises:
            BundleError: a feature is missing, or the folder holds another bundle or a broken one.
        """
        bundle = _loaded(self.folder, self.digest)
        out = frame[list(self.keys)].copy()
        if self.parts:
            told = scored(bundle, frame)
            raw, probability = told.raw, told.probability
            parts = pd.DataFrame(told.parts, columns=[PART + name for name in self.features], index=out.index)
            out = out.assign(raw=raw, probability=probability, **{BASE: told.base})
            out = pd.concat([out, parts], axis=1)
        else:
            raw = bundle.raw(frame)
            probability = bundle.calibration.apply(raw)
            out = out.assign(raw=raw, probability=probability)
        out[BAND] = pd.Series(bundle.bands.of(probability), dtype="str", index=out.index)
        return out


def score_partition(
    bundle_folder: str | Path, *, keys: tuple[str, ...] = ("account_id",), parts: bool = False
) -> PartitionScorer:
    """What scores partitions with the bundle of a folder, which is verified here first.

    Args:
        bundle_folder: under the same name on every worker.
        keys: columns that are handed through.
        parts: whether to tell contributions too.

    Raises:
        NotFound, BundleError: there is no sound bundle.
    """
    bundle = load_bundle(bundle_folder)
    return PartitionScorer(str(Path(bundle_folder).resolve()), bundle.hash, bundle.features, keys, parts)


@lru_cache(maxsize=16)
def _loaded(folder: str, digest: str) -> Bundle:
    bundle = load_bundle(folder)
    if bundle.hash != digest:
        raise BundleError(
            "the folder holds another bundle than the one that was asked for",
            where=folder,
            wanted=digest[:12],
            got=bundle.hash[:12],
            do="copy the bundle to every worker under the same name",
        )
    return bundle
