"""One scoring run of many accounts on this machine: accounts a second, and the memory it takes at most.

    train   150 trees x 15 leaves of churn (`fixed_bundle`), on a small company of the same tables
    score   in a process of its own, as `revml score` does it: features now and 12 weeks before, probabilities, reasons
            in two languages, lifetime value by month, all published in SQLite and as Parquet

`ACCOUNTS=1000000` asks for that many; by default 100,000 and with `QUICK=1` 5,000.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import fixed_bundle
from busy_company import write_company
from companies import make_workspace, room
from figures import QUICK, Figures, peak_mib

from revml.config import Workspace
from revml.datasets import build_dataset
from revml.scoring import publish_run, score_workspace
from revml.sources.facts import Facts
from revml.sources.staging import stage_workspace

ACCOUNTS = int(os.environ.get("ACCOUNTS", "5000" if QUICK else "100000"))
LEARNED_FROM, ROWS_EACH = 2_000, 5
MOST_GIB = 6


def main() -> None:
    """Print the figures."""
    figures = Figures()
    with room() as folder:
        learned = _company(folder / "small", LEARNED_FROM, 20)
        fixed_bundle.TREES, fixed_bundle.LEAVES = 150, 15
        facts = Facts.open(learned.staged_dir)
        fixed_bundle.write_fixed_bundle(learned, build_dataset(learned, facts, "churn"))
        place = folder / "many"
        workspace = _company(place, ACCOUNTS, ROWS_EACH)
        shutil.copytree(learned.bundles_dir, workspace.bundles_dir)
        done = subprocess.run(
            [sys.executable, __file__, str(place)], check=True, capture_output=True, text=True
        ).stdout.split()
        scored, scoring, scoring_cpu, publishing, publishing_cpu, peak = (float(value) for value in done)
        print(
            f"  {scored:,.0f} accounts scored in {scoring:.0f} s ({scoring_cpu:.0f} s of CPU), published in "
            f"{publishing:.0f} s ({publishing_cpu:.0f}): {scored / (scoring + publishing):,.0f} a second",
            flush=True,
        )
        figures.at_most("peak memory of the run", peak / 1024, MOST_GIB, "GiB")
    figures.end()


def run(place: Path) -> None:
    """Score and publish; print accounts, seconds (wall, CPU) of scoring and of publishing, and the peak in MiB."""
    workspace = make_workspace(place)
    begun = _now()
    made = score_workspace(workspace, Facts.open(workspace.staged_dir))
    scored = _now()
    publish_run(workspace, made)
    ended = _now()
    spent = [
        after - before
        for start, end in ((begun, scored), (scored, ended))
        for before, after in zip(start, end, strict=True)
    ]
    print(len(made.accounts), *spent, peak_mib())


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _company(place: Path, accounts: int, rows_each: int) -> Workspace:
    write_company(place / "data", accounts=accounts, events=accounts * rows_each)
    workspace = make_workspace(place)
    stage_workspace(workspace)
    return workspace


if __name__ == "__main__":
    run(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
