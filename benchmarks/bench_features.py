"""How fast a sample company is written, and features are built from it.

sample       `write_sample`, 5,000 accounts x 36 months x 10M rows of usage, against 60 s and against the floor:
             drawing and writing that many random rows of usage with pyarrow
features     `build_features` (everything it has) at 12 monthly cutoffs against `peers/pandas_features.py` (20
             features of contracts; 10 of orders), values equal
floor        the same build against DuckDB reading each column of usage once
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from companies import SEED, monthly_snapshots, room, staged, staged_company
from figures import QUICK, Figures, in_turns, peak_mib, seconds
from peers.pandas_features import contract_features, order_features

from revml.features.catalog import catalog
from revml.features.engine import build_features
from revml.sources.facts import Facts
from revml.sources.samples import write_sample

ACCOUNTS, EVENTS, BUYERS = (500, 500_000, 500) if QUICK else (5_000, 10_000_000, 5_000)
MONTHS, CUTOFFS = 36, 12
RUNS = 1 if QUICK else 3

SCAN = (
    "SELECT max(account_id), max(user_id), max(event), max(occurred_at), max(known_at), sum(quantity), count(*) "
    "FROM usage"
)


def main() -> None:
    """Print the figures."""
    figures = Figures()
    with room() as folder:
        rows = _sample(figures, folder / "saas" / "data")
        _, facts = staged(folder / "saas")
        _contracts(figures, facts, rows)
        _, facts = staged_company(folder / "manufacturing", kind="manufacturing", accounts=BUYERS)
        _against_pandas(figures, "orders", facts, order_features, whole=0.15, each=2)
    figures.end()


def _sample(figures: Figures, data: Path) -> int:
    started = time.perf_counter()
    written = write_sample(data, kind="saas", accounts=ACCOUNTS, months=MONTHS, seed=SEED, events=EVENTS)
    took = time.perf_counter() - started
    rows = written.rows["usage"]
    assert rows > 0.99 * EVENTS, f"{rows} rows of usage were written, {EVENTS} were asked for"
    figures.at_most(f"sample: {ACCOUNTS:,} accounts x {MONTHS} months, {rows:,} events", took, 60, "s")
    floor = seconds(lambda: _write_noise(data.parent / "noise.parquet", rows), runs=RUNS)
    # A small company is mostly its other tables and its truth, which the floor does not have.
    figures.at_most("sample / writing as many random rows of usage", took / floor, 100 if QUICK else 25)
    return rows


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


def _contracts(figures: Figures, facts: Facts, rows: int) -> None:
    floor: list[float] = []
    took = _against_pandas(
        figures,
        "usage and contracts",
        facts,
        contract_features,
        whole=0.3,
        each=3,
        beside=lambda: floor.append(seconds(lambda: facts.con.sql(SCAN).fetchall(), runs=1)),
    )
    # With few rows the floor is nothing and the build is the statements themselves.
    limit = 400 if QUICK else 60
    ratio = took / statistics.median(floor)
    figures.at_most(f"features, {CUTOFFS} cutoffs / reading the {rows:,} events once", ratio, limit)
    print(f"  peak memory of this process, pandas included: {peak_mib():,.0f} MiB", flush=True)


def _against_pandas(
    figures: Figures,
    what: str,
    facts: Facts,
    plain: Callable[[Path, list[pd.Timestamp]], pd.DataFrame],
    *,
    whole: float,
    each: float,
    beside: Callable[[], object] = lambda: None,
) -> float:
    """Print how much longer pandas takes, after checking that it finds the same; returns the engine's seconds.

    Args:
        whole: target of the ratio of wall times, though revml builds many more features.
        each: target of the ratio of seconds a feature.
        beside: called in turn with the two.
    """
    snapshots = monthly_snapshots(facts, CUTOFFS)
    as_ofs = sorted(snapshots["as_of"].unique())
    made = {}

    def by_engine() -> None:
        made["engine"] = build_features(facts, snapshots).to_pandas()

    def by_pandas() -> None:
        made["pandas"] = plain(facts.folder, as_ofs)

    ours, theirs, _ = in_turns(by_engine, by_pandas, beside, runs=RUNS)
    wanted = made["pandas"]
    names = [name for name in wanted.columns if name not in ("account_id", "as_of")]
    assert_equal(made["engine"], wanted, names)
    many, few = made["engine"].shape[1] - 2, len(names)
    print(
        f"  {what}: {len(snapshots):,} snapshots; revml {many} features in {ours:.1f} s, pandas {few} of them in "
        f"{theirs:.1f} s; values equal",
        flush=True,
    )
    figures.at_least(f"pandas, {few} features / revml, {many}: {what}", theirs / ours, whole)
    figures.at_least(f"pandas / revml, seconds a feature: {what}", (theirs / few) / (ours / many), each)
    return ours


def assert_equal(got: pd.DataFrame, wanted: pd.DataFrame, names: list[str]) -> None:
    """Both tables hold the same snapshots and values; where a count has no row, both mean 0."""
    assert (got["account_id"].to_numpy() == wanted["account_id"].to_numpy()).all()
    assert (got["as_of"].to_numpy() == wanted["as_of"].to_numpy()).all()
    declared = catalog()
    for name in names:
        ours, theirs = got[name].to_numpy(float), wanted[name].to_numpy(float)
        if declared[name].empty_is_zero:
            theirs = np.nan_to_num(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, err_msg=name)


if __name__ == "__main__":
    main()
