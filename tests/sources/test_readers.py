"""Files and databases of every kind that revml reads, whole and broken."""

from __future__ import annotations

import gzip
import sqlite3
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from revml.errors import ConfigError, DataError
from revml.sources.staging import stage_workspace
from tests.sources.workspaces import ACCOUNTS, ANY_SHARE, ORDERS, check, quarantined, staged, workspace

WHOLE = [("1", "a", 10.0), ("2", "b", 20.0)]
PICKED = "order_id, account_id, amount"


def from_place(folder: Path, yaml: str) -> list[tuple[object, ...]]:
    """The orders that the check accepts from a place named in the workspace file."""
    stage_workspace(workspace(folder, yaml, orders=""))
    return staged(folder, "orders", PICKED)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_of_every_separator_and_mark_is_read(tmp_path: Path, separator: str, encoding: str) -> None:
    """Commas, semicolons, tabs and bars; UTF-8 with and without a mark, UTF-16."""
    check(tmp_path, orders=ORDERS.replace(",", separator).replace("\n", "\r\n").encode(encoding))
    assert staged(tmp_path, "orders", PICKED) == WHOLE


def test_quotes_and_line_breaks_inside_values_survive(tmp_path: Path) -> None:
    """A name with a comma, a quote and a line break is one value."""
    name = 'Ěščř, "Sons"\nand Co'
    quoted = '"' + name.replace('"', '""') + '"'
    check(tmp_path, accounts=f"account_id,created_at,name\na,2024-01-01,{quoted}\nb,2024-01-05,\n")
    assert staged(tmp_path, "accounts", "name") == [(name,), (None,)]


def test_packed_csv_is_read(tmp_path: Path) -> None:
    """orders.csv.gz is a table as well."""
    made = workspace(tmp_path, orders="")
    (tmp_path / "data/orders.csv.gz").write_bytes(gzip.compress(ORDERS.encode()))
    stage_workspace(made)
    assert staged(tmp_path, "orders", PICKED) == WHOLE


def test_a_column_that_changes_its_type_halfway_is_not_lost(tmp_path: Path) -> None:
    """A thousand numbers and then a word: one row aside, the rest accepted."""
    lines = "".join(f"{n},1,2024-02-01,a,p,1,{n if n != 700 else 'many'}\n" for n in range(1000))
    report = check(tmp_path, orders=ORDERS.splitlines(keepends=True)[0] + lines).table("orders")
    assert (report.accepted, report.quarantined) == (999, {"amount is not an amount of money": 1})


def test_a_folder_of_files_with_their_columns_in_any_order_is_one_table(tmp_path: Path) -> None:
    """Files are united by column name, and quarantine says which file a row came from."""
    made = workspace(tmp_path, orders="")
    folder = tmp_path / "data/orders/2024"
    folder.mkdir(parents=True)
    (folder / "b.csv").write_text(ORDERS.replace("\n2,1,2024-02-02,b,p,2,20", ""))
    (folder / "c.csv").write_text(
        "amount;quantity;product;account_id;ordered_at;line;order_id\n20;2;p;b;2024-02-02;1;2\n"
    )
    (folder / "d.csv").write_text(ORDERS.splitlines()[0] + "\n4,1,never,a,p,1,1\n")
    stage_workspace(made)
    assert staged(tmp_path, "orders", PICKED) == WHOLE
    assert [(r, Path(f).name) for r, f in quarantined(tmp_path, "orders", "reason, source_file")] == [
        ("ordered_at is not a time", "d.csv")
    ]


