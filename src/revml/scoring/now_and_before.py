"""Who is at risk of each question, with features now and 12 weeks before.

Comes in: facts, questions and an instant. Goes out: for each question the rows at risk with features and money, and
one frame of the same accounts' past, which reasons compare with. Nothing known after the instant is seen, and a past
that the tables do not cover is left out, not guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from revml.at_risk import AtRisk
from revml.config import QuestionName, Workspace
from revml.contract.tables import TABLES
from revml.features.catalog import available_subjects
from revml.features.engine import feature_batches
from revml.features.pairs import pair_features
from revml.labels import require
from revml.progress import Progress
from revml.snapshots import ITEM, KEYS, PAST_DAYS, bound, instants, keys_of, population
from revml.sources.facts import Facts


def now_and_before(
    workspace: Workspace,
    facts: Facts,
    questions: Sequence[QuestionName],
    as_of: datetime,
    *,
    progress: Progress | None = None,
) -> tuple[dict[QuestionName, pd.DataFrame], pd.DataFrame]:
    """`at_risk_and_before` as whole frames.

    Raises:
        NotEnoughData: the tables can no longer answer a question.
    """
    rows, past = at_risk_and_before(workspace, facts, questions, as_of, progress=progress)
    return {question: one.part(0, len(one)) for question, one in rows.items()}, past


def at_risk_and_before(
    workspace: Workspace,
    facts: Facts,
    questions: Sequence[QuestionName],
    as_of: datetime,
    *,
    progress: Progress | None = None,
) -> tuple[dict[QuestionName, AtRisk], pd.DataFrame]:
    """Everyone at risk of each question with features and money, and their features 12 weeks before.

    Both are built at once, for the raw usage is read once however many instants are asked for. Accounts that were none
    12 weeks before have no past, and neither has a feature whose table, or whose window within it, had not begun then:
    a year's orders out of a history of nine months are nothing to compare with.

    Raises:
        NotEnoughData: the tables can no longer answer a question.
    """
    at_risk: dict[QuestionName, pd.DataFrame] = {}
    for question in questions:
        require(facts, question)
        at_risk[question] = population(facts, question, workspace.question(question), [as_of])
    before = as_of - timedelta(days=PAST_DAYS)
    accounts = sorted({account for rows in at_risk.values() for account in rows["account_id"]})
    older = existing(facts, before, accounts)
    pairs = pd.DataFrame(
        {"account_id": [*accounts, *older], "as_of": instants([as_of] * len(accounts) + [before] * len(older))}
    )
    now, past = _features_at(facts, pairs, [as_of, before], progress)
    untold = [name for name, since in told_since(facts).items() if name in past.columns and before < since]
    found = {}
    for question, rows in at_risk.items():
        if ITEM in rows.columns:
            more = pair_features(facts, rows, workspace.question(question).lookback_days)
            rows = rows.merge(more, on=keys_of(rows), how="left", validate="one_to_one")
        found[question] = AtRisk.of(rows, now)
    return found, past.drop(columns=untold)


def _features_at(
    facts: Facts, pairs: pd.DataFrame, times: Sequence[datetime], progress: Progress | None
) -> list[pd.DataFrame]:
    """`datasets.feature_frame` of each instant, by account: numbers are float32 before they leave Arrow."""
    schema, batches = feature_batches(facts, pairs[list(KEYS)], progress=progress)
    kept: dict[datetime, list[pd.DataFrame]] = {at: [_slim(schema.empty_table())] for at in times}
    for batch in batches:
        for at in times:
            mine = batch.filter(pc.field("as_of") == pa.scalar(at, batch.schema.field("as_of").type))
            if len(mine):
                kept[at].append(_slim(mine))
        del batch
    return [_stacked(kept.pop(at)) for at in times]


def _slim(table: pa.Table) -> pd.DataFrame:
    for number, field in enumerate(table.schema):
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
            table = table.set_column(number, field.name, table[field.name].cast(pa.float32(), safe=False))
    frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    return frame


def _stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """One frame, sorted by account; a single one stays as it stands."""
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    if len(filled) == 1:
        return filled[0]
    return pd.concat(filled).sort_values("account_id", ignore_index=True)


def existing(facts: Facts, at: datetime, accounts: Sequence[str]) -> list[str]:
    """Which of the accounts were accounts at an instant, as far as was known then."""
    with bound(facts.con, wanted=pd.DataFrame({"account_id": pd.Series(list(accounts), dtype="str")})):
        known = facts.con.execute(
            """SELECT w.account_id FROM wanted w JOIN accounts a ON a.account_id = w.account_id
               WHERE a.created_at <= $at AND a.known_at <= $at ORDER BY w.account_id""",
            {"at": at},
        ).fetchall()
    return [account for (account,) in known]


def told_since(facts: Facts) -> dict[str, datetime]:
    """From when on each feature covers its whole window, by the first fact of its subject's tables."""
    first: dict[str, datetime] = {}
    for name, table in TABLES.items():
        if facts.has(name) and table.happened_at:
            [(earliest,)] = facts.con.execute(f"SELECT min({table.happened_at}) FROM {name}").fetchall()
            if earliest is not None:
                first[name] = earliest
    since = {}
    for subject, features in available_subjects(facts):
        begun = [first[table] for table in subject.tables if table in first]
        for feature in features if begun else ():
            since[feature.name] = max(begun) + timedelta(days=feature.window_days or 0)
    return since
