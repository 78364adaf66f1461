"""Workspaces written by hand: a few files and a workspace file in a folder, and what the check makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from revml.config import Workspace, load_workspace
from revml.contract.report import CheckReport
from revml.sources.facts import Facts
from revml.sources.staging import stage_workspace

ACCOUNTS = "account_id,created_at\na,2024-01-01\nb,2024-01-05T10:00:00\n"
ORDERS = """\
order_id,line,ordered_at,account_id,product,quantity,amount
1,1,2024-02-01,a,p,1,10
2,1,2024-02-02,b,p,2,20
"""
ANY_SHARE = "data: data\nquarantine_limit: 1\n"


def workspace(folder: Path, yaml: str = ANY_SHARE, **tables: str | bytes) -> Workspace:
    """Write tables as `data/<table>.csv` and the workspace file."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    for name, content in {"accounts": ACCOUNTS, "orders": ORDERS, **tables}.items():
        if content:
            (data / f"{name}.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "revml.yaml").write_text(yaml, encoding="utf-8")
    return load_workspace(folder)


def check(folder: Path, yaml: str = ANY_SHARE, **tables: str | bytes) -> CheckReport:
    """Write a workspace and stage it."""
    return stage_workspace(workspace(folder, yaml, **tables))


def staged(folder: Path, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """The accepted rows of a table."""
    return Facts.open(folder / ".revml" / "staged").con.execute(f"SELECT {columns} FROM {table}").fetchall()


def quarantined(folder: Path, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """The rows of a quarantine file, in its order."""
    file = folder / ".revml" / "quarantine" / f"{table}.parquet"
    return duckdb.execute(f"SELECT {columns} FROM read_parquet('{file}')").fetchall()
