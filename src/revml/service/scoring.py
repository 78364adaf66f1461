"""Scoring of rows that a caller sends: checked against the champion's features, predicted, explained.

A row names every feature of the model, null where a value is unknown: a feature that is silently absent would be
scored as unknown and nobody would notice. Categories that the model never saw count as unknown and are reported.
"""

from __future__ import annotations

import difflib
from typing import Any, cast

import numpy as np
import pandas as pd
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.at_risk import AtRisk
from revml.config import QUESTIONS, QuestionName
from revml.explanations import explain_parts, features_of, look, own_features
from revml.models import Bundle
from revml.service.answers import JsonAnswer
from revml.service.parameters import Parameters
from revml.service.problems import Problem
from revml.service.serving import Serving
from revml.service.strict_json import read_json

MAX_ROWS = 1000
MAX_CATEGORY = 256
GREATEST = 3.4e38  # float32, what trees compare
SHOWN = 8
Rows = list[dict[str, Any]]


async def score(request: Request) -> Response:
    """Probability, band and reasons of each row sent."""
    state: Serving = request.app.state.serving
    language = Parameters(request, ("lang",)).language(state.workspace.language)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(
            415,
            "not-json",
            "only JSON is read here",
            field="Content-Type",
            wanted="application/json",
            got=request.headers.get("content-type", "")[:80],
        )
    question, rows = _request(read_json(await request.body()))
    return await run_in_threadpool(_answer, state, question, rows, language)


def _request(body: Any) -> tuple[QuestionName, list[Any]]:
    if not isinstance(body, dict):
        raise _invalid("body", "an object was expected", '{"question": ..., "rows": [...]}', type(body).__name__)
    for key in body:
        if key not in ("question", "rows"):
            raise _invalid(key[:80], "unknown key", "question, rows", key[:80])
    question, rows = body.get("question"), body.get("rows")
    if question not in QUESTIONS:
        raise _invalid("question", "no such question", ", ".join(QUESTIONS), _shown(question))
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_ROWS:
        got = f"{len(rows)} rows" if isinstance(rows, list) else _shown(rows)
        raise _invalid("rows", "a list of rows was expected", f"1 to {MAX_ROWS} rows", got)
    return cast(QuestionName, question), rows


def _answer(state: Serving, question: QuestionName, rows: list[Any], language: str) -> Response:
    bundle = state.champions.get(question)
    unseen = _check(rows, bundle)
    now = _frame(rows, bundle)
    looked = look(bundle, AtRisk.of(now), features_of(bundle, own_features(bundle.ready)))
    probability = looked.probability
    bands = bundle.bands.of(probability)
    horizons = _horizons(bundle, now, probability)
    reasons = pd.concat(explain_parts(looked, None, currency=state.workspace.company.currency))
    state.metrics.scored(question, bundle.version, len(rows))
    told: list[list[dict[str, Any]]] = [[] for _ in rows]
    for row in reasons.to_dict("records"):
        told[int(row["account_id"])].append(
            {
                "rank": int(row["rank"]),
                "concept": row["concept"],
                "side": row["side"],
                "contribution": float(row["contribution"]),
                "feature": row["feature"],
                "text": row[f"text_{language}"],
            }
        )
    return JsonAnswer(
        {
            "question": question,
            "model": {
                "version": bundle.version,
                "bundle": bundle.hash,
                "rung": bundle.rung,
                "horizon_days": bundle.horizon_days,
                "base_rate": bundle.base_rate,
            },
            "rows": [
                {"probability": float(p), "band": str(b), "horizons": h, "reasons": r, "unseen_categories": u}
                for p, b, h, r, u in zip(probability, bands, horizons, told, unseen, strict=True)
            ],
        }
    )


