"""`revml scenario` as a reader meets it: on the published run of a small company."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.clv import Published, forecast_clv
from revml.config import Economics
from revml.scoring import account_frame
from revml.store import Store
from revml.store.runs import SCORE_COLUMNS, ScoreRun
from tests.cli.commands import answer, call
from tests.clv.companies import AS_OF, accounts_of, company, yearly_contracts
from tests.literal_runs import literal_run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a run of 60 contracts, scored from 2 to 30 %."""
    folder = tmp_path_factory.mktemp("scenario")
    (folder / "revml.yaml").write_text("data: data\n", encoding="utf-8")
    rows = yearly_contracts(60, 3)
    accounts = [{**one, "industry": "Software"} for one in accounts_of(rows)]
    facts = company(folder / ".revml" / "staged", subscriptions=rows, accounts=accounts, orders=[])
    p = pd.DataFrame({"account_id": [one["account_id"] for one in accounts]})
    p["probability"] = np.linspace(0.02, 0.3, len(p))
    forecast = forecast_clv(facts, AS_OF, Economics(), Published(p_churn=p, churn_days=90), horizon_months=(12, 36))
    scores = p.assign(question="churn", item="", percentile=50.0, band="low", money=1.0, expected_money=0.1)
    literal = literal_run()
    run: ScoreRun = replace(
        literal,
        as_of=AS_OF,
        accounts=account_frame(facts, AS_OF, sorted(p["account_id"])),
        scores=scores.assign(model_version="7")[list(SCORE_COLUMNS)],
        reasons=literal.reasons.head(0),
        clv=forecast.clv,
        flows=forecast.flows,
        values=forecast.values,
    )
    with Store.open(f"sqlite:///{folder / '.revml' / 'scores.db'}") as store:
        store.publish(run)
    return folder


def test_before_is_what_was_published(root: Path) -> None:
    """The forecast made again is the run's, so that no note is needed."""
    told = answer(root, "scenario", "--retention", "+1")
    assert told["horizons"] == [12, 36]
    assert not [note for note in told["notes"] if "CLV over" in note]
    assert told["clv"] > 0


def test_changes_go_together(root: Path) -> None:
    """A segment written in small letters, a price from the renewal on, ten accounts saved at a cost."""
    words = "--retention 1 --segment industry=software --price 5 --from renewal --save 10 --cost 500 --success 0.5"
    told = answer(root, "scenario", *words.split())
    assert [one["change"] for one in told["changes"]] == ["retention", "saving", "price"]
    assert told["net"] == pytest.approx(told["clv"] - 5000)
    assert len(told["assumed_texts"]) == len(told["assumed"])


def test_the_reader_sees_before_after_and_difference(root: Path) -> None:
    """Tables of figures and of accounts, what was assumed, and the effect in one line."""
    shown = call(root, "scenario", "--save", "3")
    assert shown.exit_code == 0, shown.output
    for text in ("CLV over 36 months", "difference", "accounts that carry it", "Effect on CLV", "No range is told"):
        assert text in shown.output


def test_two_horizons_can_be_asked_for(root: Path) -> None:
    """The longest is the main one."""
    told = answer(root, "scenario", "--price", "-10", "--horizon-months", "12,24")
    assert told["horizons"] == [12, 24]
    assert told["clv"] < 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("", 2, "the scenario changes nothing"),
        ("--retention 50", 2, "retention cannot be so much"),
        ("--retention 1 --segment industry=sofware", 7, "did you mean 'Software'?"),
        ("--price -120", 2, "-100 to 1,000"),
        ("--price 5 --relation orders", 7, "nobody pays such prices"),
        ("--save 1000", 2, "there are not so many accounts"),
        ("--cost 5", 2, "nothing to apply this to"),
        ("--retention 1 --horizon-months 6", 2, "at least a year"),
    ],
)
def test_what_cannot_be_is_refused(root: Path, words: str, code: int, told: str) -> None:
    """By an exit code and a message that names the way out."""
    result = call(root, "scenario", *words.split())
    assert result.exit_code == code
    assert told in result.output


def test_nothing_published_is_said(tmp_path: Path) -> None:
    """A scenario changes a run, and there is none."""
    (tmp_path / "revml.yaml").write_text("data: data\n", encoding="utf-8")
    company(tmp_path / ".revml" / "staged", n=5)
    result = call(tmp_path, "scenario", "--retention", "1")
    assert (result.exit_code, "nothing was scored yet" in result.output) == (7, True)
