"""Similar accounts: who an account is compared with, and what is usual among them.

Similar means the same industry and size where at least `MIN_PEERS` such accounts are being scored; else the same
industry, else the same size, else all of them. Size is a band of employees, or a quarter of the accounts by yearly
money where no account's employees are known. The account itself is one of its peers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

MIN_PEERS = 20  # fewer accounts of a kind are not a comparison
MIN_KNOWN = 5  # fewer known values are not a median worth showing
EMPLOYEE_BANDS = (10, 50, 250, 1000)  # micro, small, medium, large as the EU counts them, and very large
MONEY_BANDS = 4


def peer_keys(frame: pd.DataFrame) -> list[np.ndarray]:
    """For each row, its key at each level from the most alike to all; an empty key means no such level.

    A key that fewer than `MIN_PEERS` rows share is empty; the last level is never empty. Rows about an `item` are
    compared with rows about the same one.

    Args:
        frame: may hold `industry`, `employees`, `money`, `item`; what is not there makes no difference.

    >>> levels = peer_keys(pd.DataFrame({"industry": ["retail"] * 20 + ["health"] * 3}))
    >>> [level[0] for level in levels], [level[-1] for level in levels]
    (['', 'retail', '', 'all'], ['', '', '', 'all'])
    """
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


def peer_values(
    frame: pd.DataFrame, numbers: Sequence[str], flags: Sequence[str], categories: Sequence[str]
) -> pd.DataFrame:
    """What is usual among similar accounts, for each row.

    Returns:
        One row for each of `frame`'s, in its order: the median of `numbers` and the share of yes of `flags` among
        similar accounts; the share of all accounts that have the same value of `categories`, for a peer has the same
        industry by definition. NaN where fewer than `MIN_KNOWN` accounts have a value.
    """
    if len(frame) < MIN_KNOWN:
        return pd.DataFrame(np.nan, index=range(len(frame)), columns=[*numbers, *flags, *categories])
    values = frame[[*numbers, *flags]].astype("float64").replace([np.inf, -np.inf], np.nan).reset_index(drop=True)
    out = pd.DataFrame(np.nan, index=values.index, columns=[*numbers, *flags, *categories])
    left = np.full(len(frame), True)
    for key in peer_keys(frame):
        rows = np.flatnonzero(left & (key != ""))
        if not len(rows):
            continue
        left[rows] = False
        groups = values.groupby(key)
        usual = pd.concat([groups[list(numbers)].median(), groups[list(flags)].mean()], axis=1)
        usual = usual.where(groups.count()[usual.columns] >= MIN_KNOWN)
        out.iloc[rows, : len(usual.columns)] = usual.loc[key[rows]].to_numpy()
    for name in categories:
        out[name] = _same(frame[name])
    return out


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
