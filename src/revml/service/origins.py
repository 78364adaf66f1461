"""Where a request comes from: which machine, through which proxy, under which name, from which page.

Nothing that a client writes about itself is believed. `X-Forwarded-For` and its like count only from the proxies that
the workspace names; as long as no key exists, a request that came through any proxy is refused, for behind one on this
machine the whole world looks like this machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from starlette.types import Scope

from revml.service.limits import Headers
from revml.service.problems import Problem

FORWARDED = (b"x-forwarded-for", b"forwarded", b"via", b"x-real-ip")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_loopback(scope: Scope, headers: Headers) -> None:
    """Refuse who is not on this machine: for as long as there are no keys.

    Raises:
        Problem: 403.
    """
    peer = _address(scope)
    if peer is not None and not peer.is_loopback:
        raise Problem(
            403,
            "loopback-only",
            "this service answers its own machine only, because it has no API keys",
            do="make a key with `revml keys create`; or look through a tunnel: ssh -L 3000:127.0.0.1:3000 THAT_MACHINE",
        )
    if any(name in headers for name in FORWARDED):
        raise Problem(
            403,
            "loopback-only",
            "this service answers nobody through a proxy, because it has no API keys",
            do="make a key with `revml keys create`",
        )


def check_host(headers: Headers, allowed: frozenset[str], *, tell: bool) -> None:
    """Refuse a name that is not the service's own: a page on the internet can make a browser ask under its name.

    Raises:
        Problem: 421; it lists the names only where `tell`.
    """
    name = headers.get(b"host", b"").decode("latin-1")
    bare = name[: name.index("]") + 1] if name.startswith("[") and "]" in name else name.split(":")[0]
    if bare.lower() not in allowed:
        raise Problem(
            421,
            "foreign-host",
            "this service does not answer to that name",
            field="Host",
            wanted=", ".join(sorted(allowed)) if tell else "",
            got=name[:100],
            do="add the name to `service: hosts` of the workspace",
        )


def check_same_origin(method: str, headers: Headers, *, must: bool) -> None:
    """Refuse what another page makes a browser send; a browser says which page it was, other programs say nothing.

    Args:
        must: a browser's session opens the request, so something must be said.

    Raises:
        Problem: 403.
    """
    if method in SAFE_METHODS:
        return
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        same = site == b"same-origin"
    elif origin is not None:
        same = origin.partition(b"://")[2].lower() == headers.get(b"host", b"").lower()
    else:
        same = not must
    if not same:
        raise Problem(403, "foreign-origin", "another page asked for this", field="Origin")


def is_loopback(scope: Scope) -> bool:
    """Whether the peer is this machine."""
    peer = _address(scope)
    return peer is None or peer.is_loopback


def client_address(scope: Scope, trusted: Sequence[Network]) -> str:
    """Who asked, for the audit: the peer, or what trusted proxies say of it; empty for an in-process client."""
    peer = _address(scope)
    if peer is None:
        return ""
    if _within(peer, trusted):
        told = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        for given in reversed(told.decode("latin-1").split(",")):
            try:
                peer = ipaddress.ip_address(given.strip())
            except ValueError:
                break
            if not _within(peer, trusted):
                break
    return str(peer)


def is_https(scope: Scope, headers: Headers, trusted: Sequence[Network]) -> bool:
    """Whether the reader came over https, directly or to a trusted proxy."""
    if scope.get("scheme") == "https":
        return True
    peer = _address(scope)
    return peer is not None and _within(peer, trusted) and headers.get(b"x-forwarded-proto", b"").lower() == b"https"


def _address(scope: Scope) -> Address | None:
    """The peer; None for a socket file (who may open it is the file system's matter) and an in-process client."""
    peer = scope.get("client")
    return None if peer is None or not peer[0] else _read(peer[0])


@lru_cache(maxsize=4096)  # the same few peers ask over and over
def _read(peer: str) -> Address | None:
    try:
        found = ipaddress.ip_address(peer.split("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
