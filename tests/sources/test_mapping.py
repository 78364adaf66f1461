"""From a source's own columns to the contract's."""

from __future__ import annotations

from pathlib import Path

import pytest

from revml.errors import ConfigError, DataError
from revml.sources.facts import Facts
from tests.sources.workspaces import ACCOUNTS, ANY_SHARE, ORDERS, check, staged

SHOP = """\
Invoice,Pos,Date,Customer,Item,Qty,Price
1,1,2024-02-01,a,p,2,5
2,1,2024-02-02,b,p,2,10
3,1,2024-02-02,b,p,x,1
"""
SHOP_COLUMNS = (
    "order_id: Invoice, line: Pos, ordered_at: Date, account_id: Customer, product: Item, quantity: Qty,"
    ' amount: {sql: "TRY_CAST(Qty AS DOUBLE) * TRY_CAST(Price AS DOUBLE)"}'
)


def mapped(folder: Path, key: str, orders: str = ORDERS) -> list[tuple[object, ...]]:
    """The orders after a mapping."""
    check(folder, ANY_SHARE + f"tables: {{orders: {{path: data/orders.csv, {key}}}}}\n", orders=orders)
    return staged(folder, "orders", "order_id, account_id, amount")


def test_columns_are_renamed_and_calculated(tmp_path: Path) -> None:
    """The row whose quantity is no number goes aside under its own reason."""
    assert mapped(tmp_path, f"columns: {{{SHOP_COLUMNS}}}", SHOP) == [("1", "a", 10.0), ("2", "b", 20.0)]


def test_where_filters_on_the_columns_of_the_source(tmp_path: Path) -> None:
    """Rows that `where` leaves out are counted, and their values are never converted."""
    columns = SHOP_COLUMNS.replace("quantity: Qty", "quantity: {sql: CAST(Qty AS INT)}")
    key = f"where: \"Qty <> 'x'\", columns: {{{columns}}}"
    assert mapped(tmp_path, key, SHOP) == [("1", "a", 10.0), ("2", "b", 20.0)]


def test_a_query_reshapes_the_source(tmp_path: Path) -> None:
    """Accounts are derived from orders."""
    query = "SELECT account_id, min(ordered_at) AS created_at FROM source GROUP BY ALL;"
    report = check(tmp_path, f'data: data\ntables: {{accounts: {{path: data/orders.csv, query: "{query}"}}}}\n')
    assert report.table("accounts").accepted == 2
    assert staged(tmp_path, "accounts", "account_id, CAST(created_at AS DATE)::VARCHAR")[0] == ("a", "2024-02-01")


@pytest.mark.parametrize(
    ("key", "place", "way_out"),
    [
        ("columns: {amount: Ammount}", "tables.orders.columns.amount", "did you mean 'amount'?"),
        ("columns: {ammount: amount}", "tables.orders.columns", "did you mean 'amount'?"),
        ("columns: {amount: {sql: quantity * amount}}", "tables.orders.columns.amount.sql", "TRY_CAST"),
        ("where: price > 1", "tables.orders.where", "mend the SQL"),
        ("query: SELECT nothing FROM source", "tables.orders.query", "mend the SQL"),
        ("query: SELEC", "tables.orders.query", "mend the SQL"),
        ("static: [owner]", "tables.orders.static", "tables: accounts"),
    ],
)
def test_a_mistake_in_the_mapping_names_its_place_and_the_way_out(
    tmp_path: Path, key: str, place: str, way_out: str
) -> None:
    """Unknown columns name the nearest, SQL says that CSV is text."""
    with pytest.raises(ConfigError) as caught:
        mapped(tmp_path, key)
    assert place in caught.value.where
    assert way_out in caught.value.do


def test_a_cast_that_fails_on_some_row_says_what_to_write(tmp_path: Path) -> None:
    """The SQL is right but the data is not: TRY_CAST sends such rows to quarantine."""
    with pytest.raises(DataError, match="fails on some row") as caught:
        mapped(tmp_path, "columns: {amount: {sql: CAST(amount AS INT)}}", ORDERS + "3,1,2024-02-03,a,p,1,many\n")
    assert "TRY_CAST" in caught.value.do


def test_a_required_column_that_is_missing_is_named_with_its_likely_source(tmp_path: Path) -> None:
    """Names differ in case only, but nothing is guessed silently."""
    with pytest.raises(DataError, match="required column amount") as caught:
        check(tmp_path, orders=ORDERS.replace("amount", "AMOUNT"))
    assert "did you mean 'AMOUNT'" in caught.value.do


