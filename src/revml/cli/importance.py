"""`revml importance`: what weighs in a model, how its strongest features act, and in which segments otherwise."""

from __future__ import annotations

from pathlib import Path

import click

from revml.cli.options import json_option, out, print_json, table, workspace_option
from revml.cli.page_file import write_page
from revml.cli.promote import bundle_option
from revml.config import QUESTIONS, QuestionName, Workspace


@click.command()
@click.argument("question", type=click.Choice(QUESTIONS))
@click.option("--by", metavar="SEGMENT", help="Segments of one column only, such as plan or industry.")
@bundle_option
@click.option("--html", "page", type=click.Path(path_type=Path), help="Write a page with pictures into this file.")
@workspace_option
@json_option
def importance(
    question: QuestionName, by: str | None, bundle: str | None, page: Path | None, workspace: Workspace, as_json: bool
) -> None:
    """Show what weighs in the model of QUESTION: concepts, how the strongest features act, segments.

    Told of the champion, or of another bundle, as training measured it on the rows of its test window. It tells what
    the model uses, not what causes the event.

    \b
    Example:
      revml importance churn
      revml importance churn --by industry --json
      revml importance churn --html churn.html
    """
    from revml.comparing import candidate
    from revml.evaluation.view_tables import acting_table, concept_table, segment_table, stability_words
    from revml.evaluation.views import of_segments, views_in
    from revml.locales import words
    from revml.models.registry import champion

    found = candidate(workspace, question, bundle) if bundle else champion(workspace, question)
    views = of_segments(views_in(found), by)
    if page is not None:
        from revml.evaluation.view_page import render

        write_page(page, render(found, views, language=workspace.language), option="--html")
    if as_json:
        told = {"question": question, "bundle": found.hash, "version": found.version, **views}
        print_json({**told, "stability": found.manifest.get("stability"), "page": str(page) if page else None})
        return
    say, manifest = words("en"), found.manifest
    out.print(f"{question}: {found.hash[:12]}, {found.rung}", markup=False)
    for build in (concept_table, acting_table, segment_table):
        part = build(say, manifest, views)
        if not part.rows:
            continue
        out.print(part.intro, markup=False, soft_wrap=True)
        out.print(table("", part.headers, [[cell.replace("`", "") for cell in row] for row in part.rows]))
        if part.after:
            out.print(part.after, markup=False)
    if stable := stability_words(say, manifest):
        out.print(stable, markup=False, soft_wrap=True)
    if page is not None:
        out.print(f"page: {page}", markup=False, soft_wrap=True)


commands = [importance]
