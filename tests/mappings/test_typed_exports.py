"""The mappings read typed exports (Parquet, a database) as they read text."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from revml.config import load_workspace
from revml.mappings import compose
from revml.sources.facts import Facts
from revml.sources.staging import stage_workspace
from tests.mappings.make_samples import FOLDER
from tests.mappings.workspaces import staged

SHAPES = [("stripe",), ("stripe_items",), ("billing_lines",), ("hubspot", "stripe", "segment"),
          ("salesforce", "billing_lines"), ("order_lines",)]  # fmt: skip


def typed(folder: Path, names: tuple[str, ...]) -> None:
    """The same workspace over Parquet files whose columns have types: times, numbers, true and false."""
    for file in FOLDER.rglob("*.csv"):
        place = folder / file.relative_to(FOLDER).with_suffix(".parquet")
        place.parent.mkdir(parents=True, exist_ok=True)
        duckdb.execute(f"COPY (SELECT * FROM read_csv('{file}', sample_size = -1)) TO '{place}' (FORMAT parquet)")
    text = compose(names).text.replace(".csv", ".parquet")
    (folder / "revml.yaml").write_text(text, encoding="utf-8")
    stage_workspace(load_workspace(folder))


@pytest.mark.parametrize("names", SHAPES, ids="-".join)
def test_types_change_nothing(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Every accepted row is the same, from CSV and from Parquet with typed columns."""
    report = staged(tmp_path / "text", *names)
    typed(tmp_path / "typed", names)
    text, types = (Facts.open(tmp_path / word / ".revml" / "staged").con for word in ("text", "typed"))
    for table in report.tables:
        sql = f"SELECT * FROM {table.table} ORDER BY ALL"
        assert text.execute(sql).fetchall() == types.execute(sql).fetchall(), table.table
