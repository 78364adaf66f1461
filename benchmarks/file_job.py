"""One file of features scored and explained, in a process of its own: prints rows, seconds and the peak in MiB.

    python file_job.py run WORKSPACE                        what `revml score` does: the whole run, published in the
                                                            database and as Parquet, reasons in words in two languages
    python file_job.py explain BUNDLE IN.parquet OUT.parquet  probability and the four strongest contributions of each
                                                            row, in batches, without a workspace: the function below

Starting Python, importing libraries and loading compiled code are not counted in the seconds; the peak has them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from figures import peak_mib

from revml.config import load_workspace
from revml.explanations.one_pass import scored_matrix
from revml.models.bundle import load_bundle
from revml.scoring import publish_run, score_workspace

BATCH = 50_000
TOP = 4


def run(folder: Path) -> int:
    """Score and publish a workspace of ready tables; returns the accounts."""
    workspace = load_workspace(folder)
    made = score_workspace(workspace, None)
    publish_run(workspace, made)
    return len(made.accounts)


def explain(folder: Path, source: Path, target: Path) -> int:
    """Score and explain a file batch by batch; returns its rows."""
    bundle, rows, writer = load_bundle(folder), 0, None
    names = np.asarray(bundle.features)
    for batch in pq.ParquetFile(source).iter_batches(BATCH, columns=["account_id", *bundle.features]):
        told = scored_matrix(bundle, bundle.encoding.matrix(batch))
        found = {"account_id": batch["account_id"], "probability": told.probability}
        top = np.argpartition(-np.abs(told.parts), TOP, axis=1)[:, :TOP]
        strength = np.take_along_axis(told.parts, top, axis=1)
        order = np.argsort(-np.abs(strength), axis=1)
        top, strength = np.take_along_axis(top, order, axis=1), np.take_along_axis(strength, order, axis=1)
        for rank in range(TOP):
            places = pa.array(top[:, rank].astype(np.int32))
            found[f"reason_{rank + 1}"] = pa.DictionaryArray.from_arrays(places, names.tolist())
            found[f"contribution_{rank + 1}"] = strength[:, rank]
        table = pa.table(found)
        writer = writer or pq.ParquetWriter(target, table.schema)
        writer.write_table(table)
        rows += len(table)
    assert writer is not None, "the file has no row"
    writer.close()
    return rows


def _warm() -> None:
    """Load what is compiled, where there is something to load."""
    from revml.explanations import treeshap

    treeshap.warm()


if __name__ == "__main__":
    _warm()
    begun = time.perf_counter()
    done = run(Path(sys.argv[2])) if sys.argv[1] == "run" else explain(*map(Path, sys.argv[2:]))
    print(done, time.perf_counter() - begun, peak_mib())
