"""The few pieces of SQL that all subjects share, as text.

`s` is always the table `snapshots`: `snapshot, account, account_id, as_of, day, shift, cutoff, past_cutoff` and starts
of windows: `from_28` is `as_of - 28 days` (exclusive), `from_day_28` the first period in that window. Sums are made of
decimals, so that they do not depend on the order in which threads add: the same facts give the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# Starts of windows that `snapshots` carries as columns.
STARTS = (7, 28, 56, 84, 168, 182, 280, 364, 448, 728)


def identifier(name: str) -> str:
    """A name as a quoted SQL identifier; what comes from a company's data goes through here.

    >>> identifier('tier "A"') == '"tier ""A""' + '"'
    True
    """
    return '"' + name.replace('"', '""') + '"'


def exact(column: str) -> str:
    """A number as a decimal, whose sum is the same in any order (4 decimals).

    >>> exact("o.amount")
    'CAST(o.amount AS DECIMAL(28, 4))'
    """
    return f"CAST({column} AS DECIMAL(28, 4))"


def within(time: str, days: int, until: int = 0) -> str:
    """Whether an instant that is not after `as_of` lies in `(as_of - days, as_of - until]`.

    >>> within("t.opened_at", 28)
    't.opened_at > s.from_28'
    """
    start = f"{time} > s.from_{days}"
    return f"{start} AND {time} <= s.from_{until}" if until else start


def visible(table: str, time: str) -> str:
    """Whether a row had happened and was known at `as_of`."""
    return f"{table}.known_at <= s.as_of AND {table}.{time} <= s.as_of"


def by_now(time: str) -> str:
    """A time that is told only once it has come: NULL while it lies after `as_of`."""
    return f"CASE WHEN {time} <= s.as_of THEN {time} END"


def count_if(condition: str) -> str:
    """How many rows fulfil a condition."""
    return f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END)"


def sum_if(value: str, condition: str) -> str:
    """The sum of a value over the rows that fulfil a condition; 0 where none does."""
    return f"SUM(CASE WHEN {condition} THEN {value} ELSE 0 END)"


def counts(name: str, time: str, windows: Iterable[int], also: str = "") -> str:
    """Select items `<name>_<w>d`: how many rows lie in each trailing window and fulfil a condition.

    >>> counts("tickets", "s.opened_at", (28,))
    'SUM(CASE WHEN s.opened_at > s.from_28 THEN 1 ELSE 0 END) AS tickets_28d'
    """
    return sums(name, "1", time, windows, also)


def sums(name: str, value: str, time: str, windows: Iterable[int], also: str = "") -> str:
    """Select items `<name>_<w>d`: the sum of a value over each trailing window."""
    extra = f" AND {also}" if also else ""
    return lines(f"{sum_if(value, within(time, w) + extra)} AS {name}_{w}d" for w in windows)


def max_if(value: str, condition: str) -> str:
    """The largest value among the rows that fulfil a condition; NULL where none does."""
    return f"MAX(CASE WHEN {condition} THEN {value} END)"


def min_if(value: str, condition: str) -> str:
    """The smallest value among the rows that fulfil a condition; NULL where none does."""
    return f"MIN(CASE WHEN {condition} THEN {value} END)"


def ratio(part: str, whole: str) -> str:
    """A quotient; NULL unless the denominator is positive."""
    return f"CASE WHEN {whole} > 0 THEN CAST({part} AS DOUBLE) / CAST({whole} AS DOUBLE) END"


def full_days_since(time: str) -> str:
    """Whole days that passed from an instant up to `as_of`, 0 for the last 24 hours."""
    return f"date_diff('day', {period('s.shift', time)}, s.day) - 1"


def days_until(time: str) -> str:
    """Calendar days from `as_of` to a later instant."""
    return f"date_diff('day', CAST(s.as_of AS DATE), CAST({time} AS DATE))"


def period(shift: str, time: str) -> str:
    """The 24 hours an instant belongs to, as the date they start at: `(day + time of day, next day + time of day]`.

    Snapshots of a batch share their time of day (`shift` holds it, and a microsecond), so windows of whole days are
    made of whole periods: a period is before a snapshot if `period < s.day`, and within `n` days if `>= s.day - n`.
    """
    return f"CAST({time} - {shift} AS DATE)"


def lines(pieces: Iterable[str]) -> str:
    """Select items, one a line."""
    return ",\n    ".join(pieces)


def ones(source: str, columns: Sequence[str], keep: Sequence[str]) -> str:
    """A SELECT of `source` in which each of `columns`, a set as the bits of a number below 2^60, is its size.

    Bits are added up pairwise, then by four, by eight, and so on: plain arithmetic, because the engines disagree on the
    name of a function for it.
    """
    kept = ", ".join(keep)
    select = source
    for step in (
        "{c} - (({c} >> 1) & 6148914691236517205)",
        "({c} & 3689348814741910323) + (({c} >> 2) & 3689348814741910323)",
        "({c} + ({c} >> 4)) & 1085102592571150095",
        "{c} + ({c} >> 8)",
        "{c} + ({c} >> 16)",
        "({c} + ({c} >> 32)) & 127",
    ):
        inner = select if select == source else f"({select}) AS b"
        select = f"SELECT {kept}, {', '.join(f'{step.format(c=c)} AS {c}' for c in columns)} FROM {inner}"
    return select
