"""Answers as JSON: the store's records with times as UTC instants and reasons in one language, never a NaN."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from typing import Any

from starlette.responses import Response

from revml.clv.accounts.driver_words import driver_words
from revml.clv.cautions import caution_words
from revml.store.views import AccountDetail, Clv, ListedAccount, Page, Reason, Report, ScoredAccount

Plain = dict[str, Any]


class JsonAnswer(Response):
    """A JSON body; a number that is none would be a defect and raises."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The body."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    raise TypeError(f"{type(value).__name__} is no part of an answer")


def record(value: Any) -> Any:
    """A record of the store as dictionaries and lists."""
    return dataclasses.asdict(value)


def reason(found: Reason, language: str) -> Plain:
    """A reason with its text in one language."""
    plain = record(found)
    del plain["text_en"], plain["text_cs"]
    return {**plain, "text": found.text(language)}


def page(found: Page, run: Plain, language: str) -> Plain:
    """A page of a list."""
    return {
        "run": run,
        "total": found.total,
        "after": found.after,
        "accounts": [listed(row, language) for row in found.rows],
    }


def listed(row: ListedAccount, language: str) -> Plain:
    """A row of a list."""
    return {
        "account": record(row.account),
        "score": record(row.score) | {"change": row.score.change},
        "reason": reason(row.reason, language) if row.reason else None,
    }


def scored(row: ScoredAccount, language: str) -> Plain:
    """An account asked for by its id."""
    return {
        "account": record(row.account),
        "scores": [record(score) | {"change": score.change} for score in row.scores],
        "reasons": [reason(r, language) for r in row.reasons],
    }


def detail(found: AccountDetail, run: Plain, language: str) -> Plain:
    """All about one account."""
    return {
        "run": run,
        "account": record(found.account),
        "scores": [record(score) | {"change": score.change} for score in found.scores],
        "reasons": [reason(r, language) for r in found.reasons],
        "clv": [relation_value(value, language) for value in found.clv],
        "clv_shorter": [relation_value(value, language) for value in found.clv_shorter],
        "values": [record(value) for value in found.values],
        "drivers": [record(one) | {"text": driver_words(one.concept, language)} for one in found.drivers],
        "coming": None if found.coming is None else record(found.coming),
        "flows": [record(flow) for flow in found.flows],
        "history": [record(past) for past in found.history],
    }


def relation_value(found: Clv, language: str) -> Plain:
    """What one relation is worth, with its warning in one language."""
    told: Plain = record(found)
    return told | {"warning": caution_words(found.warning, language)}


def report(found: Report, run: Plain) -> Plain:
    """A document of the run, under its name."""
    return {"run": run, found.name: found.body}
