"""The public names are a short list, and importing them does nothing."""

from __future__ import annotations

import subprocess
import sys

import revml


def test_the_public_names_are_these() -> None:
    """Whoever adds a public name adds it here, knowingly."""
    assert sorted(revml.__all__) == [
        "LabelWindow",
        "RevmlError",
        "Workspace",
        "__version__",
        "instant",
        "load_workspace",
    ]


def test_importing_loads_no_heavy_library() -> None:
    """`import revml` stays lean: no model, tracking, database or service library comes with it."""
    heavy = "{'mlflow', 'lightgbm', 'bentoml', 'shap', 'sqlalchemy', 'pandas', 'duckdb', 'sklearn'}"
    code = f"import revml, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_makes_no_file(tmp_path) -> None:
    """Importing every module of the package in an empty folder leaves it empty."""
    code = (
        "import pkgutil, importlib, revml\n"
        "for m in pkgutil.walk_packages(revml.__path__, 'revml.'):\n"
        "    if '.migrations' not in m.name: importlib.import_module(m.name)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert list(tmp_path.iterdir()) == []
