"""What became of rows that were in quarantine, once they were tried again: plain data.

Comes in: nothing; `sources.retrying` fills it. For every former reason
`rows == accepted + duplicates + filtered + gone + sum(remaining.values())`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Retry:
    """The rows of one table that were in quarantine for one reason.

    Attributes:
        accepted: rows that are in order now, and staged.
        duplicates: rows that equal an accepted one.
        filtered: rows that the mapping's `where` leaves out now.
        remaining: rows still in quarantine, by today's reason.
        gone: rows that the source does not hold any more.
        would_pass: of the rows that are gone, those whose kept values would be accepted today.
    """

    reason: str
    rows: int
    accepted: int = 0
    duplicates: int = 0
    filtered: int = 0
    remaining: dict[str, int] = field(default_factory=dict)
    gone: int = 0
    would_pass: int = 0


@dataclass(frozen=True)
class Retried:
    """The former quarantine of one table, reason by reason."""

    table: str
    reasons: tuple[Retry, ...]
    note: str = ""

    @property
    def rows(self) -> int:
        """Rows that were in quarantine."""
        return sum(one.rows for one in self.reasons)

    @property
    def accepted(self) -> int:
        """Rows that are in order now."""
        return sum(one.accepted for one in self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {**asdict(self), "rows": self.rows, "accepted": self.accepted}
