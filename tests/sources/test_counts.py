"""Whatever comes in, every row is counted exactly once, and quarantine holds as many rows as are told."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revml.errors import DataError
from tests.sources.workspaces import check, quarantined, staged

IDS = st.sampled_from(["a", "b", "A", " a", "", "é🙂", "o'x", "x" * 300, "nobody"])
TIMES = st.sampled_from(["2024-02-01", "2024-03-01T10:00:00", "never", "", "2030-01-01", "1999-01-01", "infinity"])
NUMBERS = st.sampled_from(["1", "-3", "2.5", "nan", "inf", "", "1_000", "1e3", "viel"])
TABLES = {
    "accounts": ("account_id,created_at,employees", (IDS, TIMES, NUMBERS)),
    "users": ("user_id,created_at,account_id", (IDS, TIMES, IDS)),
    "orders": (
        "order_id,line,ordered_at,account_id,product,quantity,amount",
        (IDS, NUMBERS, TIMES, IDS, IDS, NUMBERS, NUMBERS),
    ),
    "usage": ("account_id,occurred_at,event,user_id,quantity", (IDS, TIMES, IDS, IDS, NUMBERS)),
    "subscriptions": (
        "subscription_id,started_at,account_id,product,quantity,mrr,ended_at",
        (IDS, TIMES, IDS, IDS, NUMBERS, NUMBERS, TIMES),
    ),
}
# One row that is in order, so that the check has something to stage.
GOOD = {"accounts": "good,2024-01-01,3", "orders": "o1,1,2024-02-02,good,p,1,1"}


def rows(name: str) -> st.SearchStrategy[list[str]]:
    """Dirty lines of a table, some of them twice."""
    cells = TABLES[name][1]
    lines = st.lists(st.tuples(*cells).map(lambda row: ",".join(f'"{cell}"' for cell in row)), max_size=12)
    return st.tuples(lines, st.integers(0, 3)).map(lambda found: found[0] + found[0][: found[1]])


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries({name: rows(name) for name in TABLES}))
def test_every_row_is_counted_once(lines: dict[str, list[str]]) -> None:
    """rows in = filtered + accepted + duplicates + quarantined, for each of five tables."""
    written = {name: [*([GOOD[name]] if name in GOOD else []), *found] for name, found in lines.items()}
    made = {name: "\n".join([TABLES[name][0], *found]) + "\n" for name, found in written.items()}
    yaml = "data: data\nquarantine_limit: 1\ntables: {usage: {path: data/usage.csv, where: \"event <> 'a'\"}}\n"
    with TemporaryDirectory() as place:
        folder = Path(place)
        try:
            report = check(folder, yaml, **made)
        except DataError as error:
            # The rows that were meant to be in order may clash with others; nothing else may stop the check.
            assert "no accepted row" in error.what  # noqa: PT017
            return
        for table in report.tables:
            assert table.rows_in == len(written[table.table])
            told = table.filtered + table.accepted + table.duplicates + table.quarantined_rows
            assert told == table.rows_in, table
            assert len(staged(folder, table.table, "known_at")) == table.accepted
            held = quarantined(folder, table.table, "reason") if table.quarantined else []
            assert len(held) == table.quarantined_rows
