"""The daily store: what a day of usage comes to, kept from build to build, so that a new day costs itself alone.

Comes in: `Facts` whose usage has a ledger (what each day holds). Goes out: the tables that the subjects declare as
`kept`, as Parquet parts in the folder `daily` beside the staged facts, and SQL to read them. A day whose digest in the
ledger moved (new rows, late rows, corrected rows) is built anew from the facts; the others stay. A part is never
changed: `manifest.json` says which of its days still count, and is replaced in one step, so that readers see the store
before or after a refresh and never half of it. The store holds nothing that cannot be built again: where it is damaged
or was made by other SQL it is made anew. Features are the same, to the last bit, whatever the parts.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb

from revml.features.catalog import SUBJECTS
from revml.features.engines import TooLarge, too_large
from revml.features.engines.local import cursor, make_table
from revml.features.spec import Codes, Subject
from revml.progress import Progress, silent
from revml.sources.facts import Facts, literal
from revml.whole_file import whole

FOLDER = "daily"
MANIFEST = "manifest.json"
# Accounts are numbered here too, so that numbers mean the same in every part.
ACCOUNTS = Codes("account_codes", "account_id", "accounts")
# Rows of usage worked on at once: bounds memory.
CHUNK_ROWS = 3_000_000
# More parts than this are brought together; a year of nightly refreshes leaves no year of files.
MAX_PARTS = 40
_PARQUET = "(FORMAT parquet, COMPRESSION lz4)"
# Files that no manifest names may still be read by a build that began before; they go after this long.
_GRACE_SECONDS = 3600


@dataclass(frozen=True)
class Part:
    """Some days, in one file a kept table.

    Attributes:
        files: table -> file name; bytes: file name -> size, to notice a file that was cut off.
        days: ordinals of the days in the files; dead: those of them that a later part holds, or nobody any more.
    """

    files: dict[str, str]
    bytes: dict[str, int]
    days: tuple[int, ...]
    dead: tuple[int, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """What the store consists of."""

    recipe: str
    ledger: dict[int, str] = field(default_factory=dict)
    codes: dict[str, list[str]] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did.

    Attributes:
        days: days in the store; built: days that were built now; rows: rows of usage that were read for them.
        anew: why everything was built, or empty where only days were.
    """

    days: int
    built: int
    rows: int
    anew: str = ""

    def summary(self) -> str:
        """One sentence for logs."""
        if self.anew:
            return f"daily store: all {self.days:,} days built from {self.rows:,} rows ({self.anew})"
        if not self.built:
            return f"daily store: nothing new in {self.days:,} days"
        return f"daily store: {self.built:,} of {self.days:,} days built from {self.rows:,} rows"


def daily_folder(facts: Facts) -> Path:
    """Where the store of these facts stands."""
    return facts.folder.parent / FOLDER


def refresh(facts: Facts, *, progress: Progress | None = None) -> Refreshed | None:
    """Bring the store up to the facts; None where there is no usage, or no ledger to tell what changed.

    Raises:
        DataError: a quantity is too large to add up.
    """
    if not facts.has("usage"):
        return None
    with cursor(facts) as con:
        wanted = {day.toordinal(): (rows, digest) for day, rows, digest in con.execute(_LEDGER).fetchall()}
        if not wanted:
            return None
        folder = daily_folder(facts)
        old, anew = _load(folder)
        built = sorted(day for day, (_, digest) in wanted.items() if old.ledger.get(day) != digest)
        gone = [day for day in old.ledger if day not in wanted]
        rows = sum(wanted[day][0] for day in built)
        done = Refreshed(len(wanted), len(built), rows, anew if built else "")
        if built or gone:
            folder.mkdir(parents=True, exist_ok=True)
            work = _Refresh(con, folder, old, progress or silent)
            ledger = {day: digest for day, (_, digest) in wanted.items()}
            work.run(built, gone, {day: wanted[day][0] for day in built}, ledger)
    return done


def relations(facts: Facts) -> dict[str, str]:
    """The stored tables, and the numbers of accounts, as SQL that can stand after FROM; empty where none are kept."""
    manifest, anew = _load(daily_folder(facts))
    if anew or not manifest.parts:
        return {}
    folder = daily_folder(facts)
    found = {name: _read(folder, manifest.parts, name) for name in _kept()}
    found[ACCOUNTS.name] = _codes(folder, manifest.codes[ACCOUNTS.name])
    return found


_LEDGER = "SELECT day, rows, digest FROM usage_ledger"


