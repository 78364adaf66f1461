"""API keys of the service, and the audit: who did what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import click

from revml.cli.auditing import WHO
from revml.cli.options import json_option, out, print_json, table, workspace_option
from revml.config import Workspace
from revml.service.scopes import ABOUT, ALL_SCOPES
from revml.store import Store
from revml.store.audit import deed, deeds_since, record
from revml.store.keys import ApiKey, all_keys, create_key, now_utc, revoke_key, rotate_key
from revml.windows import instant

SHOWN = 200
UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class Span(click.ParamType[timedelta | None]):
    """A span of time such as 90d, 12h or 2w."""

    name = "span"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """The span; None for `never`."""
        if value is None or isinstance(value, timedelta) or value == "never":
            return None if value == "never" else value
        found = re.fullmatch(r"(\d{1,5})([hdw])", value)
        if found is None:
            self.fail(f"{value!r} is no span; write a number and h, d or w, such as 90d", parameter, context)
        return timedelta(**{UNITS[found[2]]: int(found[1])})


@click.group()
def keys() -> None:
    """Make, list, rotate and revoke the keys of the service.

    As soon as one key exists the service asks for one everywhere but in /livez and /readyz; until then it answers its
    own machine only.

    \b
    Example:
      revml keys create --scope scores:read --scope explain:read --expires 90d --name CRM
    """


@keys.command()
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(ALL_SCOPES),
    multiple=True,
    required=True,
    help="What the key may; may stand several times: " + "; ".join(f"{name}: {text}" for name, text in ABOUT.items()),
)
@click.option(
    "--expires", type=Span(), default="90d", show_default=True, metavar="SPAN", help="When it ends: 90d, 12h, never."
)
@click.option("--name", default="", metavar="NAME", help="Whose it is, for lists and the audit.")
@workspace_option
@json_option
def create(scopes: tuple[str, ...], expires: timedelta | None, name: str, workspace: Workspace, as_json: bool) -> None:
    """Make a key. It is shown once: what is kept is its SHA-256.

    \b
    Example:
      revml keys create --scope scores:read --expires 90d --name CRM
    """
    if expires is not None and not expires:
        raise click.BadParameter(
            "a key lasts an hour at least; `never` for one that does not end", param_hint="--expires"
        )
    with _audited(workspace, "key created") as (store, told):
        key, text = create_key(store.database, scopes, expires_in=expires, name=name)
        told.append(key)
    _print_new(key, text, as_json)


@keys.command("list")
@workspace_option
@json_option
def list_(workspace: Workspace, as_json: bool) -> None:
    """List the keys, without their secrets, oldest first.

    Example: revml keys list
    """
    with Store.open(workspace.store_url) as store:
        found = all_keys(store.database)
    if as_json:
        print_json([_record(key) for key in found])
        return
    if not found:
        out.print("There are no keys: the service answers its own machine only.")
        return
    now = now_utc()
    rows = [
        (key.id, key.name, key.state(now), "\n".join(key.scopes), f"{key.created_at:%Y-%m-%d}",
         *map(_time, (key.expires_at, key.used_at)))
        for key in found
    ]  # fmt: skip
    out.print(table("Keys (UTC)", ("id", "name", "state", "scopes", "created", "expires", "used"), rows))


@keys.command()
@click.argument("key_id", metavar="ID")
@click.option(
    "--grace",
    type=Span(),
    default="24h",
    show_default=True,
    metavar="SPAN",
    help="How long the old secret opens as well; 0h: it ends at once.",
)
@workspace_option
@json_option
def rotate(key_id: str, grace: timedelta | None, workspace: Workspace, as_json: bool) -> None:
    """Give the key ID a new secret; the old one, and browsers signed in with it, last for the grace time.

    Example: revml keys rotate 3fa90b6c12de --grace 2d
    """
    if grace is None:
        raise click.BadParameter("an old secret cannot last for ever", param_hint="--grace")
    with _audited(workspace, "key rotated") as (store, told):
        key, text = rotate_key(store.database, key_id, grace=grace)
        told.append(key)
    _print_new(key, text, as_json)


@keys.command()
@click.argument("key_id", metavar="ID")
@workspace_option
@json_option
def revoke(key_id: str, workspace: Workspace, as_json: bool) -> None:
    """Close the key ID for good, with all browsers signed in with it; a running service sees it within 3 seconds.

    Example: revml keys revoke 3fa90b6c12de
    """
    with _audited(workspace, "key revoked") as (store, told):
        key = revoke_key(store.database, key_id)
        told.append(key)
    if as_json:
        print_json(_record(key))
    else:
        out.print(f"{key.id} is revoked.", markup=False)


@click.command()
@click.option("--since", metavar="DATE", help="Only from this date or instant on.")
@workspace_option
@json_option
def audit(since: str | None, workspace: Workspace, as_json: bool) -> None:
    """Show who exported, promoted, went back, changed keys, signed in or was refused; newest first.

    Refusals of one kind are counted in one row. Without --since the last 200 rows are shown, with --json all.

    \b
    Example:
      revml audit --since 2026-03-01
    """
    begin = None if since is None else instant(since)
    with Store.open(workspace.store_url) as store:
        found = deeds_since(store.database, begin, limit=None if as_json or begin else SHOWN)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        (_time(d.at), d.who, d.action if d.times == 1 else f"{d.action}, {d.times} times", d.target, d.outcome)
        for d in found
    ]
    out.print(table("Audit (UTC), newest first", ("at", "who", "what", "on", "outcome"), rows))


@contextmanager
def _audited(workspace: Workspace, action: str) -> Iterator[tuple[Store, list[ApiKey]]]:
    """The store, and a place for the key that was changed; the audit is written when it was."""
    with Store.open(workspace.store_url) as store:
        changed: list[ApiKey] = []
        yield store, changed
        record(store.database, [deed(WHO, action, f"key {key.id} {' '.join(key.scopes)}", "done") for key in changed])


def _print_new(key: ApiKey, text: str, as_json: bool) -> None:
    if as_json:
        print_json(_record(key) | {"secret": text})
        return
    click.echo(text)
    ends = "never ends" if key.expires_at is None else f"ends at {_time(key.expires_at)} UTC"
    until = f", the old secret at {_time(key.old_until)} UTC" if key.old_until else ""
    click.echo(f"This is shown once. The key {key.id} {ends}{until}. Send it as: Authorization: Bearer KEY", err=True)


def _record(key: ApiKey) -> dict[str, Any]:
    told = asdict(key) | {"state": key.state(now_utc())}
    return {name: value for name, value in told.items() if name not in ("secret_hash", "old_hash")}


def _time(when: datetime | None) -> str:
    return "never" if when is None else f"{when:%Y-%m-%d %H:%M}"


commands = [keys, audit]
