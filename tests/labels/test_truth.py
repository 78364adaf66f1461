"""Labels against known truth: a sample company tells the true probability of each label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.config import QuestionSpec, Workspace
from revml.labels import answerable, label
from revml.snapshots import KEYS, population
from revml.sources.facts import Facts
from revml.sources.samples import write_sample
from revml.sources.staging import stage_workspace


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["saas", "machinery", "manufacturing"])
def test_what_happened_agrees_with_the_true_probabilities(tmp_path: Path, kind: str) -> None:
    """Everyone at risk has a true probability, and events come as often as it says, overall and where it is high.

    The difference between events and their expectation is summed by account, since the windows of an account overlap;
    four standard errors are allowed, and 5 % for what the truth itself was averaged from.
    """
    write_sample(tmp_path / "data", kind=kind, accounts=1500, months=30, seed=7, events=20_000)  # type: ignore[arg-type]
    workspace = Workspace(data="data").at(tmp_path)
    stage_workspace(workspace)
    facts = Facts.open(workspace.staged_dir)
    truth = pd.read_parquet(tmp_path / "data" / "truth" / "account_months.parquet")
    truth["as_of"] = truth["as_of"].astype("datetime64[us]")
    spec = QuestionSpec()
    asked = [q for q in answerable(facts) if f"p_{q}_90d" in truth]
    assert len(asked) >= 2
    for question in asked:
        window = spec.window(question)
        dates = [at.to_pydatetime() for at in truth["as_of"].drop_duplicates()]
        closed = [at for at in dates if window.closed(at, facts.observed_until)]
        found = label(facts, question, spec, population(facts, question, spec, closed))
        rows = found.merge(truth.rename(columns={f"p_{question}_90d": "p"})[[*KEYS, "p"]], on=list(KEYS), how="left")
        assert rows["label"].notna().all(), question
        assert rows["p"].notna().mean() > 0.99, question
        rows = rows[rows["p"].notna()]
        for part in (rows, rows[rows["p"] > rows["p"].quantile(0.9)]):
            surprise = (part["label"].astype(float) - part["p"]).groupby(part["account_id"]).sum()
            allowed = 4 * float(np.sqrt((surprise**2).sum())) + 0.05 * float(part["p"].sum())
            assert abs(float(surprise.sum())) < allowed, question
