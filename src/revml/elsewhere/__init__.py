"""Scoring and training where one machine ends: the same functions under Spark and Dask.

Comes in: a bundle whose folder every worker can read, and a table of features in partitions. Goes out: the same bits
as on one machine. Neither Spark nor Dask is imported before it is asked for (`pip install 'revml[spark]'` or
`'revml[dask]'`).
"""

from __future__ import annotations

from revml.elsewhere.on_dask import dask_scores, train_on_dask
from revml.elsewhere.on_spark import spark_scores
from revml.elsewhere.partitions import PartitionScorer, score_partition

__all__ = ["PartitionScorer", "dask_scores", "score_partition", "spark_scores", "train_on_dask"]
