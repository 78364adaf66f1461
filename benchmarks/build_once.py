"""One build of features in a process of its own, so that its time and its memory are nobody else's.

    python build_once.py revml|warm|pandas|floor STAGED RHYTHM CUTOFFS [OUT]

`revml` starts cold, the daily store of earlier builds removed; `warm` takes the store that is there. Both, and
`pandas`, start from the staged Parquet files and end with the finished table; it is written to OUT after the clock has
stopped. `floor` is DuckDB reading each column of usage once. Prints a line of JSON: seconds, cpu (seconds of all
cores), peak_mib, features, rows (for `floor`: rows_read). Starting Python and importing libraries is no part of the
seconds, but their memory is part of the peak.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from busy_company import END
from figures import peak_mib

SCAN = (
    "SELECT max(account_id), max(user_id), max(event), max(occurred_at), max(known_at), sum(quantity), "
    "count(*) AS rows FROM usage"
)


@dataclass(frozen=True)
class Built:
    """What one process reported."""

    seconds: float
    cpu: float
    peak_mib: float
    features: int
    rows: int
    rows_read: int = 0


def build_once(who: str, staged: Path, rhythm: str = "monthly", cutoffs: int = 1, out: Path | None = None) -> Built:
    """Run this file in a process of its own and wait for it."""
    command = [sys.executable, __file__, who, str(staged), rhythm, str(cutoffs), *([str(out)] if out else [])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Built(**json.loads(done.stdout.splitlines()[-1]))


def instants(rhythm: str, cutoffs: int) -> list[pd.Timestamp]:
    """The last `cutoffs` starts of a month, or every seventh day up to the end of the data."""
    return list(pd.date_range(end=pd.Timestamp(END), periods=cutoffs, freq="MS" if rhythm == "monthly" else "7D"))


def main() -> None:
    """Build, report, write."""
    who, staged, rhythm, cutoffs = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    prepare = {"revml": _cold, "warm": _warm, "pandas": _pandas, "floor": _floor}[who]
    build = prepare(staged, instants(rhythm, cutoffs))
    started, used = time.perf_counter(), time.process_time()
    table = build()
    took, used = time.perf_counter() - started, time.process_time() - used
    features, rows_read = (0, table["rows"][0].as_py()) if who == "floor" else (table.shape[1] - 2, 0)
    print(json.dumps(asdict(Built(took, used, peak_mib(), features, table.shape[0], rows_read))), flush=True)
    if len(sys.argv) > 5:
        whole = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
        pq.write_table(whole, sys.argv[5])


# Each imports what it needs and returns what is measured.
def _cold(staged: Path, as_ofs: list[pd.Timestamp]) -> Callable[[], pa.Table]:
    from revml.features.daily import daily_folder
    from revml.sources.facts import Facts

    facts = Facts.open(staged)
    shutil.rmtree(daily_folder(facts), ignore_errors=True)
    facts.con.close()
    return _warm(staged, as_ofs)


def _warm(staged: Path, as_ofs: list[pd.Timestamp]) -> Callable[[], pa.Table]:
    from revml.features.engine import build_features
    from revml.sources.facts import Facts

    def build() -> pa.Table:
        facts = Facts.open(staged)
        accounts = facts.con.sql("SELECT account_id FROM accounts").df()["account_id"]
        pairs = pd.MultiIndex.from_product([as_ofs, accounts], names=["as_of", "account_id"])
        return build_features(facts, pairs.to_frame(index=False))

    return build


def _pandas(staged: Path, as_ofs: list[pd.Timestamp]) -> Callable[[], pd.DataFrame]:
    from peers.pandas_features import pandas_features

    return lambda: pandas_features(staged, as_ofs)


def _floor(staged: Path, _: list[pd.Timestamp]) -> Callable[[], pa.Table]:
    from revml.sources.facts import Facts

    return lambda: Facts.open(staged).con.sql(SCAN).to_arrow_table()


if __name__ == "__main__":
    main()
