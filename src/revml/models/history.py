"""Who was champion when, and why: one line of JSON a change in `history.jsonl` beside a question's bundles.

A line is appended in one write. The pointer file holds the newest entry too and is written first, so that a process
that is killed between the two loses nothing: the next reader finds the entry in the pointer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HISTORY = "history.jsonl"
ROLLBACK = "rollback"


@dataclass(frozen=True)
class Entry:
    """One change of champion.

    Args:
        at: when, naive UTC in ISO form.
        event: first, promote, rollback, fetch, stand-in, or appointed where nothing is known of it.
        bundle, before: folder names of the champion from then on and of the one before.
        forced: whether the gate said no; `failed` are the rows that did, `reason` the words of who forced it.
    """

    at: str
    event: str
    bundle: str
    before: str | None = None
    forced: bool = False
    reason: str = ""
    failed: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The entry in a line, for tags and tables.

        >>> Entry("2026-05-01T08:00:00", "promote", "b2", "b1", True, "asked by sales", ("beats champion",)).sentence()
        '2026-05-01T08:00:00 promote, forced past: beats champion (asked by sales)'
        """
        past = f", forced past: {', '.join(self.failed) or 'nothing'}" if self.forced else ""
        return f"{self.at} {self.event}{past}" + (f" ({self.reason})" if self.reason else "")


def now() -> str:
    """This second, naive UTC in ISO form."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0).isoformat()


def entry_from(told: Any) -> Entry | None:
    """An entry out of plain JSON, None where it is none."""
    if not isinstance(told, dict) or not isinstance(told.get("bundle"), str) or not isinstance(told.get("at"), str):
        return None
    known = {f.name: told[f.name] for f in fields(Entry) if f.name in told}
    return Entry(**{"event": "appointed", **known, "failed": tuple(told.get("failed") or ())})


def read_entries(folder: Path) -> list[Entry]:
    """The entries of a question's folder, oldest first; a line that a power cut left half is passed over."""
    try:
        lines = (folder / HISTORY).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            entry = entry_from(json.loads(line))
        except ValueError:
            continue
        if entry is not None:
            found.append(entry)
    return found


def append_entry(folder: Path, entry: Entry) -> None:
    """Add a line, in one write that is on disk when this returns."""
    line = json.dumps(asdict(entry), ensure_ascii=False, sort_keys=True).encode() + b"\n"
    file = os.open(folder / HISTORY, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(file).st_size
        half = size > 0 and os.pread(file, 1, size - 1) != b"\n"
        os.write(file, b"\n" + line if half else line)
        os.fsync(file)
    finally:
        os.close(file)


def succession(entries: Sequence[Entry]) -> list[str]:
    """The champions as a pile: each promotion puts one on top, a roll-back takes what lies above its target away.

    >>> told = [("first", "b1"), ("promote", "b2"), ("promote", "b3"), ("rollback", "b2")]
    >>> succession([Entry("", event, bundle) for event, bundle in told])
    ['b1', 'b2']
    """
    pile: list[str] = []
    for entry in entries:
        if entry.event == ROLLBACK and entry.bundle in pile:
            del pile[pile.index(entry.bundle) + 1 :]
        elif not pile or pile[-1] != entry.bundle:
            pile.append(entry.bundle)
    return pile


def rolled_back(entries: Sequence[Entry]) -> dict[str, str]:
    """Bundles that were champion and were rolled back from, with when; one promoted again since is not among them."""
    gone: dict[str, str] = {}
    for entry in entries:
        if entry.event == ROLLBACK and entry.before:
            gone[entry.before] = entry.at
        gone.pop(entry.bundle, None)
    return gone
