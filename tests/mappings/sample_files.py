"""Rows of a sample as files: CSV, or Parquet where the system exports that."""

# ruff: noqa: DTZ001 - naive means UTC in revml
from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Rows = list[dict[str, Any]]
Tables = dict[str, Rows]

NOW = datetime(2025, 6, 25, 6, 0)
CUSTOMERS = 24


def months_after(time: datetime, months: int) -> datetime:
    """The same day of a later month; days here never go beyond the 28th."""
    index = time.year * 12 + time.month - 1 + months
    return time.replace(year=index // 12, month=index % 12 + 1)


def text(time: datetime | None) -> str:
    """A time as warehouses print it, without a zone (UTC)."""
    return time.strftime("%Y-%m-%d %H:%M:%S") if time else ""


def unix(time: datetime) -> int:
    """Seconds since 1970."""
    return round((time - datetime(1970, 1, 1)) / timedelta(seconds=1))


def write(folder: Path, tables: Tables) -> None:
    """Write tables under their file names; the suffix says how."""
    for name, rows in tables.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        if file.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist([{c: row.get(c) for c in columns} for row in rows]), file)
            continue
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
