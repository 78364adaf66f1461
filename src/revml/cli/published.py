"""What was published, looked at and written out: accounts, one account, exports and runs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from revml.cli.auditing import audited
from revml.cli.forecast_tables import print_worth
from revml.cli.options import account_cell, json_option, out, print_json, table, workspace_option
from revml.config import LOSSES, QUESTIONS, Workspace
from revml.errors import NotFound

if TYPE_CHECKING:
    from revml.locales import Words
    from revml.store import Store
    from revml.store.views import AccountDetail, Horizon, Order

LANGUAGES = ("en", "cs")
EXPORTS = ("scores", "reasons", "values", "relations", "flows")
CHANGES = 4  # told of each score
ATTENDED = {"treated": "treated", "held_out": "held out"}  # by the plays of the company
LEAST = 0.005  # log-odds; what moved less is in --json alone
ORDERS = ("expected_money", "probability", "change", "clv", "name")

language_option = click.option(
    "--language", type=click.Choice(LANGUAGES), default=None, help="Language of the reasons; default: the workspace's."
)


@click.command()
@workspace_option
@click.option("--question", type=click.Choice(QUESTIONS), default=None, help="Default: the first that was scored.")
@click.option("--order", type=click.Choice(ORDERS), default="expected_money", show_default=True)
@click.option("--search", default=None, metavar="WORDS", help="Only names and ids that contain these words.")
@click.option("--owner", default=None, help="Only accounts of this owner.")
@click.option("--item", default=None, metavar="FAMILY", help="Of pairs (cross_sell): only this product family.")
@click.option(
    "--attention",
    type=click.Choice(("treated", "held_out", "neither")),
    default=None,
    help="Only accounts that a play reached in the horizon before the run, that were held out, or neither.",
)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@language_option
@json_option
def accounts(
    workspace: Workspace,
    question: str | None,
    order: Order,
    search: str | None,
    owner: str | None,
    item: str | None,
    attention: str | None,
    limit: int,
    language: str | None,
    as_json: bool,
) -> None:
    """List accounts of the published run, the most money at stake first.

    Example: revml accounts --question churn --limit 10
    """
    from revml.locales import words
    from revml.store import Store

    language = language or workspace.language
    with Store.open(workspace.store_url) as store:
        page = store.accounts(
            _asked(store, question),
            order=order,
            search=search,
            owner=owner,
            item=item,
            attention=attention,
            limit=limit,
        )
    if as_json:
        print_json([asdict(row) for row in page.rows])
        return
    w = words(language)
    rows = [
        (
            account_cell(
                row.account.account_id,
                row.account.name,
                row.reason.text(language) if row.reason else None,
                row.score.item,
            ),
            w.percent(row.score.probability, 1),
            ", ".join(filter(None, (row.score.band, ATTENDED.get(row.score.attention or "")))),
            _money(row.score.money, page.run.currency, w),
            _money(row.score.expected_money, page.run.currency, w),
        )
        for row in page.rows
    ]
    asked = page.rows[0].score.question if page.rows else question or "accounts"
    simple = next((simply(asked, m.rung) for m in page.run.models if m.question == asked), None)
    stake = f"expected {'loss' if asked in LOSSES else 'gain'}"
    headers = ("account and first reason", "probability", "band", "money a year", stake)
    called = "account and family pairs" if page.rows and page.rows[0].score.item else "accounts"
    title = f"{asked}: {len(page.rows)} of {page.total:,} {called} as of {page.run.as_of:%Y-%m-%d}"
    out.print(table(title, headers, rows, right=("probability", *headers[-2:])))
    if simple:
        out.print(simple, markup=False, soft_wrap=True)


@click.command()
@click.argument("account_id")
@workspace_option
@language_option
@json_option
def account(account_id: str, workspace: Workspace, language: str | None, as_json: bool) -> None:
    """Show one account: its scores, their reasons in words, what changed, what it is worth and what drives that.

    Example: revml account A-0042 --language cs
    """
    from revml.scoring.changed import changes_of, document
    from revml.store import Store

    language = language or workspace.language
    with Store.open(workspace.store_url) as store:
        detail = store.account(account_id)
        found = document(changes_of(workspace, store, account_id), language) if detail.scores else None
    changes = found["changes"] if found else []
    if as_json:
        print_json(asdict(detail) | {"changes": changes})
    else:
        _print_account(detail, changes, language)


def _print_account(detail: AccountDetail, changes: list[dict[str, Any]], language: str) -> None:
    from revml.locales import words

    w, who, run = words(language), detail.account, detail.run

    def line(text: str) -> None:
        out.print(text, markup=False)

    line(f"{f'{who.name} ({who.account_id})' if who.name else who.account_id}, as of {run.as_of:%Y-%m-%d}")
    about = (who.industry, who.country, who.region, f"owner {who.owner}" if who.owner else None)
    line("  " + ", ".join(a for a in about if a))
    worth = (("MRR", who.mrr), ("orders of a year", who.order_revenue_12m))
    line(
        "  " + ", ".join(f"{what} {w.money(much, run.currency)}" for what, much in worth if much) or "  no revenue yet"
    )
    for score in detail.scores:
        asked = f"{score.question} → {score.item}" if score.item else score.question
        change = f", {score.change * 100:+.1f} points since the run before" if score.change is not None else ""
        attended = f", {ATTENDED[score.attention]} lately" if score.attention in ATTENDED else ""
        line(
            f"\n{asked}: {w.percent(score.probability, 1)} ({score.band}, percentile "
            f"{score.percentile:.0f}{change}{attended}); expected {'loss' if score.question in LOSSES else 'gain'} "
            f"{_money(score.expected_money, run.currency, w)} of {_money(score.money, run.currency, w)} a year"
        )
        simple = next((simply(score.question, m.rung) for m in run.models if m.question == score.question), None)
        if simple:
            line(f"  {simple}")
        if score.horizons:
            line("  " + ", ".join(f"{_horizon(one)} {w.percent(one.probability, 1)}" for one in score.horizons))
        if any(one.extrapolated for one in score.horizons):
            line("  extrapolated: the history does not reach that far, so the average rate of the time before goes on")
        for reason in (r for r in detail.reasons if (r.question, r.item) == (score.question, score.item)):
            line(f"  {'▲' if reason.side == 'raises' else '▼'} {reason.text(language)}")
        for changed in (c for c in changes if (c["question"], c["item"]) == (score.question, score.item)):
            line(f"  {changed['text']}")
            for part in [one for one in changed["lines"] if abs(one["log_odds"]) >= LEAST][:CHANGES]:
                line(f"    {'+' if part['log_odds'] > 0 else '−'} {part['text']}")
    print_worth(detail, language)


def simply(question: str, rung: str) -> str | None:
    """A line on scores that no learned model gives, so that nobody takes them for one; None where one does."""
    if rung == "constant":
        return f"no model of {question} serves: every account has the average rate"
    return f"no learned model of {question} serves: a rule over one column gives these" if rung == "rule" else None


def _horizon(one: Horizon) -> str:
    return f"{one.days} days{' (extrapolated)' if one.extrapolated else ''}"


@click.command()
@workspace_option
@click.option("--question", type=click.Choice(QUESTIONS), default=None, help="Default: all that were scored.")
@click.option(
    "--out",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("scores.csv"),
    show_default=True,
    help="File to write; .csv or .parquet.",
)
@language_option
@click.option(
    "--what",
    type=click.Choice(EXPORTS),
    default="scores",
    show_default=True,
    help="scores; reasons: all of them; values: lifetime values by account and horizon; relations: the same by "
    "relation; flows: expected revenue by account and month.",
)
@click.option("--bom", is_flag=True, help="CSV with a byte order mark, for Excel.")
@json_option
def export(
    workspace: Workspace, question: str | None, path: Path, language: str | None, what: str, bom: bool, as_json: bool
) -> None:
    """Write published scores, reasons, lifetime values or flows as CSV (for people and CRMs) or Parquet (warehouses).

    Example: revml export --question churn --out churn.csv
    Example: revml export --what values --out values.csv
    """
    from revml.exports import export as write
    from revml.store import Store

    language = language or workspace.language
    with Store.open(workspace.store_url) as store:
        rows = write(store, what, path, question=question, language=language, bom=bom)
    audited(workspace, "export", f"{what} {question or 'all'}: {rows} rows in {path.name}")
    if as_json:
        print_json({"file": str(path), "rows": rows})
    else:
        out.print(f"{rows:,} rows in {path}", markup=False)


@click.command()
@workspace_option
@json_option
def runs(workspace: Workspace, as_json: bool) -> None:
    """List the published runs, newest first; the arrow marks the one that readers see.

    Example: revml runs
    """
    from revml.store import Store

    with Store.open(workspace.store_url) as store:
        found, current = store.runs(), store.current()
    now = current.id if current else None
    if as_json:
        print_json([asdict(run) | {"current": run.id == now} for run in found])
        return
    rows = [
        (
            "→" if run.id == now else "",
            run.id,
            f"{run.as_of:%Y-%m-%d}",
            f"{run.published_at:%Y-%m-%d %H:%M}",
            f"{run.accounts:,}",
            ", ".join(f"{m.question} {m.version}" for m in run.models),
            "rolled back" if run.withdrawn else "",
        )
        for run in found
    ]
    if not rows:
        out.print("nothing was published yet; run `revml score`")
        return
    out.print(table("Runs", ("", "run", "as of", "published (UTC)", "accounts", "models", ""), rows, right=("run",)))


def _asked(store: Store, question: str | None) -> str:
    """The question that was asked for, else the first of the run in revml's order."""
    if question:
        return question
    run = store.current()
    scored = [q for q in QUESTIONS if run and q in {model.question for model in run.models}]
    if not scored:
        raise NotFound("nothing was scored yet", wanted="a published run", do="run `revml score`")
    return scored[0]


def _money(value: float | None, currency: str, w: Words) -> str:
    return "not known" if value is None else w.money(value, currency)


commands = [accounts, account, export, runs]
