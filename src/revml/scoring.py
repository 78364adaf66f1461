"""One scoring run: every account that is at risk of something, its probabilities, its reasons, its value.

Comes in: a workspace, its checked facts, the champions that training left behind. Goes out: a `ScoreRun`, frames that
the store publishes in one transaction. Many accounts are looked at and explained in parts, and what is long waits on
disk; the parts change nothing in what is published. MLflow is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from revml.at_risk import AtRisk
from revml.clv import ClvForecast, FlowParts, forecast_clv
from revml.config import QUESTIONS, UPSELL_KINDS, QuestionName, QuestionSpec, Workspace
from revml.contract.tables import TABLES
from revml.datasets import scoring_time
from revml.errors import BundleError, NotEnoughData, NotFound
from revml.explanations import explain_parts, features_of, look, own_features
from revml.features.catalog import available, available_subjects
from revml.features.engine import feature_batches
from revml.features.pairs import pair_features
from revml.features.spec import Feature
from revml.labels import answerable, require
from revml.labels.attended import attended
from revml.models.bundle import Bundle
from revml.models.curve import RENEWAL, TERM
from revml.models.learned import definition, looks_back
from revml.models.registry import champion
from revml.progress import Progress, silent
from revml.ready_scoring import ReadyToScore, ready_to_score
from revml.snapshots import ITEM, KEYS, PAST_DAYS, bound, instants, keys_of, population
from revml.sources.facts import Facts
from revml.store import Store
from revml.store.long import LongFrame, Shelved, parts_of, whole
from revml.store.runs import (
    ACCOUNT_COLUMNS,
    CLV_COLUMNS,
    FLOW_COLUMNS,
    HORIZON_COLUMNS,
    REASON_COLUMNS,
    SCORE_COLUMNS,
    ModelRef,
    ScoreRun,
)
from revml.store.snapshots import save_run

PART_ROWS = 50_000  # looked at and explained at once
CONTRACT_PAIR: tuple[QuestionName, QuestionName] = ("churn", "upsell")
# Attributes that may change over time; the newest value known at as_of is shown.
_ATTRIBUTES = ("name", "owner", "industry", "country", "region", "parent_account_id")

_ACCOUNTS_SQL = """
WITH changes AS (
  SELECT account_id, {changed}
  FROM (
    SELECT account_id, attribute, value,
           row_number() OVER (PARTITION BY account_id, attribute ORDER BY changed_at DESC, known_at DESC, value) AS nth
    FROM account_history
    WHERE changed_at <= $as_of AND known_at <= $as_of
  ) AS ordered_changes
  WHERE nth = 1
  GROUP BY account_id
), contract AS (
  SELECT account_id, sum(mrr) AS mrr
  FROM subscriptions
  WHERE started_at <= $as_of AND known_at <= $as_of AND (ended_at IS NULL OR ended_at > $as_of)
  GROUP BY account_id
), ordered AS (
  SELECT account_id, sum(amount) AS amount
  FROM orders
  WHERE ordered_at <= $as_of AND known_at <= $as_of AND ordered_at > $year_ago
  GROUP BY account_id
)
SELECT w.account_id, {newest}, a.created_at AS customer_since,
       round(coalesce(c.mrr, 0), 4) AS mrr, round(coalesce(o.amount, 0), 4) AS order_revenue_12m