def test_extra_account_columns_are_left_out_unless_static(tmp_path: Path) -> None:
    """Static columns become numbers where all their text is numbers; the others are named in the report."""
    accounts = "account_id,created_at,seats,kind,score\na,2024-01-01,5,x,1\nb,2024-01-05,7.5,,2\n"
    report = check(
        tmp_path, "data: data\ntables: {accounts: {path: data/accounts.csv, static: [seats, kind]}}", accounts=accounts
    )
    facts = Facts.open(tmp_path / ".revml/staged")
    assert facts.extras == ("seats", "kind")
    assert facts.con.execute("SELECT * FROM account_profile ORDER BY 1").fetchall() == [
        ("a", 5.0, "x"),
        ("b", 7.5, None),
    ]
    assert report.table("accounts").left_out == ("score",)


def test_an_unknown_static_column_names_the_nearest(tmp_path: Path) -> None:
    """A mapping mistake, told at its key."""
    with pytest.raises(ConfigError, match="no column 'created'"):
        check(tmp_path, "data: data\ntables: {accounts: {path: data/accounts.csv, static: [created]}}")


def test_missing_optional_columns_say_what_they_cost(tmp_path: Path) -> None:
    """Orders without cost: one margin for all."""
    missing = {m.name: m.without for m in check(tmp_path).table("orders").missing}
    assert missing == {"cost": "margin by order; one rate is used"}


def created(folder: Path, key: str, *times: str) -> list[str]:
    """The times of accounts after the check, as text."""
    accounts = "account_id,created_at\n" + "".join(f"{name},{time}\n" for name, time in zip("ab", times, strict=False))
    check(folder, f"data: data\ntables: {{accounts: {{path: data/accounts.csv{key}}}}}\n", accounts=accounts)
    return [row[0] for row in staged(folder, "accounts", "CAST(created_at AS VARCHAR)")]


def test_naive_times_are_utc_unless_a_zone_is_named(tmp_path: Path) -> None:
    """Summer time counts, and a mere date means midnight in UTC all the same."""
    times = ("2024-01-01T10:00:00", "2023-07-01 10:00")
    assert created(tmp_path, "", *times) == ["2024-01-01 10:00:00", "2023-07-01 10:00:00"]
    zone = ", timezone: Europe/Prague"
    assert created(tmp_path, zone, *times) == ["2024-01-01 09:00:00", "2023-07-01 08:00:00"]
    assert created(tmp_path, zone, "2024-01-01", "2023-07-01") == ["2024-01-01 00:00:00", "2023-07-01 00:00:00"]


def test_times_with_a_zone_become_utc(tmp_path: Path) -> None:
    """Whatever the offset, Z included."""
    times = ("2024-01-01T10:00:00+02:00", "2024-01-01T10:00:00Z")
    assert created(tmp_path, "", *times) == ["2024-01-01 08:00:00", "2024-01-01 10:00:00"]


def test_times_with_and_without_a_zone_in_one_column_are_an_error(tmp_path: Path) -> None:
    """The rows are named; naming the table's zone is the way out."""
    times = ("2024-01-01T10:00:00Z", "2024-01-01 10:00:00")
    with pytest.raises(DataError, match="mixes times") as caught:
        created(tmp_path, "", *times)
    assert "first in row 1" in caught.value.got
    assert "first in row 2" in caught.value.got
    assert created(tmp_path, ", timezone: Europe/Prague", *times) == ["2024-01-01 10:00:00", "2024-01-01 09:00:00"]


def test_a_mapping_overrides_the_data_folder(tmp_path: Path) -> None:
    """`tables` wins over `data`."""
    (tmp_path / "mine.csv").write_text(ORDERS.replace(",20", ",30"))
    check(tmp_path, "data: data\ntables: {orders: {path: mine.csv}}\n")
    assert staged(tmp_path, "orders", "amount") == [(10.0,), (30.0,)]


def test_currencies_must_be_those_of_the_company(tmp_path: Path) -> None:
    """One other currency tells what to write; several stop the check."""
    accounts = ACCOUNTS.replace("created_at\n", "created_at,currency\n").replace("00\n", "00,USD\n")
    with pytest.raises(DataError, match="several currencies"):
        check(tmp_path, accounts=accounts.replace("01\n", "01,CZK\n"))
    with pytest.raises(DataError, match="another currency") as caught:
        check(tmp_path, accounts=accounts.replace("01\n", "01,USD\n"))
    assert "currency: USD" in caught.value.do
    yaml = "company: {currency: USD}\ndata: data\n"
    assert check(tmp_path, yaml, accounts=accounts.replace("01\n", "01,USD\n")).table("accounts").accepted == 2
