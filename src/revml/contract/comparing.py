"""What changed since the last check: tables and columns that went or came, a past that is another.

Comes in: a `CheckReport`, and the summary of the last check that staged facts. Goes out: changes in words. A change
stops the check when features were made of what is gone: a table, a column that held values, a large part of the past.
Scores made without it would look as good as ever. `revml check --accept-changes` takes the new state as it is.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from revml.contract.report import CheckReport, TableReport
from revml.contract.since import Change, Since
from revml.errors import DataError

SUMMARY_FILE = "check.json"
VERSION = 1
LOST_STOPS, LOST_TOLD = 0.2, 0.01
WINDOW_STOPS = 0.5
GAINED_TOLD, GAINED_LEAST = 0.1, 100
QUARANTINE_STEP, QUARANTINE_FACTOR = 0.01, 3.0
DUPLICATES_STEP = 0.05
OTHER_MONTHS = 3
SILENT_DAYS = 7


class Changed(DataError):
    """What features were made of is gone since the last check; `report` tells all."""

    def __init__(self, report: CheckReport, since: Since) -> None:
        self.report = report
        first, *more = since.stopping
        others = "".join(f"; {change.table}: {change.told}" for change in more[:4])
        super().__init__(
            first.told + others,
            where=f"table {first.table}",
            wanted=f"what the check of {since.checked_at:%Y-%m-%d %H:%M} UTC found",
            got="less than that: the facts of that check stay staged",
            do="bring it back, or `revml check --accept-changes` if it is meant; then train again",
        )


def summary(report: CheckReport, *, currency: str, engine: str, now: datetime) -> dict[str, Any]:
    """What the next check compares with.

    Args:
        engine: the name of what made the digests; digests of different makers are not compared.
    """
    return {
        "version": VERSION,
        "checked_at": now.isoformat(),
        "currency": currency,
        "digests": engine,
        "observed_until": report.observed_until.isoformat(),
        "fingerprint": report.fingerprint,
        "tables": {table.table: _table(table) for table in report.tables},
    }


def read_summary(folder: Path) -> dict[str, Any] | None:
    """The summary that the last check left in a staged folder; None where there is none that can be read."""
    try:
        found = json.loads((folder / SUMMARY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("version") == VERSION else None


def compare(was: dict[str, Any], now: dict[str, Any]) -> Since:
    """The changes from one summary to another."""
    changes: list[Change] = []
    if was["currency"] != now["currency"]:
        changes.append(Change("currency", "", f"the company's currency was {was['currency']}, is {now['currency']}"))
    changes += _newest(was, now)
    for name, before in was["tables"].items():
        after = now["tables"].get(name)
        if not before["accepted"]:
            continue
        if after is None or not after["accepted"]:
            rows = "gone" if after is None else "empty"
            changes.append(Change("table_gone", name, f"it had {before['accepted']:,} rows and is {rows}", stops=True))
            continue
        changes += _columns(name, before, after)
        same_digests = was["digests"] == now["digests"] and before["columns"] == after["columns"]
        changes += _past(name, before, after, was["observed_until"][:7], digests=same_digests)
        changes += _shares(name, before, after)
    for name, after in now["tables"].items():
        if after["accepted"] and not was["tables"].get(name, {}).get("accepted"):
            changes.append(Change("table_new", name, f"it is there now, with {after['accepted']:,} rows"))
    return Since(datetime.fromisoformat(was["checked_at"]), tuple(changes))


def _table(table: TableReport) -> dict[str, Any]:
    months = table.profile.months if table.profile and table.profile.months else {}
    return {
        "source": table.source,
        "source_columns": table.source_columns,
        "columns": list(table.columns),
        "rows_in": table.rows_in,
        "accepted": table.accepted,
        "duplicates": table.duplicates,
        "quarantined": table.quarantined_rows,
        "judged": table.rows_in - table.filtered,
        "last": table.last.isoformat() if table.last else None,
        "months": {name: [month.rows, month.digest] for name, month in months.items()},
    }


def _newest(was: dict[str, Any], now: dict[str, Any]) -> list[Change]:
    if was["fingerprint"] == now["fingerprint"]:
        return []
    before, after = (datetime.fromisoformat(one["observed_until"]) for one in (was, now))
    if after < before:
        told = f"the data reached until {before:%Y-%m-%d %H:%M} and reaches until {after:%Y-%m-%d %H:%M} only"
        return [Change("older", "", told)]
    if after == before:
        return [Change("no_newer", "", f"the newest fact is still of {before:%Y-%m-%d %H:%M}: nothing newer came in")]
    if (after - before).days < SILENT_DAYS:
        return []
    return [
        Change("no_newer", name, f"no row came in, while the data went on for {(after - before).days} days")
        for name, one in was["tables"].items()
        if name in now["tables"]
        and len(one["months"]) >= 3
        and one["rows_in"] == now["tables"][name]["rows_in"] > GAINED_LEAST
        and one["last"] == now["tables"][name]["last"]
    ]


def _columns(name: str, before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    gone = [column for column in before["columns"] if column not in after["columns"]]
    came = [column for column in after["columns"] if column not in before["columns"]]
    changes = [
        Change("column_gone", name, f"the column {column} held values and holds none now", stops=True)
        for column in gone
        if column != "known_at"
    ]
    changes += [Change("column_new", name, f"the column {column} holds values now") for column in came]
    was, now = before["source_columns"], after["source_columns"]
    for column in was:
        if column not in now and column not in gone:
            changes.append(Change("source_column_gone", name, f"the source has no column {column!r} any more"))
        elif column in now and was[column] != now[column]:
            told = f"the source's column {column!r} was {was[column]}, is {now[column]}"
            changes.append(Change("type", name, told))
    new = [column for column in now if column not in was and column not in came]
    if new:
        listed = ", ".join(repr(column) for column in new[:8]) + (" …" if len(new) > 8 else "")
        changes.append(Change("source_column_new", name, f"the source has new columns: {listed}"))
    return changes


def _past(name: str, before: dict[str, Any], after: dict[str, Any], open_month: str, *, digests: bool) -> list[Change]:
    """Rows of months that were over at the last check."""
    past = {month: rows for month, (rows, _) in before["months"].items() if month < open_month}
    there = {month: rows for month, (rows, _) in after["months"].items() if month < open_month}
    if not past:
        return []
    changes = []
    start = min(there, default=open_month)
    outside = sum(rows for month, rows in past.items() if month < start)
    total = sum(past.values())
    if outside:
        told = f"all {outside:,} rows before {start} are gone ({outside / total:.0%} of the past): a moving window?"
        changes.append(Change("rows_gone", name, told, stops=outside >= WINDOW_STOPS * total))
    lost = {m: rows - there.get(m, 0) for m, rows in past.items() if m >= start and rows > there.get(m, 0)}
    share = sum(lost.values()) / total
    if share >= LOST_TOLD:
        told = f"{sum(lost.values()):,} rows of the past are gone ({share:.0%}), of {_listed(list(lost))}"
        changes.append(Change("rows_gone", name, told, stops=share >= LOST_STOPS))
    gained = {m: rows - past.get(m, 0) for m, rows in there.items() if rows > past.get(m, 0)}
    more = sum(gained.values())
    if more >= max(GAINED_LEAST, GAINED_TOLD * total):
        told = f"{more:,} rows were added to the past ({more / total:.0%}), to {_listed(list(gained))}"
        changes.append(Change("rows_more", name, told + ": filled in later, or loaded twice?"))
    same = [m for m, rows in past.items() if there.get(m) == rows and before["months"][m][1]]
    other = [m for m in same if before["months"][m][1] != after["months"][m][1]] if digests else []
    if len(other) >= max(OTHER_MONTHS, len(same) / 2):
        told = f"{len(other)} months of the past hold as many rows but other ones: {_listed(other)}"
        changes.append(Change("rows_differ", name, told))
    return changes


def _listed(months: list[str]) -> str:
    ordered = sorted(months)
    return ordered[0] if len(ordered) == 1 else f"{len(ordered)} months from {ordered[0]} to {ordered[-1]}"


def _shares(name: str, before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    changes = []
    was, now = (one["quarantined"] / max(1, one["judged"]) for one in (before, after))
    if now >= was + QUARANTINE_STEP and now >= QUARANTINE_FACTOR * was:
        changes.append(Change("quarantine", name, f"{now:.1%} of the rows are in quarantine, {was:.1%} were last time"))
    was, now = (one["duplicates"] / max(1, one["judged"]) for one in (before, after))
    if now >= was + DUPLICATES_STEP:
        told = f"{now:.0%} of the rows are exact duplicates, {was:.0%} were last time: was something loaded twice?"
        changes.append(Change("duplicates", name, told))
    return changes
