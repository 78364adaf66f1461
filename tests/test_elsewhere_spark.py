"""Spark on this machine scores to the bit like one process."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from revml.elsewhere import spark_scores
from revml.explanations import scored
from tests.models.hand_made import write
from tests.test_elsewhere import rows, trees

pytest.importorskip("pyspark", reason="pyspark is not installed (make test-spark), so nothing is tested on Spark")
if shutil.which("java") is None:
    pytest.skip("Java is not installed, so nothing is tested on Spark", allow_module_level=True)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Spark with two workers in this machine."""
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYSPARK_PYTHON", sys.executable)  # where revml is installed
        there = _session(SparkSession, tmp_path_factory.mktemp("warehouse"))
    there.sparkContext.setLogLevel("ERROR")
    yield there
    there.stop()


def _session(spark: Any, warehouse: Path) -> Any:
    return (
        spark.builder.master("local[2]")
        .config("spark.sql.warehouse.dir", str(warehouse))
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )


def test_spark_scores_like_the_bundle(tmp_path: Path, session: Any) -> None:
    """Keys, log-odds, probabilities, bands and contributions of every row, whatever the partitions."""
    frame, label = rows()
    bundle = write(tmp_path, trees(frame, label, tmp_path / "encoding"), frame)
    there = session.createDataFrame(frame).repartition(3)
    found = spark_scores(there, bundle.folder, parts=True).toPandas().sort_values("account_id", ignore_index=True)
    told = scored(bundle, frame)
    assert found["account_id"].tolist() == frame["account_id"].tolist()
    assert (found["raw"].to_numpy() == told.raw).all()
    assert (found["probability"].to_numpy() == told.probability).all()
    assert (found.filter(like="contribution_").to_numpy() == told.parts).all()
    assert found["band"].tolist() == bundle.bands.of(told.probability).tolist()
