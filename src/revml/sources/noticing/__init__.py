"""What is worth saying about accepted tables though no row breaks the contract.

Comes in: the report of a table and its staged rows. Goes out: the report with notes in words and a profile: gaps in
volume, clocks, units, fillings, categories, ids. One idea a module; each says when it stays silent, for a false alarm
costs more trust than a missed one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from revml.contract.profile import Gap, Profile
from revml.contract.report import TableReport
from revml.contract.tables import TABLES, Table
from revml.sources import encodings
from revml.sources.facts import staged_relation
from revml.sources.judging import Connection
from revml.sources.noticing import categories, clock, columns, ids, units, volume
from revml.sources.noticing.currency import no_other_currency as no_other_currency
from revml.sources.noticing.currency import one_currency as one_currency
from revml.sources.noticing.settled import settled
from revml.sources.noticing.shape import Shape, columns_of, optional_columns, shape, shared

# Tables to which rows come all the time, so that silence is worth a word.
STEADY = ("usage", "orders", "invoices", "tickets", "touches")
MANY_ALIKE = 0.01


def noticed(
    con: Connection, report: TableReport, staged: Path, observed_until: datetime, *, quarantine: Path, kept: Path
) -> TableReport:
    """The report of one table with its notes and its profile.

    Args:
        quarantine: the folder of quarantined rows.
        kept: the folder of counts of usage from earlier checks.
    """
    table, notes = TABLES[report.table], list(report.notes)
    if report.quarantined:
        notes += encodings.notes(report.quarantined)
        notes += ids.strangers(con, staged, quarantine / f"{table.name}.parquet", table)
    if not report.accepted:
        notes.append(f"no row was accepted, so it counts as missing: {table.without or 'it is needed'}")
        return replace(report, notes=tuple(notes))
    relation = staged_relation(staged, report.table)
    there, now = columns_of(con, relation), datetime.now(UTC).replace(tzinfo=None)
    if not table.key and report.duplicates > MANY_ALIKE * report.rows_in:
        notes.append(
            f"{report.duplicates:,} rows equal another in every column and were counted once;"
            " if each is an event of its own, give them a finer time or a quantity"
        )
    counted = None
    if table.name == "usage":
        counted = settled(con, staged, kept, there, optional_columns(table, there), min(now, observed_until))
    notes += clock.notes(con, relation, table, there, now, counted=counted)
    if report.table == "subscriptions":
        notes += _late_ends(con, relation, there, observed_until)
    notes += ids.twins(con, relation, table)
    if not table.key or len(table.key) > 1 or table.key[0] != "account_id":
        notes += ids.dominant(con, relation, report.accepted, counted=counted) if "account_id" in there else []
    seen = shape(con, staged, table, there, min(now, observed_until), counted=counted)
    if seen is None or table.happened_at is None:
        return replace(report, notes=tuple(notes), profile=Profile())
    gaps, told = _silences(seen, report, observed_until) if report.table in STEADY else ([], [])
    found = units.jumps(con, relation, table.happened_at, _numbers(table, there), report.accepted, counted=counted)
    notes += told + [units.words(jump) for jump in found]
    for name, months in seen.filled.items():
        notes += columns.filling(name, months)
    for name, values in seen.values.items():
        notes += categories.changes(name, seen.first, values, shared(con, relation, table.happened_at, name))
    profile = Profile(seen.first, tuple(int(n) for n in seen.by_day), seen.months, tuple(gaps), tuple(found))
    return replace(report, notes=tuple(notes), profile=profile)


def _numbers(table: Table, there: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in units.NUMBERS.get(table.name, ()) if name in there)


def _late_ends(con: Connection, relation: str, there: frozenset[str], until: datetime) -> list[str]:
    """Ends after the newest fact look like notices given; in data whose newest fact is old they are the past."""
    if "ended_at" not in there:
        return []
    today = datetime.now(UTC).replace(tzinfo=None)
    rows, newest = con.execute(
        f"SELECT count(*), max(ended_at) FROM {relation} WHERE ended_at > ? AND ended_at <= ?", [until, today]
    ).fetchall()[0]
    if not rows:
        return []
    return [
        f"{rows:,} subscriptions end after the newest fact ({until:%Y-%m-%d}) and count as not ended yet,"
        f" the last one on {newest:%Y-%m-%d}: if your data reach that far, say observed_until: in revml.yaml"
    ]


def _silences(seen: Shape, report: TableReport, until: datetime) -> tuple[list[Gap], list[str]]:
    """Days with a part only, and in words a hole and an early end."""
    there = np.flatnonzero(seen.by_day)
    steps = np.sort(np.diff(there))
    if len(steps) < 30:
        return [], []
    usual = int(steps[len(steps) // 2])
    worth = max(7, 10 * usual)
    notes: list[str] = []
    holes: list[tuple[date, date]] = []
    last = seen.first + timedelta(days=int(there[-1]))
    longest = int(np.argmax(np.diff(there)))
    start, end = (seen.first + timedelta(days=int(there[longest + n])) for n in (0, 1))
    if (end - start).days > worth:
        days = (end - start).days
        notes.append(
            f"no row between {start} and {end} ({days} days; usually {usual} between rows): is a part missing?"
        )
        holes.append((start, end))
    quiet = (until.date() - last).days
    if report.last and until - report.last > timedelta(days=max(14, worth)):
        late = (until - report.last).days
        notes.append(f"it ends on {last}, {late} days before the newest fact: is the newest part missing?")
        holes.append((last, until.date()))
    # The last day of the data may be in the middle of coming in.
    padded = np.concatenate([seen.by_day, np.zeros(max(0, quiet), dtype=np.int64)])[:-1]
    gaps = volume.gaps(seen.first, padded, never_rests=report.table == "usage")
    return [g for g in gaps if not any(first <= g.last and g.first <= final for first, final in holes)], notes
