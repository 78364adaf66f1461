"""A published run as Parquet, for warehouses and notebooks: `<folder>/<run number>/{accounts,scores,...}.parquet`.

Beside them stand the feature rows that were scored (`store.kept`), for what is asked of an account afterwards.

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

from revml.store.frames import json_value
from revml.store.long import LongFrame, parts_of
from revml.store.runs import ScoreRun

FRAMES = ("accounts", "scores", "reasons", "contributions", "clv", "flows", "values", "drivers", "coming")


def save_run(run: ScoreRun, run_id: int, folder: Path, *, keep: Collection[int] | None = None) -> Path:
    """Write a run's frames, `run.json` and `report-<name>.json` to `folder/<run_id>`; returns that folder.

    Args:
        keep: run numbers whose snapshots stay; those of all other runs are deleted. None deletes nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".run-", dir=folder))
    try:
        for name in FRAMES:
            _write(getattr(run, name), temporary / f"{name}.parquet")
        if run.kept is not None:
            run.kept.copy_to(temporary)
        about = {
            "run": run_id,
            "as_of": run.as_of.isoformat(),
            "company": run.company,
            "currency": run.currency,
            "discount_rate": run.discount_rate,
            "models": [dataclasses.asdict(model) for model in run.models],
            "concepts": {question: dataclasses.asdict(of) for question, of in run.concepts.items()},
        }
        documents = {"run": about, **{f"report-{name}": body for name, body in run.reports.items()}}
        for name, document in documents.items():
            text = json.dumps(json_value(document), indent=2, ensure_ascii=False, default=str)
            (temporary / f"{name}.json").write_text(text, "utf-8")
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


def _write(frame: LongFrame, path: Path) -> None:
    """A frame, or the parts of a long one, as one file."""
    kinds = {} if isinstance(frame, pd.DataFrame) else frame.kinds
    writer: pq.ParquetWriter | None = None
    try:
        for part in parts_of(frame):
            table = pa.table({name: _column(part[name], kinds.get(name)) for name in part.columns})
            writer = writer or pq.ParquetWriter(path, table.schema, write_page_checksum=True)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _column(values: pd.Series[Any], kinds: Collection[type] | None) -> pa.Array:
    """A column in Arrow; one of mixed numbers and texts (a reason's value) becomes text.

    Args:
        kinds: the types that occur in it, where it is part of a longer one.
    """
    if values.dtype == object:
        kinds = set(map(type, values[values.notna()])) if kinds is None else kinds
        if len(kinds) > 1:
            values = values.map(str, na_action="ignore")
        only = {frozenset({str}): pa.string(), frozenset({float}): pa.float64()}.get(frozenset(kinds))
        cells = values.to_numpy(dtype=object, copy=True)
        cells[values.isna().to_numpy()] = None
        return pa.array(cells.tolist(), pa.string() if len(kinds) > 1 else only)
    return pa.Array.from_pandas(values)
