"""Companies for the benchmarks: written, checked and staged in a folder that goes away afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from busy_company import write_company
from other_company import write_other

from revml.config import Workspace, load_workspace
from revml.sources.facts import Facts
from revml.sources.samples import write_sample
from revml.sources.samples.kinds import KindName
from revml.sources.staging import stage_workspace

Kind = KindName | Literal["other"]  # a sample company, or one of another mechanism
SEED = 1
# Where busy companies stay for another run; absent means that they go away with the benchmark.
KEPT = os.environ.get("REVML_BENCH_DATA")


@dataclass(frozen=True)
class Size:
    """How many accounts and rows of usage a busy company has."""

    name: str
    accounts: int
    events: int


BUSY_DATA = {
    size.name: size
    for size in (
        Size("QUICK", 2_000, 1_000_000),
        Size("20M", 20_000, 20_000_000),
        Size("40M", 20_000, 40_000_000),
        Size("100M", 100_000, 100_000_000),
    )
}


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


def busy_company(folder: Path, size: Size) -> Path:
    """The staged folder of a company with much usage; prints what writing and staging took."""
    place = (Path(KEPT) if KEPT else folder) / f"busy-{size.name}"
    if not (place / "whole").exists():
        shutil.rmtree(place, ignore_errors=True)
        started = time.perf_counter()
        rows = write_company(place / "data", accounts=size.accounts, events=size.events)
        written = time.perf_counter()
        report = stage_workspace(make_workspace(place))
        took = time.perf_counter() - written
        assert not any(table.quarantined for table in report.tables), "the company breaks the contract"
        print(f"  {rows:,} rows of usage written in {written - started:.1f} s, staged in {took:.1f} s", flush=True)
        (place / "whole").touch()
    return load_workspace(place).staged_dir


def staged_company(
    folder: Path, *, kind: Kind, accounts: int, months: int = 36, events: int | None = None, seed: int = SEED
) -> tuple[Workspace, Facts]:
    """A company that knows its truth, checked and staged; the other company has as many events as it has."""
    if kind == "other":
        write_other(folder / "data", accounts=accounts, months=months, seed=seed)
    else:
        write_sample(folder / "data", kind=kind, accounts=accounts, months=months, seed=seed, events=events)
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
