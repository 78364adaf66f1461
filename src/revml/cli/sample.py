"""`revml sample`: a sample company with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import click

from revml.cli.options import json_option, out, print_json, progress_bar, table
from revml.config import WORKSPACE_FILE

KindName = Literal["saas", "machinery", "manufacturing"]


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--kind", type=click.Choice(get_args(KindName)), default="saas", show_default=True, help="What the company sells."
)
@click.option("--accounts", type=click.IntRange(min=1), default=1500, show_default=True, help="Customer companies.")
@click.option("--months", type=click.IntRange(6, 120), default=36, show_default=True, help="Length, up to 2026-07-01.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=42, show_default=True, help="The same seed, the same bytes."
)
@click.option("--events", type=click.IntRange(min=0), default=None, help="About how many rows of usage.")
@json_option
def sample(
    folder: Path, kind: KindName, accounts: int, months: int, seed: int, events: int | None, as_json: bool
) -> None:
    """Make a sample company in DIR: the contract's tables as Parquet, and DIR/truth with what really happened.

    Example: revml sample data --kind machinery --accounts 800
    """
    from revml.sources.samples import write_sample

    with progress_bar("Making a sample company") as report:
        made = write_sample(
            folder,
            kind=kind,
            accounts=accounts,
            months=months,
            seed=seed,
            events=events,
            progress=report,
        )
    if as_json:
        print_json({"folder": str(folder), "kind": made.kind, "rows": made.rows})
        return
    rows = [(name, f"{count:,}") for name, count in made.rows.items()]
    out.print(table(f"Sample company ({made.kind}) in {folder}", ("table", "rows"), rows, right=("rows",)))
    out.print("Truth (hazards, probabilities, causes) stands in", str(folder / "truth"))
    if Path(WORKSPACE_FILE).is_file():
        said = f"Next: say `data: {folder}` in {WORKSPACE_FILE} if it does not yet, then revml check"
    else:
        said = f"Next: revml init my-company, say `data: {folder.resolve()}` in its {WORKSPACE_FILE}, then revml check"
    out.print(said, markup=False, soft_wrap=True)


commands = [sample]
