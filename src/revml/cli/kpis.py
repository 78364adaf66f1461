"""`revml kpis`: the company's figures, each with its definition and caveat."""

from __future__ import annotations

import click

from revml.cli.options import json_option, out, print_json, table, workspace_option
from revml.config import Workspace


@click.command()
@workspace_option
@click.option("--months", default=12, show_default=True, type=click.IntRange(1, 120), help="How far to look back.")
@json_option
def kpis(workspace: Workspace, months: int, as_json: bool) -> None:
    """MRR and its movements, retention, customers, acquisition cost and value, with definitions.

    Figures are those known at the end of the data. MRR movements add up exactly. CLV is forecast from the accounts'
    own history, without scores; `revml forecast` ties it to them.

    \b
    Example:
      revml kpis
      revml kpis --months 24 --json
    """
    from revml.clv.forecast import forecast_clv
    from revml.clv.kpis import company_kpis
    from revml.clv.movements import KINDS
    from revml.locales import words
    from revml.sources.facts import Facts

    facts = Facts.open(workspace.staged_dir)
    as_of, economics = facts.observed_until, workspace.economics
    forecast = forecast_clv(facts, as_of, economics, p_churn=None, churn_horizon_days=90, seed=workspace.seed)
    report = company_kpis(facts, as_of, economics, months=months, clv=forecast.clv)
    currency, say = workspace.company.currency, words(workspace.language)
    if as_json:
        print_json({**report.to_dict(say, currency), "notes": list(forecast.notes)})
        return
    title = say.text("kpi.title", company=workspace.company.name, day=say.date(as_of), months=months)
    rows = []
    for kpi in report.kpis:
        text = f"{say.text(f'kpi.{kpi.name}.definition')} [dim]{say.text(f'kpi.{kpi.name}.caveat')}[/dim]"
        if kpi.reason:
            text = f"[yellow]{say.text(f'kpi.reason.{kpi.reason}')}[/yellow] {text}"
        rows.append((say.text(f"kpi.{kpi.name}.name"), kpi.shown(say, currency), text))
    headers = [say.text(f"kpi.{name}") for name in ("figure", "value", "meaning")]
    out.print(table(title, headers, rows, right=headers[1:2]))
    if len(report.movements):
        names = ("month", "start", *KINDS, "end", "customers", "lost")
        headers = [say.text(f"kpi.{name}") for name in names]
        lines = [
            (
                f"{row['month']:%Y-%m}",
                *(say.number(row[name] / 100) for name in ("start", *KINDS, "end")),
                say.number(row["customers"]),
                say.number(row["lost"]),
            )
            for row in report.movements.to_dict("records")
        ]
        out.print(table(f"{say.text('kpi.movements')} ({currency})", headers, lines, right=headers[1:]))
    if len(report.orders):
        headers = [say.text(f"kpi.{name}") for name in ("month", "revenue", "customers")]
        lines = [
            (f"{row['month']:%Y-%m}", say.number(row["revenue"]), say.number(row["customers"]))
            for row in report.orders.to_dict("records")
        ]
        out.print(table(f"{say.text('kpi.orders')} ({currency})", headers, lines, right=headers[1:]))
    for note in forecast.notes:
        out.print(note, style="dim", markup=False)


commands = [kpis]
