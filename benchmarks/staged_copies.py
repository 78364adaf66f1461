"""Copies of a staged company with other usage: a share of its sessions, or nothing known late.

Made by DuckDB, for curves and for peers that know one time a row. The digests of the ledger of days are the copy's own:
they tell one copy from another, and are not those that staging would write.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb

EIGHTHS = 8


def copy_staged(staged: Path, place: Path, *, eighths: int = EIGHTHS, late: bool = True) -> Path:
    """A copy in `place` with so many eighths of the sessions, rows of a person and day together; returns its folder.

    Args:
        late: whether rows keep the time at which they were known; else they are known when they happen.
    """
    copy = place / "staged"
    shutil.copytree(staged, copy, ignore=shutil.ignore_patterns("usage", "usage_days.parquet"))
    (copy / "usage").mkdir()
    columns = "*" if late else "* REPLACE (occurred_at AS known_at)"
    con = duckdb.connect()
    con.execute(
        f"COPY (SELECT {columns} FROM read_parquet($source) "
        "WHERE hash(user_id, CAST(occurred_at AS DATE)) % $parts < $taken) "
        "TO $target (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)",
        {
            "source": str(staged / "usage" / "*.parquet"),
            "parts": EIGHTHS,
            "taken": eighths,
            "target": str(copy / "usage" / "part.parquet"),
        },
    )
    con.execute(
        "COPY (SELECT CAST(occurred_at - INTERVAL 1 MICROSECOND AS DATE) AS day, count(*) AS rows, "
        "concat($name, '-', count(*)) AS digest FROM read_parquet($target) GROUP BY day ORDER BY day) "
        "TO $ledger (FORMAT parquet)",
        {
            "name": place.name,
            "target": str(copy / "usage" / "part.parquet"),
            "ledger": str(copy / "usage_days.parquet"),
        },
    )
    meta = json.loads((copy / "facts.json").read_text(encoding="utf-8"))
    (copy / "facts.json").write_text(json.dumps(meta | {"fingerprint": f"{place.name}-copy"}), encoding="utf-8")
    return copy