def test_a_glob_names_files(tmp_path: Path) -> None:
    """Only the files that fit are read."""
    (tmp_path / "lines-1.csv").write_text(ORDERS)
    (tmp_path / "other.csv").write_text("nothing\n")
    assert from_place(tmp_path, "data: data\ntables: {orders: {path: 'lines-*.csv'}}") == WHOLE


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    """Dates, instants with a zone, decimals and ids that went through a float column."""
    workspace(tmp_path, orders="")
    duckdb.execute(f"""
        COPY (SELECT 7.0::DOUBLE AS order_id, 1::SMALLINT AS line, TIMESTAMPTZ '2024-02-01 01:00:00+01' AS ordered_at,
                     'a' AS account_id, 'p' AS product, 1.5::DECIMAL(4, 1) AS quantity, 2::BIGINT AS amount)
        TO '{tmp_path}/data/orders.parquet'
    """)
    assert from_place(tmp_path, "data: data") == [("7", "a", 2.0)]
    assert staged(tmp_path, "orders", "CAST(ordered_at AS VARCHAR), quantity") == [("2024-02-01 00:00:00", 1.5)]


def test_a_wrong_type_in_parquet_is_put_aside_row_by_row(tmp_path: Path) -> None:
    """An amount of true and false is no money."""
    workspace(tmp_path, ANY_SHARE, orders="")
    duckdb.execute(f"""
        COPY (SELECT 'o' || i AS order_id, 1 AS line, DATE '2024-02-01' AS ordered_at, 'a' AS account_id,
                     'p' AS product, 1 AS quantity, true AS amount
              FROM range(2) t(i)) TO '{tmp_path}/data/orders.parquet'
    """)
    with pytest.raises(DataError, match="no accepted row"):
        from_place(tmp_path, ANY_SHARE)
    assert quarantined(tmp_path, "orders", "reason, amount") == [("amount is not an amount of money", "true")] * 2


def database(path: Path, kind: str) -> None:
    """A database file with the tables accounts and lines."""
    con = sqlite3.connect(path) if kind == "sqlite" else duckdb.connect(str(path))
    con.execute("CREATE TABLE accounts (account_id TEXT, created_at TEXT, employees INTEGER)")
    con.execute("INSERT INTO accounts VALUES ('a', '2024-01-01', 5), ('b', '2024-01-05', NULL)")
    con.execute(
        "CREATE TABLE lines (order_id INTEGER, line INTEGER, ordered_at TEXT, account_id TEXT, product TEXT,"
        " quantity REAL, amount REAL)"
    )
    con.execute("INSERT INTO lines VALUES (1, 1, '2024-02-01', 'a', 'p', 1, 10), (2, 1, '2024-02-02', 'b', 'p', 2, 20)")
    con.commit()
    con.close()


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_database_file_gives_its_tables(tmp_path: Path, kind: str) -> None:
    """`data` may be a database file; a table of another name is named; SQL calculates with declared numbers."""
    database(tmp_path / "company.db", kind)
    yaml = (
        "data: company.db\n"
        "tables: {orders: {path: company.db, table: lines, columns: {amount: {sql: quantity * 10}}}}\n"
    )
    assert from_place(tmp_path, yaml) == WHOLE
    assert staged(tmp_path, "accounts", "account_id, employees") == [("a", 5), ("b", None)]


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_table_that_the_database_lacks_names_the_nearest(tmp_path: Path, kind: str) -> None:
    """And all that it has."""
    database(tmp_path / "company.db", kind)
    with pytest.raises(ConfigError, match="did you mean 'lines'") as caught:
        from_place(tmp_path, "data: data\ntables: {orders: {path: company.db, table: line}}")
    assert "accounts, lines" in caught.value.wanted


def test_a_sqlite_column_that_breaks_its_own_type_is_judged_row_by_row(tmp_path: Path) -> None:
    """SQLite keeps a word in an integer column; the row with it goes aside, full digits stay."""
    con = sqlite3.connect(tmp_path / "company.db")
    con.execute("CREATE TABLE accounts (account_id TEXT, created_at TEXT, employees INTEGER, acquisition_cost REAL)")
    con.execute("INSERT INTO accounts VALUES ('a', '2024-01-01', 5, 0.1), ('b', '2024-01-05', 'many', NULL)")
    con.commit()
    con.close()
    stage_workspace(workspace(tmp_path, ANY_SHARE + "tables: {accounts: {path: company.db}}"))
    assert staged(tmp_path, "accounts", "account_id, employees, acquisition_cost") == [("a", 5, 0.1)]


