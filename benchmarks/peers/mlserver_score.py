"""MLServer's own LightGBM runtime with the same trees: probabilities alone, in an environment of its own.

It takes encoded rows as a flat list of 64-bit numbers (the V2 protocol); null reads as unknown. It answers in its one
process (`parallel_workers: 0`), which is quicker for a model this small than handing requests to another.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import lightgbm
from load import Request

from peers.environment import python_with, ready
from peers.serving import Peer, free_port, served

PACKAGES = ("mlserver==1.7.1", "mlserver-lightgbm==1.7.1", f"lightgbm=={lightgbm.__version__}")


def python(*, install: bool) -> Path | None:
    """The Python of its environment, None where it is not there and not to be installed, or cannot be."""
    if not install and not ready(*PACKAGES):
        print("  MLServer is not installed yet; the full version installs it", flush=True)
        return None
    return python_with(*PACKAGES)


@contextmanager
def mlserver(interpreter: Path, model: Path, folder: Path) -> Iterator[Peer]:
    """Serve LightGBM's text until the block ends."""
    folder.mkdir(parents=True)
    shutil.copy(model, folder / "model.txt")
    port = free_port()
    settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    _write(folder / "settings.json", {**settings, "parallel_workers": 0, "debug": False})
    runtime = {"name": "churn", "implementation": "mlserver_lightgbm.LightGBMModel"}
    _write(folder / "model-settings.json", {**runtime, "parameters": {"uri": "./model.txt"}})
    command = [str(interpreter.parent / "mlserver"), "start", str(folder)]
    with served(command, port, "/v2/health/ready", folder) as peer:
        yield peer


def request(port: int, blocks: Sequence[list[list[float | None]]]) -> Request:
    """A request a block of rows."""
    bodies = []
    for rows in blocks:
        flat = [value for row in rows for value in row]
        told = {"name": "rows", "shape": [len(rows), len(rows[0])], "datatype": "FP64", "data": flat}
        bodies.append(json.dumps({"inputs": [told]}).encode())
    return Request(port, "POST", "/v2/models/churn/infer", tuple(bodies))


def probabilities(answer: bytes) -> list[float]:
    """What it answered."""
    return [float(p) for p in json.loads(answer)["outputs"][0]["data"]]


def version(interpreter: Path) -> str:
    """Its version and that of its LightGBM."""
    code = "import mlserver, lightgbm; print(mlserver.__version__, 'with LightGBM', lightgbm.__version__)"
    return subprocess.run([str(interpreter), "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def _write(file: Path, told: dict[str, object]) -> None:
    file.write_text(json.dumps(told), encoding="utf-8")