FROM wanted w
LEFT JOIN accounts a ON a.account_id = w.account_id
LEFT JOIN changes h ON h.account_id = w.account_id
LEFT JOIN contract c ON c.account_id = w.account_id
LEFT JOIN ordered o ON o.account_id = w.account_id
ORDER BY w.account_id
"""


def score_workspace(
    workspace: Workspace,
    facts: Facts | None,
    *,
    as_of: datetime | None = None,
    horizon_months: int | None = None,
    part_rows: int = PART_ROWS,
    progress: Progress | None = None,
) -> ScoreRun:
    """Score, explain and forecast everyone at risk, with the champion of each question that has one.

    Args:
        facts: None where ready tables alone answer the workspace's questions.
        as_of: the instant to look from; absent means the last full day of the data. Facts known later are not seen.
        horizon_months: of the lifetime value; absent means the workspace's.
        part_rows: rows that are explained at once; reasons and flows of more accounts than these come in parts.

    Returns:
        A run with all accounts that any question or forecast is about, sorted by account.

    Raises:
        ConfigError: `as_of` lies beyond the data.
        NotFound: no question has a champion.
        NotEnoughData: nobody was a customer then.
        BundleError: a feature that a champion was trained on can no longer be built.
    """
    tell = progress or silent
    everyone = champions(workspace)
    ready = {q: ready_to_score(workspace, bundle, as_of) for q, bundle in everyone.items() if bundle.ready is not None}
    bundles = {q: bundle for q, bundle in everyone.items() if q not in ready}
    if facts is None or not bundles:
        run = _of_ready(workspace, everyone, ready, part_rows)
        tell("scored", 1.0)
        return run
    as_of = scoring_time(facts, as_of)
    rows, past = at_risk_and_before(
        workspace, facts, list(bundles), as_of, progress=lambda what, share: tell(f"features: {what}", 0.5 * share)
    )
    for question, bundle in bundles.items():
        _fits(bundle, rows[question])
    if not any(len(one) for one in rows.values()):
        raise NotEnoughData(
            "there is nobody to score",
            where=f"as of {as_of:%Y-%m-%d}",
            wanted=f"a customer whom one of the questions {', '.join(bundles)} is about",
            got="none",
            do="choose a later as_of, or see `revml preview` whom the definitions in revml.yaml count as customers",
        )
    declared = {feature.name: feature for feature in available(facts)}
    told = _Told(workspace, part_rows, long=max(len(one) for one in rows.values()) > part_rows)
    for i, (question, bundle) in enumerate(bundles.items()):
        begun, share = 0.5 + 0.25 * i / len(bundles), 0.25 / len(bundles)
        tell(f"{question}: scores and reasons", begun)
        told.add(
            bundle,
            rows.pop(question),
            past,
            definition(bundle),
            declared,
            lambda what, done, begun=begun, share=share: tell(what, begun + share * done),  # type: ignore[misc]
        )
    del past
    all_scores = told.scores
    tell("lifetime value", 0.75)
    forecast = _forecast(workspace, facts, as_of, bundles, all_scores, horizon_months)
    tell("accounts", 0.95)
    about = {account for frame in (all_scores, forecast.clv) for account in frame["account_id"]}
    for question in answerable(facts):
        about.update(population(facts, question, workspace.question(question), [as_of])["account_id"])
    run = ScoreRun(
        as_of=as_of,
        company=workspace.company.name,
        currency=workspace.company.currency,
        models=tuple(_model_ref(bundle) for bundle in bundles.values()),
        accounts=account_frame(facts, as_of, sorted(about)),
        scores=all_scores,
        reasons=told.reasons,
        clv=forecast.clv,
        flows=FlowParts(forecast.wide, part_rows) if len(forecast.clv) > part_rows else forecast.flows,
        notes=forecast.notes,
        score_notes=_looking_back(bundles, dict.fromkeys(bundles, as_of)),
        attended=_attended(facts, as_of, bundles, all_scores),
    )
    tell("scored", 1.0)
    return _joined(run, _of_ready(workspace, everyone, ready, part_rows)) if ready else run


def _of_ready(
    workspace: Workspace,
    bundles: dict[QuestionName, Bundle],
    ready: dict[QuestionName, ReadyToScore],
    part_rows: int,
) -> ScoreRun:
    """The run of the questions that ready tables answer; without facts nothing is forecast.

    Raises:
        BundleError: a champion learned from contract tables, and there are none.
    """
    for question, bundle in bundles.items():
        if question not in ready and not workspace.has_tables:
            raise BundleError(
                f"the {question} model learned from contract tables, and revml.yaml names none",
                where=f"{question} model {bundle.version}",
                wanted="data: or tables:, or a model of the ready table",
                got="ready tables alone",
                do=f"run `revml train {question}`, or bring the tables back",
            )
    told = _Told(workspace, part_rows, long=max(len(rows.frame) for rows in ready.values()) > part_rows)
    for question, rows in ready.items():
        bundle = bundles[question]
        own = own_features(bundle.ready)
        told.add(bundle, AtRisk.of(rows.frame), rows.past, workspace.question(question), own, silent)
    accounts = pd.concat([rows.accounts for rows in ready.values()]).drop_duplicates("account_id")
    return ScoreRun(
        as_of=max(rows.as_of for rows in ready.values()),
        company=workspace.company.name,
        currency=workspace.company.currency,
        models=tuple(_model_ref(bundles[question]) for question in ready),
        accounts=accounts.sort_values("account_id", ignore_index=True),
        scores=told.scores,
        reasons=told.reasons,
        clv=pd.DataFrame(columns=list(CLV_COLUMNS)),
        flows=pd.DataFrame(columns=list(FLOW_COLUMNS)),
        score_notes=(
            *(note for rows in ready.values() for note in rows.notes),
            *_looking_back(bundles, {question: rows.as_of for question, rows in ready.items()}),
        ),
    )


def _joined(run: ScoreRun, own: ScoreRun) -> ScoreRun:
    """One run of both: whom the facts tell of keeps what they tell."""
    strangers = own.accounts[~own.accounts["account_id"].isin(run.accounts["account_id"])]
    accounts = pd.concat([run.accounts, strangers]) if len(strangers) else run.accounts
    return replace(
        run,
        models=run.models + own.models,
        accounts=accounts.sort_values("account_id", ignore_index=True),
        scores=pd.concat([run.scores, own.scores], ignore_index=True),
        reasons=_chained(run.reasons, own.reasons),
        score_notes=run.score_notes + own.score_notes,
    )


def _chained(first: LongFrame, second: LongFrame) -> LongFrame:
    if isinstance(first, Shelved):
        for part in parts_of(second):
            first.add(part)
        return first
    return pd.concat([whole(first), whole(second)], ignore_index=True)


class _Told:
    """Scores and reasons of the questions that are done; the reasons of many accounts wait on disk."""

    def __init__(self, workspace: Workspace, part_rows: int, *, long: bool) -> None:
        self._workspace, self._part_rows = workspace, part_rows
        self._scores: list[pd.DataFrame] = []
        self._reasons: list[pd.DataFrame] = []
        self._shelf = Shelved(workspace.work_dir) if long else None

    def add(
        self,
        bundle: Bundle,
        rows: AtRisk,
        past: pd.DataFrame | None,
        spec: QuestionSpec,
        own: Mapping[str, Feature],
        progress: Progress,
    ) -> None:
        """Score and explain the rows of a question."""
        looked = look(
            bundle,
            rows,
            features_of(bundle, own),
            part_rows=self._part_rows,
            place=self._workspace.work_dir,
            progress=lambda what, done: progress(f"{bundle.question}: {what}", done / 2),
        )
        self._scores.append(_scores(bundle, rows, looked.probability, spec))
        told = explain_parts(looked, past, currency=self._workspace.company.currency)
        for number, reasons in enumerate(told):
            if self._shelf is None:
                self._reasons.append(reasons)
            else:
                self._shelf.add(reasons)
            progress(f"{bundle.question}: reasons", 0.5 + (number + 1) / len(looked.parts) / 2)

    @property
    def scores(self) -> pd.DataFrame:
        """`SCORE_COLUMNS` and `HORIZON_COLUMNS` of all questions."""
        return pd.concat(self._scores, ignore_index=True)

    @property
    def reasons(self) -> LongFrame:
        """`REASON_COLUMNS` of all questions."""
        if self._shelf is not None:
            return self._shelf
        return pd.concat(self._reasons, ignore_index=True)[list(REASON_COLUMNS)]


def publish_run(workspace: Workspace, run: ScoreRun) -> int:
    """Publish a run in the scores database, keep its Parquet snapshot for warehouses, and return its number.

    Raises:
        StoreError: the database refuses; the run before stays current.
    """
    with Store.open(workspace.store_url) as store:
        number = store.publish(run)
        kept = [published.id for published in store.runs()]
    save_run(run, number, workspace.work_dir / "runs", keep=kept)
    return number


def champions(workspace: Workspace) -> dict[QuestionName, Bundle]:
    """The model in service of each question that has one.

    Raises:
        NotFound: no question has one.
    """
    found: dict[QuestionName, Bundle] = {}
    for question in QUESTIONS:
        try:
            found[question] = champion(workspace, question)
        except NotFound:
            continue
    if not found:
        raise NotFound(
            "no question has a model in service yet",
            where=str(workspace.bundles_dir),
            wanted="a champion for at least one question",
            got="none",
            do="run `revml train all` first",
        )
    return found


def _fits(bundle: Bundle, rows: AtRisk) -> None:
    gone = [name for name in bundle.features if name not in rows.columns]
    if gone:
        raise BundleError(
            f"the {bundle.question} model was trained on features that the data no longer gives",
            where=f"{bundle.question} model {bundle.version}",
            wanted=", ".join(gone[:20]) + (f" and {len(gone) - 20} more" if len(gone) > 20 else ""),
            got="checked data without them",
            do=f"bring the missing tables or columns back, or run `revml train {bundle.question}`",
        )


def _model_ref(bundle: Bundle) -> ModelRef:
    return ModelRef(
        question=bundle.question,
        version=bundle.version,
        bundle=bundle.hash,
        rung=bundle.rung,
        horizon_days=bundle.horizon_days,
        base_rate=bundle.base_rate,
        figures=bundle.figures,
        extrapolated_days=bundle.extrapolated_days,
    )


def _looking_back(bundles: Mapping[QuestionName, Bundle], as_of: Mapping[QuestionName, datetime]) -> tuple[str, ...]:
    """A note for each question whose model learned from what came after the instant that it scores."""
    told = (looks_back(bundles[question], at) for question, at in as_of.items())
    return tuple(note for note in told if note is not None)


def _attended(
    facts: Facts, as_of: datetime, bundles: Mapping[QuestionName, Bundle], scores: pd.DataFrame
) -> pd.DataFrame | None:
    """Who was treated or held out in the horizon of each question before `as_of`: question, account_id, group."""
    found = []
    for question, bundle in bundles.items():
        accounts = scores.loc[scores["question"] == question, "account_id"].unique().tolist()
        groups = attended(facts, as_of, bundle.horizon_days, accounts)
        if groups is None:
            return None
        found.append(groups.assign(question=question))
    return pd.concat(found, ignore_index=True)


def _forecast(
    workspace: Workspace,
    facts: Facts,
    as_of: datetime,
    bundles: dict[QuestionName, Bundle],
    scores: pd.DataFrame,
    horizon_months: int | None,
) -> ClvForecast:
    """Lifetime values, tied to the published probabilities of churn and upsell."""

    def published(question: QuestionName) -> pd.DataFrame | None:
        if question not in bundles:
            return None
        mine = scores["question"] == question
        return scores.loc[mine, ["account_id", "probability"]].reset_index(drop=True)

    specs = {q: definition(bundles[q]) if q in bundles else workspace.question(q) for q in CONTRACT_PAIR}
    # A probability covers the gap too: whoever leaves within it was not asked again.
    churn, upsell = (specs[q].gap_days + specs[q].horizon_days for q in CONTRACT_PAIR)
    return forecast_clv(
        facts,
        as_of,
        workspace.economics,
        p_churn=published("churn"),
        churn_horizon_days=churn,
        p_upsell=published("upsell"),
        upsell_horizon_days=upsell,
        uplift=specs["upsell"].uplift,
        horizon_months=horizon_months or workspace.economics.horizon_months,
        seed=workspace.seed,
    )


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


def score(bundle: Bundle, frame: pd.DataFrame, spec: QuestionSpec) -> pd.DataFrame:
    """Probabilities with rank, band and money.

    Args:
        frame: `account_id`, `item` where there is one, `money` and the bundle's features.
        spec: the definition that the bundle was trained on.

    Returns:
        `SCORE_COLUMNS` and those of `HORIZON_COLUMNS`, sorted by account and item.
    """
    rows = AtRisk.of(frame)
    probability = bundle.predict(rows.own) if len(rows) else np.empty(0)
    return _scores(bundle, rows, probability, spec)


def _scores(bundle: Bundle, rows: AtRisk, probability: np.ndarray, spec: QuestionSpec) -> pd.DataFrame:
    """`score` of rows whose probabilities are known."""
    own, n = rows.own, len(rows)
    money = own["money"].to_numpy(dtype=float, na_value=np.nan)
    told = pd.DataFrame(
        {
            "account_id": own["account_id"].astype("str"),
            "question": pd.Series([bundle.question] * n, dtype="str"),
            "item": own[ITEM].astype("str") if ITEM in own else pd.Series([""] * n, dtype="str"),
            "probability": probability,
            "percentile": pd.Series(probability).rank(pct=True).to_numpy() * 100,
            "band": pd.Series(bundle.bands.of(probability), dtype="str"),
            "money": money,
            "expected_money": probability * share_at_stake(bundle.question, spec) * money,
            "model_version": pd.Series([bundle.version] * n, dtype="str"),
        }
    )[list(SCORE_COLUMNS)]
    return told.assign(**_other_horizons(bundle, rows, probability))


def _other_horizons(bundle: Bundle, rows: AtRisk, probability: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of `HORIZON_COLUMNS`; NaN where the question has one horizon."""
    if bundle.hazards is None:
        return {name: np.full(len(rows), np.nan) for name in HORIZON_COLUMNS.values()}
    known = [name for name in (RENEWAL, TERM) if name in bundle.features]
    curve = bundle.curve(pd.DataFrame({name: rows.column(name) for name in known}, index=rows.own.index), probability)
    assert curve is not None  # noqa: S101 - there are hazards
    at = bundle.hazards.horizons.index
    return {name: curve[:, at(days)] for days, name in HORIZON_COLUMNS.items()}


