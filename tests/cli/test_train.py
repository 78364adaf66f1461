"""`revml train` and `revml register` on a small sample company."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from revml.config import load_workspace
from revml.models.registry import champion
from revml.sources.samples import write_sample
from revml.sources.staging import stage_workspace
from tests.cli.commands import call

ANSWERED = ["churn", "contraction", "upsell", "cross_sell"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a checked sample company."""
    folder = tmp_path_factory.mktemp("company")
    write_sample(folder / "data", kind="saas", accounts=400, months=24, seed=5, events=60_000)
    (folder / "revml.yaml").write_text("data: data\n")
    (folder / "models").mkdir()
    sheet = "{rungs: [constant, rule, logistic], bootstrap_rounds: 50"
    for question in ANSWERED:
        (folder / "models" / f"{question}.yaml").write_text(f"{sheet}, question: {question}}}\n")
    stage_workspace(load_workspace(folder))
    return folder


@pytest.fixture(scope="module")
def told(root: Path) -> Any:
    """What `train all --json` says, with the truth beside it."""
    result = call(root, "train", "all", "--json", "--truth", str(root / "data" / "truth"))
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_all_trains_what_the_data_can_answer(told: Any) -> None:
    """A company of contracts gets the questions about contracts, and what its customers may buy next."""
    assert [one["question"] for one in told] == ANSWERED


def test_the_ladder_and_what_serves_are_told(told: Any) -> None:
    """Every rung has its out-of-sample log-loss, and the served one is among them; few events leave a rule at most."""
    for one in told:
        rungs = {row["rung"]: row["log_loss"] for row in one["ladder"]}
        assert list(rungs) in (["constant", "rule"], ["constant", "rule", "logistic"])
        assert one["served"] in rungs


def test_figures_have_intervals(told: Any) -> None:
    """Every figure of the test has a value, and what is resampled an interval around it."""
    for one in told:
        auc = one["figures"]["values"]["roc_auc"]
        assert auc["low"] <= auc["value"] <= auc["high"]


def test_the_truth_stands_beside(told: Any) -> None:
    """With --truth, the share of what can be known is told."""
    churn = next(one for one in told if one["question"] == "churn")
    assert churn["truth"]["auc_truth"] > 0.6
    assert churn["truth"]["sudden"] >= 0


def test_the_champion_is_what_was_told(root: Path, told: Any) -> None:
    """Where a model passed it serves, where it did not nothing does and the note says why."""
    workspace = load_workspace(root)
    for one in told:
        if one["passed"]:
            assert champion(workspace, one["question"]).hash == one["bundle"]
            assert one["bundle"][:12] in (root / "models" / f"{one['question']}.card.md").read_text(encoding="utf-8")
        else:
            assert "may not serve" in one["note"]


def test_again_is_the_same_model(root: Path, told: Any) -> None:
    """Training again on the same data gives the same bundle and no new version; people get tables."""
    result = call(root, "train", "churn")
    assert result.exit_code == 0, result.output
    assert told[0]["bundle"][:12] in result.output
    assert ("Next: `revml score`" in result.output) is (told[0]["alias"] == "champion")
    for words in ("ladder, chosen", "90 % interval", "verdict", "card.md", "95 % interval"):
        assert words in result.output


def test_register_finds_the_version(root: Path, told: Any) -> None:
    """Registering what is registered names its version."""
    result = call(root, "register", "churn", "--bundle", told[0]["bundle"], "--json")
    assert json.loads(result.stdout)["version"] == told[0]["version"]


def test_register_of_an_unknown_bundle_is_refused(root: Path, told: Any) -> None:
    """A hash that nobody knows is exit code 7."""
    result = call(root, "register", "churn", "--bundle", "ffff")
    assert (result.exit_code, "no such bundle" in result.stderr) == (7, True)


def test_what_the_data_cannot_answer_is_refused(root: Path) -> None:
    """A company without orders has no lapse, and the message says what is missing."""
    result = call(root, "train", "lapse")
    assert result.exit_code == 4
    assert "orders" in result.stderr
