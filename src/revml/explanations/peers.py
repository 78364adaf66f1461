"""Similar accounts: who an account is compared with, and what is usual among them.

Similar means the same industry and size where at least `MIN_PEERS` such accounts are being scored; else the same
industry, else the same size, else all of them. Size is a band of employees, or a quarter of the accounts by yearly
money where no account's employees are known. The account itself is one of its peers. What is usual is found column by
column, so that many accounts with many features never stand in one table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from revml.at_risk import AtRisk

MIN_PEERS = 20  # fewer accounts of a kind are not a comparison
MIN_KNOWN = 5  # fewer known values are not a median worth showing
EMPLOYEE_BANDS = (10, 50, 250, 1000)  # micro, small, medium, large as the EU counts them, and very large
MONEY_BANDS = 4


def peer_keys(frame: pd.DataFrame | AtRisk) -> list[np.ndarray]:
    """For each row, its key at each level from the most alike to all; an empty key means no such level.

    A key that fewer than `MIN_PEERS` rows share is empty; the last level is never empty. Rows about an `item` are
    compared with rows about the same one.

    Args:
        frame: may hold `industry`, `employees`, `money`, `item`; what is not there makes no difference.

    >>> levels = peer_keys(pd.DataFrame({"industry": ["retail"] * 20 + ["health"] * 3}))
    >>> [level[0] for level in levels], [level[-1] for level in levels]
    (['', 'retail', '', 'all'], ['', '', '', 'all'])
    """
    if isinstance(frame, AtRisk):
        told = [name for name in ("industry", "employees", "money", "item") if name in frame.columns]
        frame = pd.DataFrame({name: frame.column(name) for name in told}, index=range(len(frame)))
    industry, size = _industry(frame), _size(frame)
    item = (
        ("\t" + frame["item"].astype(str)).to_numpy(dtype=object)
        if "item" in frame
        else np.full(len(frame), "", object)
    )
    both = np.where((industry != "") & (size != ""), industry + "\t" + size, "")
    levels = []
    for key in (both, industry, size):
        key = np.where(key != "", key + item, "")
        counts = pd.Series(key).map(pd.Series(key).value_counts()).to_numpy()
        levels.append(np.where(counts >= MIN_PEERS, key, ""))
    levels.append(np.full(len(frame), "all", dtype=object) + item)
    return levels


class Peers:
    """What is usual among the peers of some rows: a small table a level, and where in it each row stands.

    Args:
        rows: all rows that are compared with one another.
        numbers, flags, categories: columns; the others have no peers.
        past: the same rows before, for `of_past`.
        moving: which of `numbers` are compared with what was usual among the same peers before.
    """

    def __init__(
        self,
        rows: AtRisk,
        numbers: Sequence[str],
        flags: Sequence[str],
        categories: Sequence[str],
        *,
        past: AtRisk | None = None,
        moving: Sequence[str] = (),
    ) -> None:
        self._names = {name: at for at, name in enumerate((*numbers, *flags))}
        self._moving = frozenset(moving if past is not None else ()) & frozenset(() if past is None else past.columns)
        self._categories: dict[str, np.ndarray] = {}
        self._enough = len(rows) >= MIN_KNOWN
        if not self._enough:
            return
        left = np.full(len(rows), True)
        self._level = np.zeros(len(rows), dtype=np.int8)
        self._group = np.zeros(len(rows), dtype=np.int64)
        levels: dict[int, _Groups] = {}
        for level, key in enumerate(peer_keys(rows)):
            mine = left & (key != "")
            left &= ~mine
            if mine.any():
                group, keys = pd.factorize(key)
                self._level[mine], self._group[mine] = level, group[mine]
                levels[level] = _Groups(np.where(key != "", group, -1), len(keys))
        self._usual = {level: np.full((made.size, len(self._names)), np.nan) for level, made in levels.items()}
        self._was = {level: np.full((made.size, len(self._names)), np.nan) for level, made in levels.items()}
        for name, at in self._names.items():
            values = _numbers(rows.column(name))
            before = _numbers(past.column(name)) if past is not None and name in self._moving else None
            for level, made in levels.items():
                self._usual[level][:, at] = made.medians(values) if at < len(numbers) else made.means(values)
                if before is not None:
                    self._was[level][:, at] = made.medians(before)
        self._categories = {name: _same(rows.column(name)) for name in categories}

    def of(self, name: str, start: int, stop: int) -> np.ndarray:
        """What is usual of a column among the peers of some rows; NaN where nothing is."""
        if self._enough and name in self._categories:
            return self._categories[name][start:stop]
        return self._taken(self._usual if self._enough else {}, name, start, stop)

    def of_past(self, name: str, start: int, stop: int) -> np.ndarray:
        """What was usual of it among the same peers before, as far as they were there; NaN where nothing was."""
        return self._taken(self._was if self._enough and name in self._moving else {}, name, start, stop)

    def _taken(self, tables: dict[int, np.ndarray], name: str, start: int, stop: int) -> np.ndarray:
        out = np.full(stop - start, np.nan)
        for level, usual in tables.items():
            mine = self._level[start:stop] == level
            out[mine] = usual[self._group[start:stop][mine], self._names[name]]
        return out


class _Groups:
    """Rows sorted by group once, so that what is usual in each costs one pass a column."""

    def __init__(self, group: np.ndarray, size: int) -> None:
        self.size = size
        self._order = np.argsort(group, kind="stable")
        self._edges = np.searchsorted(group[self._order], np.arange(size + 1))

    def medians(self, values: np.ndarray) -> np.ndarray:
        """The median of each group's known values, NaN below `MIN_KNOWN` of them."""
        out = np.full(self.size, np.nan)
        for at, known in self._known(values):
            half = len(known) // 2
            split = np.partition(known, half)
            upper = float(split[half])
            out[at] = upper if len(known) % 2 else (upper + float(split[:half].max())) / 2
        return out

    def means(self, values: np.ndarray) -> np.ndarray:
        """The mean of each group's known values, NaN below `MIN_KNOWN` of them."""
        out = np.full(self.size, np.nan)
        for at, known in self._known(values):
            out[at] = known.mean(dtype=np.float64)
        return out

    def _known(self, values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        ordered = values[self._order]
        for at in range(self.size):
            mine = ordered[self._edges[at] : self._edges[at + 1]]
            known = mine[np.isfinite(mine)]
            if len(known) >= MIN_KNOWN:
                yield at, known


def peer_values(
    frame: pd.DataFrame, numbers: Sequence[str], flags: Sequence[str], categories: Sequence[str]
) -> pd.DataFrame:
    """What is usual among similar accounts, for each row.

    Returns:
        One row for each of `frame`'s, in its order: the median of `numbers` and the share of yes of `flags` among
        similar accounts; the share of all accounts that have the same value of `categories`, for a peer has the same
        industry by definition. NaN where fewer than `MIN_KNOWN` accounts have a value.
    """
    peers = Peers(AtRisk(frame.reset_index(drop=True)), numbers, flags, categories)
    names = (*numbers, *flags, *categories)
    return pd.DataFrame({n: peers.of(n, 0, len(frame)) for n in names}, index=range(len(frame)))


def _numbers(column: pd.Series) -> np.ndarray:
    """A column as floats; what is in 32 bits stays so."""
    if column.dtype == np.float32:
        return column.to_numpy()
    return column.to_numpy(dtype="float64", na_value=np.nan)


def _same(column: pd.Series) -> np.ndarray:
    """The share of the rows with a value that have the row's own value; NaN where it has none."""
    value = column.astype("object").where(column.notna(), None).reset_index(drop=True)
    known = int(value.notna().sum())
    if known < MIN_KNOWN:
        return np.full(len(value), np.nan)
    return (value.map(value.value_counts()) / known).to_numpy(dtype=float)


def _industry(frame: pd.DataFrame) -> np.ndarray:
    if "industry" not in frame:
        return np.full(len(frame), "", dtype=object)
    column = frame["industry"]
    return column.astype("object").where(column.notna(), "").astype(str).to_numpy(dtype=object)


def _size(frame: pd.DataFrame) -> np.ndarray:
    if "employees" in frame and frame["employees"].notna().any():
        return _bands(frame["employees"].to_numpy(dtype=float, na_value=np.nan), EMPLOYEE_BANDS, "employees")
    if "money" in frame and frame["money"].notna().any():
        money = frame["money"].to_numpy(dtype=float, na_value=np.nan)
        cuts = np.nanquantile(money, np.arange(1, MONEY_BANDS) / MONEY_BANDS)
        return _bands(money, tuple(np.unique(cuts)), "money")
    return np.full(len(frame), "", dtype=object)


def _bands(values: np.ndarray, cuts: Sequence[float], name: str) -> np.ndarray:
    band = np.searchsorted(np.asarray(cuts), values, side="right")
    return np.array(["" if np.isnan(v) else f"{name} {b}" for v, b in zip(values, band, strict=True)], dtype=object)
