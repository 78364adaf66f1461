"""Who was attended to shortly before a scoring: treated, held out, or neither, as far as was known then.

The mirror of `labels.treated`: the same two groups, over `(as_of - horizon, as_of]` in place of the label window. It
looks at the past alone; it tells scores apart and is no feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from revml.labels.treated import HELD_OUT, TREATED
from revml.snapshots import bound
from revml.sources.facts import Facts


def attended(facts: Facts, as_of: datetime, days: int, accounts: Sequence[str]) -> pd.DataFrame | None:
    """The accounts with a play in the last `days` before `as_of`; None where the company tells nothing of plays.

    Treated is whose play, no hold-out, was done within them; held out whose hold-out was assigned within them, with no
    play done.

    Returns:
        account_id, group (`treated` or `held_out`), one row an account, sorted.
    """
    if not facts.has("actions"):
        return None
    with bound(facts.con, asked=pd.DataFrame({"account_id": pd.Series(list(accounts), dtype="str")})):
        found: pd.DataFrame = facts.con.execute(
            f"""
            SELECT account_id, CASE WHEN bool_or(NOT held AND done) THEN '{TREATED}' ELSE '{HELD_OUT}' END AS "group"
            FROM (
              SELECT a.account_id, COALESCE(a.holdout, false) AS held,
                     COALESCE(a.done_at > $since AND a.done_at <= $as_of, false) AS done,
                     a.assigned_at > $since AND a.assigned_at <= $as_of AS assigned
              FROM actions AS a SEMI JOIN asked USING (account_id)
              WHERE a.known_at <= $as_of
            ) AS plays
            GROUP BY account_id
            HAVING bool_or(NOT held AND done) OR bool_or(held AND assigned)
            ORDER BY account_id
            """,
            {"as_of": as_of, "since": as_of - timedelta(days=days)},
        ).df()
    return found
