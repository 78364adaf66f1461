"""The built wheel works away from the checkout, in a fresh environment."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment that holds the wheel; third-party packages come from this one's folder.

    A path line in a `.pth` file adds a folder without running the `.pth` files inside it, so the editable checkout of
    revml is out of reach there.
    """
    base = tmp_path_factory.mktemp("wheel")
    run = subprocess.run
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", base, ROOT], check=True, timeout=300)
    run([sys.executable, "-m", "venv", base / "env"], check=True, timeout=120)
    python = base / "env" / "bin" / "python"
    wheel = next(base.glob("revml-*.whl"))
    run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True, timeout=120)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip())
    (site / "third_party.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def _revml(python: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(
        [python.parent / "revml", *arguments],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.mark.slow
def test_the_wheel_is_what_runs(wheel_python: Path, tmp_path: Path) -> None:
    """The fresh environment imports the wheel, not the checkout."""
    code = "import revml; print(revml.__file__)"
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    where = subprocess.run(
        [wheel_python, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert Path(where.stdout.strip()).is_relative_to(wheel_python.parent.parent)


@pytest.mark.slow
def test_init_and_demo_work_from_the_wheel(wheel_python: Path, tmp_path: Path) -> None:
    """`revml init` writes a workspace and `revml demo --no-serve` runs the whole thread, far from any checkout."""
    made = _revml(wheel_python, "init", "acme", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "acme" / "models" / "churn.yaml").exists()
    ran = _revml(wheel_python, "demo", "tour", "--no-serve", "--accounts", "300", "--months", "30", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    listed = _revml(wheel_python, "accounts", "-w", "tour", "--json", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert "churn" in listed.stdout


@pytest.mark.slow
def test_the_wheel_holds_the_ready_mappings(wheel_python: Path, tmp_path: Path) -> None:
    """`revml map` writes one from the installed wheel."""
    written = _revml(wheel_python, "map", "stripe", "segment", "--out", "revml.yaml", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    assert "invoice_line_item" in (tmp_path / "revml.yaml").read_text()
