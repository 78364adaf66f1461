"""The tables of a run that leave as files, by name: their columns, and their rows as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from revml.errors import ConfigError
from revml.exports import flows, reasons, scores, values
from revml.exports.files import write_pieces
from revml.exports.streams import Rows, csv_bytes, parquet_bytes
from revml.store import Store
from revml.store.views import RunInfo

WRITERS = (".csv", ".parquet")


@dataclass(frozen=True)
class RunTable:
    """One table of a run; `rows` gives them a page at a time, of a question where `by_question`."""

    about: str
    schema: pa.Schema
    rows: Callable[[Store, RunInfo, str | None, str], Iterator[Rows]]
    by_question: bool = False


TABLES: dict[str, RunTable] = {
    "scores": RunTable("scores with the strongest reason", scores.SCHEMA, scores.score_rows, by_question=True),
    "reasons": RunTable("all reasons with their figures", reasons.SCHEMA, reasons.reason_rows, by_question=True),
    "values": RunTable(
        "lifetime values by account and horizon",
        values.VALUES,
        lambda store, run, _, language: values.value_rows(store, run, by_relation=False, language=language),
    ),
    "relations": RunTable(
        "the same by relation",
        values.RELATIONS,
        lambda store, run, _, language: values.value_rows(store, run, by_relation=True, language=language),
    ),
    "flows": RunTable(
        "expected flows by account, relation and month",
        flows.SCHEMA,
        lambda store, run, _question, _language: flows.flow_rows(store, run),
    ),
}


def export(
    store: Store, what: str, path: Path, *, question: str | None = None, language: str = "en", bom: bool = False
) -> int:
    """Write a table of the current run as CSV or Parquet, by the ending of the file; returns the rows.

    Args:
        what: one of `TABLES`.
        question: of scores and reasons: one question; absent means all of the run.
        language: of reasons and warnings.
        bom: CSV only: begin with a byte order mark, which Excel needs to read UTF-8.

    Raises:
        ConfigError: the file ends in neither .csv nor .parquet; nothing was read then.
        NotFound: nothing was published yet, or not this question.
        StoreError: the run was deleted meanwhile.
        DataError: the file cannot be written.
    """
    if path.suffix.lower() not in WRITERS:
        raise ConfigError(
            "the ending of the file does not tell its form",
            where=str(path),
            wanted=" or ".join(WRITERS),
            got=path.suffix or "no ending",
            do=f"write {path.with_suffix('.csv').name}",
        )
    table, count = TABLES[what], 0

    def counted() -> Iterator[Rows]:
        nonlocal count
        for page in table.rows(store, run, question, language):
            count += len(page)
            yield page

    run = store.published()
    parquet = path.suffix.lower() == ".parquet"
    write_pieces(
        parquet_bytes(table.schema, counted()) if parquet else csv_bytes(table.schema, counted(), bom=bom), path
    )
    return count


def export_scores(
    store: Store, path: Path, *, question: str | None = None, language: str = "en", bom: bool = False
) -> int:
    """Write the current run's scores; see `export`."""
    return export(store, "scores", path, question=question, language=language, bom=bom)


def export_values(
    store: Store, path: Path, *, by_relation: bool = False, language: str = "en", bom: bool = False
) -> int:
    """Write the current run's lifetime values, by account or by relation; see `export`."""
    return export(store, "relations" if by_relation else "values", path, language=language, bom=bom)


def score_table(store: Store, *, question: str | None = None, language: str = "en") -> pa.Table:
    """The current run's scores in memory, question by question, within a question the most money first.

    Raises:
        NotFound: nothing was scored yet, or not this question.
    """
    return _table(store, "scores", question, language)


def value_table(store: Store, *, by_relation: bool = False, language: str = "en") -> pa.Table:
    """The current run's lifetime values in memory, by account and horizon.

    Raises:
        NotFound: nothing was published yet.
    """
    return _table(store, "relations" if by_relation else "values", None, language)


def _table(store: Store, what: str, question: str | None, language: str) -> pa.Table:
    table, run = TABLES[what], store.published()
    rows = [row for page in table.rows(store, run, question, language) for row in page]
    return pa.Table.from_pylist(rows, schema=table.schema)
