"""How fast a sample company is written: against a minute, and against random rows written by pyarrow."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from companies import SEED
from figures import QUICK, Figures, seconds

from revml.sources.samples import write_sample

ACCOUNTS, EVENTS = (500, 500_000) if QUICK else (5_000, 10_000_000)
MONTHS = 36


def sample_speed(figures: Figures, folder: Path) -> None:
    """Print the figures of `write_sample`."""
    started = time.perf_counter()
    written = write_sample(folder / "data", kind="saas", accounts=ACCOUNTS, months=MONTHS, seed=SEED, events=EVENTS)
    took = time.perf_counter() - started
    rows = written.rows["usage"]
    assert rows > 0.99 * EVENTS, f"{rows} rows of usage were written, {EVENTS} were asked for"
    figures.at_most(f"sample: {ACCOUNTS:,} accounts x {MONTHS} months, {rows:,} events", took, 60, "s")
    floor = seconds(lambda: _write_noise(folder / "noise.parquet", rows), runs=1 if QUICK else 3)
    # A small company is mostly its other tables and its truth, which the floor does not have.
    figures.at_most("sample / writing as many random rows of usage", took / floor, 100 if QUICK else 25)


def _write_noise(path: Path, rows: int) -> None:
    """Draw and write usage that means nothing: what no generator can do without."""
    rng = np.random.default_rng(SEED)

    def ids(letter: str, n: int) -> pa.Array:
        words = pa.array([f"{letter}{i:06d}" for i in range(n)])
        return pa.DictionaryArray.from_arrays(pa.array(rng.integers(0, n, rows, dtype=np.int32)), words)

    day = np.sort(rng.integers(19_539, 19_539 + 30 * MONTHS, rows))
    table = pa.table(
        {
            "account_id": ids("A", ACCOUNTS),
            "occurred_at": pa.array(day * 86_400_000_000).cast(pa.timestamp("us")),
            "event": ids("E", 10),
            "user_id": ids("U", 20 * ACCOUNTS),
            "quantity": rng.poisson(3, rows).astype(float),
        }
    )
    pq.write_table(table, path, compression="zstd", write_page_checksum=True, store_schema=False)
