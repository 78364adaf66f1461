"""`revml serve`: the service of a workspace, in the foreground."""

from __future__ import annotations

import signal
from typing import NoReturn

import click

from revml.cli.options import err, out
from revml.config import WORKSPACE_FILE


@click.command()
@click.option(
    "--workspace",
    "-w",
    default=WORKSPACE_FILE,
    show_default=True,
    metavar="PATH",
    help="Workspace file, or the folder that holds it.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.  [default: as the workspace says]")
@click.option("--host", help="Address of this machine to listen on.  [default: as the workspace says]")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that answer.")
def serve(workspace: str, port: int | None, host: str | None, workers: int) -> None:
    """Start the service: the page with the accounts, and the API behind it.

    It answers this machine only, and runs until Ctrl-C.

    \b
    Example:
      revml serve --port 8080
    """
    from revml.service.process import start_service

    signal.signal(signal.SIGTERM, _interrupt)
    with (
        err.status("Starting the service"),
        start_service(workspace, host=host, port=port, workers=workers) as service,
    ):
        readiness = service.readiness()
        out.print(f"revml is at [bold]{service.url}[/bold]  (API: {service.url}/openapi.json, log: {service.log})")
        for check in readiness.get("checks", {}).values():
            if not check["ok"]:
                err.print(f"not ready: {check.get('problem')}. {check.get('do', '')}", style="yellow", markup=False)
        out.print("Ctrl-C ends it.")
        try:
            code = service.wait()
        except KeyboardInterrupt:
            err.print("Ending the service")
            return
        err.print(f"the service ended by itself (exit code {code}); its log: {service.log}", style="red", markup=False)
        raise SystemExit(1)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    """A polite end from outside ends the child too, as Ctrl-C does."""
    raise KeyboardInterrupt


commands = [serve]
