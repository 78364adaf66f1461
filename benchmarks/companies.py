"""Sample companies for the benchmarks: written, checked and staged in a folder that goes away afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from revml.config import Workspace, load_workspace
from revml.sources.facts import Facts
from revml.sources.samples import write_sample
from revml.sources.samples.kinds import KindName
from revml.sources.staging import stage_workspace

SEED = 1


@contextmanager
def room() -> Iterator[Path]:
    """An empty folder for one benchmark."""
    folder = Path(tempfile.mkdtemp(prefix="revml-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_workspace(folder: Path) -> Workspace:
    """A workspace whose data stands in `folder/data`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "revml.yaml").write_text("company: {name: Benchmark, currency: EUR}\ndata: data\n", encoding="utf-8")
    return load_workspace(folder)


def staged_company(
    folder: Path, *, kind: KindName, accounts: int, months: int = 36, events: int | None = None
) -> tuple[Workspace, Facts]:
    """A sample company, checked and staged."""
    write_sample(folder / "data", kind=kind, accounts=accounts, months=months, seed=SEED, events=events)
    return staged(folder)


def staged(folder: Path) -> tuple[Workspace, Facts]:
    """The workspace of a folder that holds data already, checked and staged."""
    workspace = make_workspace(folder)
    stage_workspace(workspace)
    return workspace, Facts.open(workspace.staged_dir)


def monthly_snapshots(facts: Facts, cutoffs: int) -> pd.DataFrame:
    """Every account at the last `cutoffs` starts of a month that the data covers: account_id, as_of."""
    accounts = facts.con.sql("SELECT account_id FROM accounts ORDER BY account_id").df()["account_id"]
    starts = pd.date_range(end=facts.observed_until, periods=cutoffs, freq="MS").normalize()
    return pd.MultiIndex.from_product([accounts, starts], names=["account_id", "as_of"]).to_frame(index=False)