def _subjects() -> list[Subject]:
    return [subject for subject in SUBJECTS if subject.daily]


def _kept() -> list[str]:
    return [name for subject in _subjects() for name in subject.kept]


def _recipe() -> str:
    """A digest of everything that the stored tables follow from, save the facts."""
    told = [1, [[asdict(step) if isinstance(step, Codes) else step for step in s.daily] for s in _subjects()], _kept()]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _load(folder: Path) -> tuple[Manifest, str]:
    """The manifest, and why the store has to be built anew (empty where it is sound)."""
    empty = Manifest(_recipe())
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        parts = tuple(Part(p["files"], p["bytes"], tuple(p["days"]), tuple(p["dead"])) for p in told["parts"])
        ledger = {int(day): str(digest) for day, digest in told["ledger"].items()}
        manifest = Manifest(told["recipe"], ledger, told["codes"], parts)
    except FileNotFoundError:
        return empty, "there was none"
    except (ValueError, KeyError, TypeError, AttributeError):
        return empty, "its manifest was damaged"
    if manifest.recipe != empty.recipe:
        return empty, "revml builds it in another way now"
    for part in manifest.parts:
        for file, size in part.bytes.items():
            if not (folder / file).is_file() or (folder / file).stat().st_size != size:
                return empty, f"{file} was damaged"
    if not all((folder / file).is_file() for files in manifest.codes.values() for file in files):
        return empty, "a file was missing"
    return manifest, ""


def _read(folder: Path, parts: Iterable[Part], table: str) -> str:
    """All days that count of a stored table."""
    whole = [literal(folder / part.files[table]) for part in parts if not part.dead]
    selects = [f"SELECT * FROM read_parquet([{', '.join(whole)}])"] if whole else []
    for part in parts:
        if part.dead:
            dead = ", ".join(f"DATE '{date.fromordinal(day)}'" for day in part.dead)
            file = literal(folder / part.files[table])
            selects.append(f"SELECT * FROM read_parquet({file}) WHERE day NOT IN ({dead})")
    return f"({' UNION ALL '.join(selects)})"


def _codes(folder: Path, files: Sequence[str]) -> str:
    return f"read_parquet([{', '.join(literal(folder / file) for file in files)}])"


