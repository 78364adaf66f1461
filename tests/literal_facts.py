"""Facts written by hand: a few literal rows a table, staged as the check would stage them.

    facts = stage(tmp_path, accounts=[{"account_id": "a", "created_at": "2025-01-01"}], orders=[...])

`known_at` is filled with the time of happening where a row does not give it; ISO strings become instants.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from revml.contract.tables import TABLES
from revml.sources.facts import META_FILE, Facts, staged_file
from revml.windows import instant

ARROW = {
    "id": pa.string(),
    "text": pa.string(),
    "time": pa.timestamp("us"),
    "integer": pa.int64(),
    "number": pa.float64(),
    "money": pa.float64(),
    "flag": pa.bool_(),
}
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001

Rows = Sequence[Mapping[str, Any]]


def stage(folder: Path, *, observed_until: str | None = None, extras: Sequence[str] = (), **tables: Rows) -> Facts:
    """Write literal rows as a staged folder and open it."""
    folder.mkdir(parents=True, exist_ok=True)
    columns: dict[str, list[str]] = {}
    newest = EPOCH
    for name, rows in tables.items():
        if not rows:
            continue
        spec = TABLES[name]
        typed = [_typed(spec.by_name, row) for row in rows]
        for row in typed:
            row.setdefault("known_at", row[spec.happened_at] if spec.happened_at else EPOCH)
            newest = max(newest, row["known_at"])
        names = list(dict.fromkeys(key for row in typed for key in row))
        arrays = {
            n: pa.array([row.get(n) for row in typed], ARROW[spec.by_name[n].type] if n in spec.by_name else None)
            for n in names
        }
        pq.write_table(pa.table(arrays), staged_file(folder, name))
        columns[name] = [n for n in names if n in spec.by_name and arrays[n].null_count < len(typed)]
    meta = {
        "columns": columns,
        "extras": list(extras),
        "observed_until": (instant(observed_until) if observed_until else newest).isoformat(),
        "fingerprint": "literal",
    }
    (folder / META_FILE).write_text(json.dumps(meta), encoding="utf-8")
    return Facts.open(folder)


def _typed(columns: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: instant(value) if value is not None and name in columns and columns[name].type == "time" else value
        for name, value in row.items()
    }
