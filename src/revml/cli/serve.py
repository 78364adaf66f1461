"""`revml serve`: the service of a workspace, in the foreground."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import NoReturn

import click

from revml.cli.options import err, out
from revml.config import WORKSPACE_FILE, Workspace


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
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="Processes that answer.  [default: as the workspace says, else one a core]",
)
def serve(workspace: str, port: int | None, host: str | None, workers: int | None) -> None:
    """Start the service: the page with the accounts, and the API behind it.

    It answers this machine only, and runs until Ctrl-C. SIGTERM ends it in order: it says that it is not ready, answers
    for service.drain_seconds more, and finishes what is under way.

    Example: revml serve --port 8080
    """
    serve_until_stopped(workspace, port=port, host=host, workers=workers)


def serve_until_stopped(
    workspace: Workspace | str | Path, *, port: int | None = None, host: str | None = None, workers: int | None = None
) -> None:
    """Start the service of a workspace, say where it is, and end it at Ctrl-C or SIGTERM.

    Raises:
        ConfigError: the workspace is wrong, the host is not of this machine, or the port is taken.
        ServiceError: it did not start.
        SystemExit: it ended by itself.
    """
    from revml.service.process import start_service

    signal.signal(signal.SIGTERM, _told_to_end)
    place = workspace.root if isinstance(workspace, Workspace) else workspace
    try:
        with err.status("Starting the service"):
            service = start_service(place, host=host, port=port, workers=workers)
        with service:
            out.print(f"revml is at [bold]{service.url}[/bold]", soft_wrap=True)
            for check in service.readiness().get("checks", {}).values():
                if not check["ok"]:
                    err.print(f"not ready: {check.get('problem')}; {check.get('do', '')}", style="yellow", markup=False)
            out.print(f"API: {service.url}/openapi.json  log: {service.log}  Ctrl-C ends it.", soft_wrap=True)
            try:
                code = service.wait()
            except ToldToEnd:
                service.close(drain=True)
                raise
    except KeyboardInterrupt:
        err.print("The service has ended.")
        return
    err.print(f"the service ended by itself (exit code {code}); its log: {service.log}", style="red", markup=False)
    raise SystemExit(1)


class ToldToEnd(KeyboardInterrupt):
    """SIGTERM: whoever runs the service wants it to end in order."""


def _told_to_end(_number: int, _frame: object) -> NoReturn:
    """A polite end from outside ends the child too, as Ctrl-C does."""
    raise ToldToEnd


commands = [serve]