class _Refresh:
    """One refresh: reads the touched days, writes new parts, and ends by replacing the manifest."""

    def __init__(self, con: duckdb.DuckDBPyConnection, folder: Path, old: Manifest, progress: Progress) -> None:
        self._con, self._folder, self._old, self._progress = con, folder, old, progress
        self._mark = uuid.uuid4().hex[:12]
        self._codes = {name: list(files) for name, files in old.codes.items()}
        self._numbered: set[str] = set()

    def run(self, built: Sequence[int], gone: Sequence[int], rows: dict[int, int], ledger: dict[int, str]) -> None:
        """Build days, forget days, write the manifest."""
        self._con.execute("CREATE OR REPLACE TEMP TABLE clock AS SELECT INTERVAL '1' MICROSECOND AS shift")
        self._number(ACCOUNTS, "accounts")
        accounts = f"SELECT code AS account, account_id FROM {ACCOUNTS.name}"
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE accounts_in_play AS {accounts}")
        fresh: list[Part] = []
        chunks = list(_chunks(built, rows))
        for number, days in enumerate(chunks):
            self._progress("daily store", number / len(chunks))
            fresh.append(self._part(days, str(number)))
        for name in [
            ACCOUNTS.name,
            *(s.name for subject in _subjects() for s in subject.daily if isinstance(s, Codes)),
        ]:
            self._write_numbers(name)
        dead = {*built, *gone}
        kept = [replace(p, dead=tuple(sorted({*p.dead, *(dead & set(p.days))}))) for p in self._old.parts]
        parts = [part for part in kept if len(part.dead) < len(part.days)] + fresh
        if len(parts) > MAX_PARTS:
            parts = self._together(parts)
        self._publish(Manifest(_recipe(), ledger, self._codes, tuple(parts)))

    def _part(self, days: Sequence[int], name: str) -> Part:
        """Build some days and write what is kept of them."""
        first, last = date.fromordinal(days[0]), date.fromordinal(days[-1])
        # A day ends with the midnight that follows it: see `sql.period`.
        only = f"occurred_at > TIMESTAMP '{first} 00:00:00' AND occurred_at <= TIMESTAMP '{last}' + INTERVAL 1 DAY"
        if last.toordinal() - first.toordinal() + 1 != len(days):
            told = ", ".join(f"DATE '{date.fromordinal(day)}'" for day in days)
            only += f" AND CAST(occurred_at - INTERVAL 1 MICROSECOND AS DATE) IN ({told})"
        self._con.execute(f"CREATE OR REPLACE TEMP VIEW usage AS SELECT * FROM memory.main.usage WHERE {only}")
        files = {}
        for subject in _subjects():
            for step in subject.daily:
                if isinstance(step, Codes):
                    self._number(step, step.source)
                else:
                    self._make(subject, *step)
            for table in subject.kept:
                files[table] = self._write(f"SELECT * FROM {table}", f"{table}-{self._mark}-{name}")
        return Part(files, self._sizes(files), tuple(days))

    def _make(self, subject: Subject, name: str, select: str) -> None:
        try:
            make_table(self._con, name, select)
        except TooLarge as error:
            raise too_large(subject, error) from None

    def _number(self, codes: Codes, source: str) -> None:
        """Number the things of `source` that have no number yet; `codes.name` then holds all of them."""
        new, entity = f"{codes.name}_new", codes.entity
        old = self._old.codes.get(codes.name, [])
        stored = f"SELECT * FROM {_codes(self._folder, old)}" if old else ""
        if codes.name not in self._numbered:
            self._numbered.add(codes.name)
            self._con.execute(f"CREATE TEMP TABLE {new} ({entity} VARCHAR, code INTEGER)")
            union = f"{stored} UNION ALL SELECT * FROM {new}" if stored else f"SELECT * FROM {new}"
            self._con.execute(f"CREATE TEMP VIEW {codes.name} AS {union}")
        self._con.execute(f"""
            INSERT INTO {new}
            SELECT t.{entity}, (SELECT COUNT(*) FROM {codes.name}) + ROW_NUMBER() OVER (ORDER BY t.{entity}) - 1
            FROM (SELECT DISTINCT {entity} FROM {source} WHERE {entity} IS NOT NULL) AS t
            LEFT JOIN {codes.name} AS c ON c.{entity} = t.{entity}
            WHERE c.code IS NULL
        """)

    def _write_numbers(self, name: str) -> None:
        [(new,)] = self._con.execute(f"SELECT COUNT(*) FROM {name}_new").fetchall()
        if new or not self._codes.get(name):
            file = self._write(f"SELECT * FROM {name}_new", f"{name}-{self._mark}")
            self._codes[name] = [*self._codes.get(name, []), file]
        if len(self._codes[name]) > MAX_PARTS:
            self._codes[name] = [self._write(f"SELECT * FROM {name}", f"{name}-{self._mark}-all")]

    def _together(self, parts: list[Part]) -> list[Part]:
        """The largest part as it is, all others as one."""
        first, *rest = sorted(parts, key=lambda part: len(part.days) - len(part.dead), reverse=True)
        days = sorted(day for part in rest for day in set(part.days) - set(part.dead))
        files = {
            table: self._write(
                f"SELECT * FROM {_read(self._folder, rest, table)} ORDER BY day", f"{table}-{self._mark}-all"
            )
            for table in _kept()
        }
        return [first, Part(files, self._sizes(files), tuple(days))]

    def _write(self, select: str, name: str) -> str:
        file = f"{name}.parquet"
        self._con.execute(f"COPY ({select}) TO {literal(self._folder / file)} {_PARQUET}")
        return file

    def _sizes(self, files: dict[str, str]) -> dict[str, int]:
        return {file: (self._folder / file).stat().st_size for file in files.values()}

    def _publish(self, manifest: Manifest) -> None:
        told = vars(manifest) | {"parts": [vars(part) for part in manifest.parts]}
        with whole(self._folder / MANIFEST) as new:
            new.write_text(json.dumps(told), encoding="utf-8")
        named = {file for files in manifest.codes.values() for file in files}
        named |= {file for part in manifest.parts for file in part.files.values()} | {MANIFEST}
        for file in self._folder.iterdir():
            if file.name not in named and time.time() - file.stat().st_mtime > _GRACE_SECONDS:
                file.unlink(missing_ok=True)


def _chunks(days: Sequence[int], rows: dict[int, int]) -> Iterator[list[int]]:
    """Days in order, in groups of about `CHUNK_ROWS` rows."""
    chunk: list[int] = []
    held = 0
    for day in days:
        if chunk and held + rows[day] > CHUNK_ROWS:
            yield chunk
            chunk, held = [], 0
        chunk.append(day)
        held += rows[day]
    if chunk:
        yield chunk
