"""A published run as Parquet, for warehouses and notebooks: `<folder>/<run number>/{accounts,scores,...}.parquet`.

A run's folder is written under another name and renamed, so it is there whole or not at all. The database stays the
truth; a snapshot can be deleted at any time.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from revml.store.runs import ScoreRun

FRAMES = ("accounts", "scores", "reasons", "clv", "flows")


def save_run(run: ScoreRun, run_id: int, folder: Path, *, keep: Collection[int] | None = None) -> Path:
    """Write a run's frames and `run.json` to `folder/<run_id>`; returns that folder.

    Args:
        keep: run numbers whose snapshots stay; those of all other runs are deleted. None deletes nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".run-", dir=folder))
    try:
        for name in FRAMES:
            pq.write_table(_arrow(getattr(run, name)), temporary / f"{name}.parquet", write_page_checksum=True)
        about = {
            "run": run_id,
            "as_of": run.as_of.isoformat(),
            "company": run.company,
            "currency": run.currency,
            "models": [dataclasses.asdict(model) for model in run.models],
        }
        (temporary / "run.json").write_text(json.dumps(about, indent=2, ensure_ascii=False, default=str), "utf-8")
        for file in temporary.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        temporary.chmod(0o755)
        target = folder / str(run_id)
        if target.exists():
            shutil.rmtree(target)
        temporary.replace(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    for other in folder.iterdir():
        if keep is not None and other.name.isdecimal() and int(other.name) not in {*keep, run_id}:
            shutil.rmtree(other)
    return target


def _arrow(frame: pd.DataFrame) -> pa.Table:
    """The frame as an Arrow table; columns of mixed numbers and texts (a reason's value) become text."""
    return pa.table({name: _column(frame[name]) for name in frame.columns})


def _column(values: pd.Series[Any]) -> pa.Array:
    if values.dtype == object:
        kinds = {type(v) for v in values if not pd.isna(v)}
        if len(kinds) > 1:
            values = values.map(str, na_action="ignore")
        return pa.array([None if pd.isna(v) else v for v in values])
    return pa.Array.from_pandas(values)
