"""From facts and snapshots to the feature table.

Comes in: `Facts` and the snapshots (account_id, as_of). Goes out: one Arrow table, a row a snapshot. The SQL of the
subjects reads the contract's views and these tables, which are made here:

    accounts_in_play  account, account_id                     accounts that have a snapshot, numbered
    snapshots         snapshot, account, account_id, as_of, day, shift, cutoff, past_cutoff, from_7, from_28, ...
    days, ages        see `calendar`
    clock             shift, one row                          for `store` steps, which see no snapshots

Everything lives in temporary tables of an `Engine` and is gone afterwards, save the daily store of usage (`daily`),
in which a day is built once for all builds to come. Raw usage is read once at most, however many snapshots there are.
The result does not depend on threads, on the order of rows, or on anything after `as_of`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from revml.errors import DataError
from revml.features.calendar import calendar
from revml.features.catalog import available_subjects
from revml.features.daily import ACCOUNTS, refresh, relations
from revml.features.engines import Engine, TooLarge, too_large
from revml.features.engines.local import DuckDBEngine
from revml.features.spec import Feature, Steps, Subject
from revml.features.sql import STARTS, identifier
from revml.progress import Progress, silent
from revml.sources.facts import Facts
from revml.sources.known import Known

# Cutoffs worked on at once: bounds memory, and the reach of a user's last-seen day, on daily snapshots.
BATCH_CUTOFFS = 48
# Tables whose rows are brought to days.
_BY_DAY = (("usage", "occurred_at"), ("orders", "ordered_at"))
_EARLIEST = date(1970, 1, 1)

Picked = tuple[tuple[Subject, tuple[Feature, ...]], ...]
_ARROW = {"INTEGER": pa.int32(), "FLOAT": pa.float32(), "VARCHAR": pa.string()}


def build_features(
    facts: Known, snapshots: pd.DataFrame, *, engine: Engine | None = None, progress: Progress | None = None
) -> pa.Table:
    """The features of each snapshot, from what was known then.

    Args:
        facts: accepted facts, or what is known of them where they stay on the engine's server.
        snapshots: columns `account_id` (text) and `as_of` (naive UTC); duplicates count once, order does not matter.
        engine: where the SQL runs; absent means DuckDB in this process. It is closed at the end.
        progress: called with the subject that is done and the share of the whole.

    Returns:
        account_id, as_of (timestamp[us]), then the features of `available(facts)` in that order, as int32 (counts,
        days, flags), float32, or string (categories), sorted by (as_of, account_id).

    Raises:
        DataError: the snapshots lack a column or hold an empty value.
    """
    picked = available_subjects(facts)
    wanted = _distinct(snapshots)
    schema = pa.schema(
        [("account_id", pa.string()), ("as_of", pa.timestamp("us"))]
        + [(f.name, _ARROW[f.sql_type]) for _, features in picked for f in features]
    )
    if wanted.empty:
        return schema.empty_table()
    here = engine or _local(facts)
    try:
        parts = _build(here, facts, picked, wanted, progress or silent)
    finally:
        here.close()
    table = pa.concat_tables(parts).cast(schema)
    if wanted["as_of"].dt.normalize().ne(wanted["as_of"]).any():  # built by time of day
        table = table.sort_by([("as_of", "ascending"), ("account_id", "ascending")])
    if progress:
        progress("features", 1.0)
    return table.combine_chunks()


def _local(facts: Known) -> Engine:
    if not isinstance(facts, Facts):
        raise TypeError("facts that are not staged here need the engine that holds them")
    return DuckDBEngine(facts)


def _build(engine: Engine, facts: Known, picked: Picked, wanted: pd.DataFrame, progress: Progress) -> list[pa.Table]:
    parts = []
    groups = list(_same_time_of_day(wanted))
    done, total = 0, sum(len(batches) for _, batches in groups) * len(picked) + len(groups)
    for shift, batches in groups:
        everybody = pd.concat(batches)["account_id"].drop_duplicates().sort_values(ignore_index=True)
        # A microsecond more, so that midnight itself still belongs to the day before.
        engine.make("clock", f"SELECT INTERVAL '{shift + 1}' MICROSECOND AS shift")
        stored = _accounts(engine, facts, everybody, shift, progress)
        first = _first_day(engine, facts)
        for subject, _ in picked:
            _run(engine, subject, subject.store if stored else subject.once)
        done += 1
        for batch in batches:
            _prepare(engine, batch, first)
            for subject, _ in picked:
                progress(subject.name, done / total)
                _run(engine, subject, subject.steps)
                done += 1
            parts.append(_fetch(engine, batch, picked))
    return parts


def _accounts(engine: Engine, facts: Known, everybody: pd.Series[str], shift: int, progress: Progress) -> bool:
    """Number the accounts in play; returns whether the tables of `daily` are read from the store.

    The store knows whole days from midnight to midnight, and this process alone has one.
    """
    here = engine if isinstance(engine, DuckDBEngine) and not shift else None
    stored = {}
    if here and isinstance(facts, Facts):
        refresh(facts, progress=progress)
        stored = relations(facts)
    if not here or not stored:
        numbers = pa.table({"account": everybody.index.astype("int32"), "account_id": everybody})
        engine.put("accounts_in_play", numbers)
        return False
    engine.put("given_accounts", pa.table({"account_id": everybody}))
    engine.make(
        "accounts_in_play",
        # Accounts that nobody knows have no use, but a row of their own all the same.
        "SELECT CAST(COALESCE(c.code, -ROW_NUMBER() OVER (ORDER BY g.account_id)) AS INTEGER) AS account, g.account_id "
        f"FROM given_accounts AS g LEFT JOIN {stored.pop(ACCOUNTS.name)} AS c ON c.account_id = g.account_id",
    )
    for name, relation in stored.items():
        here.look(name, f"SELECT * FROM {relation} AS x WHERE account IN (SELECT account FROM accounts_in_play)")
    return True


def _fetch(engine: Engine, batch: pd.DataFrame, picked: Picked) -> pa.Table:
    """The features of a batch in the order of its snapshots."""
    found = engine.fetch(_collect(picked))
    order = np.argsort(found["snapshot"].to_numpy(), kind="stable")
    table = found.drop_columns(["snapshot"]).take(pa.array(order))
    keys = pa.table({"account_id": batch["account_id"], "as_of": batch["as_of"]})
    for number, name in enumerate(keys.column_names):
        table = table.add_column(number, name, keys[name])
    return table


def _distinct(snapshots: pd.DataFrame) -> pd.DataFrame:
    missing = [c for c in ("account_id", "as_of") if c not in snapshots.columns]
    if missing:
        raise DataError(
            "snapshots lack a column",
            where="snapshots",
            wanted="account_id, as_of",
            got=", ".join(map(str, snapshots.columns)),
            do=f"add {' and '.join(missing)}",
        )
    out = pd.DataFrame(
        {
            "account_id": snapshots["account_id"].astype("str").array,
            "as_of": pd.to_datetime(snapshots["as_of"]).astype("datetime64[us]").array,
        }
    )
    if snapshots["account_id"].isna().any() or out["as_of"].isna().any():
        raise DataError("a snapshot is empty", where="snapshots", do="remove rows without account_id or as_of")
    return out.drop_duplicates().sort_values(["as_of", "account_id"], ignore_index=True)


def _same_time_of_day(snapshots: pd.DataFrame) -> Iterator[tuple[int, list[pd.DataFrame]]]:
    """Snapshots by their time of day (microseconds), in batches of few cutoffs; in practice one group: midnight."""
    of_day = (
        (snapshots["as_of"] - snapshots["as_of"].dt.normalize()).dt.total_seconds().mul(1e6).round().astype("int64")
    )
    for shift, group in snapshots.groupby(of_day, sort=True):
        cutoff = group["as_of"].rank(method="dense").astype("int64") - 1
        yield int(str(shift)), [part for _, part in group.groupby(cutoff // BATCH_CUTOFFS, sort=True)]


def _first_day(engine: Engine, facts: Known) -> date:
    """Shortly before the first use or order (or 1970): where the calendar has to begin."""
    times = [f"SELECT MIN({time}) AS t FROM {name}" for name, time in _BY_DAY if facts.has(name)]
    if not times:
        return _EARLIEST
    earliest: datetime = engine.fetch(f"SELECT MIN(t) AS t FROM ({' UNION ALL '.join(times)}) AS x")["t"][0].as_py()
    return max(_EARLIEST, earliest.date()) - timedelta(days=2)


def _prepare(engine: Engine, batch: pd.DataFrame, first: date) -> None:
    """Make `snapshots`, `days` and `ages` for one batch."""
    days = [d.date() for d in batch["as_of"].dt.normalize()]
    cal = calendar(days, first)
    numbers = pa.table(
        {
            "account_id": pa.array(batch["account_id"], pa.string()),
            "as_of": pa.array(batch["as_of"], pa.timestamp("us")),
            "snapshot": pa.array(range(len(batch)), pa.int32()),
            "day": pa.array(days, pa.date32()),
            "cutoff": pa.array([cal.cutoffs[d][0] for d in days], pa.int32()),
            "past_cutoff": pa.array([cal.cutoffs[d][1] for d in days], pa.int32()),
        }
    )
    engine.put("given_snapshots", numbers)
    engine.put("days", cal.days)
    engine.put("ages", cal.ages)
    starts = ", ".join(
        f"g.as_of - INTERVAL '{n}' DAY AS from_{n}, CAST(g.day - INTERVAL '{n}' DAY AS DATE) AS from_day_{n}"
        for n in STARTS
    )
    engine.make(
        "snapshots",
        "SELECT g.snapshot, a.account, g.account_id, g.as_of, g.day, "
        f"c.shift, g.cutoff, g.past_cutoff, {starts} FROM given_snapshots AS g "
        "JOIN accounts_in_play AS a ON a.account_id = g.account_id CROSS JOIN clock AS c",
    )


def _run(engine: Engine, subject: Subject, steps: Steps) -> None:
    try:
        for name, select in steps:
            engine.make(name, select)
    except TooLarge as error:
        raise too_large(subject, error) from None


def _collect(picked: Picked) -> str:
    columns, joins = ["s.snapshot"], []
    for subject, features in picked:
        joins.append(f"LEFT JOIN {subject.table} ON {subject.table}.snapshot = s.snapshot")
        for f in features:
            value = f"{subject.table}.{identifier(f.name)}"
            value = f"COALESCE({value}, 0)" if f.empty_is_zero else value
            columns.append(f"CAST({value} AS {f.sql_type}) AS {identifier(f.name)}")
    return f"SELECT {', '.join(columns)} FROM snapshots AS s {' '.join(joins)}"
