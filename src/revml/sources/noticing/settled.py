"""Months of usage that are over: counted once, and read from the counts at the next check.

Comes in: the staged parts of usage, which bear their month in their name and are never changed. Goes out: the same
counts that a scan of all rows gives. A month is settled when nothing in it lies after the end of the data; its counts
stand in the folder `kept`, under a name made of its parts, so that other parts mean other counts.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from revml.sources.facts import literal, staged_parts
from revml.sources.judging import Connection
from revml.whole_file import whole

# What is counted changes with this number.
_VERSION = 1


@dataclass
class Settled:
    """Counts of the settled months, and the rows of the others.

    Attributes:
        days: SQL relation (day, event, n, and the filled rows of each optional column) of settled months.
        accounts: SQL relation (account_id, n) of settled months.
        clock: rows, known_at more than a day early, known_at different, of settled months.
        newest: the newest row of settled months.
        medians: month -> (median of |quantity|, rows with one) of settled months.
        open: SQL relation of the rows of all other months; None where there are none.
    """

    days: str
    accounts: str
    clock: tuple[int, int, int] = (0, 0, 0)
    newest: datetime | None = None
    medians: dict[str, tuple[float, int]] = field(default_factory=dict)
    open: str | None = None


def settled(
    con: Connection, staged: Path, kept: Path, columns: frozenset[str], optional: Sequence[str], until: datetime
) -> Settled | None:
    """The counts of usage; None where it does not stand in parts, or no month is over.

    Args:
        kept: the folder of counts from earlier checks; counts of months that are gone are removed.
        columns: the columns of usage; `optional` are those whose filled rows are counted.
        until: nothing after it is counted.
    """
    months: dict[str, list[Path]] = {}
    for part in sorted(staged_parts(staged, "usage").glob("*.parquet")):
        months.setdefault(part.name.partition("_")[0], []).append(part)
    named: list[str] = []
    found: list[dict[str, object]] = []
    rest: list[Path] = []
    for month, parts in sorted(months.items()):
        stem = _stem(month, parts, columns)
        told = _told(kept, stem) or _count(con, kept, stem, parts, columns, optional, until)
        if told is None:
            rest += parts
        else:
            named.append(stem)
            found.append(told)
    _sweep(kept, named)
    if not named:
        return None
    out = Settled(_all(kept, named, "days"), _all(kept, named, "accounts"), open=_relation(rest) if rest else None)
    for told in found:
        rows, early, apart, newest, medians = (told[k] for k in ("rows", "early", "apart", "newest", "medians"))
        out.clock = (out.clock[0] + int(str(rows)), out.clock[1] + int(str(early)), out.clock[2] + int(str(apart)))
        at = datetime.fromisoformat(str(newest))
        out.newest = max(out.newest or at, at)
        if isinstance(medians, dict):
            for month, (median, n) in medians.items():
                # A part may hold the first midnight of the next month: the month's own part tells more.
                if int(n) > out.medians.get(month, (0.0, 0))[1]:
                    out.medians[month] = (float(median), int(n))
    return out


def _stem(month: str, parts: Sequence[Path], columns: frozenset[str]) -> str:
    told = json.dumps([_VERSION, [(p.name, p.stat().st_size) for p in parts], sorted(columns)])
    return f"{month}-{hashlib.sha256(told.encode()).hexdigest()[:20]}"


def _told(kept: Path, stem: str) -> dict[str, object] | None:
    try:
        told: dict[str, object] = json.loads((kept / f"{stem}.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return told if all((kept / f"{stem}-{what}.parquet").exists() for what in ("days", "accounts")) else None


def _count(
    con: Connection,
    kept: Path,
    stem: str,
    parts: Sequence[Path],
    columns: frozenset[str],
    optional: Sequence[str],
    until: datetime,
) -> dict[str, object] | None:
    """Count a month and keep the counts; None while it is not over."""
    relation = _relation(parts)
    known = "known_at" in columns
    early = "count(*) FILTER (known_at < occurred_at - INTERVAL 1 DAY)" if known else "0"
    apart = "count(*) FILTER (known_at <> occurred_at)" if known else "0"
    latest = "greatest(max(occurred_at), max(known_at))" if known else "max(occurred_at)"
    rows, early_rows, apart_rows, newest, last = con.execute(
        f"SELECT count(*), {early}, {apart}, max(occurred_at), {latest} FROM {relation}"
    ).fetchall()[0]
    if last is None or last >= until:
        return None
    kept.mkdir(parents=True, exist_ok=True)
    filled = "".join(f", count({name})::BIGINT AS {name}" for name in optional)
    for what, select in (
        ("days", f"SELECT occurred_at::DATE AS day, event, count(*)::BIGINT AS n{filled} FROM {relation} GROUP BY ALL"),
        ("accounts", f"SELECT account_id, count(*)::BIGINT AS n FROM {relation} GROUP BY 1"),
    ):
        with whole(kept / f"{stem}-{what}.parquet") as new:
            con.execute(f"COPY ({select}) TO {literal(new)} (FORMAT parquet)")
    medians = {}
    if "quantity" in columns:
        for month, median, n in con.execute(medians_of(relation, "occurred_at", "quantity")).fetchall():
            medians[month.isoformat()] = (float(median), int(n))
    told: dict[str, object] = {
        "rows": rows,
        "early": early_rows,
        "apart": apart_rows,
        "newest": newest.isoformat(),
        "medians": medians,
    }
    with whole(kept / f"{stem}.json") as new:
        new.write_text(json.dumps(told), encoding="utf-8")
    return told


def medians_of(relation: str, happened: str, column: str) -> str:
    """SQL for the median of a column's size by month: month, median, rows."""
    return f"""
        SELECT date_trunc('month', {happened})::DATE AS month, median(abs({column})), count(*)
        FROM {relation} WHERE {column} <> 0 GROUP BY 1 ORDER BY 1
    """


def _relation(parts: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(literal(part) for part in parts)}])"


def _all(kept: Path, stems: Sequence[str], what: str) -> str:
    return _relation([kept / f"{stem}-{what}.parquet" for stem in stems])


def _sweep(kept: Path, stems: Sequence[str]) -> None:
    """Remove counts of parts that are gone; those of the last hour may be another check's."""
    if kept.is_dir():
        for file in kept.iterdir():
            if not file.name.startswith(tuple(stems)) and time.time() - file.stat().st_mtime > 3600:
                file.unlink(missing_ok=True)
