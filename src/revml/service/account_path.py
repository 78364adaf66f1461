"""Account ids in addresses: any text up to 256 characters, percent-encoded, also with slashes.

    /v1/accounts/A%2F1            the account "A/1"
    /v1/accounts/A%2F1/history    its history
    /v1/accounts/A%2Fhistory      the account "A/history"

The router sees the decoded path, in which the last two look alike; the caller's own spelling tells them apart.
"""

from __future__ import annotations

from urllib.parse import unquote

from starlette.requests import Request

from revml.service.plain_text import is_plain
from revml.service.problems import Problem

PREFIX = "/v1/accounts/"
LONGEST = 256


def ends_in(request: Request, tail: str) -> bool:
    """Whether the address goes on after the account's id with `tail`, in the caller's own spelling."""
    return _spelt(request).endswith(f"/{tail}")


def account_id_of(request: Request, tail: str = "") -> str:
    """The account's id in an address, `tail` being what follows it.

    Raises:
        Problem: 404, no account can have such an id.
    """
    spelt = _spelt(request).removeprefix(PREFIX)
    account_id = unquote(spelt.removesuffix(f"/{tail}") if tail else spelt)
    if not account_id or len(account_id) > LONGEST or not is_plain(account_id):
        wanted = f"1 to {LONGEST} characters, none of them a control character"
        raise Problem(404, "not-found", "no account has such an id", wanted=wanted, got=repr(account_id)[:80])
    return account_id


def _spelt(request: Request) -> str:
    raw: bytes | None = request.scope.get("raw_path")
    return raw.decode("latin-1").partition("?")[0] if raw else request.scope["path"]