def test_a_broken_database_file_is_a_data_error(tmp_path: Path) -> None:
    """Its first bytes are those of DuckDB, the rest is nothing."""
    (tmp_path / "company.duckdb").write_bytes(b"12345678DUCK" + b"\0" * 8000)
    with pytest.raises(DataError, match="cannot be read"):
        from_place(tmp_path, "data: data\ntables: {orders: {path: company.duckdb}}")


def test_a_duckdb_file_that_another_program_writes_is_a_data_error(tmp_path: Path) -> None:
    """The other program holds the lock; the message says what is needed."""
    database(tmp_path / "company.duckdb", "duckdb")
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "company.duckdb")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(DataError, match="no other program has open for writing"):
            from_place(tmp_path, "data: data\ntables: {orders: {path: company.duckdb, table: lines}}")
        other.communicate(b"")


def _cut(path: Path) -> None:
    duckdb.execute(f"COPY (SELECT * FROM range(100000)) TO '{path}' (FORMAT parquet)")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("orders.parquet", b"order_id,line\n", "not what revml reads"),
        ("orders.parquet", b"", "not what revml reads"),
        ("orders.parquet", None, "cannot be read"),
        ("orders.csv", b"PK\x03\x04", "not what revml reads"),
        ("orders.csv", b"\n\n", "no header line"),
        ("orders.csv", b"order_id,line,Line\n", "twice"),
        ("orders.csv", b"order_id\x00,line\n", "not a text file"),
        ("orders.csv.gz", b"not packed", "cannot be read"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_a_data_error(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    """Wrong kind, empty, cut off, packed and not: each with its file's name."""
    made = workspace(tmp_path, orders="")
    if content is None:
        _cut(tmp_path / "data" / name)
    else:
        (tmp_path / "data" / name).write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        stage_workspace(made)
    assert name in caught.value.where


def test_lines_in_another_encoding_are_put_aside_as_such(tmp_path: Path) -> None:
    """A file saved in the code page of Central Europe is not UTF-8."""
    accounts = (ACCOUNTS + "č,2024-01-01\n").encode("cp1250")
    assert check(tmp_path, accounts=accounts).table("accounts").quarantined == {"the line is not UTF-8 text": 1}


def test_a_line_cut_off_at_the_end_is_noticed(tmp_path: Path) -> None:
    """A last line without a line break may be whole or cut; the check says so."""
    assert "may be cut off" in check(tmp_path, orders=ORDERS[:-1]).table("orders").notes[0]
    assert check(tmp_path, orders=ORDERS).table("orders").notes == ()


def test_files_of_two_kinds_in_one_table_are_refused(tmp_path: Path) -> None:
    """Parquet and CSV together would count rows twice."""
    made = workspace(tmp_path, orders="")
    (tmp_path / "data/orders").mkdir()
    (tmp_path / "data/orders/a.csv").write_text(ORDERS)
    duckdb.execute(f"COPY (SELECT 1 AS order_id) TO '{tmp_path}/data/orders/b.parquet'")
    with pytest.raises(DataError, match="different kinds"):
        stage_workspace(made)


def test_a_table_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    """orders.csv and the folder orders: which one is meant?"""
    made = workspace(tmp_path)
    (tmp_path / "data/orders").mkdir()
    (tmp_path / "data/orders/a.csv").write_text(ORDERS)
    with pytest.raises(DataError, match="there twice"):
        stage_workspace(made)


def test_a_path_without_files_names_its_key(tmp_path: Path) -> None:
    """The error stands at tables.orders.path."""
    with pytest.raises(DataError, match="no file for the table orders"):
        from_place(tmp_path, "data: data\ntables: {orders: {path: gone.csv}}")


def test_a_misspelt_file_is_noticed(tmp_path: Path) -> None:
    """usages.csv is nearly usage.csv, and a folder `truth` is nothing."""
    (tmp_path / "data/truth").mkdir(parents=True)
    (tmp_path / "data/usages.csv").write_text("x\n")
    assert check(tmp_path).notes == ("usages.csv is not read: no contract table has that name; did you mean 'usage'?",)
