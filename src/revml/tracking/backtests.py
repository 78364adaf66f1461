"""A replayed past as one run in MLflow, tagged `kind = backtest`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from revml.config import Workspace
from revml.errors import TrackingError
from revml.tracking.runs import PROCESS, close_dead_runs, experiment_of, process
from revml.tracking.store import connected

SOURCE = {"mlflow.source.name": "revml backtest", "mlflow.source.type": "LOCAL"}


def log_backtest(
    workspace: Workspace,
    question: str,
    *,
    name: str,
    description: str,
    params: Mapping[str, Any],
    steps: Sequence[Mapping[str, float]],
    overall: Mapping[str, float],
    texts: Mapping[str, str],
) -> str:
    """A replayed past as one run, tagged `kind=backtest`; empty, or why MLflow could not be told.

    Args:
        question: whose experiment it belongs to; `forecast` is that of the back-tests of money.
        description: what came out, in words.
        steps: metrics of each origin, the oldest first; the step is its place.
        overall: metrics without a step.
        texts: artifacts by path.
    """
    try:
        with connected(workspace) as (mlflow, client):
            experiment = experiment_of(client, workspace, question)
            close_dead_runs(client, experiment)
            own = {**process(), **SOURCE, "kind": "backtest", "revml.question": question}
            own["mlflow.note.content"] = description
            run_id = client.create_run(experiment, run_name=name, tags=own).info.run_id
            try:
                at = int(time.time() * 1000)
                metric = mlflow.entities.Metric
                metrics = [metric(k, float(v), at, 0) for k, v in overall.items()]
                metrics += [metric(k, float(v), at, n) for n, step in enumerate(steps) for k, v in step.items()]
                for start in range(0, len(metrics), 1000):
                    client.log_batch(run_id, metrics=metrics[start : start + 1000])
                client.log_batch(run_id, params=[mlflow.entities.Param(k, str(v)[:500]) for k, v in params.items()])
                for path, text in texts.items():
                    client.log_text(run_id, text, path)
            except BaseException:
                client.set_terminated(run_id, status="FAILED")
                raise
            client.set_terminated(run_id, status="FINISHED")
            for tag in PROCESS:
                client.delete_tag(run_id, tag)
    except TrackingError as error:
        return f"MLflow could not be told of the back-test ({error.what}: {error.got})"
    return ""
