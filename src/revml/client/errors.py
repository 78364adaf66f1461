"""What can go wrong between a client and the service.

RevmlError
└── ClientError
    ├── Refused        the service answered with a problem
    ├── Unreachable    nobody answered, or not in time
    └── Interrupted    the answer broke off before its end
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from revml.errors import RevmlError


class ClientError(RevmlError):
    """The service was not asked successfully."""

    exit_code = 9


class Refused(ClientError):
    """An answer that is an error; `problem` is the document as it came (RFC 9457).

    >>> told = Refused(404, {"type": "urn:revml:problem:not-found", "detail": "no such account", "got": "nobody"})
    >>> told.status, told.code, told.what, told.got
    (404, 'not-found', 'no such account', 'nobody')
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        told = {name: str(problem.get(name, "")) for name in ("detail", "field", "wanted", "got", "do")}
        super().__init__(
            told["detail"] or str(problem.get("title", "refused")),
            where=told["field"] or f"HTTP {status}",
            wanted=told["wanted"],
            got=told["got"],
            do=told["do"],
        )
        self.status, self.problem = status, dict(problem)

    @property
    def code(self) -> str:
        """What went wrong, for programs: the end of the problem's `type`."""
        return str(self.problem.get("type", "")).rpartition(":")[2]


class Unreachable(ClientError):
    """Nobody answered, or not in time."""


class Interrupted(ClientError):
    """An answer broke off before its end: half a table is none."""
