"""The forecast replayed: figures of small companies are known by hand, and what lies beyond the horizon is nothing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_tweedie_deviance

from revml.backtesting.money import MoneyBacktest, backtest_money, kept_file
from revml.backtesting.money_actual import lost_after, mrr_paths
from revml.backtesting.money_methods import Method
from revml.backtesting.money_replay import replay_money
from revml.backtesting.money_scores import ForecastScores, no_scores, scores_at
from revml.backtesting.money_table import Row
from revml.clv.value import MONTH_SECONDS
from revml.config import Workspace, load_workspace
from revml.errors import NotEnoughData
from revml.retraining import train_questions
from revml.scoring import score_workspace
from revml.sources.facts import Facts
from revml.windows import instant
from tests.clv.companies import AS_OF, accounts_of, company, line, order
from tests.literal_facts import stage
from tests.small_company import small_company

ORIGIN = instant("2025-01-01")
UNTIL = "2026-03-01"
# b leaves in the sixth month, c doubles in the third; d and e left before; `new` came after.
CONTRACTS = [
    line("a", 100, "2023-01-01"),
    line("b", 100, "2023-01-01", "2025-07-01"),
    line("c", 50, "2023-06-01", "2025-04-01"),
    line("c", 100, "2025-04-01"),
    line("d", 50, "2023-01-01", "2024-06-01"),
    line("e", 30, "2023-01-01", "2024-09-01"),
    line("new", 900, "2025-02-01"),
]
ORDERS = [
    order("x", "2024-03-01", 100),
    order("x", "2024-09-01", 200),
    order("x", "2025-02-01", 300),
    order("x", "2025-03-01", -50, quantity=-1),
    order("y", "2023-06-01", 100),
    order("y", "2024-06-01", 60),
    order("late", "2025-02-01", 70),
]


def workspace_at(root: Path) -> Workspace:
    """A workspace in euros."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "revml.yaml").write_text("company: {name: Small, currency: EUR}\ndata: data\n")
    return load_workspace(root)


def replayed(root: Path, *, until: str = UNTIL, **tables: list[dict[str, Any]]) -> MoneyBacktest:
    """One origin, twelve months, no scores."""
    facts = stage(root / "staged", observed_until=until, accounts=accounts_of(*tables.values()), **tables)
    return backtest_money(workspace_at(root), facts, origins=1, scored=False, intervals=False)


def the(told: MoneyBacktest, relation: str, method: Method, **cut: str) -> Row:
    """The row of a method over twelve months."""
    [row] = [row for row in told.at(relation, 12, **cut) if row.method == method]
    return row


def test_every_figure_of_the_run_rate_by_hand(tmp_path: Path) -> None:
    """Came: 1,200 + 500 + 1,100; today's MRR of 250 going on gives 3,000."""
    told = replayed(tmp_path, subscriptions=CONTRACTS)
    assert [one.as_of for one in told.origins] == [ORIGIN]
    row = the(told, "contract", Method.RUN_RATE)
    assert (row.accounts, row.actual, row.forecast) == (3, 2800.0, 3000.0)
    assert (row.exit_actual, row.exit_forecast, row.exit_bias) == (200.0, 250.0, 0.25)
    assert row.bias == 0.0714
    assert row.rmse == pytest.approx(np.sqrt((700**2 + 500**2) / 3), abs=0.01)
    theirs = mean_tweedie_deviance([1200, 500, 1100], [1200, 1200, 600], power=1.5)
    assert row.tweedie == pytest.approx(theirs, abs=1e-3)
    assert row.gini == -0.3571
    assert row.top_lift == pytest.approx(850 / (2800 / 3), abs=1e-3)
    assert row.brier == pytest.approx(1 / 3, abs=1e-4)


def test_pooled_churn_and_past_nrr_by_hand(tmp_path: Path) -> None:
    """One loss in 21 account-months; of 330 a year before, 250 are left."""
    told = replayed(tmp_path, subscriptions=CONTRACTS)
    stays = 20 / 21
    churn = the(told, "contract", Method.POOLED_CHURN)
    assert churn.forecast == pytest.approx(250 * sum(stays**k for k in range(1, 13)), abs=0.01)
    assert churn.brier == pytest.approx((2 * (1 - stays**12) ** 2 + stays**24) / 3, abs=1e-4)
    kept = the(told, "contract", Method.NRR)
    assert kept.exit_forecast == pytest.approx(250 * 250 / 330, abs=0.01)
    assert kept.forecast == pytest.approx(250 * sum((250 / 330) ** (k / 12) for k in range(1, 13)), abs=0.01)
    assert kept.brier is None


