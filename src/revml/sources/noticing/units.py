"""A column of numbers that is suddenly larger or smaller by one factor for everybody: cents in place of euros.

Comes in: a table's accepted rows. Goes out: jumps. A candidate is a month whose median differs from those before by a
large factor. It counts when the accounts with rows on both sides agree: each account's own median moved by nearly the
same factor. Customers who buy more do not move in step; a change of unit moves all of them.
"""

from __future__ import annotations

from datetime import date
from math import log10

from revml.contract.profile import Jump
from revml.sources.judging import Connection
from revml.sources.noticing.settled import Settled, medians_of

MONTHS = 3
LEAST_FACTOR = 2.5
LEAST_ROWS = 20
LEAST_ACCOUNTS = 15
SPREAD_OF_TEN, SPREAD = 0.5, 0.12
NEAR_TEN = 0.12
MOST_ROWS = 2_000_000
NUMBERS = {
    "subscriptions": ("mrr", "quantity"),
    "orders": ("amount", "quantity", "cost"),
    "invoices": ("amount",),
    "usage": ("quantity",),
    "opportunities": ("amount",),
    "tickets": ("satisfaction",),
    "feedback": ("score",),
}


def jumps(
    con: Connection,
    relation: str,
    happened: str,
    columns: tuple[str, ...],
    rows: int,
    *,
    counted: Settled | None = None,
) -> list[Jump]:
    """The jumps of some columns.

    Args:
        relation: the accepted rows, as SQL after FROM.
        happened: the column with the time at which a row happened.
        rows: how many there are; of very many, the accounts of a fixed part are looked at.
        counted: of usage, months that were counted before; only the others are read.
    """
    part = max(1, rows // MOST_ROWS)
    some = f"(SELECT * FROM {relation} WHERE hash(account_id) % {part} = 0)" if part > 1 else relation
    found = []
    for column in columns:
        medians = _medians(con, some, happened, column, counted)
        months = [month for month, (_, n) in medians.items() if n >= LEAST_ROWS]
        number = 1
        while number < len(months):
            jump = None
            # The month in which the unit changed may hold both: the one before it is then looked past.
            for skipped in (0, 1) if number >= 2 else (0,):
                before, after = months[number - 1 - skipped], months[number]
                if medians[before][0] and abs(log10(medians[after][0] / medians[before][0])) >= log10(LEAST_FACTOR):
                    start, end = months[max(0, number - skipped - MONTHS)], months[number - skipped]
                    jump = jump or _agreed(con, some, happened, column, (start, end, after))
            if jump:
                told = {f"{month:%Y-%m}": median for month, (median, _) in medians.items()}
                found.append(Jump(column, f"{months[number]:%Y-%m}", jump[0], jump[1], told))
                number += 1
            number += 1
    return found


def _medians(
    con: Connection, rows: str, happened: str, column: str, counted: Settled | None
) -> dict[date, tuple[float, int]]:
    """Median and rows of each month, in order."""
    found: dict[date, tuple[float, int]] = {}
    source: str | None = rows
    if counted is not None:
        found = {date.fromisoformat(month): told for month, told in counted.medians.items()}
        source = counted.open
    if source is not None:
        for month, median, n in con.execute(medians_of(source, happened, column)).fetchall():
            if int(n) > found.get(month, (0.0, 0))[1]:
                found[month] = (float(median), int(n))
    return dict(sorted(found.items()))


def _agreed(
    con: Connection, rows: str, happened: str, column: str, times: tuple[object, ...]
) -> tuple[float, int] | None:
    """The factor that the accounts agree on, and how many they are."""
    start, end, after = (f"TIMESTAMP '{time}'" for time in times)
    [row] = con.execute(f"""
        WITH own AS (
            SELECT account_id,
                   median(abs({column})) FILTER ({happened} < {end}) AS was,
                   median(abs({column})) FILTER ({happened} >= {after}) AS became
            FROM {rows}
            WHERE {column} <> 0 AND ({happened} >= {start} AND {happened} < {end}
                  OR {happened} >= {after} AND {happened} < {after} + INTERVAL {MONTHS} MONTH)
            GROUP BY 1)
        SELECT median(log10(became / was)), quantile_cont(log10(became / was), 0.25),
               quantile_cont(log10(became / was), 0.75), count(*)
        FROM own WHERE was > 0 AND became > 0
    """).fetchall()
    if row[3] < LEAST_ACCOUNTS:
        return None
    middle, low, high, accounts = (float(value) for value in row)
    ten = round(middle) != 0 and abs(middle - round(middle)) < NEAR_TEN and high - low < SPREAD_OF_TEN
    constant = abs(middle) >= log10(LEAST_FACTOR) and high - low < SPREAD
    return (10**middle, int(accounts)) if ten or constant else None


def words(jump: Jump) -> str:
    """A jump as a note."""
    power = round(log10(jump.factor))
    near = power != 0 and abs(log10(jump.factor) - power) < NEAR_TEN
    size = f"{10 ** abs(power):,}" if near else f"{max(jump.factor, 1 / jump.factor):,.3g}"
    guess = "cents in place of whole units, or the other way round" if abs(power) == 2 and near else "another unit"
    if not near:
        guess = "another unit or currency"
    return (
        f"{jump.column} is about {size} times {'larger' if jump.factor > 1 else 'smaller'} from {jump.month} on,"
        f" for nearly all of the {jump.accounts:,} accounts with rows before and after: {guess}?"
        " Bring it to one unit in the mapping ({sql: ...})"
    )
