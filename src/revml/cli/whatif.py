"""A published score asked about again: with other values, and for what would move it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from revml.cli.options import json_option, out, print_json, print_notes, table, workspace_option
from revml.config import QUESTIONS, Workspace

if TYPE_CHECKING:
    from revml.scoring.asking import Standing

LANGUAGES = ("en", "cs")
SHOWN = 8


def _feature_value(_context: click.Context, parameter: click.Parameter, told: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in told:
        name, sign, value = one.partition("=")
        if not sign or not name.strip():
            raise click.BadParameter(f"{one!r} is not feature=value", param=parameter)
        if name.strip() in found:
            raise click.BadParameter(f"{name.strip()!r} stands twice", param=parameter)
        found[name.strip()] = value
    return found


@click.command()
@click.argument("account_id")
@click.argument("values", nargs=-1, callback=_feature_value, metavar="FEATURE=VALUE...")
@workspace_option
@click.option("--question", type=click.Choice(QUESTIONS), default=None, help="Default: the first that was scored.")
@click.option("--item", default=None, metavar="FAMILY", help="Of pairs (cross_sell): which product family.")
@click.option("--levers", "ask_levers", is_flag=True, help="Look for what would bring the account out of its band.")
@click.option(
    "--language", type=click.Choice(LANGUAGES), default=None, help="Language of the words; default: the workspace's."
)
@json_option
def whatif(
    account_id: str,
    values: dict[str, str],
    workspace: Workspace,
    question: str | None,
    item: str | None,
    ask_levers: bool,
    language: str | None,
    as_json: bool,
) -> None:
    """Ask the model about an account with other values: what it would say, and what moves along.

    The row is the one that the published run scored. An empty value means not known. `--levers` looks for what people
    can move (`actionable:` in the model sheet), each change checked on the model.

    Example: revml whatif A-0042 active_users_28d=30 severe_tickets_open=0
    Example: revml whatif A-0042 --levers --question churn
    """
    from revml.explanations.asked import typed
    from revml.scoring.asking import asked_levers, asked_what_if, standing
    from revml.store import Store

    if bool(values) == ask_levers:
        raise click.UsageError("name what is to be set (feature=value), or --levers")
    language = language or workspace.language
    with Store.open(workspace.store_url) as store:
        of = standing(workspace, store, account_id, question, item)
    if ask_levers:
        told = asked_levers(workspace, of, language)
    else:
        told = asked_what_if(of, {name: typed(of.bundle, name, text) for name, text in values.items()}, language)
    if as_json:
        print_json(told)
    elif ask_levers:
        _print_levers(of, told)
    else:
        _print_what_if(of, told)


def _head(of: Standing) -> str:
    asked = f"{of.question} → {of.item}" if of.item else of.question
    return f"{of.account_id}, {asked}, as of {of.run.as_of:%Y-%m-%d} (model {of.bundle.version})"


def _print_what_if(of: Standing, told: dict[str, Any]) -> None:
    out.print(_head(of), markup=False)
    before, after = told["before"], told["after"]
    band = f"band {before['band']} → {after['band']}" if before["band"] != after["band"] else f"band {after['band']}"
    out.print(f"{told['text']} ({band}; log-odds {before['log_odds']:.3f} → {after['log_odds']:.3f})", markup=False)
    for title, key in (("set", "set"), ("moved along", "recomputed")):
        if told[key]:
            out.print(f"\n{title}:")
            print_notes((one["text"] for one in told[key]), style="none")
    if told["left"]:
        out.print("\nleft as it was: " + ", ".join(one["label"] for one in told["left"]), markup=False)
    moved = [one for one in told["concepts"] if abs(one["difference"]) >= 0.0005]
    if moved:
        rows = [
            (one["text"], f"{one['before']:+.3f}", f"{one['after']:+.3f}", f"{one['difference']:+.3f}")
            for one in moved[:SHOWN]
        ]
        headers = ("concept", "before", "after", "difference")
        out.print()
        out.print(table("Log-odds by concept", headers, rows, right=headers[1:]))
    for reason in told["reasons"]:
        out.print(f"  {'▲' if reason['side'] == 'raises' else '▼'} {reason['text']}", markup=False)
    print_notes([*told["warnings"], told["caution"]])


def _print_levers(of: Standing, told: dict[str, Any]) -> None:
    out.print(_head(of), markup=False)
    out.print(f"{100 * told['probability']:.1f}% ({told['band']})")
    out.print(told["text"], markup=False)
    rows = [
        (
            one["steps"][0]["text"],
            f"{100 * one['probability']:.1f}%",
            one["band"],
            one["steps"][0]["goal_text"],
            one["steps"][0]["reason"],
        )
        for one in told["singles"]
    ]
    if rows:
        headers = ("each alone", "the model would give", "band", "how far", "why it can be done")
        out.print(table("Levers", headers, rows, right=("the model would give",)))
    print_notes([told["caution"]])


commands = [whatif]
