"""SQL functions that a mapping may call, whatever the export wrote: text, numbers or times.

    as_time(x)    an instant: unix seconds, milliseconds or microseconds, or an ISO time (UTC where it names no zone)
    as_number(x)  a number
    as_flag(x)    true or false: true/false, t/f, yes/no, 1/0

Nothing gives nothing. What cannot be read is an error that names the value, never an empty value: an end that got lost
would make a customer look alive.
"""

from __future__ import annotations

import duckdb

_TEXT = "nullif(trim(CAST(x AS VARCHAR)), '')"
_DIGITS = rf"regexp_full_match({_TEXT}, '\d{{%s}}(\.0+)?')"
# A zone written as +0000 is read as +00:00.
_ISO = rf"regexp_replace({_TEXT}, '([+-]\d\d)(\d\d)$', '\1:\2')"

FUNCTIONS = {
    "as_time": f"""CASE
        WHEN {_DIGITS % "9,10"} THEN to_timestamp(CAST({_TEXT} AS DOUBLE))
        WHEN {_DIGITS % "12,13"} THEN to_timestamp(CAST({_TEXT} AS DOUBLE) / 1e3)
        WHEN {_DIGITS % "15,16"} THEN to_timestamp(CAST({_TEXT} AS DOUBLE) / 1e6)
        WHEN regexp_full_match({_TEXT}, '.*\\d:\\d\\d.*[+-]\\d{{4}}') THEN CAST({_ISO} AS TIMESTAMPTZ)
        ELSE CAST({_TEXT} AS TIMESTAMPTZ) END""",
    "as_number": f"CAST({_TEXT} AS DOUBLE)",
    "as_flag": f"CAST({_TEXT} AS BOOLEAN)",
}


def define_functions(con: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to a connection."""
    for name, body in FUNCTIONS.items():
        con.execute(f"CREATE OR REPLACE TEMP MACRO {name}(x) AS {body}")