def share_at_stake(question: str, spec: QuestionSpec) -> float:
    """The share of a relation's yearly money that the event loses or gains at least.

    >>> share_at_stake("churn", QuestionSpec()), share_at_stake("growth", QuestionSpec(growth_ratio=1.5))
    (1.0, 0.5)
    """
    if question in UPSELL_KINDS:
        return spec.uplift
    return {"upsell": spec.uplift, "contraction": spec.drop, "growth": spec.growth_ratio - 1.0}.get(question, 1.0)


def account_frame(facts: Facts, as_of: datetime, accounts: list[str]) -> pd.DataFrame:
    """Who the accounts are, with attributes, MRR and order revenue as known at `as_of`: `ACCOUNT_COLUMNS`."""
    changed = ", ".join(f"max(CASE WHEN attribute = '{name}' THEN value END) AS {name}" for name in _ATTRIBUTES)
    newest = ", ".join(f"coalesce(h.{name}, a.{name}) AS {name}" for name in _ATTRIBUTES)
    with bound(facts.con, wanted=pd.DataFrame({"account_id": pd.Series(accounts, dtype="str")})):
        frame = facts.con.execute(
            _ACCOUNTS_SQL.format(changed=changed, newest=newest),
            {"as_of": as_of, "year_ago": as_of - timedelta(days=365)},
        ).df()
    return pd.DataFrame(frame[list(ACCOUNT_COLUMNS)])
