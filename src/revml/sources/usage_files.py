"""What was read of usage at the last check, file by file, and what therefore must be read now.

Comes in: the files as they stand, and the record that the last check left in its staged folder. Goes out: a `Plan`:
which files are read, which days are made again, or why everything is read. A record holds no rows, only counts and
days; the rows that were put aside stand beside it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from revml.sources.parts import SourceFile

FOLDER = "usage_sources"
RECORD = "files.json"
ASIDE = "aside.parquet"
# A file that changed this shortly before it was looked at may change again without another time or size.
SETTLED_NS = 20_000_000


@dataclass
class Tally:
    """What became of the rows of one file.

    Attributes:
        size, version: by which the file is known again; an empty version is never known again.
        judged: rows that the mapping's `where` let through and that could be read.
        reasons: rows put aside, lines that could not be read among them.
        days: the days on which its rows happened, as days since 1970.
        zones: by column of times written as text: whether some say their zone, and whether some do not.
    """

    size: int = 0
    version: str = ""
    rows_in: int = 0
    judged: int = 0
    unread: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    days: list[int] = field(default_factory=list)
    zones: dict[str, list[bool]] = field(default_factory=dict)

    @property
    def good(self) -> int:
        """Rows that are accepted or duplicates."""
        return self.judged + self.unread - sum(self.reasons.values())


@dataclass(frozen=True)
class Record:
    """What the last check left: how it read, a tally a file, and a mark of that check alone."""

    signature: str
    tallies: dict[str, Tally]
    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    @classmethod
    def read(cls, staged: Path) -> Record | None:
        """The record of a staged folder, or None where there is none that can be read."""
        try:
            plain = json.loads((staged / FOLDER / RECORD).read_text(encoding="utf-8"))
            tallies = {key: Tally(**tally) for key, tally in plain["files"].items()}
            return cls(str(plain["signature"]), tallies, str(plain["mark"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, staged: Path) -> None:
        """Leave the record in a staged folder."""
        files = {key: asdict(tally) for key, tally in self.tallies.items()}
        plain = {"signature": self.signature, "mark": self.mark, "files": files}
        (staged / FOLDER).mkdir(exist_ok=True)
        (staged / FOLDER / RECORD).write_text(json.dumps(plain), encoding="utf-8")


@dataclass(frozen=True)
class Plan:
    """What is read.

    Attributes:
        full: why everything is read; empty where that is not needed.
        fresh: files that are read whole: new ones, changed ones.
        gone: files whose rows do not count any more: vanished ones, changed ones.
        days: days that are made again, as days since 1970.
        again: files that did not change but hold rows of those days.
    """

    full: str = ""
    fresh: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    days: frozenset[int] = frozenset()
    again: tuple[str, ...] = ()

    def words(self) -> str:
        """What a reader of the report is told."""
        if self.full:
            return f"read in full, because {self.full}"
        changed = len(set(self.fresh) & set(self.gone))
        counts = {"new": len(self.fresh) - changed, "changed": changed, "vanished": len(self.gone) - changed}
        told = [f"{n} {word} file{'s' if n > 1 else ''}" for word, n in counts.items() if n]
        days = f", {len(self.days)} day{'s' if len(self.days) > 1 else ''} read again" if self.days else ""
        return ", ".join(told) + days if told else "no file is new, so none was read"


def key_of(path: str, root: Path) -> str:
    """A file's name in the record: below the workspace relative to it, so that a workspace may move."""
    try:
        return Path(path).relative_to(root).as_posix()
    except ValueError:
        return path


def settled(file: SourceFile) -> str:
    """A file's version, or nothing while it may still be written to."""
    return "" if time.time_ns() - int(file.version) < SETTLED_NS else file.version


def signature(*parts: object) -> str:
    """A short text that is another whenever rows would be read or judged in another way."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def make_plan(record: Record | None, files: dict[str, tuple[int, str]], made: str, moved: Sequence[str]) -> Plan:
    """What must be read.

    Args:
        files: size and version of each file as it stands.
        made: the signature of this check.
        moved: files with rows put aside that would be judged otherwise now.
    """
    if record is None:
        return Plan(full="there is no record of the last check")
    if record.signature != made:
        return Plan(full="the mapping, the columns or the version of revml changed")
    known = record.tallies
    same = {
        key
        for key, told in files.items()
        if key in known and told == (known[key].size, known[key].version) and told[1] and key not in moved
    }
    fresh = [key for key in files if key not in same]
    gone = [key for key in known if key not in same]
    if not same:
        return Plan(full="no file is as it was")
    days = frozenset(day for key in gone for day in known[key].days)
    again = [key for key in same if days.intersection(known[key].days)]
    return Plan(fresh=tuple(fresh), gone=tuple(gone), days=days, again=tuple(sorted(again)))


def mixed_zones(tallies: dict[str, Tally]) -> bool:
    """Whether a column of times has some with a zone and some without, over all files."""
    seen: dict[str, list[Any]] = {}
    for tally in tallies.values():
        for name, flags in tally.zones.items():
            seen.setdefault(name, []).append(flags)
    return any(any(a for a, _ in flags) and any(b for _, b in flags) for flags in seen.values())
