"""SQL functions that a mapping may call, whatever the export wrote: text, numbers or times.

    as_time(x)    an instant: unix seconds, milliseconds or microseconds, or an ISO time (UTC where it names no zone)
    as_number(x)  a number
    as_flag(x)    true or false: true/false, t/f, yes/no, 1/0

Nothing gives nothing. What cannot be read is an error that names the value, never an empty value: an end that got lost
would make a customer look alive.
"""

from __future__ import annotations

import duckdb

_TEXT = "nullif(trim(x), '')"


def _since_1970(number: str) -> str:
    """An instant from seconds, milliseconds or microseconds, which the size tells; 20240501 is none of them."""
    # A text that is no time makes the conversion fail and tell it; error() may not stand everywhere in a query.
    return f"""CASE
        WHEN abs({number}) < 1e8 THEN CAST('no unix time: ' || CAST({number} AS BIGINT) AS TIMESTAMPTZ)
        WHEN abs({number}) < 1e11 THEN to_timestamp({number})
        WHEN abs({number}) < 1e14 THEN to_timestamp({number} / 1e3) ELSE to_timestamp({number} / 1e6) END"""


# By the type of what is given, so that a column of times is not written out and read again.
FUNCTIONS = {
    "as_time": {
        "TIMESTAMP": "CAST(x AS TIMESTAMPTZ)",
        "TIMESTAMPTZ": "x",
        "DATE": "CAST(x AS TIMESTAMPTZ)",
        "BIGINT": _since_1970("CAST(x AS DOUBLE)"),
        "DOUBLE": _since_1970("x"),
        # TRY_CAST, for the engine may read every value before it looks at the condition; +0000 is read as +00:00.
        "VARCHAR": rf"""CASE WHEN regexp_full_match({_TEXT}, '\d{{9,16}}(\.0+)?')
            THEN {_since_1970(f"TRY_CAST({_TEXT} AS DOUBLE)")}
            ELSE CAST(regexp_replace({_TEXT}, '(:\d\d.*[+-]\d\d)(\d\d)$', '\1:\2') AS TIMESTAMPTZ) END""",
    },
    "as_number": {"BIGINT": "CAST(x AS DOUBLE)", "DOUBLE": "x", "VARCHAR": f"CAST({_TEXT} AS DOUBLE)"},
    "as_flag": {"BOOLEAN": "x", "BIGINT": "CAST(x AS BOOLEAN)", "VARCHAR": f"CAST({_TEXT} AS BOOLEAN)"},
}


def define_functions(con: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to a connection."""
    for name, bodies in FUNCTIONS.items():
        told = ", ".join(f"(x {kind}) AS {body}" for kind, body in bodies.items())
        con.execute(f"CREATE OR REPLACE TEMP MACRO {name}{told}")