def _horizons(bundle: Bundle, now: pd.DataFrame, probability: np.ndarray) -> list[list[dict[str, Any]]]:
    """The curve of each row; empty where the question has one horizon."""
    curve = bundle.curve(now, probability)
    if curve is None or bundle.hazards is None:
        return [[] for _ in range(len(now))]
    days, far = bundle.hazards.horizons, bundle.hazards.extrapolated
    return [
        [{"days": d, "probability": p, "extrapolated": e} for d, p, e in zip(days, row, far, strict=True)]
        for row in curve.tolist()
    ]


def _frame(rows: list[dict[str, Any]], bundle: Bundle) -> pd.DataFrame:
    """Rows as the model sees them; all numbers in one block, for two hundred columns made one by one take longer."""
    numbers = [name for name in bundle.features if name not in bundle.categorical]
    block = np.array([[row[name] for name in numbers] for row in rows], dtype=float).reshape(len(rows), len(numbers))
    texts = {name: pd.Series([row[name] for row in rows], dtype="str") for name in bundle.categorical}
    ids = pd.Series([f"{i:06d}" for i in range(len(rows))], name="account_id")
    return pd.concat([ids, pd.DataFrame(block, columns=numbers), pd.DataFrame(texts)], axis=1)


def _check(rows: list[Any], bundle: Bundle) -> list[list[str]]:
    """Refuse rows that the model cannot take; returns the features of each whose category it never saw."""
    wanted = frozenset(bundle.features)
    codes = {column.name: frozenset(column.codes) for column in bundle.encoding.columns if column.kind == "category"}
    unseen: list[list[str]] = []
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise _invalid(f"rows[{i}]", "a row is an object", "{feature: value}", _shown(row))
        if row.keys() != wanted:
            raise _features(i, row, bundle)
        strange = []
        for name, value in row.items():
            if value is None:
                continue
            if name in codes:
                if not isinstance(value, str) or len(value) > MAX_CATEGORY:
                    raise _invalid(f"rows[{i}].{name}", "a category is a text", "a text or null", _shown(value))
                if value not in codes[name]:
                    strange.append(name)
            elif not isinstance(value, int | float) or abs(value) > GREATEST:
                raise _invalid(f"rows[{i}].{name}", "not a number", "a number within float32, or null", _shown(value))
        unseen.append(strange)
    return unseen


def _features(i: int, row: dict[str, Any], bundle: Bundle) -> Problem:
    missing = [name for name in bundle.features if name not in row]
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        return _invalid(
            f"rows[{i}].{missing[0]}",
            f"the feature {missing[0]!r} is missing",
            f"all {len(bundle.features)} features of the model, null where unknown",
            f"a row without {', '.join(missing[:SHOWN])}{more}",
            do="`revml features QUESTION` and `GET /v1/models` list them",
        )
    unknown = next(name for name in row if name not in bundle.features)
    close = difflib.get_close_matches(unknown, bundle.features, n=1)
    return _invalid(
        f"rows[{i}].{unknown[:80]}",
        f"the model has no feature {unknown[:80]!r}",
        "only the features of the model",
        unknown[:80],
        do=f"did you mean {close[0]!r}?" if close else "leave it out",
    )


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)[:80]


def _invalid(field: str, detail: str, wanted: str, got: str, do: str = "") -> Problem:
    return Problem(422, "invalid-body", detail, field=field, wanted=wanted, got=got, do=do)


def models(request: Request) -> Response:
    """What serves: each champion with the features a row must name."""
    Parameters(request, ())
    state: Serving = request.app.state.serving
    state.champions.load_all()
    return JsonAnswer(
        {
            "models": [
                {
                    "question": question,
                    "version": bundle.version,
                    "bundle": bundle.hash,
                    "rung": bundle.rung,
                    "horizon_days": bundle.horizon_days,
                    "base_rate": bundle.base_rate,
                    "features": [
                        {"name": column.name, "kind": column.kind, "categories": list(column.codes)}
                        for column in bundle.encoding.columns
                    ],
                }
                for question, bundle in state.champions.loaded.items()
            ]
        }
    )


routes = [Route("/v1/score", score, methods=["POST"]), Route("/v1/models", models)]
