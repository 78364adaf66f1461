"""Files scored and explained, Parquet to Parquet, against pandas and shap with the same trees; and a million rows.

The table is a ready one: 110 numbers and 10 texts, a tenth of the values unknown, made from a fixed seed. Each job runs
in a process of its own, and the whole process is counted: starting Python, libraries, loading the model, the files.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from figures import QUICK, Figures
from fixed_bundle import write_fixed_bundle

from revml.config import load_workspace
from revml.models.bundle import Bundle
from revml.ready import ready_dataset

NUMBERS, TEXTS = 110, 10
TRAINED = 4_000 if QUICK else 20_000
ROWS = 1_000 if QUICK else 20_000
TURNS = 1 if QUICK else 3
MILLION = 20_000 if QUICK else 1_000_000
HERE = Path(__file__).parent


def files(figures: Figures, folder: Path) -> None:
    """The file job against pandas and shap, then many rows."""
    bundle = _ready_bundle(folder)
    table = folder / "score.parquet"
    _write(table, ROWS, seed=2)
    peer = [str(HERE / "peers" / "pandas_shap_file.py"), str(bundle.folder), str(table), str(folder / "peer.parquet")]
    mine = _job(folder, table, folder / "mine.parquet")
    whole = [str(HERE / "file_job.py"), "run", str(folder)]
    _run(mine)  # once before: what numba compiles is kept
    taken = np.array([[_run(job)[:2] for job in (peer, mine, whole)] for _ in range(TURNS)])
    _equal(folder)
    (theirs, ours, published), used = np.median(taken, axis=0).T
    for i, name in enumerate(("pandas and shap", "`revml score-file`", "`revml score`")):
        times = taken[:, i, 0]
        spread = f"{np.median(times):.2f} s ({times.min():.2f} to {times.max():.2f}), {used[i]:.2f} s of CPU"
        print(f"  {ROWS:,} rows, {name}: {spread}", flush=True)
    figures.at_least("pandas + shap / `revml score-file`, whole processes", theirs / ours, 20)
    print(f"  the same by CPU: {used[0] / used[1]:.1f}", flush=True)
    print(f"  pandas + shap / `revml score`, which besides publishes the run: {theirs / published:.1f}", flush=True)


def million(figures: Figures, folder: Path) -> None:
    """A million rows scored and explained on all cores of this machine."""
    _ready_bundle(folder)
    table = folder / "million.parquet"
    _write(table, MILLION, seed=3)
    took, used, peak = _run(_job(folder, table, folder / "told.parquet"))
    print(f"  {MILLION:,} rows in {took:.0f} s ({used:.0f} s of CPU): {MILLION / took:,.0f} a second", flush=True)
    figures.at_most(f"{MILLION:,} rows scored and explained", took, 120 * MILLION / 1_000_000, "s")
    figures.at_most("the same, peak memory", peak / 1024, 2, "GiB")


def _job(folder: Path, source: Path, target: Path) -> list[str]:
    """The command with the champion of a workspace and its own settings: four reasons in words."""
    words = ["score-file", "churn", str(source), str(target), "-w", str(folder), "--overwrite"]
    return [str(HERE / "file_job.py"), *words]


def _ready_bundle(folder: Path) -> Bundle:
    """A workspace with a ready table, and its model; made once."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "revml.yaml").exists():
        _write(folder / "learn.parquet", TRAINED, seed=1)
        text = (
            "company: {name: Benchmark, currency: EUR}\n"
            "ready: {table: {path: learn.parquet, score_path: score.parquet, account: account_id, label: left,"
            " question: churn, horizon_days: 90}}\n"
        )
        (folder / "revml.yaml").write_text(text, encoding="utf-8")
        _write(folder / "score.parquet", ROWS, seed=2)
        workspace = load_workspace(folder)
        made = write_fixed_bundle(workspace, ready_dataset(workspace, "table"))
        assert len(made.features) == NUMBERS + TEXTS, f"{len(made.features)} features"
    from revml.models.registry import champion

    return champion(load_workspace(folder), "churn")


def _write(file: Path, rows: int, *, seed: int) -> None:
    """Rows of a fixed seed, 100,000 at a time; whether one leaves hangs on a few of the columns."""
    rng, writer = np.random.default_rng(seed), None
    for start in range(0, rows, 100_000):
        n = min(100_000, rows - start)
        numbers = np.round(rng.normal(size=(n, NUMBERS)) * 10, 3).astype(np.float32)
        texts = rng.integers(0, 12, size=(n, TEXTS))
        odds = numbers[:, :8].sum(axis=1) / 15 + (texts[:, 0] - 6) / 4 + numbers[:, 8] * numbers[:, 9] / 100 - 1
        frame = pd.DataFrame({"account_id": [f"a{start + i:08d}" for i in range(n)]})
        frame["left"] = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)
        numbers[rng.random(numbers.shape) < 0.1] = np.nan
        frame = pd.concat([frame, pd.DataFrame(numbers, columns=[f"number_{i:03d}" for i in range(NUMBERS)])], axis=1)
        for i in range(TEXTS):
            words = pd.Series([f"text {i} {code}" for code in range(12)])
            frame[f"text_{i}"] = words.iloc[texts[:, i]].where(rng.random(n) >= 0.1, None).to_numpy()
        made = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(file, made.schema)
        writer.write_table(made)
    assert writer is not None
    writer.close()


def _run(job: list[str]) -> tuple[float, float, float]:
    """Seconds of a process from its start to its end, those of CPU, and the last number that it printed."""
    begun, before = time.perf_counter(), _children()
    done = subprocess.run([sys.executable, *job], check=False, capture_output=True, text=True)
    took = time.perf_counter() - begun
    assert done.returncode == 0, done.stderr[-2000:]
    return took, _children() - before, float(done.stdout.split()[-1])


def _children() -> float:
    """Seconds of CPU of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _equal(folder: Path) -> None:
    """The same probabilities, and the same features with the same contributions.

    Of the peer's four strongest, the first of all is told of each row, and as many as are told have the peer's value.
    Besides, revml tells what lowers a probability where something does, so its four may hold a weaker one.
    """
    peer, mine = pd.read_parquet(folder / "peer.parquet"), pd.read_parquet(folder / "mine.parquet")
    assert peer["account_id"].tolist() == mine["account_id"].tolist()
    away = float(np.abs(peer["probability"] - mine["probability"]).max())
    assert away < 1e-9, f"probabilities are {away} apart"
    ranks = range(1, 5)
    features = np.column_stack([mine[f"reason_{rank}_feature"].astype(object) for rank in ranks])
    contributions = np.column_stack([mine[f"reason_{rank}_contribution"] for rank in ranks])
    told = 0
    for rank in ranks:
        there = features == peer[f"reason_{rank}"].to_numpy(dtype=object)[:, None]
        wanted = np.broadcast_to(peer[f"contribution_{rank}"].to_numpy()[:, None], there.shape)
        away = float(np.abs(contributions[there] - wanted[there]).max())
        assert away < 1e-9, f"contributions are {away} apart"
        assert rank > 1 or there.any(axis=1).all(), "the strongest feature is not told of every row"
        told += int(there.sum())
    print(f"  {told / features.size:.1%} of the peer's four strongest features are among revml's four", flush=True)
