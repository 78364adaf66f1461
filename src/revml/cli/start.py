"""`revml init`, `revml run` and `revml demo`: a new workspace, a pipeline, and the whole thread on a sample company."""

from __future__ import annotations

import time
from pathlib import Path

import click

from revml.cli.options import err, json_option, out, print_json, progress_bar, workspace_option
from revml.config import Workspace, load_workspace
from revml.errors import ConfigError
from revml.pipeline import CheckStep, Run, ScoreStep, TrainStep, load_pipeline, make_ready, run_step
from revml.workspace import init_workspace
from revml.yaml_file import nearest


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a new workspace into FOLDER.

    Example: revml init acme && cd acme
    """
    written = init_workspace(folder)
    out.print(f"{len(written)} files in {folder}. Next: say in {folder / 'revml.yaml'} where your tables are,")
    out.print(f"then `revml check -w {folder}` and `revml run retrain -w {folder}`.")


@click.command()
@click.argument("pipeline")
@workspace_option
@json_option
def run(pipeline: str, workspace: Workspace, as_json: bool) -> None:
    """Run a PIPELINE of this workspace: a file, or the name of one in pipelines/.

    Example: revml run nightly
    """
    path = Path(pipeline)
    if not path.suffix:
        path = workspace.root / "pipelines" / f"{pipeline}.yaml"
    if not path.exists():
        there = sorted(p.stem for p in (workspace.root / "pipelines").glob("*.yaml"))
        raise ConfigError(
            "there is no such pipeline",
            where=str(path),
            wanted=", ".join(there) or "a YAML file in pipelines/",
            got=pipeline,
            do=nearest(pipeline, there)
            or ("name one of these" if there else "`revml init DIR` writes some to start from"),
        )
    described, steps = load_pipeline(path)
    make_ready(workspace, steps)
    shared = Run(workspace)
    results = []
    for name, step in steps:
        with progress_bar(name) as shared.progress:
            result = run_step(shared, name, step)
        results.append(result)
        if not as_json:
            out.print(f"  {result.told}  [dim]{result.seconds:.1f} s[/dim]")
    if as_json:
        print_json({"pipeline": described.title, "steps": [vars(result) for result in results]})
    else:
        out.print(f"{described.title}: done. `revml serve` shows it; `revml export` writes it for the CRM.")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default="demo")
@click.option("--kind", type=click.Choice(["saas", "machinery", "manufacturing"]), default="saas", show_default=True)
@click.option("--accounts", type=click.IntRange(50, 20_000), default=1_500, show_default=True)
@click.option("--months", type=click.IntRange(18, 60), default=36, show_default=True)
@click.option("--seed", type=int, default=42, show_default=True)
@click.option("--serve/--no-serve", default=True, show_default=True, help="Start the service at the end.")
@click.option("--port", type=click.IntRange(1, 65535), default=None, help="Port of the service instead of 3000.")
def demo(folder: Path, kind: str, accounts: int, months: int, seed: int, serve: bool, port: int | None) -> None:
    """The whole thread on a sample company in FOLDER: data, check, features, models, scores, reasons, CLV, service.

    Example: revml demo demo --no-serve
    """
    from revml.sources.samples import write_sample

    started = time.perf_counter()
    if not (folder / "revml.yaml").exists():
        init_workspace(folder)
    workspace = load_workspace(folder)
    with progress_bar("Making a sample company") as report:
        write_sample(folder / "data", kind=kind, accounts=accounts, months=months, seed=seed, progress=report)  # type: ignore[arg-type]
    shared = Run(workspace)
    for title, step in (
        ("Checking its data", CheckStep()),
        ("Features and models", TrainStep(question="all")),
        ("Scores, reasons and CLV", ScoreStep()),
    ):
        with progress_bar(title) as shared.progress:
            told = step.run(shared)
        out.print(f"  {told}", markup=False, soft_wrap=True)
    out.print(f"\nDone in {time.perf_counter() - started:.0f} s. Where to look:")
    for what, where in (
        ("the riskiest accounts", f"revml accounts -w {folder}"),
        ("one account with its reasons", f"revml account ID -w {folder}"),
        ("how good the models are", f"{folder}/.revml/bundles/<question>/<hash>/card.md"),
        ("experiments in MLflow", f"mlflow ui --backend-store-uri {workspace.tracking_uri}"),
        ("the pages and the API", f"revml serve -w {folder}"),
    ):
        out.print(f"  {what:<30} {where}", markup=False, soft_wrap=True)
    if serve:
        from revml.cli.serve import serve_until_stopped

        err.print()
        serve_until_stopped(workspace, port=port or workspace.service.port)


commands = [init, run, demo]
