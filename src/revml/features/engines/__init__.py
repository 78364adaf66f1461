"""Where the SQL of the subjects runs: DuckDB in this process, or a company's own engine.

An `Engine` has the contract's tables as views under their own names. It takes small tables (`put`), makes tables out
of statements in DuckDB's dialect, which it translates itself (`make`), and gives back the finished features (`fetch`).
Everything it makes is temporary and gone after `close`.
"""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa

from revml.errors import DataError
from revml.features.spec import Subject


class TooLarge(Exception):
    """A value of the company's that no sum can hold; `features.engine` says where."""


def too_large(subject: Subject, got: object) -> DataError:
    """The error for an amount that no sum can hold."""
    return DataError(
        "a number is too large to add up",
        where=f"the features of {subject.name}, from {', '.join(subject.tables)}",
        wanted="amounts below 10^24, quantities of use below 10^14 a day",
        got=str(got).splitlines()[0],
        do="correct the value in the source, or leave its row out with `where`",
    )


class Engine(Protocol):
    """What `features.engine` needs of a place that runs SQL."""

    name: str

    def put(self, name: str, table: pa.Table) -> None:
        """Make or replace a small table."""

    def make(self, name: str, select: str) -> None:
        """Make or replace a table out of a SELECT in DuckDB's dialect.

        Raises:
            TooLarge: a number is too large to add up.
        """

    def drop(self, name: str) -> None:
        """Forget a table that nothing needs any more."""

    def fetch(self, select: str) -> pa.Table:
        """The rows of a SELECT in DuckDB's dialect."""

    def close(self) -> None:
        """Leave nothing behind."""
