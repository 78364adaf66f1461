"""The page that shows the API document to people: made here, out of the document, without a script."""

from __future__ import annotations

import json
import shlex
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from revml.locales import LANGUAGES, words
from revml.service.openapi import document
from revml.service.openapi.building import Schema
from revml.service.parameters import Parameters
from revml.service.serving import Serving

LONGEST_EXAMPLE = 6_000


def api_page(request: Request) -> Response:
    """The page, in the language asked for."""
    state: Serving = request.app.state.serving
    language = Parameters(request, ("lang",)).language(state.workspace.language)
    w, told = words(language), document()
    url = f"{request.url.scheme}://{request.url.netloc}"
    text = _template().render(
        t=lambda key: w.text(f"api.{key}"),
        language=language,
        languages=LANGUAGES,
        company=state.workspace.company.name,
        version=told["info"]["version"],
        about=told["info"]["description"],
        tags=told["tags"],
        operations=operations(url),
        schemas=told["components"]["schemas"],
        problems={code: told["components"]["responses"][code] for code in sorted(told["components"]["responses"])},
        type_of=type_of,
    )
    return Response(text, media_type="text/html")


def operations(url: str) -> list[dict[str, Any]]:
    """The operations in the document's order, each with what the page shows of it."""
    return [
        {
            **operation,
            "method": method.upper(),
            "path": path,
            "curl": curl(url, method, path, operation),
            "scope": ", ".join(operation["security"][0]["key"]) if operation["security"] else None,
            "open": not operation["security"],
            "fails": [code for code in operation["responses"] if int(code) >= 400],
            "example": _example(operation),
        }
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]


def curl(url: str, method: str, path: str, operation: Schema) -> str:
    """The call of an operation's example, for a shell.

    >>> curl("http://127.0.0.1:3000", "get", "/livez", {"parameters": [], "security": []})
    'curl http://127.0.0.1:3000/livez'
    """
    query = {}
    for one in operation["parameters"]:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", quote(str(one.get("example", "ID")), safe=""))
        elif one["in"] == "query" and "example" in one:
            query[one["name"]] = one["example"]
    address = shlex.quote(f"{url}{path}" + (f"?{urlencode(query)}" if query else ""))
    parts = ["curl"] + ([f"-X {method.upper()}"] if method not in ("get", "post") else [])
    if operation["security"]:
        parts.append('-H "Authorization: Bearer $REVML_KEY"')
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body and "example" in body:
        parts += ["--json", shlex.quote(json.dumps(body["example"], ensure_ascii=False))]
    elif method == "post":
        parts.append("-X POST")
    return " ".join([*parts, address])


def type_of(schema: Schema) -> list[tuple[str, str | None]]:
    """A schema in words, in pieces: text, and the name of the schema that it leads to, if any.

    >>> type_of({"type": "array", "items": {"$ref": "#/components/schemas/Score"}})
    [('list of ', None), ('Score', 'Score')]
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [(name, name)]
    if "enum" in schema:
        return [(" | ".join(str(one) for one in schema["enum"]), None)]
    if "const" in schema:
        return [(json.dumps(schema["const"]), None)]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            found: list[tuple[str, str | None]] = []
            for one in schema[several]:
                found += [(" or ", None), *type_of(one)] if found else type_of(one)
            return found
    kind = schema.get("type", "any")
    if kind == "array":
        return [("list of ", None), *type_of(schema.get("items", {}))]
    named = " or ".join(kind) if isinstance(kind, list) else str(kind)
    low, high = schema.get("minimum"), schema.get("maximum")
    more = f", {low} to {high}" if low is not None and high is not None else ""
    return [(named + (f" ({schema['format']})" if "format" in schema else "") + more, None)]


def _example(operation: Schema) -> str | None:
    for code, answer in operation["responses"].items():
        if int(code) < 300:
            for content in answer.get("content", {}).values():
                if "example" in content:
                    shown = content["example"]
                    text = shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False, indent=2)
                    return text if len(text) <= LONGEST_EXAMPLE else text[:LONGEST_EXAMPLE] + "\n…"
    return None


@cache
def _template() -> Template:
    loader = PackageLoader("revml.service", "pages")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return made.get_template("api.html")


routes = [Route("/api", api_page)]
