"""Files scored and explained where they lie: a file of features in, the same rows with probability and reasons out.

Comes in: a bundle, and Parquet, CSV or Arrow files of any length with an id and the model's features. Goes out: one
Parquet or CSV file, whole or not at all, in the order of the rows. Nothing is published, no facts are needed, and
memory does not grow with the rows.

    job.py      the whole job        reading.py   files as record batches      checking.py   what a file must have
    telling.py  what is said of a batch           writing.py   batches as one file
"""

from __future__ import annotations

from revml.file_job.job import FileScores, score_file

__all__ = ["FileScores", "score_file"]
