"""Currencies: the one thing here that stops a check, for adding them up would be silently wrong.

Comes in: staged accounts, or a mapped source with a currency column of its own. Goes out: nothing, or a `DataError`.
"""

from __future__ import annotations

from pathlib import Path

from revml.contract.checks import identifier
from revml.errors import DataError
from revml.sources.facts import literal
from revml.sources.judging import Connection
from revml.sources.mapping import Mapping


def one_currency(con: Connection, staged: Path, company: str) -> None:
    """Hold that all accounts are in the company's currency.

    Raises:
        DataError: they are not; revml has no rate table and converts nothing in silence.
    """
    rows = con.execute(
        f"SELECT coalesce(currency, ?), count(*) FROM read_parquet({literal(staged)}) GROUP BY 1 ORDER BY 2 DESC, 1",
        [company],
    ).fetchall()
    if [code for code, _ in rows] in ([], [company]):
        return
    told = ", ".join(f"{code} ({n:,} accounts)" for code, n in rows[:6])
    if len(rows) == 1:
        raise DataError(
            "the accounts are in another currency than the company",
            where="table accounts, column currency",
            wanted=f"company: currency: {company}",
            got=told,
            do=f"write company: {{currency: {rows[0][0]}}} in revml.yaml",
        )
    raise DataError(
        "the accounts are in several currencies",
        where="table accounts, column currency",
        wanted=f"all money in {company}, the company's currency",
        got=told,
        do="convert the amounts in the source or in the mapping ({sql: ...}) and leave currency out of it",
    )


def no_other_currency(con: Connection, mapping: Mapping, company: str) -> None:
    """Hold that a table that tells its currency in a column of its own tells the company's.

    Money that the mapping computes (`{sql: ...}`) is taken to be converted there.

    Raises:
        DataError: some rows are in another currency; adding them up would be silently wrong.
    """
    money = [
        name for name, column in mapping.table.by_name.items() if column.type == "money" and name in mapping.values
    ]
    column = next((name for name in mapping.left_out if name.casefold() == "currency"), None)
    plain = {identifier(name) for name in mapping.source.columns}
    if column is None or not any(mapping.values[name].sql in plain for name in money):
        return
    rows = con.execute(
        f"SELECT CAST({identifier(column)} AS VARCHAR), count(*) FROM {mapping.source.relation}"
        f" WHERE coalesce({mapping.where or 'true'}, false) AND {identifier(column)} IS NOT NULL"
        " GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    if all(code == company for code, _ in rows):
        return
    raise DataError(
        "not all amounts are in the company's currency",
        where=f"table {mapping.table.name}, column {column}",
        wanted=f"{company} in every row; revml converts nothing",
        got=", ".join(f"{code} ({n:,} rows)" for code, n in rows[:6]),
        do=f"convert in the mapping ({money[0]}: {{sql: ...}} over amount and {column}), leave rows out with where,"
        " or correct company: currency in revml.yaml",
    )
