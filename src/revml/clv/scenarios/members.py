"""Which accounts a segment holds, as known at an instant.

Comes in: facts, `as_of`, a declared segment. Goes out: a name for each account, or a mask. A segment that nobody stands
in is refused with the names of those that are there.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.kpis.segments import segment_of, segments_there
from revml.clv.scenarios.declared import Segment
from revml.errors import NotFound
from revml.sources.facts import Facts
from revml.yaml_file import nearest

OWNER = "owner"
SHOWN = 12
EVERY = 1_000_000_000  # no segment is put together with others

Mask = npt.NDArray[np.bool_]


def kinds_there(facts: Facts) -> tuple[str, ...]:
    """The kinds of segments that the data has."""
    return (*segments_there(facts), *((OWNER,) if facts.has("accounts", OWNER) else ()))


def names_by(facts: Facts, as_of: datetime, by: str) -> pd.Series:
    """The segment of every account, '' where it is not known; by account.

    Raises:
        NotFound: the data has no such kind.
    """
    kinds = kinds_there(facts)
    if by not in kinds:
        raise NotFound(
            "the data has no such kind of segment",
            where="--segment",
            wanted=", ".join(kinds),
            got=by,
            do=nearest(by, kinds) or "choose one of these, or leave it out for the whole company",
        )
    if by == OWNER:
        sql = "SELECT account_id, coalesce(owner, '') AS segment FROM accounts WHERE known_at <= $as_of ORDER BY ALL"
        frame = facts.con.cursor().execute(sql, {"as_of": as_of}).df().drop_duplicates("account_id")
    else:
        frame = segment_of(facts, as_of, by, most=EVERY)
    return pd.Series(frame["segment"].to_numpy(object), index=frame["account_id"].to_numpy(object))


def members(facts: Facts, as_of: datetime, segment: Segment, accounts: npt.NDArray[np.object_]) -> Mask:
    """Which of the accounts stand in the segment; all of them in the whole company.

    Raises:
        NotFound: the data has no such kind, or none of its names is this one; case does not count.
    """
    if not segment.by:
        return np.ones(len(accounts), dtype=bool)
    names = names_by(facts, as_of, segment.by)
    known = sorted({str(name) for name in names if name})
    wanted = segment.name if segment.name in known else _alike(segment.name, known)
    if wanted is None:
        more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
        raise NotFound(
            f"there is no {segment.by} of that name",
            where="--segment",
            wanted=", ".join(known[:SHOWN]) + more or f"an account whose {segment.by} is known",
            got=segment.name,
            do=nearest(segment.name, known) or "choose one of these",
        )
    return np.asarray(names.reindex(accounts).to_numpy(object) == wanted)


def _alike(name: str, known: list[str]) -> str | None:
    same = [one for one in known if one.casefold() == name.casefold()]
    return same[0] if len(same) == 1 else None
