"""What MRR of accounts that stayed did in the past, as paths to draw from: by segment and size.

Comes in: subscriptions known at `as_of`. Goes out: `Changes`, in each cell paths of MRR against their start over
several months. A path is one account's own, months in their order, so that steps at renewals and accounts that keep
growing stay together; longer horizons chain paths. In each cell and month they are divided by their mean, so that
drawing from them changes no expectation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from revml.clv.contracts.growth import MAX_RISE
from revml.clv.value import MONTH_SECONDS, Floats
from revml.sources.facts import Facts

MAX_MONTHS = 60
LONGEST = 24
MIN_PATHS = 200
MAX_PATHS = 20_000
MAX_ACCOUNTS = 20_000
# Below so many paths of all accounts together, MRR is taken to scatter by this share a year.
FEW_PATHS = 30
GUESSED_SD = 0.20

_MRR = """
WITH known AS (
  SELECT account_id, started_at, mrr,
    coalesce(CASE WHEN ended_at <= $as_of THEN ended_at END, TIMESTAMP '9999-12-31') AS until
  FROM subscriptions
  WHERE known_at <= $as_of AND started_at <= $as_of AND md5_number_lower(account_id) % $one_in = 0
),
landmarks AS (SELECT i, $as_of::TIMESTAMP - to_seconds(i * $month) AS at FROM range(0, $count + 1) AS r(i))
SELECT k.account_id, CAST($count - m.i AS INTEGER) AS month, sum(k.mrr ORDER BY k.started_at, k.mrr) AS mrr
FROM landmarks AS m JOIN known AS k ON k.started_at <= m.at AND k.until > m.at
GROUP BY ALL ORDER BY ALL"""


@dataclass(frozen=True)
class Changes:
    """Past paths of MRR of surviving accounts; in each cell their mean is one in every month.

    Attributes:
        paths: by cell (paths, length) MRR against the start.
        cells: number of the cell by (segment, size); ('', -1) is everybody.
        size_edges: MRR that separates small, middle and large.
        observed: how many paths there are in all; 0 where their scatter is guessed.
    """

    paths: tuple[npt.NDArray[np.float32], ...]
    cells: dict[tuple[str, int], int]
    size_edges: Floats
    observed: int

    def cell(self, mrr: Floats, segment: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
        """(n,) the cell of each account: its segment and size, else its size, else everybody."""
        sizes = np.searchsorted(self.size_edges, mrr, side="right")
        found = [
            next(self.cells[key] for key in ((name, size), ("", size), ("", -1)) if key in self.cells)
            for name, size in zip(segment.tolist(), sizes.tolist(), strict=True)
        ]
        return np.asarray(found, dtype=np.int64)

    def draw(
        self, cell: npt.NDArray[np.int64], months: int, rng: np.random.Generator, draws: int
    ) -> npt.NDArray[np.float32]:
        """(draws, accounts, months) factors with mean one: paths drawn with replacement, chained to the horizon."""
        out = np.empty((draws, len(cell), months), dtype=np.float32)
        for number in np.unique(cell):
            paths, rows = self.paths[number], np.flatnonzero(cell == number)
            length = paths.shape[1]
            level = np.ones((draws, len(rows), 1), dtype=np.float32)
            for start in range(0, months, length):
                picked = paths[rng.integers(0, len(paths), (draws, len(rows)), dtype=np.int32)]
                stop = min(start + length, months)
                out[:, rows, start:stop] = level * picked[:, :, : stop - start]
                level = level * picked[:, :, -1:]
        return out


def past_changes(facts: Facts, as_of: datetime) -> Changes:
    """Paths of MRR of accounts that stayed over their whole length, known at `as_of`.

    They are as long as half of the history, at most `LONGEST` months, and begin every three months. Cells with fewer
    than `MIN_PATHS` paths are pooled: into their size, then into everybody.
    """
    found = facts.con.cursor().execute(
        "SELECT min(started_at), count(DISTINCT account_id) FROM subscriptions "
        "WHERE known_at <= $as_of AND started_at <= $as_of",
        {"as_of": as_of},
    )
    [(began, accounts)] = found.fetchall()
    history = 0 if began is None else int((as_of - began).total_seconds() // MONTH_SECONDS)
    history = min(history, MAX_MONTHS)
    length = max(min(history // 2, LONGEST), 1)
    values = {"as_of": as_of, "count": history, "month": MONTH_SECONDS, "one_in": -(-accounts // MAX_ACCOUNTS) or 1}
    frame: pd.DataFrame = facts.con.cursor().execute(_MRR, values).df()
    names, place = np.unique(frame["account_id"].to_numpy(object).astype(str), return_inverse=True)
    mrr = np.zeros((len(names), history + 1))
    mrr[place, frame["month"].to_numpy(int)] = frame["mrr"].to_numpy(float)
    segment = segments_of(facts, as_of, names.astype(object))
    ratios, was, who = [], [], []
    for start in range(history - length, -1, -min(3, length)):
        span = mrr[:, start : start + length + 1]
        stayed = np.flatnonzero((span > 0).all(axis=1))
        ratios.append(np.minimum(span[stayed, 1:] / span[stayed, :1], 1.0 + MAX_RISE))
        was.append(span[stayed, 0])
        who.append(segment[stayed])
    if sum(len(part) for part in was) < FEW_PATHS:
        return _guessed()
    return _cells(np.concatenate(ratios), np.concatenate(was), np.concatenate(who))


def segments_of(facts: Facts, as_of: datetime, accounts: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """(n,) industry of each account as known at `as_of`, '' where none is."""
    if not facts.has("accounts", "industry"):
        return np.full(len(accounts), "", dtype=object)
    frame = (
        facts.con.cursor()
        .execute("SELECT account_id, industry FROM accounts WHERE known_at <= $as_of", {"as_of": as_of})
        .df()
    )
    known = frame.drop_duplicates("account_id", keep="last").set_index("account_id")["industry"]
    return np.asarray(known.reindex(accounts).astype(object).fillna("").to_numpy(object))


def _cells(ratios: Floats, was: Floats, segment: npt.NDArray[np.object_]) -> Changes:
    edges = np.quantile(was, [1 / 3, 2 / 3])
    size = np.searchsorted(edges, was, side="right")
    cells: dict[tuple[str, int], int] = {}
    paths: list[npt.NDArray[np.float32]] = []
    keys = [("", -1), *(("", i) for i in range(3)), *((str(s), i) for s in sorted(set(segment)) for i in range(3) if s)]
    for name, number in keys:
        rows = np.flatnonzero((size == number if number >= 0 else size >= 0) & ((segment == name) | (name == "")))
        if len(rows) < MIN_PATHS and number >= 0:
            continue
        rows = rows[:: -(-len(rows) // MAX_PATHS)]
        cells[name, number] = len(paths)
        paths.append((ratios[rows] / ratios[rows].mean(axis=0)).astype(np.float32))
    return Changes(tuple(paths), cells, edges, len(was))


def _guessed() -> Changes:
    steps = np.random.default_rng(0).standard_normal((500, 12)) * GUESSED_SD / np.sqrt(12)
    ratios = np.exp(np.cumsum(steps, axis=1))
    return Changes(((ratios / ratios.mean(axis=0)).astype(np.float32),), {("", -1): 0}, np.array([0.0, 0.0]), 0)
