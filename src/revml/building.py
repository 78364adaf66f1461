"""The feature table as a product of its own: what `revml build` writes for notebooks, BI and warehouses.

Comes in: a workspace. Goes out: `features/features.parquet` in the work folder (a row a snapshot) and `features.json`,
which says what it was made of. The snapshots are those that the workspace's questions are learned from, closed or not,
and the newest day; training and scoring build the same features themselves, from the same daily store. Written beside
the old table and put in its place whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from revml.config import QuestionName, Workspace
from revml.contract.report import CheckReport
from revml.datasets import asked, scoring_time
from revml.features.catalog import available
from revml.features.daily import Refreshed, refresh
from revml.features.engine import feature_batches
from revml.features.engines.choosing import Chosen, EngineName, open_engine
from revml.progress import Progress, silent
from revml.snapshots import (
    CONTRACT_QUESTIONS,
    KEYS,
    first_snapshot,
    instants,
    population,
    renewal_snapshots,
    snapshot_dates,
)
from revml.sources.facts import Facts
from revml.sources.staging import stage_workspace
from revml.whole_file import whole

TABLE_FILE = "features.parquet"
META_FILE = "features.json"


@dataclass(frozen=True)
class Built:
    """A feature table that was written.

    Attributes:
        file: the Parquet file: account_id, as_of, then the features.
        snapshots, accounts, as_ofs, features: how many of each it holds.
        check: what became of the rows of the company's tables.
        daily: what the daily store did; None on engines that have none, or without usage.
    """

    file: Path
    engine: EngineName
    snapshots: int
    accounts: int
    as_ofs: int
    features: int
    observed_until: datetime
    check: CheckReport | None
    daily: Refreshed | None


def build_table(
    workspace: Workspace,
    *,
    engine: EngineName = "duckdb",
    as_of: datetime | None = None,
    full: bool = False,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Built:
    """Check what is new, bring the daily store up to it, and write the feature table.

    Args:
        engine: where the SQL runs. On `postgres` nothing is staged: the tables are checked on their server.
        as_of: one instant instead of all the workspace's snapshots: everyone at risk then.
        full: read every row again, although files have not changed.
        out: folder of the table; absent means `features` in the work folder.

    Raises:
        ConfigError: the workspace or the engine is not set up.
        DataError: a source cannot be read.
        OverLimit: too many rows broke the contract.
        NotEnoughData: the tables can answer no question, so nobody is at risk of anything.
    """
    report = progress or silent
    checked = None
    if engine != "postgres":
        checked = stage_workspace(
            workspace, full=full, progress=lambda what, share: report(f"check: {what}", share / 3)
        )
    chosen = open_engine(workspace, engine, progress=report)
    try:
        daily = None
        if engine == "duckdb" and isinstance(chosen.facts, Facts):
            daily = refresh(chosen.facts, progress=lambda what, share: report(what, (1 + share) / 3))
        pairs = wanted_snapshots(workspace, chosen, as_of)
        folder = out or workspace.work_dir / "features"
        file = _write(chosen, pairs, folder, lambda what, share: report(what, (2 + share) / 3))
    finally:
        chosen.engine.close()
    built = Built(
        file=file,
        engine=engine,
        snapshots=len(pairs),
        accounts=pairs["account_id"].nunique(),
        as_ofs=pairs["as_of"].nunique(),
        features=len(available(chosen.facts)),
        observed_until=chosen.facts.observed_until,
        check=checked or chosen.report,
        daily=daily,
    )
    _tell(built, chosen)
    return built


def wanted_snapshots(workspace: Workspace, chosen: Chosen, as_of: datetime | None = None) -> pd.DataFrame:
    """Who is looked at and when: account_id, as_of, each pair once, over all questions that the tables can answer.

    Every rhythm that the workspace asks for is in it: months or weeks, chosen dates, days before renewals, and the
    newest day, which is the one to score.

    Raises:
        NotEnoughData: the tables can answer no question.
        ConfigError: `as_of` lies after the end of the data.
    """
    facts, place = chosen.facts, chosen.place
    newest = scoring_time(facts, as_of)
    parts = []
    for question in asked(workspace, facts):
        spec = workspace.question(question)
        dates = [newest]
        if as_of is None:
            first = first_snapshot(facts, question, spec, place=place)
            dates += snapshot_dates(workspace.snapshots, first, facts.observed_until)
            parts += _before_renewals(workspace, chosen, question, first)
        parts.append(population(facts, question, spec, dates, place=place))
    pairs = pd.concat([part[list(KEYS)] for part in parts], ignore_index=True).drop_duplicates()
    return pairs.sort_values(["as_of", "account_id"], ignore_index=True).assign(as_of=lambda f: instants(f["as_of"]))


def _before_renewals(
    workspace: Workspace, chosen: Chosen, question: QuestionName, first: datetime
) -> list[pd.DataFrame]:
    if question not in CONTRACT_QUESTIONS or not workspace.snapshots.before_renewal_days:
        return []
    until = chosen.facts.observed_until
    return [renewal_snapshots(chosen.facts, workspace.snapshots, first, until, place=chosen.place)]


def _write(chosen: Chosen, pairs: pd.DataFrame, folder: Path, progress: Progress) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    schema, batches = feature_batches(chosen.facts, pairs, engine=chosen.engine, progress=progress)
    # Page checksums: without them most flipped bits read back silently wrong.
    with (
        whole(folder / TABLE_FILE) as new,
        pq.ParquetWriter(new, schema, compression="zstd", write_page_checksum=True) as writer,
    ):
        for batch in batches:
            writer.write_table(batch)
    return folder / TABLE_FILE


def _tell(built: Built, chosen: Chosen) -> None:
    told = {
        "engine": built.engine,
        "observed_until": built.observed_until.isoformat(),
        "fingerprint": chosen.facts.fingerprint if isinstance(chosen.facts, Facts) else None,
        "snapshots": built.snapshots,
        "accounts": built.accounts,
        "as_ofs": built.as_ofs,
        "features": [feature.name for feature in available(chosen.facts)],
    }
    with whole(built.file.with_name(META_FILE)) as new:
        new.write_text(json.dumps(told, indent=2), encoding="utf-8")
