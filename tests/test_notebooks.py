"""The notebooks run from top to bottom on a published run, and are kept without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from jupyter_client import KernelManager
from nbclient import NotebookClient

from revml.config import load_workspace
from revml.pipeline import CheckStep, Run, ScoreStep, TrainStep
from revml.sources.samples import write_sample
from revml.workspace import init_workspace

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
# What the story of each must have told by its end.
TOLD = {
    "clv": (
        "24 months of movements add up to the cent",
        "every sum agrees to the cent",
        "the published total",
        "months of 197 accounts agree",
        "12 months after",
        "Over 36 months",
    ),
    "monday_morning": ("roc_auc", "over 36 months"),
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sample company, scored and published."""
    folder = tmp_path_factory.mktemp("company")
    init_workspace(folder)
    write_sample(folder / "data", kind="saas", accounts=250, months=24, seed=3)
    run = Run(load_workspace(folder))
    for step in (CheckStep(), TrainStep(question="churn"), ScoreStep()):
        step.run(run)
    return folder


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_outputs_are_stripped(path: Path) -> None:
    """A notebook in the repository holds no outputs and no counts, so that a diff shows only what was written."""
    for cell in nbformat.read(path, 4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_run(path: Path, published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell runs, and the story tells its figures; its sums are checked as it goes."""
    monkeypatch.setenv("REVML_WORKSPACE", str(published))
    notebook = nbformat.read(path, 4)
    kernel = KernelManager(kernel_name="python3", transport="ipc", ip=str(published / "kernel"))
    NotebookClient(notebook, km=kernel, timeout=300).execute()
    printed = "".join(o.get("text", "") for c in notebook.cells for o in c.get("outputs", ()))
    assert [one for one in TOLD[path.stem] if one not in printed] == []
