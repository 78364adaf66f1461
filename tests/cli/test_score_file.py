"""`revml score-file`."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from revml.cli import main
from revml.models.registry import appoint
from tests.cli.commands import answer, call
from tests.explanations.literal_bundles import frame
from tests.file_job.conftest import trees_bundle


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a champion for churn, and a file of rows."""
    folder = tmp_path_factory.mktemp("score_file")
    (folder / "revml.yaml").write_text("company: {name: Literal, currency: EUR}\ndata: data\nlanguage: cs\n")
    rows = frame(300)
    bundle = trees_bundle(folder / ".revml" / "bundles" / "churn", rows)
    appoint(bundle.folder.parent, bundle.folder.name, "3")
    rows.to_parquet(folder / "rows.parquet")
    return folder


def test_it_scores_with_the_champion(root: Path) -> None:
    """Counts as JSON, the file in the workspace's language, a refusal where it exists, and a sentence for people."""
    out = root / "out.parquet"
    told = answer(root, "score-file", "churn", str(root / "rows.parquet"), str(out))
    assert (told["question"], told["model"], told["rows"], told["out"]) == ("churn", "3", 300, str(out))
    assert sum(told["bands"].values()) == 300
    assert "podobných zákazníků" in " ".join(pd.read_parquet(out)["reason_1"].dropna())
    again = call(root, "score-file", "churn", str(root / "rows.parquet"), str(out))
    assert (again.exit_code, "--overwrite" in again.stderr) == (3, True)
    over = call(root, "score-file", "churn", str(root / "rows.parquet"), str(out), "--overwrite", "--language", "en")
    assert over.exit_code == 0, over.output
    assert "300 rows in" in over.stdout
    assert "similar accounts" in " ".join(pd.read_parquet(out)["reason_1"].dropna())


def test_a_bundle_needs_no_workspace(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its folder and a currency; of another question it is refused."""
    monkeypatch.chdir(tmp_path)
    [folder] = [one for one in (root / ".revml" / "bundles" / "churn").iterdir() if one.is_dir()]
    words = [str(root / "rows.parquet"), "out.csv", "--bundle", str(folder), "--currency", "EUR"]
    told = CliRunner().invoke(main, ["score-file", "churn", *words, "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["rows"] == 300
    other = CliRunner().invoke(main, ["score-file", "upsell", *words])
    assert (other.exit_code, "answers another question" in other.stderr) == (5, True)


def test_without_a_champion_it_says_so(root: Path) -> None:
    """And what to do."""
    told = call(root, "score-file", "upsell", str(root / "rows.parquet"), str(root / "none.parquet"))
    assert (told.exit_code, "no champion for upsell yet" in told.stderr) == (7, True)


def test_what_is_odd_is_told(root: Path, tmp_path: Path) -> None:
    """Categories never seen and repeated ids, with how many rows."""
    frame(300).assign(plan="gold", account_id="a1").to_parquet(tmp_path / "rows.parquet")
    told = call(root, "score-file", "churn", str(tmp_path / "rows.parquet"), str(tmp_path / "out.parquet"))
    assert "plan: 300 rows have a value that the model never saw" in told.stdout
    assert "299 rows repeat an id, the first is row 2" in told.stdout