def test_the_score_as_a_hazard_by_hand(tmp_path: Path) -> None:
    """Three tenths and half in 90 days, each month alike; an account without a score takes the mean."""
    facts = stage(tmp_path / "s", observed_until=UNTIL, accounts=accounts_of(CONTRACTS), subscriptions=CONTRACTS)
    p = pd.DataFrame({"account_id": ["a", "b"], "probability": [0.3, 0.5]})
    [one] = replay_money(
        workspace_at(tmp_path), facts, ORIGIN, (12,), ForecastScores(p, None, 90, 90, 0.1), intervals=False
    ).relations
    monthly = (1 - np.array([0.3, 0.5, 0.4])) ** (30.4375 / 90)
    expected = np.array([100.0, 100.0, 50.0])[:, None] * monthly[:, None] ** np.arange(1, 13)
    assert one.methods[Method.SCORE_HAZARD].revenue == pytest.approx(expected)


def test_baselines_of_orders_by_hand(tmp_path: Path) -> None:
    """The last year's 300 and 60 go on against 250 and 0; of the 100 of the year before, 60 came again."""
    told = replayed(tmp_path, until="2026-01-15", orders=ORDERS)
    row = the(told, "orders", Method.RUN_RATE)
    assert (row.accounts, row.actual, row.forecast, row.bias) == (2, 250.0, 360.0, 0.44)
    assert (row.exit_bias, row.brier) == (None, None)
    assert the(told, "orders", Method.POOLED_CHURN).forecast == 360.0
    nrr = the(told, "orders", Method.NRR)
    assert nrr.forecast == pytest.approx(30 * sum(0.6 ** (k / 12) for k in range(1, 13)), abs=0.01)
    assert Method.SCORE_HAZARD not in {row.method for row in told.rows}


def test_the_total_is_the_sum_of_the_relations(tmp_path: Path) -> None:
    """An account with contracts and orders counts once, with both."""
    bought = [order("a", "2023-03-01", 10), order("a", "2024-06-01", 120), order("a", "2025-06-01", 80)]
    told = replayed(tmp_path, subscriptions=CONTRACTS, orders=bought)
    assert told.relations == ("contract", "orders", "total")
    row = the(told, "total", Method.RUN_RATE)
    assert (row.accounts, row.actual, row.forecast) == (3, 2880.0, 3120.0)
    parts = [the(told, name, Method.REVML).forecast or 0.0 for name in ("contract", "orders")]
    assert the(told, "total", Method.REVML).forecast == pytest.approx(sum(parts), abs=0.02)


def test_cohorts_add_up_to_all(tmp_path: Path) -> None:
    """a and b have been there for two years, c for one and a half; all three began in 2023."""
    told = replayed(tmp_path, subscriptions=CONTRACTS)
    by_tenure = {row.of: row for row in told.rows if row.cut == "tenure" and row.method == Method.RUN_RATE}
    twelve = {of: row.actual for of, row in by_tenure.items() if row.horizon_months == 12}
    assert twelve == {"12-24": 1100.0, "24-48": 1700.0}
    assert {row.of for row in told.rows if row.cut == "start_year"} == {"2023"}


def test_nothing_beyond_the_horizon_matters(tmp_path: Path) -> None:
    """Contracts that end, begin or grow after it and orders that come after it move no figure."""
    orders = [order("a", "2024-06-01", 120), order("a", "2025-06-01", 80)]
    told = replayed(tmp_path / "before", subscriptions=CONTRACTS, orders=orders)
    changed = [
        line("a", 100, "2023-01-01", "2026-02-15"),
        *(row for row in CONTRACTS if row["account_id"] != "a"),
        line("b", 5000, "2026-02-20"),
        line("z", 700, "2026-02-20"),
    ]
    more = [*orders, order("a", "2026-02-01", 9999)]
    after = replayed(tmp_path / "after", subscriptions=changed, orders=more)
    assert [row.to_json() for row in after.rows] == [row.to_json() for row in told.rows]


def test_what_became_known_later_is_no_part_of_the_forecast(tmp_path: Path) -> None:
    """A contract that was entered a month after the origin adds no account, though it had begun before."""
    late = line("f", 400, "2024-03-01", known_at="2025-02-01")
    told = replayed(tmp_path / "plain", subscriptions=CONTRACTS)
    with_late = replayed(tmp_path / "late", subscriptions=[*CONTRACTS, late])
    assert [row.to_json() for row in with_late.rows] == [row.to_json() for row in told.rows]


