"""What a check found, as frozen data: counts a table, what is missing and what that costs, what looks wrong.

Comes in: nothing; `sources.staging` fills it. Goes out: dataclasses and plain dictionaries for JSON. For every table
`rows_in == filtered + accepted + duplicates + sum(quarantined.values())`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from revml.contract.profile import Profile
from revml.contract.since import Since
from revml.errors import QuarantineError


@dataclass(frozen=True)
class Missing:
    """A table or column that is not there, and what revml cannot tell without it."""

    name: str
    without: str


@dataclass(frozen=True)
class Suspect:
    """A column that looks like today's value, with the figures that say so.

    `used` tells whether features or labels would see it; a column that is left out anyway does no harm.
    """

    column: str
    evidence: str
    used: bool = True


@dataclass(frozen=True)
class TableReport:
    """What became of one table's rows.

    Attributes:
        source: where the rows came from, in words.
        filtered: rows that the mapping's `where` left out.
        duplicates: rows equal to another in every column; one of each was kept.
        quarantined: rows put aside, by reason; a row counts under the first reason that applies.
        quarantine_file: the Parquet file with those rows, or None when there are none.
        limit: the share of rows that may be quarantined.
        first, last: the span of the time at which accepted rows happened.
        left_out: source columns that are neither of the contract nor declared.
        reading: what of the source was read, where not all of it had to be.
        columns: contract columns that hold some value.
        source_columns: the source's own columns with their types.
        profile: the accepted rows over time; None until they were looked at.
    """

    table: str
    source: str
    rows_in: int
    filtered: int
    accepted: int
    duplicates: int
    quarantined: dict[str, int]
    quarantine_file: str | None
    limit: float
    first: datetime | None
    last: datetime | None
    missing: tuple[Missing, ...] = ()
    left_out: tuple[str, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    notes: tuple[str, ...] = ()
    reading: str = ""
    columns: tuple[str, ...] = ()
    source_columns: dict[str, str] = field(default_factory=dict)
    profile: Profile | None = None

    @property
    def quarantined_rows(self) -> int:
        """Rows put aside."""
        return sum(self.quarantined.values())

    @property
    def quarantined_share(self) -> float:
        """Rows put aside as a share of the rows that `where` let through."""
        judged = self.rows_in - self.filtered
        return self.quarantined_rows / judged if judged else 0.0

    @property
    def over_limit(self) -> bool:
        """Whether more rows were put aside than allowed."""
        return self.quarantined_share > self.limit


@dataclass(frozen=True)
class CheckReport:
    """What the check of a whole workspace found; `since` is None at the first check."""

    tables: tuple[TableReport, ...]
    missing_tables: tuple[Missing, ...]
    observed_until: datetime
    fingerprint: str
    notes: tuple[str, ...] = ()
    since: Since | None = None

    @property
    def over_limit(self) -> tuple[TableReport, ...]:
        """The tables with more rows in quarantine than allowed."""
        return tuple(table for table in self.tables if table.over_limit)

    def table(self, name: str) -> TableReport:
        """The report of one table.

        Raises:
            KeyError: the workspace has no such table.
        """
        return {table.table: table for table in self.tables}[name]

    def summary(self) -> str:
        """One sentence for logs."""
        accepted, aside = (sum(getattr(t, n) for t in self.tables) for n in ("accepted", "quarantined_rows"))
        return (
            f"{len(self.tables)} tables, {accepted:,} rows accepted, {aside:,} put aside, "
            f"data until {self.observed_until:%Y-%m-%d}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; times are ISO text."""
        return {
            "observed_until": self.observed_until.isoformat(),
            "fingerprint": self.fingerprint,
            "tables": [_plain(table) for table in self.tables],
            "missing_tables": [asdict(missing) for missing in self.missing_tables],
            "notes": list(self.notes),
            "since_last_check": self.since.to_dict() if self.since else None,
            "over_limit": [table.table for table in self.over_limit],
        }


class OverLimit(QuarantineError):
    """More rows were quarantined than the workspace allows; `report` tells which."""

    def __init__(self, report: CheckReport) -> None:
        self.report = report
        worst = max(report.over_limit, key=lambda table: table.quarantined_share)
        reason, rows = max(worst.quarantined.items(), key=lambda item: item[1])
        super().__init__(
            f"{worst.quarantined_rows:,} of {worst.rows_in - worst.filtered:,} rows broke the contract"
            f" (most often: {reason}, {rows:,} rows)",
            where=f"table {worst.table}",
            wanted=f"at most {worst.limit:.1%} of the rows in quarantine",
            got=f"{worst.quarantined_share:.1%}",
            do=f"look at {worst.quarantine_file}, mend the source or its mapping,"
            " or allow more with quarantine_limit in revml.yaml",
        )


def _plain(table: TableReport) -> dict[str, Any]:
    plain = asdict(replace(table, profile=None))
    plain["profile"] = table.profile.to_dict() if table.profile else None
    plain["first"] = table.first.isoformat() if table.first else None
    plain["last"] = table.last.isoformat() if table.last else None
    plain["quarantined_share"] = table.quarantined_share
    return plain
