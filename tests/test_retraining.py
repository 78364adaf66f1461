"""Where no model may serve, something that claims nothing stands in, and gives way to the first model that passes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from revml.config import load_workspace
from revml.models.registry import champion, in_service
from revml.retraining import train_questions
from revml.scoring import score_workspace
from revml.sources.facts import Facts
from tests.literal_facts import stage


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory):
    """A seller of 150 accounts whose orders are tossed by a coin: nothing can be foretold."""
    root: Path = tmp_path_factory.mktemp("noise")
    (root / "revml.yaml").write_text("data: data\nquestions: {lapse: {horizon_days: 60, lookback_days: 120}}\n")
    coin = np.random.default_rng(5)
    ids = [f"a{i:03d}" for i in range(150)]
    months = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13)]
    orders = [
        {"order_id": f"{i}-{m}", "line": 1, "ordered_at": f"{m}-{coin.integers(1, 28):02d}", "account_id": i,
         "product": "p", "quantity": 1.0, "amount": 100.0}
        for m in months for i in ids if coin.random() < 0.3
    ]  # fmt: skip
    workspace = load_workspace(root)
    stage(
        workspace.staged_dir,
        accounts=[{"account_id": i, "created_at": "2023-12-01"} for i in ids],
        products=[{"product": "p"}],
        orders=orders,
        observed_until="2025-12-31",
    )
    facts = Facts.open(workspace.staged_dir)
    return workspace, facts, train_questions(workspace, facts, "lapse")


def test_noise_is_not_called_a_model(noise) -> None:
    """What was learned from coin tosses is refused, and the average rate stands in for every account."""
    workspace, _, (trained,) = noise
    assert not trained.result.verdict.passed
    assert trained.stand_in.rung == "constant"
    assert champion(workspace, "lapse").hash == trained.stand_in.hash
    assert in_service(workspace, "lapse") is None
    assert "the average rate" in trained.summary()


def test_a_company_without_a_model_is_scored_with_the_average(noise) -> None:
    """Every account gets the same probability, nobody stands out, no reason is made up, and CLV is there."""
    workspace, facts, (trained,) = noise
    run = score_workspace(workspace, facts)
    assert run.models[0].rung == "constant"
    assert run.scores["probability"].nunique() == 1
    assert run.scores["probability"].iloc[0] == pytest.approx(trained.stand_in.base_rate, abs=0.02)
    assert set(run.scores["band"]) == {"low"}
    assert run.reasons.empty
    assert len(run.clv) > 0
