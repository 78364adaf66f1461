"""What must be known of a company's tables to choose features, wherever the tables stand.

`Facts` is that for the staged folder; a push-down to a server brings its own (`features.engines`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Known(Protocol):
    """Which tables have rows, which columns hold values, and which static columns accounts have."""

    @property
    def extras(self) -> tuple[str, ...]:
        """The declared static extra columns of `accounts`, read through `account_profile`."""

    @property
    def observed_until(self) -> datetime:
        """How far the data reaches."""

    def has(self, table: str, *columns: str) -> bool:
        """Whether a table has rows and each of the columns holds some value."""

    def profile_types(self) -> dict[str, str]:
        """DuckDB's types of the columns of `account_profile`."""
