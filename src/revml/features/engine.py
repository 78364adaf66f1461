"""From facts and snapshots to the feature table.

Comes in: `Facts` and the snapshots (account_id, as_of). Goes out: one Arrow table, a row a snapshot. The SQL of the
subjects reads the contract's views and these tables, which are made here:

    accounts_in_play  account, account_id                     all accounts, numbered
    snapshots         snapshot, account, account_id, as_of, day, shift, cutoff, past_cutoff, from_7, from_28, ...
    cohorts           account, cohort                         of the snapshots of a batch
    days, ages        see `calendar`
    clock             shift, one row                          for `store` steps, which see no snapshots

Everything lives in temporary tables of an `Engine` and is gone afterwards, save the daily store of usage (`daily`),
in which a day is built once for all builds to come. Raw usage is read once at most, however many snapshots there are.
The result does not depend on threads, on the order of rows, or on anything after `as_of`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from revml.errors import DataError
from revml.features.calendar import calendars
from revml.features.catalog import available_subjects
from revml.features.daily import ACCOUNTS, refresh, relations
from revml.features.engines import Engine, TooLarge, too_large
from revml.features.engines.local import DuckDBEngine
from revml.features.spec import Feature, Steps, Subject
from revml.features.sql import STARTS, identifier
from revml.progress import Progress, silent
from revml.sources.facts import Facts
from revml.sources.known import Known

# Snapshots, cutoffs and cohorts worked on at once: bound memory. Each batch reads the store anew, so that with very
# many accounts a batch takes some cutoffs all the same.
BATCH_ROWS = 150_000
MOST_ROWS = 500_000
FEW_CUTOFFS = 4
BATCH_CUTOFFS = 48
BATCH_COHORTS = 400
# An instant at which less than this share of the accounts is looked at is not worth a cutoff of its own for all.
_FEW = 0.1
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
    schema, parts = feature_batches(facts, snapshots, engine=engine, progress=progress)
    tables = list(parts)
    table = pa.concat_tables(tables) if tables else schema.empty_table()
    order = _in_order(table)
    return table if order is None else table.take(order)


def feature_batches(
    facts: Known, snapshots: pd.DataFrame, *, engine: Engine | None = None, progress: Progress | None = None
) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """`build_features` in parts that fit into memory, each sorted by (as_of, account_id), together in no order.

    Returns:
        The schema of the table, and its parts as they are built; the engine is closed after the last one.

    Raises:
        DataError: the snapshots lack a column or hold an empty value.
    """
    picked = available_subjects(facts)
    wanted = _distinct(snapshots)
    schema = pa.schema(
        [("account_id", pa.string()), ("as_of", pa.timestamp("us"))]
        + [(f.name, _ARROW[f.sql_type]) for _, features in picked for f in features]
    )
    return schema, _cast(facts, picked, wanted, schema, engine, progress or silent)


def _cast(
    facts: Known, picked: Picked, wanted: pd.DataFrame, schema: pa.Schema, engine: Engine | None, progress: Progress
) -> Iterator[pa.Table]:
    here = engine or _local(facts)
    try:
        if not wanted.empty:
            for part in _build(here, facts, picked, wanted, progress):
                yield part.cast(schema)
        progress("features", 1.0)
    finally:
        here.close()


def _in_order(table: pa.Table) -> pa.Array | None:
    """Where the rows go to be sorted by (as_of, account_id); None where they stand so already, as mostly they do."""
    keys = [("as_of", "ascending"), ("account_id", "ascending")]
    order = pc.sort_indices(table.select(["as_of", "account_id"]), sort_keys=keys)
    return None if np.array_equal(order.to_numpy(), np.arange(len(order))) else order


def _local(facts: Known) -> Engine:
    if not isinstance(facts, Facts):
        raise TypeError("facts that are not staged here need the engine that holds them")
    return DuckDBEngine(facts)


def _build(
    engine: Engine, facts: Known, picked: Picked, wanted: pd.DataFrame, progress: Progress
) -> Iterator[pa.Table]:
    groups = list(_same_time_of_day(wanted))
    done, total = 0, sum(len(batches) for _, batches in groups) * len(picked) + len(groups)
    needed_by = _last_uses(picked)
    for shift, batches in groups:
        everybody = pd.concat(batches)["account_id"].drop_duplicates().sort_values(ignore_index=True)
        # A microsecond more, so that midnight itself still belongs to the day before.
        engine.make("clock", f"SELECT INTERVAL '{shift + 1}' MICROSECOND AS shift")
        stored = _accounts(engine, facts, everybody, shift, progress)
        first = _first_day(engine, facts, stored)
        for subject, _ in picked:
            _run(engine, subject, subject.store if stored else subject.once, needed_by)
        done += 1
        for batch in batches:
            _prepare(engine, batch, first)
            for subject, _ in picked:
                progress(subject.name, done / total)
                _run(engine, subject, subject.steps, needed_by)
                done += 1
            yield _fetch(engine, batch, picked)


def _last_uses(picked: Picked) -> dict[str, list[str]]:
    """The tables that may go once a step is done, because no later one reads them; what is collected stays."""
    once = [step for subject, _ in picked for step in subject.once]
    batch = [step for subject, _ in picked for step in subject.steps]
    collected = {subject.table for subject, _ in picked}
    words = {name: set(re.findall(r"\w+", select)) for name, select in (*once, *batch)}
    # What is made once is read by every batch.
    kept = collected | {name for name, _ in once if any(name in words[step] for step, _ in batch)}
    out: dict[str, list[str]] = {}
    for name in words.keys() - kept:
        readers = [step for step in words if name in words[step] and step != name]
        out.setdefault(readers[-1] if readers else name, []).append(name)
    return out


def _accounts(engine: Engine, facts: Known, everybody: pd.Series[str], shift: int, progress: Progress) -> bool:
    """Number the accounts in play; returns whether the tables of `daily` are read from the store.

    The store knows whole days from midnight to midnight, and this process alone has one.
    """
    here = engine if isinstance(engine, DuckDBEngine) and not shift else None
    stored = {}
    if here and isinstance(facts, Facts):
        refresh(facts, progress=progress)
        stored = relations(facts)
    engine.put("given_accounts", pa.table({"account_id": everybody}))
    # All that the company has, and those of snapshots that it does not know of: sums over all customers need them.
    every = "SELECT account_id FROM accounts UNION SELECT account_id FROM given_accounts"
    if not here or not stored:
        numbered = "CAST(ROW_NUMBER() OVER (ORDER BY account_id) AS INTEGER) AS account"
        engine.make("accounts_in_play", f"SELECT {numbered}, account_id FROM ({every}) AS a")
        return False
    engine.make(
        "accounts_in_play",
        "SELECT CAST(COALESCE(c.code, -ROW_NUMBER() OVER (ORDER BY a.account_id)) AS INTEGER) AS account, a.account_id "
        f"FROM ({every}) AS a LEFT JOIN {stored.pop(ACCOUNTS.name)} AS c ON c.account_id = a.account_id",
    )
    for name, relation in stored.items():
        here.look(name, f"SELECT * FROM {relation} AS x")
    return True


def _fetch(engine: Engine, batch: pd.DataFrame, picked: Picked) -> pa.Table:
    """The features of a batch in the order of its snapshots."""
    found = engine.fetch(_collect(picked))
    numbers, table = found["snapshot"].to_numpy(), found.drop_columns(["snapshot"])
    if (np.diff(numbers) < 0).any():
        table = table.take(pa.array(np.argsort(numbers, kind="stable")))
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
    """Snapshots by their time of day (microseconds), in batches; in practice one group: midnight."""
    of_day = (
        (snapshots["as_of"] - snapshots["as_of"].dt.normalize()).dt.total_seconds().mul(1e6).round().astype("int64")
    )
    for shift, group in snapshots.groupby(of_day, sort=True):
        yield int(str(shift)), list(_batches(group))


def _batches(snapshots: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Snapshots with their `cohort`: those of everyone by cutoffs; odd ones by accounts that share all of theirs."""
    accounts = snapshots["account_id"].nunique()
    often = snapshots.groupby("as_of")["account_id"].transform("size")
    odd = snapshots[often < _FEW * accounts]
    shared = snapshots.drop(odd.index)
    rows = 0
    taken: list[pd.DataFrame] = []
    for _, part in shared.groupby("as_of", sort=True):
        limit = BATCH_ROWS if len(taken) >= FEW_CUTOFFS else MOST_ROWS
        if taken and (rows + len(part) > limit or len(taken) == BATCH_CUTOFFS):
            yield pd.concat(taken).assign(cohort=0)
            rows, taken = 0, []
        taken.append(part)
        rows += len(part)
    if taken:
        yield pd.concat(taken).assign(cohort=0)
    if not odd.empty:
        looks = odd.groupby("account_id")["as_of"].agg(tuple)
        cohort = odd["account_id"].map(pd.Series(pd.factorize(looks, sort=True)[0], looks.index))
        odd = odd.assign(cohort=cohort)
        size = cohort.value_counts(sort=False).sort_index().cumsum()
        batch = pd.Series(np.maximum(size // BATCH_ROWS, np.arange(len(size)) // BATCH_COHORTS), size.index)
        for _, part in odd.groupby(odd["cohort"].map(batch), sort=True):
            yield part.sort_values(["as_of", "account_id"])


def _first_day(engine: Engine, facts: Known, stored: bool) -> date:
    """Shortly before the first use or order (or 1970): where the calendar has to begin."""
    times = [f"SELECT MIN({time}) AS t FROM {name}" for name, time in _BY_DAY if facts.has(name)]
    if stored and facts.has("usage"):  # the days of use are told by the ledger, without reading them
        times[0] = "SELECT CAST(MIN(day) AS TIMESTAMP) AS t FROM usage_ledger"
    if not times:
        return _EARLIEST
    earliest: datetime = engine.fetch(f"SELECT MIN(t) AS t FROM ({' UNION ALL '.join(times)}) AS x")["t"][0].as_py()
    return max(_EARLIEST, earliest.date()) - timedelta(days=2)


def _prepare(engine: Engine, batch: pd.DataFrame, first: date) -> None:
    """Make `snapshots`, `cohorts`, `days` and `ages` for one batch."""
    # Few pairs of cohort and day stand for many snapshots.
    looks = batch.assign(day=batch["as_of"].dt.normalize())[["cohort", "day"]]
    which = looks.groupby(["cohort", "day"], sort=False).ngroup().to_numpy()
    told = [(int(cohort), at.date()) for cohort, at in looks.drop_duplicates().itertuples(index=False)]
    by_cohort: dict[int, list[date]] = {}
    for cohort, day in told:
        by_cohort.setdefault(cohort, []).append(day)
    cal = calendars(by_cohort, first)
    now, past = np.array([cal.cutoffs[pair] for pair in told], dtype=np.int32).T
    numbers = pa.table(
        {
            "account_id": pa.array(batch["account_id"], pa.string()),
            "as_of": pa.array(batch["as_of"], pa.timestamp("us")),
            "snapshot": pa.array(np.arange(len(batch), dtype=np.int32)),
            "day": pa.array([day for _, day in told], pa.date32()).take(pa.array(which)),
            "cutoff": pa.array(now[which]),
            "past_cutoff": pa.array(past[which]),
            "cohort": pa.array(batch["cohort"], pa.int32()),
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
    engine.make(
        "cohorts",
        "SELECT DISTINCT a.account, g.cohort FROM given_snapshots AS g "
        "JOIN accounts_in_play AS a ON a.account_id = g.account_id",
    )


def _run(engine: Engine, subject: Subject, steps: Steps, needed_by: dict[str, list[str]]) -> None:
    try:
        for name, select in steps:
            engine.make(name, select)
            for gone in needed_by.get(name, ()):
                engine.drop(gone)
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