def test_an_end_that_is_made_up_for_within_the_grace_is_none(tmp_path: Path) -> None:
    """b comes back after twenty days, which it does not pay for; c after fifty and is lost on the day it left."""
    rows = [
        line("a", 10, "2024-01-01"),
        line("b", 10, "2024-01-01", "2025-03-01"),
        line("b", 10, "2025-03-21"),
        line("c", 10, "2024-01-01", "2025-03-01"),
        line("c", 10, "2025-04-20"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, accounts=accounts_of(rows), subscriptions=rows)
    lost = lost_after(facts, ORIGIN, ["a", "b", "c"], 12)
    assert lost[:2].tolist() == [np.inf, np.inf]
    assert lost[2] == pytest.approx(59 / 30.4375)
    assert mrr_paths(facts, ORIGIN, ["b"], 4)[0].tolist() == [10, 10, 0, 10, 10]


def steady(n: int, churn: float, months: int) -> list[dict[str, Any]]:
    """So many accounts from one day on, of which exactly so large a share leaves in the middle of every month."""
    start, rows, left = instant("2023-01-01"), [], n
    ends: list[datetime | None] = []
    for k in range(1, months + 1):
        stays = round(n * (1 - churn) ** k)
        ends += [start + timedelta(seconds=(k - 0.5) * MONTH_SECONDS)] * (left - stays)
        left = stays
    ends += [None] * left
    for i, end in enumerate(ends):
        rows.append(line(f"a{i:04}", 100.0, start.isoformat(), end and end.isoformat()))
    return rows


def test_constant_churn_is_what_pooled_churn_says(tmp_path: Path) -> None:
    """Three in a hundred leave every month: pooled churn and revml are right within 1 %, the run-rate is not."""
    told = replayed(tmp_path, subscriptions=steady(2_000, 0.03, 38))
    for method in (Method.POOLED_CHURN, Method.REVML):
        row = the(told, "contract", method)
        assert abs(row.bias or 9.0) < 0.01
        assert abs(row.exit_bias or 9.0) < 0.015
    assert (the(told, "contract", Method.RUN_RATE).bias or 0.0) > 0.15
    assert told.to_json()["beaten"]["run_rate"]["won"] > 0


def test_where_a_baseline_is_better_it_is_told(tmp_path: Path) -> None:
    """Nobody ever leaves after the origin, though many did before: the run-rate is right, and said to be."""
    gone = [line(f"g{i:02}", 100, "2023-01-01", f"2024-{1 + i % 11:02}-15") for i in range(40)]
    stay = [line(f"s{i:02}", 100, "2023-01-01") for i in range(40)]
    told = replayed(tmp_path, subscriptions=[*gone, *stay])
    assert the(told, "contract", Method.RUN_RATE).bias == 0.0
    lost = {(one.figure, one.method) for one in told.losses if one.horizon_months == 12}
    assert ("bias", "run_rate") in lost
    assert ("exit_bias", "run_rate") in lost


def test_origins_are_a_quarter_apart_and_fewer_are_told(tmp_path: Path) -> None:
    """History gives some of forty; the newest has a year and the grace period after it."""
    facts = stage(tmp_path / "s", observed_until=UNTIL, accounts=accounts_of(CONTRACTS), subscriptions=CONTRACTS)
    told = backtest_money(workspace_at(tmp_path), facts, origins=40, scored=False, intervals=False)
    starts = [one.as_of for one in told.origins]
    assert starts[-3:] == [instant("2024-07-01"), instant("2024-10-01"), instant("2025-01-01")]
    assert len(starts) < 40
    assert any("of 40 origins" in note for note in told.notes)


def test_older_origins_reach_further(tmp_path: Path) -> None:
    """24 months only of those origins that have them; the newer ones are censored in the Brier score."""
    facts = stage(tmp_path / "s", observed_until=UNTIL, accounts=accounts_of(CONTRACTS), subscriptions=CONTRACTS)
    told = backtest_money(workspace_at(tmp_path), facts, origins=6, scored=False, intervals=False)
    assert told.horizons == (3, 6, 12, 24)
    [row] = [row for row in told.at("contract", 24) if row.method == Method.RUN_RATE]
    assert 0 < row.origins < len(told.origins)
    assert row.brier is not None


def test_too_short_a_history_is_refused(tmp_path: Path) -> None:
    """Nobody was there a year ago: an error with the way out, not a table of nothing."""
    rows = [line("a", 100, "2025-06-01")]
    facts = stage(tmp_path / "s", observed_until=UNTIL, accounts=accounts_of(rows), subscriptions=rows)
    with pytest.raises(NotEnoughData, match="nothing to back-test"):
        backtest_money(workspace_at(tmp_path), facts)


def test_the_document_is_json(tmp_path: Path) -> None:
    """No value that JSON does not have; the best of each figure is named."""
    told = json.loads(json.dumps(replayed(tmp_path, subscriptions=CONTRACTS).to_json(), allow_nan=False))
    assert told["methods"] == ["revml", "run_rate", "pooled_churn", "nrr"]
    assert {"bias", "rmse", "gini", "brier"} <= set(told["best"][0])


@pytest.mark.slow
def test_intervals_and_bands_are_measured(tmp_path: Path) -> None:
    """MRR that never moves ends where the interval ends: four in five at least lie within, and run-rate has none."""
    facts = company(tmp_path / "staged", n=1_500, seed=5, orders=[])
    told = backtest_money(workspace_at(tmp_path), facts, origins=1, scored=False)
    own = the(told, "contract", Method.REVML)
    assert 0.8 <= (own.coverage or 0.0) <= 1.0
    assert own.bands == 1
    assert the(told, "contract", Method.RUN_RATE).coverage is None


def test_a_known_company_comes_true(tmp_path: Path) -> None:
    """Contracts with constant hazards: revenue of the year within 6 %, nearer than the run-rate."""
    facts = company(tmp_path / "staged", n=1_500, seed=5, orders=[])
    told = backtest_money(workspace_at(tmp_path), facts, origins=1, scored=False, intervals=False)
    assert facts.observed_until == AS_OF
    contract = the(told, "contract", Method.REVML)
    assert abs(contract.bias or 9.0) < 0.06
    assert abs(contract.bias or 9.0) < abs(the(told, "contract", Method.RUN_RATE).bias or 0.0)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Facts]:
    """The company that can be counted by hand, with quick sheets."""
    root = tmp_path_factory.mktemp("counted")
    workspace = workspace_at(root)
    (root / "models").mkdir()
    for question in ("churn", "upsell"):
        (root / "models" / f"{question}.yaml").write_text(
            f"{{question: {question}, rungs: [constant, rule], bootstrap_rounds: 50}}\n"
        )
    return workspace, small_company(workspace.staged_dir)


