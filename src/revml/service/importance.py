"""What weighs in a model that serves: concepts, how the strongest features act, segments; with words.

Comes in: the question. Goes out: what training measured on the test window of the champion (see `evaluation.views`).
"""

from __future__ import annotations

from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.config import QUESTIONS, QuestionName
from revml.errors import NotFound
from revml.evaluation.sections.markdown import label
from revml.evaluation.sections.segments import column_words, value_words
from revml.evaluation.view_words import concept_words
from revml.evaluation.views import Views, of_segments, views_in
from revml.locales import Words, words
from revml.models.bundle import Bundle
from revml.service.answers import JsonAnswer
from revml.service.parameters import Parameters
from revml.service.problems import Problem
from revml.service.serving import Serving


def importance(request: Request) -> Response:
    """What weighs in the champion of a question."""
    asked = Parameters(request, ("by", "lang"))
    question = request.path_params["question"]
    if question not in QUESTIONS:
        raise Problem(404, "not-found", "no such question", wanted=" or ".join(QUESTIONS), got=repr(question)[:80])
    state: Serving = request.app.state.serving
    say = words(asked.language(state.workspace.language))
    bundle = state.champions.get(cast(QuestionName, question))
    views = views_in(bundle)
    try:
        views = of_segments(views, asked.text("by"))
    except NotFound as error:
        raise Problem(
            422, "invalid-parameter", "unknown value", field="by", wanted=error.wanted, got=error.got, do=error.do
        ) from None
    model = {"question": question, "version": bundle.version, "bundle": bundle.hash, "rung": bundle.rung}
    return JsonAnswer({**model, **_worded(views, bundle, say), "stability": bundle.manifest.get("stability")})


def _worded(views: Views, bundle: Bundle, say: Words) -> Views:
    """The views with what everything is called."""
    manifest, own = bundle.manifest, bundle.ready is not None

    def feature(name: str) -> str:
        return label(manifest, name, say.language).strip("`")

    def segment(one: dict[str, Any]) -> str:
        return f"{column_words(say, manifest, one['column'])}: {value_words(say, one)}".replace("`", "")

    return {
        **views,
        "concepts": [
            {**one, "text": concept_words(say, one["concept"], own=own).strip("`")} for one in views["concepts"]
        ],
        "features": [{**one, "text": feature(one["feature"])} for one in views["features"]],
        "dependence": [{**one, "text": feature(one["feature"])} for one in views["dependence"]],
        **{part: [{**one, "text": segment(one)} for one in views[part]] for part in ("segments", "small")},
    }


routes = [Route("/v1/models/{question}/importance", importance)]
