"""`mlflow models serve` of the same trees: MLflow's LightGBM flavour, probabilities alone, in this environment.

It takes encoded rows (categories as codes), so it is spared the encoding; `dataframe_split` is the leanest of its JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from load import Request

from peers.serving import Peer, free_port, served


def save_model(model: Path, names: Sequence[str], folder: Path) -> None:
    """Write MLflow's model folder from LightGBM's text; its signature lets every number be unknown."""
    import lightgbm
    import mlflow.lightgbm
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    mlflow.lightgbm.save_model(
        lightgbm.Booster(model_file=model),
        str(folder),
        signature=ModelSignature(Schema([ColSpec("double", name, required=False) for name in names])),
        pip_requirements=[f"lightgbm=={lightgbm.__version__}"],
    )


@contextmanager
def mlflow_serve(model: Path, folder: Path) -> Iterator[Peer]:
    """Serve with one worker until the block ends; `model` is a folder of MLflow's."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(model), "--env-manager", "local"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it starts uvicorn by name
    with served(command, port, "/ping", folder, {"PATH": path}) as peer:
        yield peer


def request(port: int, names: Sequence[str], blocks: Sequence[list[list[float | None]]]) -> Request:
    """A request a block of rows."""
    bodies = (json.dumps({"dataframe_split": {"columns": list(names), "data": rows}}) for rows in blocks)
    return Request(port, "POST", "/invocations", tuple(body.encode() for body in bodies))


def probabilities(answer: bytes) -> list[float]:
    """What it answered."""
    return [float(p) for p in json.loads(answer)["predictions"]]