def test_scores_are_learned_at_the_origin(counted: tuple[Workspace, Facts]) -> None:
    """Churn has scores of everyone there; upsell, which never happened, has none and a note says so."""
    told = scores_at(*counted, instant("2026-03-01"))
    assert told.p_churn is not None
    assert told.p_upsell is None
    assert any("no upsell scores" in note for note in told.notes)
    assert told.churn_days == no_scores(counted[0]).churn_days
    sql = "SELECT count(*) FROM subscriptions WHERE ended_at IS NULL OR ended_at > '2026-03-01'"
    assert [(len(told.p_churn),)] == counted[1].con.sql(sql).fetchall()


def test_scores_do_not_see_what_followed(counted: tuple[Workspace, Facts], tmp_path: Path) -> None:
    """With every end after the origin taken away the scores are the same."""
    workspace, facts = counted
    rows = facts.con.sql("SELECT * FROM subscriptions").to_arrow_table().to_pylist()
    at = instant("2025-12-01")
    kept = [
        {k: v if k != "ended_at" or v is None or v <= at else None for k, v in row.items() if v is not None}
        for row in rows
    ]
    other = small_company(tmp_path / "staged", subscriptions=kept)
    mine, theirs = scores_at(workspace, facts, at).p_churn, scores_at(workspace, other, at).p_churn
    assert mine is not None
    pd.testing.assert_frame_equal(mine, theirs)


@pytest.mark.slow
def test_a_run_publishes_the_last_back_test(counted: tuple[Workspace, Facts]) -> None:
    """None before there was one; the whole document after it."""
    workspace, facts = counted
    train_questions(workspace, facts, "churn")
    assert "forecast_backtest" not in score_workspace(workspace, facts).reports
    told = backtest_money(workspace, facts, origins=1, months=6, scored=False, intervals=False).to_json()
    kept_file(workspace).parent.mkdir(parents=True, exist_ok=True)
    kept_file(workspace).write_text(json.dumps(told))
    assert score_workspace(workspace, facts).reports["forecast_backtest"] == told
