"""Queries that join further inputs, and the functions that a mapping may call."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from revml.config import AccountIds, Place, TableSource, Workspace
from revml.contract.tables import TABLES
from revml.errors import ConfigError, DataError, RevmlError
from revml.sources.facts import Facts, connect
from revml.sources.functions import define_functions
from revml.sources.mapping import map_table
from revml.sources.source import Source
from tests.sources.workspaces import ANY_SHARE, check, quarantined, staged

LINES = "nr,customer,item\n1,a,p\n2,b,q\n"
HEADS = "nr,day\n1,2024-02-01\n2,2024-02-02\n"
COLUMNS = "columns: {order_id: nr, line: {sql: '1'}, ordered_at: day, account_id: customer, product: item, \
quantity: {sql: '1'}, amount: {sql: price}}"


def joined(folder: Path, sources: str, query: str | None = None) -> list[tuple[object, ...]]:
    """The orders, from lines joined to what `sources` names."""
    (folder / "lines.csv").write_text(LINES)
    (folder / "heads.csv").write_text(HEADS)
    (folder / "prices.csv").write_text("item,price\np,10\nq,20\n")
    query = query or "SELECT * FROM source JOIN heads USING (nr) JOIN prices USING (item)"
    check(
        folder,
        ANY_SHARE + f"tables: {{orders: {{path: lines.csv, sources: {sources}, query: '{query}', {COLUMNS}}}}}\n",
    )
    return staged(folder, "orders", "order_id, CAST(ordered_at AS DATE)::VARCHAR, amount")


BOTH = [("1", "2024-02-01", 10.0), ("2", "2024-02-02", 20.0)]


def test_a_query_joins_further_files_under_their_names(tmp_path: Path) -> None:
    """An input is a path, or a mapping with a path."""
    assert joined(tmp_path, "{heads: heads.csv, prices: {path: prices.csv}}") == BOTH


@pytest.mark.parametrize("table", ["", ", table: price_list"])
def test_an_input_may_be_a_table_of_a_database_file(tmp_path: Path, table: str) -> None:
    """The table is the namesake of the input unless another is given; two inputs may stand in one file."""
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as con:
        for name in ("prices", "price_list"):
            con.execute(f"CREATE TABLE {name} AS SELECT * FROM (VALUES ('p', 10), ('q', 20)) AS t(item, price)")
        con.execute(
            "CREATE TABLE heads AS SELECT '1' AS nr, DATE '2024-02-01' AS day UNION ALL SELECT '2', '2024-02-02'"
        )
    assert joined(tmp_path, f"{{heads: shop.duckdb, prices: {{path: shop.duckdb{table}}}}}") == BOTH


def test_unreadable_lines_of_a_joined_file_go_to_quarantine(tmp_path: Path) -> None:
    """A line that an input could not give is counted with the table that it was read for."""
    (tmp_path / "lines.csv").write_text(LINES)
    (tmp_path / "heads.csv").write_text(HEADS + "3\n")
    (tmp_path / "prices.csv").write_text("item,price\np,10\nq,20\n")
    query = "SELECT * FROM source JOIN heads USING (nr) JOIN prices USING (item)"
    sources = "{heads: heads.csv, prices: prices.csv}"
    report = check(
        tmp_path,
        ANY_SHARE + f"tables: {{orders: {{path: lines.csv, sources: {sources}, query: '{query}', {COLUMNS}}}}}\n",
    )
    assert report.table("orders").quarantined == {"the line has too few values": 1}
    assert report.table("orders").accepted == 2


@pytest.mark.parametrize(
    ("sources", "query", "kind", "words"),
    [
        ("{heads: nowhere.csv}", None, DataError, "tables.orders.sources.heads.path"),
        ("{heads: heads.csv}", None, ConfigError, "heads: nr, day"),
        ("{Heads: heads.csv}", None, ConfigError, "lower case"),
        ("{source: heads.csv}", None, ConfigError, "'source' is no name"),
        ("{heads: {table: t}}", None, ConfigError, "exactly one of 'path' and 'url'"),
    ],
)
def test_an_error_names_the_input(
    tmp_path: Path, sources: str, query: str | None, kind: type[RevmlError], words: str
) -> None:
    """Where a joined input is wrong, the message says which one, or what the query can see."""
    with pytest.raises(kind) as told:
        joined(tmp_path, sources, query)
    assert words in str(told.value)


def test_inputs_without_a_query_are_refused(tmp_path: Path) -> None:
    """Nothing would read them."""
    with pytest.raises(ConfigError, match="'sources' are for a 'query'"):
        check(tmp_path, ANY_SHARE + "tables: {orders: {path: data/orders.csv, sources: {heads: heads.csv}}}\n")


def test_a_joined_input_hides_nothing_of_revml_itself(tmp_path: Path) -> None:
    """An input that bears the name of a scratch table is read and then forgotten."""
    query = "SELECT nr, customer, item, day, 5 AS price FROM source JOIN judged USING (nr)"
    rows = joined(tmp_path, "{judged: heads.csv}", query)
    assert [row[2] for row in rows] == [5.0, 5.0]
    assert Facts.open(tmp_path / ".revml" / "staged").con.execute("SELECT count(*) FROM accounts").fetchone() == (2,)


@pytest.mark.parametrize(
    "value",
    ["1714557600", "1714557600.0", "1714557600000", "'2024-05-01T10:00:00Z'", "'2024-05-01 10:00:00'",
     "'2024-05-01T12:00:00.000+0200'", "TIMESTAMP '2024-05-01 10:00'", "' 2024-05-01 10:00:00.000 UTC '"],
)  # fmt: skip
def test_as_time_reads_the_same_instant_from_every_way_of_writing_it(value: str) -> None:
    """Seconds, milliseconds, ISO text with and without a zone, and times."""
    con = connect()
    define_functions(con)
    assert con.execute(f"SELECT as_time({value}) = TIMESTAMPTZ '2024-05-01 10:00:00+00'").fetchall() == [(True,)]


@pytest.mark.parametrize("call", ["as_time('soon')", "as_time(20240501)", "as_number('ten')", "as_flag('perhaps')"])
def test_what_cannot_be_read_is_an_error_and_not_nothing(call: str) -> None:
    """An end that got lost would make a customer look alive; only an empty value is empty."""
    con = connect()
    define_functions(con)
    with pytest.raises(duckdb.ConversionException):
        con.execute(f"SELECT {call}").fetchall()
    assert con.execute(f"SELECT {call.partition('(')[0]}('') IS NULL").fetchall() == [(True,)]


PAIRS = "company,stripe\na,cus_1\nb,cus_2\nb,cus_3\nc,\ngone,cus_1\n"
THEIR_ORDERS = """\
order_id,line,ordered_at,account_id,product,quantity,amount
1,1,2024-02-01,cus_1,p,1,10
2,1,2024-02-02,cus_3,p,2,20
3,1,2024-02-02,cus_9,p,2,30
"""


def matched(folder: Path, pairs: str = PAIRS, key: str = "theirs: stripe, ours: company") -> list[tuple[object, ...]]:
    """Orders under the ids of another system, told as our accounts a and b."""
    (folder / "pairs.csv").write_text(pairs)
    match = f"tables: {{orders: {{path: data/orders.csv, account_ids: {{path: pairs.csv, {key}}}}}}}\n"
    check(folder, ANY_SHARE + match, orders=THEIR_ORDERS)
    return staged(folder, "orders", "order_id, account_id, amount")


@pytest.mark.parametrize("key", ["theirs: stripe, ours: company", "theirs: {sql: lower(stripe)}, ours: company"])
def test_ids_of_another_system_are_told_as_ours(tmp_path: Path, key: str) -> None:
    """Several ids may mean one account; a pair whose account is not among the accepted ones counts for nothing."""
    assert matched(tmp_path, key=key) == [("1", "a", 10.0), ("2", "b", 20.0)]


def test_an_id_that_nobody_here_has_goes_aside_by_its_own_name(tmp_path: Path) -> None:
    """The quarantine shows the other system's id, so that it can be looked for there."""
    matched(tmp_path)
    assert quarantined(tmp_path, "orders", "reason, account_id") == [("account_id names nothing in accounts", "cus_9")]


