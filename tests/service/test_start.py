"""What a service imports when it starts: not what trains, draws, tracks or tunes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from revml.config import Workspace

FORBIDDEN = ("mlflow", "matplotlib", "optuna", "sklearn", "shap", "lightgbm", "dask", "sqlglot", "IPython")
TELL = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def modules(code: str, **environment: str) -> set[str]:
    """The top-level modules that a process holds after it ran some code."""
    run = [sys.executable, "-c", f"{code}\n{TELL}"]
    told = subprocess.run(run, env=os.environ | environment, check=False, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    return set(json.loads(told.stdout.splitlines()[-1]))


def test_a_worker_is_lean_when_it_is_ready(workspace: Workspace) -> None:
    """Started, with its models loaded and warm, it holds none of the libraries that take seconds."""
    code = (
        "from revml.service.app import RevmlService, application\n"
        "from revml.service.gate import Gate\n"
        "service = RevmlService.inner()\n"
        "assert set(service.serving.champions.loaded) == {'churn'}\n"
        "application()\n"
        "service.serving.close()\n"
    )
    assert modules(code, REVML_WORKSPACE=str(workspace.root)) & set(FORBIDDEN) == set()


def test_bentomls_own_process_imports_bentoml_alone() -> None:
    """The parent only starts workers: it holds neither numpy nor anything heavier of ours."""
    assert modules("import revml.service.app") & {"pandas", "pyarrow", "numba", "duckdb", *FORBIDDEN} == set()
