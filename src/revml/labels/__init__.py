"""Labels: what happened to an account after a snapshot, one class a question.

Comes in: facts, the definition of a question, and who was at risk. Goes out: a label of 1 or 0 for each pair, and NA
where the window has not closed yet or the question does not apply. Labels never meet features here.
"""

from __future__ import annotations

import difflib

import pandas as pd

from revml.config import QUESTIONS, QuestionName, QuestionSpec
from revml.errors import ConfigError, NotEnoughData
from revml.labels.attach import Attach
from revml.labels.churn import Churn
from revml.labels.contraction import Contraction
from revml.labels.cross_sell import CrossSell
from revml.labels.growth import Growth
from revml.labels.lapse import Lapse
from revml.labels.question import Question
from revml.labels.replacement import Replacement
from revml.labels.upsell import Upsell
from revml.labels.upsell_kinds import UpsellModule, UpsellSeats, UpsellTier
from revml.snapshots import bound, keys_of
from revml.sources.facts import Facts
from revml.sources.known import Known

DEFINITIONS: dict[QuestionName, Question] = {
    q.name: q
    for q in (
        Churn(),
        Contraction(),
        Upsell(),
        UpsellSeats(),
        UpsellTier(),
        UpsellModule(),
        Lapse(),
        Growth(),
        Attach(),
        Replacement(),
        CrossSell(),
    )
}


def answerable(facts: Known) -> tuple[QuestionName, ...]:
    """The questions that the company's tables can answer."""
    return tuple(name for name in QUESTIONS if not _missing(facts, name))


def question_named(name: str) -> QuestionName:
    """The question of that name.

    Raises:
        ConfigError: there is none; names the nearest.
    """
    for known in QUESTIONS:
        if name == known:
            return known
    near = difflib.get_close_matches(name, QUESTIONS, n=1)
    raise ConfigError(
        "there is no such question",
        wanted=", ".join(QUESTIONS),
        got=name,
        do=f"did you mean {near[0]!r}?" if near else "use one of these names",
    )


def require(facts: Known, question: QuestionName) -> None:
    """Refuse a question that the tables cannot answer.

    Raises:
        NotEnoughData: names the tables and columns that are missing.
    """
    missing = _missing(facts, question)
    if missing:
        others = ", ".join(answerable(facts))
        raise NotEnoughData(
            f"the tables cannot answer {question!r}",
            wanted=", ".join(missing),
            got="no value in the checked data",
            do=f"map what is missing in revml.yaml{f', or ask one of: {others}' if others else ''}",
        )


def _missing(facts: Known, question: QuestionName) -> list[str]:
    asked = DEFINITIONS[question]
    missing = [
        f"{table}.{column}"
        for table, columns in asked.needs.items()
        for column in columns
        if not facts.has(table, column)
    ]
    if asked.needs_one and not any(facts.has(*column.split(".")) for column in asked.needs_one):
        missing.append(" or ".join(asked.needs_one))
    return missing


def label(facts: Facts, question: QuestionName, spec: QuestionSpec, population: pd.DataFrame) -> pd.DataFrame:
    """What happened to each account at risk.

    Args:
        population: at least the question's keys (account_id, as_of, and item where it is about pairs).

    Returns:
        The keys, label (Int8; NA where the window has not closed or the question does not apply), in the order of
        `population`.
    """
    window = spec.window(question)
    keys = keys_of(population)
    rows = population[keys].reset_index(drop=True)
    opens, closes = (rows["as_of"] + pd.Timedelta(days=d) for d in (window.gap_days, window.reach.days))
    settled = closes + pd.Timedelta(days=window.settle_days) <= facts.observed_until
    at_risk = rows.assign(opens=opens, closes=closes)[settled]
    with bound(facts.con, at_risk=at_risk):
        decided = facts.con.sql(DEFINITIONS[question].sql(spec, facts.observed_until)).df()
    out = rows.merge(decided, on=keys, how="left", validate="one_to_one")
    return out.assign(label=out["label"].astype("Int8"))
