"""Files scored and explained, Parquet to Parquet, against pandas and shap with the same trees; and a million rows.

The table is a ready one: 110 numbers and 10 texts, a tenth of the values unknown, made from a fixed seed. Each job runs
in a process of its own; what is counted begins with reading the file and ends with what was written.
"""

from __future__ import annotations

import subprocess
import sys
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
    mine = [str(HERE / "file_job.py"), "explain", str(bundle.folder), str(table), str(folder / "mine.parquet")]
    whole = [str(HERE / "file_job.py"), "run", str(folder)]
    taken = np.array([[_run(peer)[0], _run(mine)[1], _run(whole)[1]] for _ in range(TURNS)])
    _equal(folder)
    theirs, ours, published = np.median(taken, axis=0)
    told = f"{ROWS:,} rows: pandas and shap {theirs:.1f} s, the function {ours:.2f} s, `revml score` {published:.2f} s"
    print(f"  {told} (it words reasons in two languages and publishes them)", flush=True)
    figures.at_least("pandas + shap / revml, Parquet to Parquet with reasons", theirs / ours, 20)
    figures.at_least("pandas + shap / `revml score`, published with reasons in words", theirs / published, 20)


def million(figures: Figures, folder: Path) -> None:
    """A million rows scored and explained on all cores of this machine."""
    bundle = _ready_bundle(folder)
    table = folder / "million.parquet"
    _write(table, MILLION, seed=3)
    job = [str(HERE / "file_job.py"), "explain", str(bundle.folder), str(table), str(folder / "told.parquet")]
    rows, took, peak = _run(job)
    print(f"  {rows:,.0f} rows in {took:.0f} s: {rows / took:,.0f} a second", flush=True)
    figures.at_most(f"{rows:,.0f} rows scored and explained", took, 120 * rows / 1_000_000, "s")
    figures.at_most("the same, peak memory", peak / 1024, 2, "GiB")


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


def _run(job: list[str]) -> list[float]:
    """What a process printed, as numbers."""
    done = subprocess.run([sys.executable, *job], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return [float(value) for value in done.stdout.split()]


def _equal(folder: Path) -> None:
    """The same probabilities and the same four strongest contributions in both files."""
    peer, mine = pd.read_parquet(folder / "peer.parquet"), pd.read_parquet(folder / "mine.parquet")
    assert peer["account_id"].tolist() == mine["account_id"].tolist()
    numbers = ["probability", *(f"contribution_{rank}" for rank in range(1, 5))]
    away = float(np.abs(peer[numbers].to_numpy() - mine[numbers].to_numpy()).max())
    assert away < 1e-9, f"probabilities or contributions are {away} apart"
