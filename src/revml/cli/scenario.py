"""`revml scenario`: what one change would do to CLV and the forecast, in money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from revml.cli.forecast_tables import horizons_of
from revml.cli.options import account_cell, json_option, out, print_json, table, workspace_option
from revml.clv.relations import Relation
from revml.config import Workspace
from revml.errors import ConfigError

if TYPE_CHECKING:
    from revml.clv.scenarios.declared import Scenario
    from revml.locales import Words

# Options that mean nothing without another one.
BELONG = {
    "--from": "--price",
    "--churn-response": "--price",
    "--success": "--save or --account",
    "--cost": "--save or --account",
}


@click.command()
@workspace_option
@click.option(
    "--retention", type=float, default=None, metavar="POINTS", help="Points of a hundred that stay a year: +1."
)
@click.option(
    "--price", type=float, default=None, metavar="PERCENT", help="Prices rise or fall: +5; a discount is -10."
)
@click.option(
    "--from",
    "begins",
    type=click.Choice(("now", "renewal")),
    default=None,
    help="When contracts get the new price: at once (the default), or at their next renewal.",
)
@click.option(
    "--churn-response",
    type=float,
    default=None,
    metavar="POINTS",
    help="Points of yearly churn that a percent of price brings: 0.5. Default: nobody minds.",
)
@click.option("--save", type=int, default=None, metavar="N", help="Save the N accounts with most expected loss.")
@click.option("--account", "accounts", multiple=True, metavar="ID", help="Save this one instead; may be repeated.")
@click.option(
    "--success", type=float, default=None, metavar="SHARE", help="How often saving works: 0.3. Default: always."
)
@click.option("--cost", type=float, default=None, metavar="MONEY", help="What saving an account costs now.")
@click.option(
    "--margin", type=float, default=None, metavar="POINTS", help="Margin rises or falls by points of revenue: -2."
)
@click.option(
    "--discount-rate", type=float, default=None, metavar="PERCENT", help="Discount money at this yearly rate: 12."
)
@click.option("--segment", default=None, metavar="KIND=NAME", help="Only there: industry=Software, owner=..., plan=...")
@click.option(
    "--relation",
    type=click.Choice([str(one) for one in Relation]),
    default=None,
    help="Only this money. Default: retention of contracts; price and margin of everything.",
)
@click.option("--horizon-months", default=None, metavar="MONTHS", help="One or several: 12,24,36. Default: the run's.")
@json_option
def scenario(workspace: Workspace, horizon_months: str | None, as_json: bool, **asked: Any) -> None:
    """What a change would do to CLV and the forecast: before, after and the difference in money.

    The forecast of the published run is made again with its scores and the facts of its day, and changed: retention and
    saved accounts move the survival of their contracts, prices and margins their money. Nothing is published. Several
    changes together take effect in the order retention, saving, margin, price, discount rate.

    \b
    Example:
      revml scenario --retention +1 --segment industry=Software
      revml scenario --price +5 --from renewal --churn-response 0.5
      revml scenario --save 10 --cost 500 --success 0.3
    """
    from revml.clv.scenarios.words import assumed_words
    from revml.locales import words
    from revml.scoring.standard_scenarios import what_if
    from revml.sources.facts import Facts

    declared = _declared(asked)
    horizons = horizons_of(horizon_months) if horizon_months is not None else None
    told = what_if(workspace, Facts.open(workspace.staged_dir), declared, horizon_months=horizons)
    say = words(workspace.language)
    told["assumed_texts"] = assumed_words(told["assumed"], say, told["currency"])
    if as_json:
        print_json(told)
        return
    _print(told, say)


def _declared(asked: dict[str, Any]) -> Scenario:
    from revml.clv.scenarios import declared as d

    given = {name: value for name, value in asked.items() if value not in (None, ())}
    saving = {"riskiest": "save", "accounts": "accounts", "success": "success", "cost": "cost"}
    saves = "save" in given or "accounts" in given
    flags = {"--from": "begins", "--churn-response": "churn_response", "--success": "success", "--cost": "cost"}
    for flag, name in flags.items():
        if name in given and not ("price" in given if BELONG[flag] == "--price" else saves):
            raise ConfigError("nothing to apply this to", where=flag, wanted=BELONG[flag], got="neither", do="add it")
    if not (saves or {"retention", "price", "margin", "discount_rate"} & set(given)):
        raise ConfigError(
            "the scenario changes nothing",
            where="revml scenario",
            wanted="--retention, --price, --save, --account, --margin or --discount-rate",
            got="none of them",
            do="say what changes: revml scenario --retention +1",
        )
    segment = d.Segment.read(given["segment"]) if "segment" in given else d.WHOLE
    relation = Relation(given["relation"]) if "relation" in given else None
    return d.Scenario(
        retention=d.Retention(given["retention"], segment, relation or Relation.CONTRACT)
        if "retention" in given
        else None,
        saving=d.Saving(segment=segment, **{own: given[name] for own, name in saving.items() if name in given})
        if saves
        else None,
        margin=d.Margin(given["margin"], segment, relation) if "margin" in given else None,
        price=d.Price(
            given["price"], segment, given.get("begins") == "renewal", given.get("churn_response", 0.0), relation
        )
        if "price" in given
        else None,
        discount=d.Discount(given["discount_rate"] / 100) if "discount_rate" in given else None,
    )


def _print(told: dict[str, Any], say: Words) -> None:
    from revml.clv.scenarios.words import label

    currency = told["currency"]

    def money(value: float, *, signed: bool = False) -> str:
        return ("+" if signed and value > 0 else "") + say.money(value, currency)

    def shown(row: dict[str, Any], name: str) -> str:
        signed = name == "difference"
        if row["unit"] == "money":
            return money(row[name], signed=signed)
        if signed:
            return ("+" if row[name] > 0 else "") + say.number(100 * row[name], 2) + " points"
        return say.percent(row[name], 2)

    sides = ("before", "after", "difference")
    rows = [(label(row, say), *(shown(row, side) for side in sides)) for row in told["figures"]]
    out.print(f"Run {told['run']} as of {told['as_of'][:10]}, {told['company']}.", markup=False)
    out.print(table("what it changes", ("figure", *sides), rows, right=sides))
    for title, first, part in (
        ("by relation", "relation", told["relations"]),
        ("by segment", "name", told["segments"]["rows"]),
    ):
        if len(part) > 1:
            cells = [
                (
                    _plain(one[first] or "not known"),
                    f"{one['accounts']:,}",
                    *(money(one["clv"][side], signed=side == "difference") for side in sides),
                )
                for one in part
            ]
            heading = f"CLV over {told['horizons'][-1]} months {title}"
            out.print(
                table(
                    heading,
                    (told["segments"]["by"] if first == "name" else first, "accounts", *sides),
                    cells,
                    right=("accounts", *sides),
                )
            )
    if told["accounts"]:
        cells = [
            (
                account_cell(one["account_id"], one["name"]),
                *(money(one[side], signed=side == "difference") for side in sides),
            )
            for one in told["accounts"]
        ]
        out.print(table("accounts that carry it", ("account", *sides), cells, right=sides))
    out.print(f"\nEffect on CLV over {told['horizons'][-1]} months: {money(told['clv'], signed=True)}", markup=False)
    if told["cost"]:
        out.print(f"less its cost of {money(told['cost'])}: {money(told['net'], signed=True)}", markup=False)
    for text in told["assumed_texts"]:
        out.print(f"- {text}", style="dim", markup=False)
    for note in told["notes"]:
        out.print(note, style="yellow", markup=False)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


commands = [scenario]
