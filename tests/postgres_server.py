"""A real PostgreSQL server of the tests' own: on loopback, thrown away afterwards, skipped aloud where none is."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USER, PASSWORD = "reader", "s3cret@:/"


@contextmanager
def postgres_server() -> Iterator[int]:
    """The port of a fresh server on 127.0.0.1; `USER` logs in with `PASSWORD` to the database `postgres`."""
    psycopg = pytest.importorskip("psycopg")
    initdb, postgres = _program("initdb"), _program("postgres")
    if sys.platform == "win32" or not initdb or not postgres:
        pytest.skip("PostgreSQL is not installed here, so nothing is tested against it")
    folder = Path(tempfile.mkdtemp(prefix="revml-pg-"))
    user = _as_plain_user(folder)
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    cluster = str(folder / "cluster")
    options = ["-D", cluster, "-U", USER, "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8"]
    made = subprocess.run([*user, initdb, *options], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    process = subprocess.Popen(
        [*user, postgres, "-D", cluster, "-p", str(port), "-k", str(folder), "-h", "127.0.0.1", "-F"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(150):
            try:
                psycopg.connect(login(port)).close()
                break
            except psycopg.OperationalError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def login(port: int) -> str:
    """The connection string of libpq."""
    return f"host=127.0.0.1 port={port} user={USER} dbname=postgres password='{PASSWORD}'"


def _program(name: str) -> str | None:
    found = shutil.which(name)
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return found or (str(versions[-1]) if versions else None)


def _as_plain_user(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL refuses to run as root and there is no setpriv to change the user")
    shutil.chown(folder, "nobody")
    return ["setpriv", "--reuid=nobody", "--clear-groups"]
