"""Scores on Spark: `mapInPandas` over a frame of features; needs `revml[spark]` here, and revml on the workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from revml.elsewhere.partitions import BAND, score_partition


def spark_scores(
    frame: Any, bundle_folder: str | Path, *, keys: tuple[str, ...] = ("account_id",), parts: bool = False
) -> Any:
    """Score a Spark frame of features, lazily.

    Args:
        frame: `keys` and the bundle's features, categories as text.
        bundle_folder: under the same name on every worker.
        keys, parts: see `score_partition`.

    Returns:
        A Spark frame: keys, raw, probability, with `parts` base and contributions, and band.
    """
    from pyspark.sql.types import DoubleType, StringType, StructField, StructType

    scorer = score_partition(bundle_folder, keys=keys, parts=parts)
    chosen = frame.select(*(f"`{name}`" for name in scorer.wanted))
    told = [
        *(frame.schema[name] for name in keys),
        *(StructField(name, DoubleType()) for name in scorer.numbers),
        StructField(BAND, StringType()),
    ]
    return chosen.mapInPandas(scorer, StructType(told))
