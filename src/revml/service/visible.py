"""What of an answer a caller may see: without `explain:read` no reasons, without `personal:read` no names of persons.

A person is an account's owner. Names of accounts are companies' and stay; so do ids. What is hidden is null or empty,
so that an answer keeps its form; what would tell it in a roundabout way (a filter by owner, sums by owner) is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from starlette.requests import Request

from revml.service.problems import Problem
from revml.service.scopes import Scope, may

HIDDEN: Mapping[Scope, frozenset[str]] = {
    "explain:read": frozenset({"reason", "reasons", "drivers"}),
    "personal:read": frozenset({"owner"}),
}
TOLD_BY_SEGMENT = frozenset({"/v1/forecast", "/v1/forecast/backtest", "/v1/scenarios"})


def hidden_from(request: Request) -> frozenset[str]:
    """The fields that the caller may not see."""
    return frozenset(field for scope, fields in HIDDEN.items() if not may(request, scope) for field in fields)


def visible(request: Request, content: Any) -> Any:
    """An answer as the caller may see it."""
    hidden = hidden_from(request)
    return _without(content, hidden) if hidden else content


def visible_rows(request: Request, pages: Iterable[list[dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    """Rows of a table as the caller may see them: its columns stay, what is hidden is empty."""
    hidden = hidden_from(request)
    for rows in pages:
        yield [_without(row, hidden) for row in rows] if hidden else rows


def sees(request: Request) -> str:
    """What tells answers apart that differ by what is hidden: a part of tags and of names in caches."""
    return " ".join(sorted(hidden_from(request)))


def check_asked(request: Request, values: Mapping[str, str]) -> None:
    """Refuse parameters that would tell what is hidden.

    Raises:
        Problem: 403, it names the scope.
    """
    by_owner = bool(values.get("owner")) or values.get("by") == "owner"
    if not by_owner and request.scope["path"] in TOLD_BY_SEGMENT:
        by_owner = request.app.state.serving.workspace.economics.segment_by == "owner"
    if by_owner and not may(request, "personal:read"):
        raise lacking_scope("personal:read", "owners are persons")


def check_may(request: Request, scope: Scope, detail: str) -> None:
    """Refuse a caller without a scope that only some requests of a route need.

    Raises:
        Problem: 403, it names the scope.
    """
    if not may(request, scope):
        raise lacking_scope(scope, detail)


def lacking_scope(scope: Scope, detail: str) -> Problem:
    """The refusal."""
    return Problem(
        403,
        "scope-missing",
        f"the key lacks the scope {scope}: {detail}",
        field="Authorization",
        wanted=scope,
        headers={"WWW-Authenticate": f'Bearer realm="revml", error="insufficient_scope", scope="{scope}"'},
    )


def _without(content: Any, hidden: frozenset[str]) -> Any:
    if isinstance(content, dict):
        return {
            key: ([] if isinstance(value, list | tuple) else None) if key in hidden else _without(value, hidden)
            for key, value in content.items()
        }
    if isinstance(content, list | tuple):
        return [_without(value, hidden) for value in content]
    return content
