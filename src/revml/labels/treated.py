"""Who was attended to while the label window ran: treated, held out, or neither.

Comes in: facts and labelled snapshots. Goes out: the snapshots with a play in their window. An account is treated where
a play that is no hold-out was done in `(as_of, as_of + gap + horizon]`; held out where a hold-out was assigned then and
no play was done. Like labels, this looks at what happened, and never becomes a feature.
"""

from __future__ import annotations

import pandas as pd

from revml.config import QuestionName, QuestionSpec
from revml.snapshots import KEYS, bound
from revml.sources.facts import Facts

TREATED, HELD_OUT = "treated", "held_out"


def treated(facts: Facts, question: QuestionName, spec: QuestionSpec, rows: pd.DataFrame) -> pd.DataFrame | None:
    """The snapshots that were treated or held out; None where the company tells nothing of plays.

    Args:
        rows: at least account_id and as_of.

    Returns:
        account_id, as_of, group (`treated` or `held_out`), one row a snapshot, sorted.
    """
    if not facts.has("actions"):
        return None
    reach = spec.window(question).reach
    pairs = rows[list(KEYS)].drop_duplicates()
    with bound(facts.con, attended=pairs.assign(closes=pairs["as_of"] + reach)):
        found: pd.DataFrame = facts.con.sql(f"""
            SELECT r.account_id, r.as_of,
                   CASE WHEN bool_or(NOT held AND done) THEN '{TREATED}' ELSE '{HELD_OUT}' END AS "group"
            FROM attended AS r
            JOIN (SELECT account_id, assigned_at, done_at, COALESCE(holdout, false) AS held FROM actions) AS x
              ON x.account_id = r.account_id
            CROSS JOIN LATERAL (SELECT x.done_at > r.as_of AND x.done_at <= r.closes AS done,
                                       x.assigned_at > r.as_of AND x.assigned_at <= r.closes AS assigned) AS w
            GROUP BY r.account_id, r.as_of
            HAVING bool_or(NOT held AND done) OR bool_or(held AND assigned)
            ORDER BY r.as_of, r.account_id
        """).df()
    return found
