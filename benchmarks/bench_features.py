"""How fast features are built, on how little memory, against what else could build them.

sample       `write_sample`, 5,000 accounts x 36 months x 10M rows of usage, against 60 s and against drawing and
             writing that many random rows with pyarrow
pandas       more than a hundred features of usage, people and contracts, built by revml and by `peers/pandas_features`
             from the same staged files, 20M rows, at 12 monthly and at 48 weekly cutoffs; values equal
featuretools windowed deep feature synthesis of 21 features at 12 cutoffs, against the whole build of revml's
floor        DuckDB reading each column of usage once: 20M rows; 100M rows, with the memory that the build takes
store        what a new day costs, and the features of one cutoff, where the daily store stands
orders       the build of a manufacturer's features against pandas, which builds ten of them

`--curve` measures nothing of that, but how cost grows with rows and with cutoffs; it draws
docs/pictures/linear_cost.png.
`QUICK=1` is a smaller version in about a minute; its targets are lower where fixed costs are most of a small build.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from build_once import Built, build_once, instants
from companies import BUSY_DATA, busy_company, monthly_snapshots, room, staged_company
from figures import QUICK, Figures, in_turns
from peers.environment import python_with, ready
from peers.pandas_orders import order_features
from sample_speed import sample_speed
from staged_copies import copy_staged
from store_speed import store_speed

from revml.features.catalog import catalog
from revml.features.engine import build_features

PEER = Path(__file__).parent / "peers" / "featuretools_windows.py"
FEATURETOOLS = ("featuretools==1.31.0", "pandas==2.1.4", "numpy==1.26.4", "pyarrow==15.0.2", "setuptools==75.8.0")
MUCH = BUSY_DATA["QUICK" if QUICK else "20M"]
MORE = BUSY_DATA["100M"]


@dataclass(frozen=True)
class Targets:
    """What must be reached; lower in the quick version, whose builds are mostly fixed costs."""

    monthly: float = 4
    weekly: float = 9
    memory: float = 3
    featuretools: float = 12
    floor: float = 14


TARGETS = Targets(monthly=1.2, weekly=3, memory=0.4, featuretools=2, floor=60) if QUICK else Targets()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curve", action="store_true", help="draw how cost grows, and nothing else")
    if parser.parse_args().curve:
        from linear_cost import draw

        with room() as folder:
            draw(folder)
        return
    figures = Figures()
    with room() as folder:
        staged = busy_company(folder, MUCH)
        _against_pandas(figures, folder, staged, "monthly", 12, TARGETS.monthly, runs=1 if QUICK else 3)
        _against_pandas(figures, folder, staged, "weekly", 48 if not QUICK else 24, TARGETS.weekly, runs=1)
        _against_featuretools(figures, folder, staged)
        store_speed(figures, folder, MUCH)
    if not QUICK:
        with room() as folder:
            _a_hundred_million(figures, folder)
    with room() as folder:
        sample_speed(figures, folder / "sample")
        _orders(figures, folder)
    figures.end()


def _against_pandas(
    figures: Figures, folder: Path, staged: Path, rhythm: str, cutoffs: int, target: float, runs: int
) -> None:
    made: dict[str, list[Built]] = {"revml": [], "pandas": [], "floor": []}
    for _ in range(runs):
        for who, mine in made.items():
            mine.append(build_once(who, staged, rhythm, cutoffs, folder / f"{who}.parquet"))
    ours, theirs = pd.read_parquet(folder / "revml.parquet"), pd.read_parquet(folder / "pandas.parquet")
    names = [name for name in theirs.columns if name not in ("account_id", "as_of")]
    assert len(names) >= 100, f"{len(names)} features are compared"
    assert_equal(ours, theirs, names)
    took = {who: statistics.median(b.seconds for b in mine) for who, mine in made.items()}
    cpu = {who: statistics.median(b.cpu for b in mine) for who, mine in made.items()}
    peak = {who: max(b.peak_mib for b in mine) for who, mine in made.items()}
    print(
        f"  {cutoffs} {rhythm} cutoffs, {len(ours):,} snapshots: revml {made['revml'][0].features} features in "
        f"{took['revml']:.1f} s ({cpu['revml']:.1f} CPU s) and {peak['revml']:,.0f} MiB, pandas {len(names)} in "
        f"{took['pandas']:.1f} s ({cpu['pandas']:.1f} CPU s) and {peak['pandas']:,.0f} MiB, values equal; reading once "
        f"{took['floor']:.2f} s ({cpu['floor']:.2f} CPU s)",
        flush=True,
    )
    what = f"{cutoffs} {rhythm} cutoffs"
    figures.at_least(f"pandas / revml, wall time, {what}", took["pandas"] / took["revml"], target)
    figures.at_least(f"pandas / revml, peak memory, {what}", peak["pandas"] / peak["revml"], TARGETS.memory)
    if rhythm == "monthly":
        figures.at_most(f"revml / reading the usage once, {what}", took["revml"] / took["floor"], TARGETS.floor)


def _against_featuretools(figures: Figures, folder: Path, staged: Path) -> None:
    """Both on a copy of which everything is known when it happens: featuretools knows one time a row."""
    if QUICK and not ready(*FEATURETOOLS):
        print("  skipped: featuretools is not installed; the full version installs it", flush=True)
        return
    python = python_with(*FEATURETOOLS)
    if python is None:
        return
    copy = copy_staged(staged, folder / "at-once", late=False)
    # One turn: the peer takes minutes.
    ours = build_once("revml", copy, "monthly", 12, folder / "revml.parquet")
    command = [str(python), str(PEER), str(copy), str(folder / "featuretools.parquet")]
    as_ofs = [at.isoformat() for at in instants("monthly", 12)]
    done = subprocess.run([*command, *as_ofs], check=True, stdout=subprocess.PIPE, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    mine, wanted = pd.read_parquet(folder / "revml.parquet"), pd.read_parquet(folder / "featuretools.parquet")
    names = [name for name in wanted.columns if name in catalog()]
    assert len(names) >= 12, f"{len(names)} features are compared"
    assert_equal(mine, wanted, names)
    print(
        f"  12 monthly cutoffs: revml {ours.features} features in {ours.seconds:.1f} s, featuretools "
        f"{told['features']} in {told['seconds']:.1f} s, {len(names)} of them revml's, values equal",
        flush=True,
    )
    ratio = told["seconds"] / ours.seconds
    figures.at_least(f"featuretools, {told['features']} features / revml, {ours.features}", ratio, TARGETS.featuretools)


def _a_hundred_million(figures: Figures, folder: Path) -> None:
    staged = busy_company(folder, MORE)
    turns = [(build_once("floor", staged), build_once("revml", staged, "monthly", 12)) for _ in range(2)]
    floor, took = (statistics.median(t[i].seconds for t in turns) for i in (0, 1))
    peak = max(built.peak_mib for _, built in turns)
    _, built = turns[0]
    print(
        f"  100M rows, 12 monthly cutoffs: {built.rows:,} snapshots in {took:.1f} s ({built.cpu:.1f} CPU s)",
        flush=True,
    )
    figures.at_most("100M rows, 100,000 accounts: peak memory", peak / 1024, 4, "GiB")
    figures.at_most("100M rows: revml / reading the usage once", took / floor, 20)


def _orders(figures: Figures, folder: Path) -> None:
    _, facts = staged_company(folder / "manufacturing", kind="manufacturing", accounts=500 if QUICK else 5_000)
    snapshots = monthly_snapshots(facts, 12)
    as_ofs = sorted(snapshots["as_of"].unique())
    made = {}

    def by_engine() -> None:
        made["engine"] = build_features(facts, snapshots).to_pandas()

    def by_pandas() -> None:
        made["pandas"] = order_features(facts.folder, as_ofs)

    ours, theirs = in_turns(by_engine, by_pandas, runs=1 if QUICK else 3)
    wanted = made["pandas"]
    names = [name for name in wanted.columns if name not in ("account_id", "as_of")]
    assert_equal(made["engine"], wanted, names)
    many, few = made["engine"].shape[1] - 2, len(names)
    print(f"  orders: revml {many} features in {ours:.1f} s, pandas {few} of them in {theirs:.1f} s; values equal")
    figures.at_least(f"pandas, {few} features / revml, {many}, of orders", theirs / ours, 0.15)
    figures.at_least("pandas / revml, seconds a feature of orders", (theirs / few) / (ours / many), 2)


def assert_equal(got: pd.DataFrame, wanted: pd.DataFrame, names: list[str]) -> None:
    """Both tables hold the same snapshots and values; where a count has no row, both mean 0."""
    assert (got["account_id"].to_numpy() == wanted["account_id"].to_numpy()).all()
    assert (got["as_of"].to_numpy() == wanted["as_of"].to_numpy()).all()
    declared = catalog()
    for name in names:
        if declared[name].kind == "category":
            same = (got[name] == wanted[name]) | (got[name].isna() & wanted[name].isna())
            assert same.all(), f"{name}: {(~same).sum()} values differ"
            continue
        ours, theirs = got[name].to_numpy(float), wanted[name].to_numpy(float)
        if declared[name].empty_is_zero:
            theirs = np.nan_to_num(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9, err_msg=name)


if __name__ == "__main__":
    main()
