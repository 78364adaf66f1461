"""Sums over all customers in trailing windows, to hold an account against: what everybody does in August is no sign.

The sums run over every account that the company has, whoever has a snapshot, so that an account's features are the
same whether it is looked at alone or among all.
"""

from __future__ import annotations

from collections.abc import Sequence

from revml.features.spec import Steps
from revml.features.sql import lines


def everybody(name: str, source: str, sums: Sequence[str], windows: Sequence[int]) -> Steps:
    """Steps that end in `<name>_everybody(day, <sum>_<window>, ...)`, a row for each day that has a snapshot.

    Args:
        name: prefix of the tables made.
        source: a table with `day, known_day` and the columns to add up, of all accounts.
        sums: the columns.
        windows: lengths in days, all of them in `sql.STARTS`.
    """
    totals = (
        f"SELECT day, known_day, {', '.join(f'SUM({c}) AS {c}' for c in sums)} FROM {source} GROUP BY day, known_day"
    )
    looks = f"SELECT DISTINCT day, {', '.join(f'from_day_{w}' for w in windows)} FROM snapshots"
    columns = lines(
        f"SUM(CASE WHEN x.day >= s.from_day_{w} THEN x.{c} ELSE 0 END) AS {c}_{w}" for c in sums for w in windows
    )
    summed = f"""
SELECT s.day, {columns}
FROM {name}_looks AS s
JOIN {name}_totals AS x ON x.day < s.day AND x.day >= s.from_day_{max(windows)} AND x.known_day < s.day
GROUP BY s.day
"""
    return ((f"{name}_totals", totals), (f"{name}_looks", looks), (f"{name}_everybody", summed))


def against(own: tuple[str, str], all_: tuple[str, str]) -> str:
    """An account's quotient divided by that of all customers; NULL where one of them has no denominator.

    >>> against(("a", "b"), ("c", "d")).startswith("CASE WHEN b > 0 AND c > 0 AND d > 0 THEN")
    True
    """
    (part, whole), (parts, wholes) = own, all_
    double = "CAST({} AS DOUBLE)".format
    return (
        f"CASE WHEN {whole} > 0 AND {parts} > 0 AND {wholes} > 0 "
        f"THEN {double(part)} / {double(whole)} / ({double(parts)} / {double(wholes)}) END"
    )
