"""A company's own tables on a PostgreSQL server: other names, other types, and rows that break the contract."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import yaml

from revml.config import Workspace, load_workspace
from revml.contract.tables import TABLES
from tests.features.company import Row, Tables

READER, READER_PASSWORD = "looks_only", "s3cret@:/"
# Times come as three types, as they do in real databases; some of them say their zone.
TIMES = ("timestamp", "timestamptz", "text")


def url(port: int, database: str = "company", user: str = READER, password: str = READER_PASSWORD) -> str:
    """The URL of a server of the tests' own."""
    return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"


def dirtied(tables: Tables, seed: int = 3) -> Tables:
    """The rows with duplicates, unknown references, conflicts of keys and impossible values among them."""
    rng = np.random.default_rng(seed)
    out: Tables = {}
    for name, rows in tables.items():
        more: list[Row] = []
        for row in rows:
            draw = rng.random()
            if draw < 0.05:
                more += [dict(row)] * int(rng.integers(1, 3))
            elif draw < 0.12:
                more.append(_broken(name, row, rng))
        out[name] = [*rows, *more]
        rng.shuffle(out[name])  # type: ignore[arg-type]
    return out


def _broken(name: str, row: Row, rng: np.random.Generator) -> Row:
    spec, key = TABLES[name], f"new-{rng.integers(10**9)}"
    fresh = row | {c: key for c in spec.key[:1] if c != "account_id" or name == "accounts"}
    happened = spec.happened_at
    ways: list[Row] = [fresh | {"account_id": None}, row | {"known_at": (row.get("known_at") or datetime(2024, 1, 1))}]  # noqa: DTZ001
    if name != "accounts":
        ways += [fresh | {"account_id": "nobody"}, fresh | {"account_id": "  "}, fresh | {"account_id": "x" * 300}]
    if happened:
        ways += [fresh | {happened: None}, fresh | {happened: datetime(1999, 5, 5)}]  # noqa: DTZ001
    for column in spec.columns:
        if column.type in ("money", "number"):
            ways += [fresh | {column.name: float("nan")}, fresh | {column.name: -5.0}, row | {column.name: 77.0}]
    if name == "accounts":
        ways = [fresh | {"created_at": None}, fresh | {"parent_account_id": "nobody"}, row | {"industry": "other"}]
    if name == "users":
        ways.append(fresh | {"deactivated_at": row["created_at"] - timedelta(days=3)})
    return ways[int(rng.integers(len(ways)))]


def load(connection: Any, tables: Tables) -> dict[str, dict[str, Any]]:
    """Make the company's tables in the schema `own`; gives the workspace's `tables:` without their URLs."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS own")
    mapping: dict[str, dict[str, Any]] = {}
    number = 0
    for name, rows in tables.items():
        names = list(dict.fromkeys(key for row in rows for key in row))
        kinds = {}
        for column in names:
            number += 1
            kinds[column] = _kind(name, column, number)
        columns = ", ".join(f'"{_own(c)}" {kind}' for c, kind in kinds.items())
        connection.execute(f'CREATE TABLE own."T {name}" ({columns})')
        with connection.cursor() as cursor:
            marks = ", ".join(["%s"] * len(names))
            values = [tuple(_written(row.get(c), kinds[c]) for c in names) for row in rows]
            cursor.executemany(f'INSERT INTO own."T {name}" VALUES ({marks})', values)
        contract = TABLES[name].by_name
        mapping[name] = {"table": f"own.T {name}", "columns": {c: _own(c) for c in names if c in contract}}
    return mapping


def _own(column: str) -> str:
    return f"Own {column}"


def _kind(table: str, column: str, number: int) -> str:
    contract = TABLES[table].by_name.get(column)
    if contract is None:
        return "date" if column == "founded" else "numeric"
    if contract.type == "time":
        return TIMES[number % 3]
    if contract.type == "integer":
        return ("integer", "text", "numeric")[number % 3]
    if contract.type == "flag":
        return ("boolean", "text")[number % 2]
    return {"number": "double precision", "money": "numeric"}.get(contract.type, "text")


def _written(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "text":
        return value.isoformat() if isinstance(value, datetime) else str(value)
    if kind == "timestamptz":
        return f"{value.isoformat()}+00"
    return value


def workspace(folder: Path, tables: dict[str, dict[str, Any]], address: str, **more: Any) -> Workspace:
    """A workspace over the company's own tables."""
    folder.mkdir(parents=True, exist_ok=True)
    named = {name: {"url": address, **spec} for name, spec in tables.items()}
    (folder / "revml.yaml").write_text(yaml.safe_dump({"tables": named, "quarantine_limit": 1.0, **more}))
    return load_workspace(folder / "revml.yaml")
