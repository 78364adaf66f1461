"""`revml build`: what is new is checked, the daily store brought up to it, the feature table written."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from revml.cli.options import json_option, out, print_json, progress_bar, workspace_option
from revml.cli.score import as_of_option
from revml.config import Workspace

if TYPE_CHECKING:
    from datetime import datetime

    from revml.features.engines.choosing import EngineName


@click.command()
@workspace_option
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "postgres", "spark"]),
    default="duckdb",
    show_default=True,
    help="Where the SQL runs: here, on the PostgreSQL server that holds the tables, or on Spark.",
)
@as_of_option
@click.option("--full", is_flag=True, help="Read every row again, although files have not changed.")
@click.option(
    "--out", "folder", type=click.Path(file_okay=False, path_type=Path), help="Folder of the table. [default: features]"
)
@json_option
def build(
    workspace: Workspace, engine: str, as_of: datetime | None, full: bool, folder: Path | None, as_json: bool
) -> None:
    """Build the features of every snapshot: reads only what is new, writes one Parquet table.

    Training and scoring need no such call; it fills the daily store that makes them fast, and gives notebooks, BI and
    warehouses the features of every account at every snapshot.

    Example: revml build --as-of 2026-03-01
    """
    from revml.building import build_table

    with progress_bar("Building features") as report:
        built = build_table(
            workspace, engine=cast("EngineName", engine), as_of=as_of, full=full, out=folder, progress=report
        )
    if as_json:
        told = asdict(built) | {"check": built.check.to_dict() if built.check else None}
        print_json(told)
        return
    if built.check:
        out.print(built.check.summary(), markup=False, soft_wrap=True)
        for one in built.check.tables:
            if one.reading:
                out.print(f"{one.table}: {one.reading}", markup=False, soft_wrap=True)
    if built.daily:
        out.print(built.daily.summary(), markup=False, soft_wrap=True)
    out.print(
        f"{built.features} features of {built.snapshots:,} snapshots ({built.accounts:,} accounts, "
        f"{built.as_ofs:,} days) in {built.file}",
        markup=False,
        soft_wrap=True,
    )


commands: list[click.Command] = [build]
