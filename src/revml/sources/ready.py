"""A company's own feature table, read as it is: who, when, what happened, and columns whose types the values tell.

Comes in: a workspace and the name of a table under `ready:` in revml.yaml. Goes out: `ReadyRows`. A column that the
configuration names and the table has not is an error; so is an account that stands twice (at one `as_of`). What was
done to a column is said in `notes`, what was left out and why in `left_out`. Nothing is dropped in silence.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from revml.config import ReadyTable, TableSource, Workspace
from revml.contract.checks import identifier
from revml.errors import BundleError, ConfigError, DataError
from revml.sources.facts import connect
from revml.sources.locate import SUFFIXES, Located
from revml.sources.readers import open_source
from revml.sources.source import nearest, unreadable
from revml.sources.told_types import Column, ColumnKind, convert, tell, texts, times

UNDATED = datetime(1970, 1, 1)  # noqa: DTZ001 - stands where a table has no as_of; nobody is shown it
ROLES = ("account_id", "as_of", "label", "money")
YES, NO = frozenset({"true", "yes", "1", "t", "y"}), frozenset({"false", "no", "0", "f", "n"})


@dataclass(frozen=True)
class ReadyRows:
    """The rows of a ready table.

    Attributes:
        frame: account_id, as_of (`UNDATED` where the table has none), label (1.0, 0.0, NaN where not known yet), money
            (0 where unknown), then the features: float64, or text with None where unknown.
        kinds: what each feature holds.
        names: the account's name a row, where the table has one.
        notes: what was done to columns, in sentences.
        left_out: columns that are no features, with the reason.
    """

    name: str
    spec: ReadyTable
    frame: pd.DataFrame
    kinds: dict[str, ColumnKind]
    names: pd.Series[Any] | None
    notes: tuple[str, ...]
    left_out: dict[str, str]

    @property
    def dated(self) -> bool:
        """Whether the rows bear an instant, so that time can tell them apart."""
        return self.spec.as_of is not None


def read_ready(workspace: Workspace, name: str, *, trained: Mapping[str, ColumnKind] | None = None) -> ReadyRows:
    """Read a ready table.

    Args:
        trained: the features of a model with their kinds: exactly these are read, as what they were in training, from
            `score_path` where the table has one, and the label is not needed.

    Raises:
        BundleError: it lacks columns that the model was trained on.
        ConfigError: there is no such table, or it lacks a column that is named.
        DataError: it cannot be read, an account stands twice, or a value does not fit.
    """
    spec = ready_spec(workspace, name)
    scoring = trained is not None
    raw = _raw(workspace, name, spec, scoring=scoring)
    _there(name, spec, raw, trained)
    frame = pd.DataFrame({"account_id": texts(raw[spec.account]), "as_of": _as_of(name, spec, raw)})
    _one_row_each(name, spec, frame)
    frame["label"] = _label(name, spec, raw) if spec.label in raw else float("nan")
    money = convert_or_refuse(name, raw, spec.money, "number") if spec.money else pd.Series(0.0, raw.index)
    frame["money"] = money.fillna(0.0)
    names = texts(raw[spec.name]) if spec.name else None
    columns: dict[str, pd.Series[Any]] = {}
    kinds: dict[str, ColumnKind] = {}
    notes: list[str] = []
    left_out: dict[str, str] = {}
    for column in _wanted(spec, raw) if trained is None else [_own_name(c) for c in trained]:
        called = f"{column} (column)" if column in ROLES else column
        if trained is None:
            told = tell(raw[column], categorical=column in spec.categorical)
        else:
            told = Column(trained[called], convert_or_refuse(name, raw, column, trained[called]))
        if told.kind == "days":
            told = _days(told, frame["as_of"], dated=spec.as_of is not None, trained=scoring)
        if told.kind is None:
            left_out[column] = told.note
            continue
        columns[called], kinds[called] = told.values, told.kind
        notes += [f"{column}: {told.note}"] if told.note else []
    frame = pd.concat([frame, pd.DataFrame(columns, index=raw.index)], axis=1)
    return ReadyRows(name, spec, frame, kinds, names, tuple(notes), left_out)


def ready_spec(workspace: Workspace, name: str) -> ReadyTable:
    """What revml.yaml says of a ready table.

    Raises:
        ConfigError: there is none of that name.
    """
    if name in workspace.ready:
        return workspace.ready[name]
    raise ConfigError(
        "there is no such ready table",
        where="revml.yaml: ready",
        wanted=", ".join(workspace.ready) or "a table under ready:",
        got=name,
        do=nearest(name, workspace.ready) or "add it, or use one of these names",
    )


def convert_or_refuse(name: str, raw: pd.DataFrame, column: str, kind: str) -> pd.Series[Any]:
    """A column as a kind.

    Raises:
        DataError: a value is not of that kind.
    """
    try:
        return convert(raw[column], kind)
    except ValueError as error:
        raise DataError(
            f"the column {column!r} holds a text where a number is wanted",
            where=f"ready table {name}",
            wanted="a number or nothing",
            got=str(error),
            do=f"mend the value, or list {column!r} under `categorical` and train again",
        ) from None


def _raw(workspace: Workspace, name: str, spec: ReadyTable, *, scoring: bool) -> pd.DataFrame:
    """Every column of the source, as it gives them."""
    path = spec.score_path if scoring and spec.score_path else spec.path
    con = connect()
    with tempfile.TemporaryDirectory(prefix="revml-") as room:
        try:
            source = open_source(con, name, _located(workspace, name, spec, path), Path(room))
            columns = ", ".join(identifier(column) for column in source.columns)
            try:
                frame: pd.DataFrame = con.execute(f"SELECT {columns} FROM {source.relation}").df()
                if source.sets_aside:
                    [(lines,)] = con.execute("SELECT count(DISTINCT (file_id, line)) FROM csv_errors").fetchall()
                    if lines:
                        raise DataError(
                            "some lines cannot be read",
                            where=source.words,
                            wanted="as many values in each line as there are columns, in UTF-8",
                            got=f"{lines:,} lines that are not so",
                            do="write the file again from its origin; of a ready table no rows are put aside",
                        )
            except duckdb.Error as error:
                raise unreadable(source.words, error) from None
        finally:
            con.close()
    if frame.empty:
        raise DataError("the table has no rows", where=f"ready table {name}", wanted="at least one", got="none")
    return frame


def _located(workspace: Workspace, name: str, spec: ReadyTable, path: str | None) -> Located:
    if path is None:
        return Located(TableSource(url=spec.url, table=spec.table), (), f"{name} at its URL")
    place = workspace.root / path
    files = sorted(f for f in place.rglob("*") if f.name.lower().endswith(SUFFIXES)) if place.is_dir() else [place]
    if not files or not all(file.is_file() for file in files):
        raise DataError(
            "there is no such file",
            where=f"revml.yaml: ready.{name}",
            wanted="a Parquet or CSV file, a folder of them, or a DuckDB or SQLite file",
            got=path,
            do="write the path relative to revml.yaml",
        )
    return Located(TableSource(path=path, table=spec.table), tuple(files), path)


def _there(name: str, spec: ReadyTable, raw: pd.DataFrame, trained: Mapping[str, ColumnKind] | None) -> None:
    """Refuse what is named and not there."""
    named: dict[str, list[str | None]] = {
        "account": [spec.account],
        "as_of": [spec.as_of],
        "money": [spec.money],
        "name": [spec.name],
    }
    if trained is None:
        named |= {"label": [spec.label], "exclude": list(spec.exclude), "allow": list(spec.allow)}
        named |= {"categorical": list(spec.categorical)}
        named |= {"features": [] if spec.features == "all" else list(spec.features)}
    elif gone := [column for column in map(_own_name, trained) if column not in raw]:
        raise BundleError(
            f"the {spec.question} model was trained on columns that the table no longer has",
            where=f"ready table {name}",
            wanted=", ".join(gone[:20]) + (f" and {len(gone) - 20} more" if len(gone) > 20 else ""),
            got=", ".join(map(str, raw.columns[:40])) + (" ..." if len(raw.columns) > 40 else ""),
            do=f"bring the columns back under their names, or run `revml train {spec.question}`",
        )
    for key, columns in named.items():
        for column in columns:
            if column is not None and column not in raw:
                raise ConfigError(
                    f"the table has no column {column!r}",
                    where=f"revml.yaml: ready.{name}.{key}",
                    wanted=", ".join(map(str, raw.columns[:40])) + (" ..." if len(raw.columns) > 40 else ""),
                    got=column,
                    do=nearest(column, map(str, raw.columns)) or "write the column as the table does",
                )


def _own_name(column: str) -> str:
    bare = column.removesuffix(" (column)")
    return bare if bare in ROLES else column


def _wanted(spec: ReadyTable, raw: pd.DataFrame) -> list[str]:
    taken = {spec.account, spec.as_of, spec.label, spec.name, *spec.exclude}
    if spec.features != "all":
        return [column for column in spec.features if column not in taken]
    return [str(column) for column in raw.columns if column not in taken]


def _as_of(name: str, spec: ReadyTable, raw: pd.DataFrame) -> pd.Series[Any]:
    if spec.as_of is None:
        return pd.Series(UNDATED, raw.index, dtype="datetime64[us]")
    told = times(raw[spec.as_of])
    if told.isna().any():
        bad = raw[spec.as_of][told.isna()].iloc[0]
        raise DataError(
            f"{int(told.isna().sum()):,} rows have no instant in {spec.as_of!r}",
            where=f"ready table {name}",
            wanted="an ISO date or instant in each row",
            got=repr(bad)[:80],
            do="mend those rows; a row without a time cannot be told from the future",
        )
    return told


def _one_row_each(name: str, spec: ReadyTable, frame: pd.DataFrame) -> None:
    if frame["account_id"].isna().any():
        raise DataError(
            f"{int(frame['account_id'].isna().sum()):,} rows have no account in {spec.account!r}",
            where=f"ready table {name}",
            wanted="an id in each row",
            got="nothing",
            do="mend those rows or leave them out",
        )
    twice = frame[frame.duplicated(["account_id", "as_of"])]
    if len(twice):
        keys = "account" if spec.as_of is None else "account and as_of"
        raise DataError(
            f"{len(twice):,} rows repeat an {keys}",
            where=f"ready table {name}",
            wanted=f"one row an {keys}",
            got=", ".join(repr(a) for a in twice["account_id"].unique()[:3]),
            do="name the column that tells the rows apart as `as_of`" if spec.as_of is None else "keep one row of each",
        )


def _label(name: str, spec: ReadyTable, raw: pd.DataFrame) -> pd.Series[Any]:
    told = texts(raw[spec.label])
    if spec.positive is None or isinstance(spec.positive, bool):
        yes, no = (NO, YES) if spec.positive is False else (YES, NO)
        values = [None if v is None else float(v.casefold() in yes) for v in told]
        wrong = [v for v in told if v is not None and v.casefold() not in yes | no]
    else:
        [wanted] = texts(pd.Series([spec.positive]))
        values = [None if v is None else float(v == wanted) for v in told]
        wrong = [] if 1.0 in values else [v for v in told if v is not None]
    if len(wrong):
        raise ConfigError(
            f"it is not clear which value of {spec.label!r} means the event",
            where=f"revml.yaml: ready.{name}.positive",
            wanted=", ".join(repr(v) for v in sorted(told.dropna().unique())[:6]),
            got="nothing" if spec.positive is None else repr(spec.positive),
            do=f'write positive: "{wrong[0]}", or the other one',
        )
    return pd.Series(values, raw.index, dtype="float64")


def _days(told: Column, as_of: pd.Series[Any], *, dated: bool, trained: bool) -> Column:
    """Times become the days since; without as_of there is no such thing, and later times were written later."""
    if not dated:
        return Column(None, told.values, "it holds dates, and without as_of nobody can say how long ago they were")
    late = int((told.values > as_of).sum())
    if late and not trained:
        note = f"{late:,} of its {int(told.values.notna().sum()):,} dates lie after as_of: it knows the future"
        return Column(None, told.values, note)
    days = (as_of - told.values).dt.total_seconds() / 86_400
    return Column("days", days.where(days >= 0), "" if trained else "dates became days before as_of")
