"""The pages: one document, its styles and scripts from this package, and its texts in the language asked for."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from revml.locales import LANGUAGES, words
from revml.service.answers import JsonAnswer
from revml.service.problems import Problem
from revml.service.serving import Serving

FOLDER = Path(__file__).parent / "pages"
PREFIX = "page."


@cache
def _document(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def index(request: Request) -> Response:
    """The document, in the workspace's language until the reader chooses another."""
    state: Serving = request.app.state.serving
    company, language = state.workspace.company.name, state.workspace.language
    text = _document("index.html").replace("{language}", language).replace("{company}", escape(company, quote=True))
    return Response(text, media_type="text/html")


def login(request: Request) -> Response:
    """The page on which a reader gives a key; it tells nothing of the company."""
    state: Serving = request.app.state.serving
    return Response(_document("login.html").replace("{language}", state.workspace.language), media_type="text/html")


def texts(request: Request) -> Response:
    """The texts of the pages in a language, by key."""
    language = request.path_params["language"]
    if language not in LANGUAGES:
        raise Problem(404, "not-found", "no such language", wanted=", ".join(LANGUAGES), got=language[:20])
    catalogue = words(language)
    return JsonAnswer(
        {key.removeprefix(PREFIX): catalogue.text(key) for key in sorted(catalogue.keys()) if key.startswith(PREFIX)}
    )


routes = [
    Route("/", index),
    Route("/login", login),
    Route("/texts/{language}.json", texts),
    Mount("/static", StaticFiles(directory=FOLDER / "static", check_dir=False)),
]
