"""`revml kpis`: the company's figures, each with its definition and caveat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from revml.cli.options import json_option, out, print_json, print_notes, table, workspace_option
from revml.clv.kpis.segments import SEGMENTS
from revml.config import Workspace
from revml.errors import NotEnoughData
from revml.locales import Words, words

if TYPE_CHECKING:
    from revml.sources.facts import Facts

Document = Mapping[str, Any]
RELATIONS = ("no_subscriptions", "no_orders")  # what a whole group of figures lacks is said once


@click.command()
@workspace_option
@click.option("--months", default=12, show_default=True, type=click.IntRange(1, 120), help="How far to look back.")
@click.option("--by", type=click.Choice(SEGMENTS), default=None, help="The same figures by segment.")
@click.option("--cohorts", "show_cohorts", is_flag=True, help="Retention of those who began together, by age.")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), default=None, help="Look from this day; default: the end of the data."
)
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="Also write figures as CSV.")
@json_option
def kpis(
    workspace: Workspace,
    months: int,
    by: str | None,
    show_cohorts: bool,
    as_of: datetime | None,
    csv_file: Path | None,
    as_json: bool,
) -> None:
    """MRR and its movements, retention, customers, acquisition cost and value, with definitions.

    Figures are those known at the end of the data, or at --as-of. MRR movements add up exactly, also by segment. CLV is
    forecast from the accounts' own history, without scores; `revml forecast` ties it to them.

    \b
    Example:
      revml kpis
      revml kpis --by industry
      revml kpis --cohorts --months 24
      revml kpis --months 24 --json
      revml kpis --by plan --csv kpis.csv
    """
    from revml.clv.forecast import forecast_clv
    from revml.clv.kpis.report import company_kpis
    from revml.clv.kpis.words import with_words
    from revml.datasets import scoring_time
    from revml.sources.facts import Facts

    facts, economics = Facts.open(workspace.staged_dir), workspace.economics
    as_of = facts.observed_until if as_of is None else scoring_time(facts, as_of)
    _must_have_begun(facts, as_of)
    forecast = forecast_clv(facts, as_of, economics, seed=workspace.seed)
    kinds = [by] if by else SEGMENTS if as_json else ()
    report = company_kpis(facts, as_of, economics, months=months, clv=forecast.clv, by=kinds)
    say = words(workspace.language)
    told = {"currency": workspace.company.currency, **with_words(report.to_dict(), say), "notes": list(forecast.notes)}
    if csv_file is not None:
        _write_csv(csv_file, told)
    if as_json:
        print_json(told)
        return
    _print(told, say, workspace.company.name, as_of, segments=by is not None, cohorts=show_cohorts)
    if by is not None and not told["segments"]:
        out.print(f"no segments: the data has no {by}", style="yellow", markup=False)
    print_notes(forecast.notes)


def _must_have_begun(facts: Facts, as_of: datetime) -> None:
    """Refuse a day before the first subscription and order: all figures of it would be nothing."""
    began = [
        facts.con.cursor().execute(f"SELECT min({column}) FROM {name}").fetchall()[0][0]
        for name, column in (("subscriptions", "started_at"), ("orders", "ordered_at"))
        if facts.has(name)
    ]
    first = min((day for day in began if day is not None), default=None)
    if first is not None and first > as_of:
        raise NotEnoughData(
            "nobody was a customer yet",
            where=f"as of {as_of:%Y-%m-%d}",
            wanted=f"a day from the first subscription or order on: {first:%Y-%m-%d} or later",
            got=f"{as_of:%Y-%m-%d}",
            do="choose a later --as-of",
        )


def _print(told: Document, say: Words, company: str, as_of: datetime, *, segments: bool, cohorts: bool) -> None:
    currency = told["currency"]
    title = say.text("kpi.title", company=company, day=say.date(as_of), months=told["months"])
    headers = [say.text(f"kpi.{name}") for name in ("figure", "value", "meaning")]
    told_there = [kpi for kpi in told["kpis"] if kpi["reason"] not in RELATIONS]
    rows = [(kpi["label"], _shown(kpi, say, currency), _meaning(kpi)) for kpi in told_there]
    out.print(table(title, headers, rows, right=headers[1:2]))
    for reason in RELATIONS:
        absent = [kpi for kpi in told["kpis"] if kpi["reason"] == reason]
        if absent:
            names = ", ".join(kpi["label"] for kpi in absent)
            out.print(f"{absent[0]['reason_text']} (— {names})", style="yellow", markup=False)
    if segments:
        _print_segments(told, say)
    if cohorts:
        _print_cohorts(told, say)
    if not segments and not cohorts:
        _print_months(told, say)


def _print_months(told: Document, say: Words) -> None:
    from revml.clv.kpis.movements import KINDS

    for part, money, counts in (
        ("movements", ("start", *KINDS, "end"), ("customers", "lost")),
        ("orders", ("revenue",), ("customers",)),
        ("families", ("revenue",), ("customers",)),
    ):
        if not told[part]:
            continue
        first = "label" if part == "families" else "month"
        headers = [say.text("kpi.family" if part == "families" else "kpi.month")]
        headers += [say.text(f"kpi.{name}") for name in (*money, *counts)]
        lines = [(_plain(row[first]), *(say.number(row[name]) for name in (*money, *counts))) for row in told[part]]
        title = say.text("kpi.orders") if part == "orders" else told["about"][part]["label"]
        out.print(table(f"{title} ({told['currency']})", headers, lines, right=headers[1:]))


def _print_segments(told: Document, say: Words) -> None:
    names = [kpi["name"] for kpi in told["kpis"] if any(_kpi(one, kpi["name"])["value"] for one in told["segments"])]
    labels = {kpi["name"]: kpi["label"] for kpi in told["kpis"]}
    headers = [say.text("kpi.segment"), say.text("kpi.accounts"), *(labels[name] for name in names)]
    lines = [
        (
            _plain(one["label"]),
            say.number(one["accounts"]),
            *(_shown(_kpi(one, name), say, told["currency"]) for name in names),
        )
        for one in told["segments"]
    ]
    out.print(table(told["about"]["segments"]["label"], headers, lines, right=headers[1:]))
    out.print(told["about"]["segments"]["caveat"], style="dim", markup=False)


def _print_cohorts(told: Document, say: Words) -> None:
    for relation, kind in (("contract", "retention"), ("contract", "revenue"), ("orders", "retention")):
        made, about = told["cohorts"][relation], told["about"][f"{relation}.{kind}"]
        if not made["rows"]:
            continue
        ages = len(made[kind])
        # in a terminal the first year month by month, then every third month
        shown = [k for k in range(ages) if relation == "orders" or k <= 3 or k % 3 == 0][:14]
        headers = [say.text("kpi.cohort"), say.text("kpi.accounts"), *(str(k) for k in shown)]
        lines = [
            (row["cohort"], say.number(row["accounts"]), *(_cell(row[kind], k, say) for k in shown))
            for row in made["rows"]
        ]
        every = sum(row["accounts"] for row in made["rows"])
        lines.append((say.text("kpi.all"), say.number(every), *(_cell(made[kind], k, say) for k in shown)))
        out.print(table(about["label"], headers, lines, right=headers[1:]))
        out.print(f"{about['definition']} {about['caveat']}", style="dim", markup=False)


def _cell(cells: Sequence[float | None], k: int, say: Words) -> str:
    cell = cells[k] if k < len(cells) else None
    return "" if cell is None else say.percent(cell)


def _kpi(one: Document, name: str) -> dict[str, Any]:
    return next(kpi for kpi in one["kpis"] if kpi["name"] == name)


def _shown(kpi: Document, say: Words, currency: str) -> str:
    from revml.clv.kpis.figures import shown

    text = shown(kpi["unit"], kpi["value"], say, currency)
    return f"{text} *" if kpi["caution_texts"] else text


def _meaning(kpi: Document) -> str:
    text = f"{kpi['definition']} [dim]{kpi['caveat']}[/dim]"
    told = [kpi["reason_text"]] if kpi["reason_text"] else [f"* {caution}" for caution in kpi["caution_texts"]]
    return f"[yellow]{' '.join(told)}[/yellow] {text}" if told else text


def _plain(text: str) -> str:
    return text.replace("[", "\\[")  # what the data says is no markup


def _write_csv(file: Path, told: Document) -> None:
    import csv

    with file.open("w", encoding="utf-8-sig", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(("by", "segment", "month", "name", "label", "unit", "value", "reason", "accounts"))
        writer.writerows(_csv_rows(told))
    click.echo(f"figures written to {file}", err=True)


def _csv_rows(told: Document) -> Iterator[tuple[Any, ...]]:
    labels = {kpi["name"]: (kpi["label"], kpi["unit"]) for kpi in told["kpis"]}
    for by, segment, kpis in (("", "", told["kpis"]), *((s["by"], s["label"], s["kpis"]) for s in told["segments"])):
        for kpi in kpis:
            text = f"'{segment}" if segment[:1] in ("=", "+", "-", "@") else segment
            value = "" if kpi["value"] is None else kpi["value"]
            line = (kpi["name"], kpi["label"], kpi["unit"], value, kpi["reason_text"], kpi["accounts"])
            yield (by, text, "", *line)
    for month in told["series"]:
        for kpi in month["kpis"]:
            label, unit = labels[kpi["name"]]
            value = "" if kpi["value"] is None else kpi["value"]
            yield ("", "", month["month"], kpi["name"], label, unit, value, kpi["reason"], "")


commands = [kpis]