@pytest.mark.parametrize(
    ("pairs", "key", "kind", "words"),
    [
        (PAIRS + "b,cus_1\n", "theirs: stripe, ours: company", DataError, "'cus_1' means two of our accounts"),
        (PAIRS, "theirs: strip, ours: company", ConfigError, "did you mean 'stripe'?"),
        (PAIRS, "theirs: {sql: nothing}, ours: company", ConfigError, "tables.orders.account_ids.theirs.sql"),
        (PAIRS, "ours: company", ConfigError, "tables.orders.account_ids.theirs"),
    ],
)
def test_a_wrong_match_says_what_is_wrong(
    tmp_path: Path, pairs: str, key: str, kind: type[RevmlError], words: str
) -> None:
    """An id that would mean two accounts stops the check; so does a column that is not there."""
    with pytest.raises(kind) as told:
        matched(tmp_path, pairs, key)
    assert words in str(told.value)


def test_accounts_are_not_matched_to_themselves(tmp_path: Path) -> None:
    """Their ids are ours by definition."""
    (tmp_path / "pairs.csv").write_text(PAIRS)
    match = "account_ids: {path: pairs.csv, theirs: stripe, ours: company}"
    with pytest.raises(ConfigError, match="accounts have our own ids"):
        check(tmp_path, ANY_SHARE + f"tables: {{accounts: {{path: data/accounts.csv, {match}}}}}\n")


@pytest.mark.parametrize(
    "spec",
    [
        TableSource(path="x", query="SELECT 1", sources={"heads": Place(path="y")}),
        TableSource(path="x", account_ids=AccountIds(path="y", theirs="t", ours="o")),
    ],
)
def test_inputs_that_nobody_opened_are_an_error_with_a_way_out(spec: TableSource) -> None:
    """A table that stays on its own server cannot be joined to files here."""
    con = connect()
    con.execute("CREATE TABLE orders AS SELECT '1' AS order_id")
    there = Source("orders on a server", "orders", {"order_id": "VARCHAR"})
    with pytest.raises(ConfigError, match="cannot be joined where it stands"):
        map_table(con, Workspace(), TABLES["orders"], spec, there)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_usage_of_several_files_is_matched_too(tmp_path: Path, kind: str) -> None:
    """A folder of events under the ids of another system."""
    (tmp_path / "pairs.csv").write_text(PAIRS)
    (tmp_path / "events").mkdir()
    for day, who in ((1, "cus_1"), (2, "cus_2")):
        row = f"SELECT '{who}' AS account_id, TIMESTAMP '2024-03-0{day}' AS occurred_at, 'login' AS event"
        duckdb.execute(f"COPY ({row}) TO '{tmp_path}/events/{day}.{kind}' (FORMAT {kind})")
    match = "account_ids: {path: pairs.csv, theirs: stripe, ours: company}"
    check(tmp_path, ANY_SHARE + f"tables: {{usage: {{path: events, {match}}}}}\n")
    rows = staged(tmp_path, "usage", "account_id, CAST(occurred_at AS DATE)::VARCHAR")
    assert sorted(rows) == [("a", "2024-03-01"), ("b", "2024-03-02")]
