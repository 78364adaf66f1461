"""The replay: at each origin learn from what was known, score everyone at risk, then see what came.

Comes in: a workspace, its facts, a question. Goes out: a `Backtest`. Features of all snapshots of all origins are built
once, for they are the same from wherever one looks; labels, tables, columns and the end of the data are those of the
origin. What scores is what would have served: the rung that the ladder chose where it passed, else a rule that passed,
else the average rate (an older champion that might have stayed is not part of it). Nothing is written.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from revml.backtesting.figures import Quality, quality
from revml.backtesting.lists import ListName, Reach, reached, together
from revml.backtesting.origins import Every, Origin, origin_at, possible_origins
from revml.config import QuestionName, QuestionSpec, Workspace
from revml.datasets import Dataset, feature_columns, feature_frame, with_features
from revml.errors import ConfigError
from revml.evaluation.guard import blocking, guard
from revml.evaluation.verdict import stopped
from revml.models.baselines import Rule
from revml.models.calibration import sigmoid
from revml.models.sheet import ModelSheet, RungName, load_sheet
from revml.progress import Progress, silent
from revml.snapshots import CONTRACT_QUESTIONS, KEYS, keys_of
from revml.sources.facts import Facts
from revml.training import Fitted, fit_dataset, try_fitted


@dataclass(frozen=True)
class Replayed:
    """One origin after the fact.

    Attributes:
        ends: when the label window closed.
        chosen: the rung that the ladder chose; served: what would have scored (see the module).
        passed: whether the chosen one passed its own test, which lay before the origin.
        rule: the column of the best single-column rule, None where no column gives one.
        learned: rows, accounts and events that were learned from.
        scores: everyone at risk: account_id, money, label, probability, expected, rule; days_to_renewal where known.
        lists: whom lists of the team's capacity reach.
    """

    as_of: datetime
    ends: datetime
    chosen: RungName
    served: RungName
    passed: bool
    rule: str | None
    learned: dict[str, int]
    constant: float
    scores: pd.DataFrame = field(repr=False)
    lists: dict[ListName, Reach]

    @property
    def events(self) -> int:
        """How many of those at risk had the event."""
        return int(self.scores["label"].sum())

    @property
    def money(self) -> float:
        """The yearly money of those that had the event."""
        return float(self.scores.loc[self.scores["label"].eq(1).fillna(False), "money"].sum())


@dataclass(frozen=True)
class Backtest:
    """A replayed past.

    Attributes:
        origins: oldest first.
        lists: sums over the origins, of the lists that every origin has.
        asked: how many origins were asked for; note: why there are fewer.
    """

    question: QuestionName
    company: str
    currency: str
    spec: QuestionSpec
    capacity: int
    every: Every
    observed_until: datetime
    fingerprint: str
    origins: tuple[Replayed, ...]
    quality: Quality
    lists: dict[ListName, Reach]
    asked: int
    note: str

    def to_json(self) -> dict[str, Any]:
        """Plain numbers for programs: origins, overall, trend, lists."""
        window = self.spec.window(self.question)
        return {
            "question": self.question,
            "company": self.company,
            "currency": self.currency,
            "capacity": self.capacity,
            "horizon_days": window.horizon_days,
            "gap_days": window.gap_days,
            "every": self.every,
            "observed_until": self.observed_until.isoformat(),
            "data": self.fingerprint,
            "asked": self.asked,
            "note": self.note,
            "origins": [
                {
                    "as_of": one.as_of.isoformat(),
                    "ends": one.ends.isoformat(),
                    "chosen": one.chosen,
                    "passed": one.passed,
                    "served": one.served,
                    "rule": one.rule,
                    "learned": one.learned,
                    "at_risk": len(one.scores),
                    "measured": int(one.scores["label"].notna().sum()),
                    "events": one.events,
                    "money": round(one.money, 2),
                    "figures": _figures(self.quality.each[k]),
                    "expected": {**asdict(self.quality.expected[k]), "inside": self.quality.expected[k].inside},
                    "lists": _lists(one.lists),
                }
                for k, one in enumerate(self.origins)
            ],
            "overall": {
                "events": sum(one.events for one in self.origins),
                "money": round(sum(one.money for one in self.origins), 2),
                "figures": _figures(self.quality.overall),
                "lists": _lists(self.lists),
                "reliability": list(self.quality.reliability),
            },
            "trend": _figures(self.quality.trend),
        }


def _figures(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {k: None if v is None else round(v, 6) for k, v in asdict(figure).items()}
        for name, figure in figures.items()
    }


def _lists(lists: dict[ListName, Reach]) -> dict[str, Any]:
    return {name: {k: round(v, 2) for k, v in asdict(reach).items()} for name, reach in lists.items()}


def must_have_a_past(workspace: Workspace, question: QuestionName) -> None:
    """Refuse a question whose past nobody can replay.

    Raises:
        ConfigError: a ready table answers the question: it does not say what was known when.
    """
    if (ready := workspace.ready_for(question)) is not None:
        raise ConfigError(
            f"{question} is answered by a ready table, and its past cannot be replayed",
            where=f"revml.yaml, ready: {ready}",
            wanted="contract tables, which say when each fact became known",
            got="rows whose columns were made elsewhere",
            do=f"read the figures of `revml train {question}`, or bring the contract tables",
        )


def backtest(
    workspace: Workspace,
    facts: Facts,
    question: QuestionName,
    *,
    origins: int = 6,
    every: Every = "month",
    sheet: ModelSheet | None = None,
    progress: Progress | None = None,
) -> Backtest:
    """Replay the past of a question from its newest possible origins.

    Args:
        origins: how many are wanted; history may give fewer, see `Backtest.note`.
        sheet: absent means the workspace's.

    Raises:
        NotEnoughData: the tables cannot answer the question, or no origin is possible.
        ConfigError: a ready table answers the question: it does not say what was known when.
    """
    report = progress or silent
    must_have_a_past(workspace, question)
    sheet = sheet or load_sheet(workspace, question)
    report("looking for origins", 0.0)
    found, note = possible_origins(workspace, facts, question, wanted=origins, every=every)
    pairs = pd.concat([rows[list(KEYS)] for o in found for rows in (o.learned.rows, o.at_risk)]).drop_duplicates()
    features = feature_frame(facts, pairs, progress=lambda what, share: report(f"features: {what}", 0.4 * share))
    replayed = []
    for k, origin in enumerate(found):

        def part(what: str, share: float, at: datetime = origin.as_of, k: int = k) -> None:
            report(f"{at:%Y-%m}: {what}", 0.4 + 0.55 * (k + share) / len(found))

        replayed.append(_replay(workspace, facts, origin, features, sheet, part))
    report("figures", 0.95)
    measured = quality(
        [one.scores for one in replayed],
        [one.as_of for one in replayed],
        [one.constant for one in replayed],
        capacity=workspace.capacity.accounts_per_month,
        seed=workspace.seed,
        rounds=sheet.bootstrap_rounds,
    )
    report("replayed", 1.0)
    return Backtest(
        question=question,
        company=workspace.company.name,
        currency=workspace.company.currency,
        spec=workspace.question(question),
        capacity=workspace.capacity.accounts_per_month,
        every=every,
        observed_until=facts.observed_until,
        fingerprint=facts.fingerprint,
        origins=tuple(replayed),
        quality=measured,
        lists=together([one.lists for one in replayed]),
        asked=origins,
        note=note,
    )


def replay_at(
    workspace: Workspace,
    facts: Facts,
    question: QuestionName,
    at: datetime,
    *,
    sheet: ModelSheet | None = None,
    progress: Progress | None = None,
) -> Replayed:
    """Replay one instant of the past: what would have scored a question then, and its scores.

    Args:
        at: any instant whose label window has closed.

    Raises:
        NotEnoughData: the tables cannot answer the question, or nothing could have been learned then.
    """
    report = progress or silent
    origin = origin_at(workspace, facts, question, at)
    pairs = pd.concat([rows[list(KEYS)] for rows in (origin.learned.rows, origin.at_risk)]).drop_duplicates()
    features = feature_frame(facts, pairs, progress=lambda what, share: report(f"features: {what}", 0.4 * share))
    chosen = sheet or load_sheet(workspace, question)
    return _replay(workspace, facts, origin, features, chosen, lambda what, share: report(what, 0.4 + 0.6 * share))


def _replay(
    workspace: Workspace, facts: Facts, origin: Origin, features: pd.DataFrame, sheet: ModelSheet, progress: Progress
) -> Replayed:
    """Learn at an origin, score at it, and lay the outcome beside."""
    then = features[[*KEYS, *origin.features]]
    learned = origin.learned
    frame = with_features(facts, learned.rows, then, learned.spec)
    names, categorical = feature_columns(frame)
    dataset = Dataset(
        learned.question, learned.spec, frame, names, categorical, learned.split, origin.as_of, facts.fingerprint
    )
    chosen = fit_dataset(workspace, dataset, sheet=sheet, progress=progress)
    # The same guard and the same test as training's: what may not serve is not what would have scored.
    leaks = blocking(guard(dataset, sheet.pick(names), allow=sheet.allow))
    passed = stopped(try_fitted(workspace, chosen)[-1], leaks).passed
    serving = chosen if passed else _stand_in(workspace, dataset, sheet, leaked=bool(leaks))
    rows = with_features(facts, origin.at_risk, then, learned.spec)
    scores = rows[[*keys_of(rows), "money", "label"]].assign(probability=serving.predict(rows))
    scores["expected"] = scores["probability"] * scores["money"].fillna(0.0)
    rule, column = _best_rule(chosen, rows)
    scores["rule"] = rule
    if "days_to_renewal" in rows.columns and learned.question in CONTRACT_QUESTIONS:
        scores["days_to_renewal"] = rows["days_to_renewal"]
    return Replayed(
        as_of=origin.as_of,
        ends=origin.ends,
        chosen=chosen.climbed.served,
        served=serving.climbed.served,
        passed=passed,
        rule=column,
        learned={
            "rows": len(chosen.rows),
            "accounts": int(chosen.rows["account_id"].nunique()),
            "events": int(chosen.rows["label"].sum()),
        },
        constant=chosen.base_rate,
        scores=scores,
        lists=reached(scores, workspace.capacity.accounts_per_month),
    )


def _stand_in(workspace: Workspace, dataset: Dataset, sheet: ModelSheet, *, leaked: bool) -> Fitted:
    """What serves where no model may: the best rule if that passes, else the average rate (as `retraining` does)."""
    if "rule" in sheet.rungs and not leaked:
        rule = fit_dataset(workspace, dataset, sheet=sheet.model_copy(update={"rungs": ("constant", "rule")}))
        if try_fitted(workspace, rule)[-1].passed:
            return rule
    return fit_dataset(workspace, dataset, sheet=sheet.model_copy(update={"rungs": ("constant",)}))


def _best_rule(fitted: Fitted, rows: pd.DataFrame) -> tuple[np.ndarray, str | None]:
    """The rate of each row's bin under the best single-column rule, and that column; missing where there is none."""
    data = fitted.data
    rule = Rule.fit(data.matrix, data.label, data.accounts, data.encoding)
    if rule is None:
        return np.full(len(rows), np.nan), None
    return sigmoid(rule.raw(data.encoding.matrix(rows))), data.encoding.names[rule.column]
