"""What the daily store saves: a new day brought in, and the features of one cutoff."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from build_once import build_once
from companies import Size, busy_company, make_workspace
from figures import QUICK, Figures

from revml.features.daily import daily_folder, refresh
from revml.sources.facts import Facts
from revml.sources.staging import stage_workspace


def store_speed(figures: Figures, folder: Path, size: Size) -> None:
    """Print the figures of the store, on a copy of the company, which gets a day more."""
    place = folder / "with-store"
    shutil.copytree(busy_company(folder, size).parents[1], place)
    workspace = make_workspace(place)
    shutil.rmtree(daily_folder(Facts.open(workspace.staged_dir)), ignore_errors=True)

    def bring_in() -> tuple[float, int]:
        facts = Facts.open(workspace.staged_dir)
        started = time.perf_counter()
        done = refresh(facts)
        took = time.perf_counter() - started
        assert done is not None
        print(f"  {done.summary()}", flush=True)
        return took, done.built

    whole, _ = bring_in()
    months, one = (build_once("warm", workspace.staged_dir, "monthly", n) for n in (12, 1))
    print(
        f"  store made in {whole:.1f} s; 12 monthly cutoffs from it in {months.seconds:.1f} s and "
        f"{months.peak_mib:,.0f} MiB",
        flush=True,
    )
    figures.at_most(f"one cutoff of {size.accounts:,} accounts from the store", one.seconds, 1, "s")
    shutil.move(place / "new_day.parquet", place / "data" / "usage" / "new_day.parquet")
    started = time.perf_counter()
    stage_workspace(workspace)
    print(f"  the new day checked and staged in {time.perf_counter() - started:.1f} s", flush=True)
    day, built = bring_in()
    assert built == 1, f"{built} days were built, one was new"
    figures.at_most(f"one new day of {size.accounts:,} accounts brought in", day, 1 if QUICK else 0.1, "s")
