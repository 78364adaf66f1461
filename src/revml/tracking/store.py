"""MLflow itself, and the only file that imports it: a client of the workspace's store, quiet, bounded, no telemetry.

Whatever goes wrong between `with connected(workspace)` and its end is told as a TrackingError: MLflow away, slow or
locked costs nobody a model.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

from revml.config import Workspace
from revml.errors import RevmlError, TrackingError

# MLflow's own defaults let a call to a server that is away stall for minutes, and print to stdout.
BOUNDS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # stdout is the commands', and JSON where --json is said
}
LOCKED_SECONDS = 5  # how long another writer of an SQLite store is waited for
ALL_SECONDS = 240  # for everything that is told at once, where each call is answered but slowly
QUIET = ("mlflow", "alembic", "urllib3")


@contextmanager
def connected(workspace: Workspace) -> Iterator[tuple[Any, Any]]:
    """MLflow and a client of the workspace's store, quiet, bounded and without telemetry.

    Raises:
        TrackingError: whatever went wrong inside, with the way out.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    for name, value in BOUNDS.items():
        os.environ.setdefault(name, value)
    levels = {name: logging.getLogger(name).level for name in QUIET}
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        import mlflow

        for name in QUIET:
            logging.getLogger(name).setLevel(logging.ERROR)
        if workspace.tracking_uri.startswith("sqlite"):
            workspace.work_dir.mkdir(parents=True, exist_ok=True)
            _writable(workspace.tracking_uri)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A client of its own: MLflow's global URIs stay as the caller left them.
            yield mlflow, _Bounded(mlflow.MlflowClient(workspace.tracking_uri, workspace.tracking_uri), workspace)
    except RevmlError:
        raise
    except Exception as error:
        # Whatever MLflow, its database driver or the network raises: none of it may cost a trained model.
        raise TrackingError(
            "MLflow is away or refuses",
            where=shown(workspace.tracking_uri),
            wanted="a tracking store that answers",
            got=_without_password(workspace.tracking_uri, f"{type(error).__name__}: {error}".splitlines()[0][:300]),
            do="when it is back, call again; a trained model is registered by `revml register QUESTION`",
        ) from error
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


class _Bounded:
    """A client that is asked nothing more once all its answers together took too long."""

    def __init__(self, client: Any, workspace: Workspace) -> None:
        self._client, self._workspace = client, workspace
        self._until = time.monotonic() + ALL_SECONDS

    def __getattr__(self, name: str) -> Any:
        if time.monotonic() > self._until:
            raise TrackingError(
                "MLflow is too slow",
                where=shown(self._workspace.tracking_uri),
                wanted=f"all answers within {ALL_SECONDS} seconds",
                got=f"not yet asked: {name}",
                do="look after the tracking server; a trained model is registered by `revml register QUESTION`",
            )
        return getattr(self._client, name)


def _writable(uri: str) -> None:
    """Ask SQLite itself first: where the file refuses, MLflow would try again for minutes before it says so."""
    file = uri.partition(":///")[2].partition("?")[0]
    with closing(sqlite3.connect(file, timeout=LOCKED_SECONDS)) as con:
        con.execute("BEGIN IMMEDIATE")
        con.rollback()


def shown(uri: str) -> str:
    """A URI without its password."""
    head, at, tail = uri.rpartition("@")
    return f"{head.split('://')[0]}://***@{tail}" if at else uri


def _without_password(uri: str, text: str) -> str:
    """A message in which MLflow may have repeated its address, without the password in it."""
    password = urlsplit(uri).password
    return text.replace(password, "***") if password else text
