"""Every statement has words in every warehouse's dialect; on Snowflake, BigQuery, Databricks and Trino none was run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pyarrow as pa
import pytest
import sqlglot
from sqlglot import ErrorLevel, exp

from revml.config import QUESTIONS, QuestionSpec, SnapshotSpec
from revml.features.engine import build_features
from revml.features.engines.local import DuckDBEngine
from revml.features.engines.translating import Dialect, Untranslatable, short_name, translate
from revml.snapshots import first_snapshot, population, renewal_snapshots
from revml.sources.facts import Facts
from revml.windows import instant
from tests.features.company import random_company
from tests.literal_facts import stage

DIALECTS = get_args(Dialect)


class Listening:
    """DuckDB as any other engine, every statement written down."""

    name = "listening"

    def __init__(self, facts: Facts) -> None:
        self._there = DuckDBEngine(facts)
        self.heard: list[str] = []
        self.put, self.close = self._there.put, self._there.close

    def make(self, name: str, select: str) -> None:
        self.heard.append(select)
        self._there.make(name, select)

    def drop(self, name: str) -> None:
        self._there.drop(name)

    def fetch(self, select: str) -> pa.Table:
        self.heard.append(select)
        return self._there.fetch(select)


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """All statements of a build over every table, with own columns, at midnight and at another time of day."""
    company = random_company(seed=2, accounts=3)
    folder: Path = tmp_path_factory.mktemp("staged")
    facts = stage(folder, extras=("founded", "size"), **company)
    listening = Listening(facts)
    for question in QUESTIONS:
        population(facts, question, QuestionSpec(), [instant("2024-05-01")], place=listening)
        first_snapshot(facts, question, QuestionSpec(), place=listening)
    spec = SnapshotSpec(before_renewal_days=(30, 90))
    renewal_snapshots(facts, spec, instant("2023-01-01"), instant("2025-01-01"), place=listening)
    times = [instant("2024-05-01"), instant("2024-05-01T06:30:00Z")]
    rows = [(a["account_id"], t) for a in company["accounts"] for t in times]
    build_features(facts, pd.DataFrame(rows, columns=["account_id", "as_of"]), engine=listening)
    return list(dict.fromkeys(listening.heard))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_statement_is_said_and_understood(statements: list[str], dialect: Any) -> None:
    """Each statement of a build is translated without a loss sqlglot knows of, and parses in that dialect."""
    assert len(statements) > 70
    for statement in statements:
        said = translate(statement, dialect)
        again = sqlglot.parse_one(said, read=dialect, error_level=ErrorLevel.RAISE)
        assert isinstance(again, exp.Query), said
        assert len(again.named_selects) == len(sqlglot.parse_one(statement, read="duckdb").named_selects)


def test_postgresql_never_takes_a_failing_cast_for_try_cast() -> None:
    """TRY_CAST gives NULL on PostgreSQL too: sqlglot alone would write CAST, which ends the build."""
    said = translate("SELECT TRY_CAST(a.x AS DATE) AS x FROM a", "postgres")
    assert said == "SELECT CAST(PG_TEMP.TRY_INSTANT(CAST(a.x AS TEXT)) AS DATE) AS x FROM a"


def test_what_postgresql_cannot_say_is_an_error() -> None:
    """A cast for which there are no words is refused, not guessed."""
    with pytest.raises(Untranslatable, match="TRY_CAST to UUID"):
        translate("SELECT TRY_CAST(x AS UUID) AS x FROM a", "postgres")


def test_inner_parts_are_mended_too() -> None:
    """A part inside of one that is replaced is replaced as well."""
    said = translate("SELECT CAST(TRY_CAST(x AS DOUBLE) AS DECIMAL(28, 4)) AS x FROM a", "postgres")
    assert "EXACT(CAST(PG_TEMP.TRY_DOUBLE(" in said


def test_long_names_stay_apart() -> None:
    """PostgreSQL cuts names at 63 bytes: two that begin alike get two short ones."""
    one, other = (short_name("static_" + "é" * 40 + end) for end in ("one", "other"))
    assert one != other
    assert len(one.encode()) <= 63
