"""A file of features scored and explained where it lies, without a run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from revml.cli.options import json_option, out, print_json, print_notes, progress_bar
from revml.config import QUESTIONS, WORKSPACE_FILE, QuestionName, load_workspace
from revml.errors import BundleError

if TYPE_CHECKING:
    from revml.file_job import FileScores

LANGUAGES = ("en", "cs")


@click.command("score-file")
@click.argument("question", type=click.Choice(QUESTIONS))
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--workspace",
    "-w",
    default=WORKSPACE_FILE,
    show_default=True,
    metavar="PATH",
    help="Workspace file, or the folder that holds it; not needed with --bundle and --currency.",
)
@click.option("--id", "id_column", default="account_id", show_default=True, metavar="COLUMN", help="Tells rows apart.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="Hand this column through too; several times for more.")
@click.option("--reasons", type=click.IntRange(0, 10), default=4, show_default=True, help="At most so many a row.")
@click.option(
    "--language",
    "languages",
    type=click.Choice(LANGUAGES),
    multiple=True,
    help="Language of the reasons; twice for both. Default: the workspace's, else en.",
)
@click.option("--bundle", "folder", default=None, metavar="FOLDER", help="A model bundle instead of the champion.")
@click.option("--currency", default=None, metavar="CODE", help="Of money features. Default: the workspace's.")
@click.option("--overwrite", is_flag=True, help="Take the place of OUT where it exists.")
@json_option
def score_file(
    question: QuestionName,
    source: Path,
    target: Path,
    workspace: str,
    id_column: str,
    keep: tuple[str, ...],
    reasons: int,
    languages: tuple[str, ...],
    folder: str | None,
    currency: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Score and explain the rows of a file: Parquet, CSV or Arrow in, Parquet or CSV out.

    IN is a file or a folder of files with an id and the model's features; OUT gets the same rows in the same order with
    probability, band and reasons. Nothing is published, and memory does not grow with the rows: a million take minutes.

    \b
    Example:
      revml score-file churn rows.parquet scored.parquet --keep region --reasons 4 --language en
      revml score-file churn exports/ scored.csv --id customer --bundle bundles/churn/df1cb4f5cbb2 --currency EUR
    """
    from revml.file_job import score_file as job
    from revml.models.bundle import load_bundle
    from revml.models.registry import champion

    own = None if folder and currency and not Path(workspace).exists() else load_workspace(workspace)
    bundle = champion(own, question) if folder is None and own is not None else load_bundle(folder or "")
    if bundle.question != question:
        raise BundleError(
            "the bundle answers another question", where=str(folder), wanted=question, got=bundle.question
        )
    with progress_bar("Scoring") as report:
        report("loading", 0.0)  # compiled code, which the first run on a machine has to compile
        told = job(
            bundle,
            source,
            target,
            currency=currency or (own.company.currency if own else ""),
            id=id_column,
            keep=keep,
            reasons=reasons,
            languages=tuple(dict.fromkeys(languages)) or (own.language if own else "en",),
            overwrite=overwrite,
            progress=report,
        )
    if as_json:
        print_json({"in": str(source), "out": str(target), **asdict(told)})
    else:
        _print(told, target)


def _print(told: FileScores, target: Path) -> None:
    bands = ", ".join(f"{n:,} {band}" for band, n in reversed(told.bands.items()))
    out.print(
        f"{told.rows:,} rows in {told.seconds:.1f} s, {told.question} model {told.model}: {bands};"
        f" mean probability {100 * told.mean_probability:.1f}%. Written to {target}",
        markup=False,
        soft_wrap=True,
    )
    notes = [
        f"{name}: {n:,} rows have a value that the model never saw; it counts as unknown"
        for name, n in sorted(told.unseen.items())
    ]
    if told.repeated_ids:
        notes.append(
            f"{told.repeated_ids:,} rows repeat an id, the first is row {told.first_repeated:,}; each was scored"
        )
    print_notes(notes)


commands = [score_file]
