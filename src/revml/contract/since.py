"""Changes since an earlier check, as frozen data; `comparing` finds them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Change:
    """One change; `table` is empty when it concerns the whole, `stops` when the check must not pass it over."""

    kind: str
    table: str
    told: str
    stops: bool = False


@dataclass(frozen=True)
class Since:
    """Changes since an earlier check."""

    checked_at: datetime
    changes: tuple[Change, ...] = ()

    @property
    def stopping(self) -> tuple[Change, ...]:
        """The changes that must be accepted by somebody."""
        return tuple(change for change in self.changes if change.stops)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"checked_at": self.checked_at.isoformat(), "changes": [asdict(change) for change in self.changes]}
