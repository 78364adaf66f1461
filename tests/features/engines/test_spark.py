"""Spark on this machine gives the features that DuckDB gives, column by column."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from revml.config import QUESTIONS, QuestionSpec, SnapshotSpec
from revml.errors import DataError
from revml.features.engine import build_features
from revml.features.engines.spark import SparkEngine
from revml.snapshots import population, renewal_snapshots
from revml.sources.facts import Facts
from revml.windows import instant
from tests.features.company import random_company
from tests.features.engines.alike import different
from tests.literal_facts import stage

pytest.importorskip("pyspark", reason="pyspark is not installed (make test-spark), so nothing is tested on Spark")
if shutil.which("java") is None:
    pytest.skip("Java is not installed, so nothing is tested on Spark", allow_module_level=True)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

COMPANY = random_company(seed=11, accounts=6)
FIRST, LAST = instant("2023-03-01"), instant("2024-06-01")


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Amounts of five places are among them: they are rounded to four, alike everywhere."""
    for number, row in enumerate(COMPANY["subscriptions"]):
        row["mrr"] += (number % 20) / 1e5
    return stage(tmp_path_factory.mktemp("staged"), extras=("founded", "size"), **COMPANY)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One Spark for all tests; each engine leaves it as it was."""
    from pyspark.sql import SparkSession

    there = (
        SparkSession.builder.master("local[1]")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
        .config("spark.ui.enabled", "false")
        .config("spark.buffer.pageSize", "1m")
        .config("spark.driver.host", "127.0.0.1")
        # For a handful of rows, compiling and planning anew cost more than they save.
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .getOrCreate()
    )
    there.sparkContext.setLogLevel("ERROR")
    yield there
    there.stop()


def test_spark_gives_the_same_features(facts: Facts, session: Any) -> None:
    """Every feature of every snapshot agrees, before renewals and at an odd time of day too."""
    renewals = renewal_snapshots(facts, SnapshotSpec(before_renewal_days=(90,)), FIRST, LAST)
    times = [instant("2023-06-01"), instant("2024-05-01"), instant("2024-05-01") + timedelta(hours=13, microseconds=7)]
    rows = [(a["account_id"], t) for t in times for a in COMPANY["accounts"]]
    snapshots = pd.concat([renewals[["account_id", "as_of"]], pd.DataFrame(rows, columns=["account_id", "as_of"])])
    assert len(renewals) > 3
    here = build_features(facts, snapshots)
    there = build_features(facts, snapshots, engine=SparkEngine(facts, session))
    assert different(here, there) == {}


def test_who_is_at_risk_is_the_same_on_spark(tmp_path: Path, session: Any) -> None:
    """Each question's population and its money agree; five more customers make a family worth offering."""
    more = [f"b{number}" for number in range(5)]
    paid = {"product": "p0", "started_at": FIRST}
    company = COMPANY | {
        "accounts": COMPANY["accounts"] + [{"account_id": b, "created_at": FIRST} for b in more],
        "subscriptions": COMPANY["subscriptions"]
        + [{"account_id": b, "subscription_id": b, "mrr": 10.0 + n / 3} | paid for n, b in enumerate(more)],
    }
    facts = stage(tmp_path, extras=("founded", "size"), **company)
    engine = SparkEngine(facts, session)
    at = [datetime(2023, 6, 1), datetime(2024, 5, 1, 6, 30)]  # noqa: DTZ001
    for question in QUESTIONS:
        here = population(facts, question, QuestionSpec(), at)
        assert len(here) > 0
        assert_frame_equal(here, population(facts, question, QuestionSpec(), at, place=engine), check_dtype=False)
    spec = SnapshotSpec(before_renewal_days=(30, 180))
    here = renewal_snapshots(facts, spec, FIRST, LAST)
    assert_frame_equal(here, renewal_snapshots(facts, spec, FIRST, LAST, place=engine), check_dtype=False)
    engine.close()


def test_what_no_sum_can_hold_is_an_error(tmp_path: Path, session: Any) -> None:
    """An amount of 10^30 ends the build with its place, as on DuckDB; it never becomes NULL."""
    facts = stage(
        tmp_path,
        accounts=[{"account_id": "a", "created_at": "2025-01-01"}],
        invoices=[{"account_id": "a", "invoice_id": "i", "issued_at": "2025-02-01", "amount": 1e30}],
    )
    snapshots = pd.DataFrame({"account_id": ["a"], "as_of": [instant("2025-03-01")]})
    with pytest.raises(DataError, match="too large to add up"):
        build_features(facts, snapshots, engine=SparkEngine(facts, session))


def test_the_session_is_left_as_it_was(facts: Facts, session: Any) -> None:
    """After `close` a session that was given has its settings back, and no views of ours."""
    zone = session.conf.get("spark.sql.session.timeZone")
    session.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    SparkEngine(facts, session).close()
    assert session.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
    assert session.catalog.listTables() == []
    session.conf.set("spark.sql.session.timeZone", zone)
