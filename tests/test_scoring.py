"""One scoring run on a sample company: complete, true to the data, repeatable."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from revml.config import QUESTIONS, UPSELL_KINDS, Economics, QuestionSpec, Workspace
from revml.datasets import scoring_frame
from revml.errors import BundleError, ConfigError, NotFound
from revml.models.registry import appoint, champion
from revml.models.sheet import MinEvents, load_sheet
from revml.put_aside import PREFIX
from revml.scoring import account_frame, existing, now_and_before, score, score_workspace, share_at_stake, told_since
from revml.snapshots import PAST_DAYS, population
from revml.sources.facts import Facts
from revml.sources.samples import write_sample
from revml.sources.staging import stage_workspace
from revml.store import Store
from revml.store.frames import check
from revml.store.long import whole
from revml.store.runs import (
    ACCOUNT_COLUMNS,
    ATTENTION,
    CLV_COLUMNS,
    FLOW_COLUMNS,
    HORIZON_COLUMNS,
    REASON_COLUMNS,
    SCORE_COLUMNS,
    ScoreRun,
)
from revml.store.schema import OF_A_RUN
from revml.store.snapshots import FRAMES, save_run
from revml.training import train
from tests.literal_facts import stage
from tests.order_company import AS_OF, hand_made_champion, order_company


@dataclasses.dataclass(frozen=True)
class Company:
    """A staged sample company with champions."""

    workspace: Workspace
    facts: Facts
    run: ScoreRun


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A software company of 200 accounts; churn by trained trees, upsell by a model written by hand."""
    root = tmp_path_factory.mktemp("company")
    write_sample(root / "data", kind="saas", accounts=200, months=26, seed=5)
    workspace = Workspace(data="data", economics=Economics(horizon_months=12)).at(root)
    stage_workspace(workspace)
    facts = Facts.open(workspace.staged_dir)
    trees = load_sheet(workspace, "churn").model_copy(
        update={"rungs": ("lightgbm",), "min_events": MinEvents(train=1, valid=1), "max_rounds": 60}
    )
    trained = train(workspace, facts, "churn", sheet=trees)
    appoint(workspace.bundles_dir / "churn", trained.bundle.folder.name, None)
    hand_made_champion(workspace, facts, "upsell")
    return Company(workspace, facts, score_workspace(workspace, facts))


def _facts(company: Company, table: str) -> pd.DataFrame:
    return Facts.open(company.workspace.staged_dir).con.sql(f"FROM {table}").df()


# --- the curve --------------------------------------------------------------------------------------------------------


def test_a_longer_horizon_is_never_less_likely(company: Company) -> None:
    """30, 90, 180 and 365 days in order for every account, the model's own horizon the published probability."""
    churn = company.run.scores[company.run.scores["question"] == "churn"]
    steps = churn[list(HORIZON_COLUMNS.values())].diff(axis=1).iloc[:, 1:]
    assert len(churn) > 100
    assert (steps >= 0).all(axis=None)
    assert (steps["probability_365d"] > 0).any()
    assert churn["probability_90d"].tolist() == churn["probability"].tolist()


def test_lifetime_value_and_the_curve_agree_at_the_horizon(company: Company) -> None:
    """Survival behind the lifetime value is the published probability's three months on, as the curve is."""
    churn = company.run.scores[company.run.scores["question"] == "churn"].set_index("account_id")
    flows = company.run.flows[company.run.flows["relation"] == "contract"]
    before, after = (
        flows[flows["month"] == m].set_index("account_id")["survival"].reindex(churn.index) for m in (2, 3)
    )
    lost = churn["probability_90d"]
    assert (1 - before <= lost + 1e-9).all()
    assert (lost <= 1 - after + 1e-9).all()


def test_a_model_of_one_horizon_has_no_others(company: Company) -> None:
    """The bundle written by hand knows no curve: its columns are empty and it claims nothing."""
    upsell = company.run.scores[company.run.scores["question"] == "upsell"]
    assert upsell[list(HORIZON_COLUMNS.values())].isna().all(axis=None)
    assert [m.extrapolated_days for m in company.run.models if m.question == "upsell"] == [None]


def test_money_that_is_not_known_is_not_zero(company: Company) -> None:
    """Money and expected money are missing for that account alone; its probability stands."""
    bundle = champion(company.workspace, "upsell")
    frame = pd.DataFrame({"account_id": ["a", "b"], "money": [120.0, np.nan], **dict.fromkeys(bundle.features, 1.0)})
    told = score(bundle, frame, QuestionSpec(uplift=0.5))
    assert told["money"].isna().tolist() == told["expected_money"].isna().tolist() == [False, True]
    assert told["expected_money"].iloc[0] == pytest.approx(told["probability"].iloc[0] * 0.5 * 120.0)
    assert told["probability"].notna().all()


# --- looking back -----------------------------------------------------------------------------------------------------


def test_scores_of_a_day_that_the_model_learned_from_say_so(company: Company) -> None:
    """A year ago the trained model would have known less; the model by hand learned nothing, and today is fine."""
    (note,) = score_workspace(
        company.workspace, company.facts, as_of=company.run.as_of - timedelta(days=360)
    ).score_notes
    assert note.startswith("churn: the model in service learned from what came until")
    assert company.run.score_notes == ()


# --- completeness -----------------------------------------------------------------------------------------------------


def test_the_store_would_take_the_run(company: Company) -> None:
    """Keys, ranges and references are as a publish wants them."""
    check(company.run)


def test_every_frame_has_the_published_columns(company: Company) -> None:
    """No frame lacks a column or brings one of its own."""
    run = company.run
    assert tuple(run.accounts.columns) == ACCOUNT_COLUMNS
    assert tuple(run.scores.columns) == (*SCORE_COLUMNS, *HORIZON_COLUMNS.values(), ATTENTION)
    assert tuple(run.reasons.columns) == REASON_COLUMNS
    assert tuple(run.clv.columns) == CLV_COLUMNS
    assert tuple(run.flows.columns) == FLOW_COLUMNS


@pytest.mark.parametrize("question", ["churn", "upsell"])
def test_everyone_at_risk_is_scored_once(company: Company, question: Any) -> None:
    """The scored accounts of a question are its population at as_of."""
    spec = company.workspace.question(question)
    wanted = population(company.facts, question, spec, [company.run.as_of])["account_id"].tolist()
    scores = company.run.scores
    assert scores.loc[scores["question"] == question, "account_id"].tolist() == wanted


def test_the_run_looks_from_the_last_midnight_of_the_data(company: Company) -> None:
    """Without a day the newest whole instant is taken."""
    assert company.run.as_of <= company.facts.observed_until < company.run.as_of + timedelta(days=1)


def test_the_models_stand_in_the_run(company: Company) -> None:
    """Version, hash, horizon and test figures of each champion go with its scores."""
    churn, upsell = company.run.models
    assert (churn.rung, upsell.rung) == ("lightgbm", "logistic")
    assert (churn.question, upsell.question, upsell.version) == ("churn", "upsell", "3")
    assert churn.bundle.startswith(churn.version)
    assert churn.horizon_days == 90
    assert "roc_auc" in churn.figures["values"]


def test_value_is_forecast_for_everyone_under_contract(company: Company) -> None:
    """Each account with a churn score has a contract CLV over the workspace's horizon, with one flow a month."""
    run = company.run
    assert set(run.clv["account_id"]) == set(run.scores.loc[run.scores["question"] == "churn", "account_id"])
    assert set(run.clv["horizon_months"]) == {12}
    assert set(run.flows.groupby("account_id")["month"].max()) == {12}


# --- money, rank, bands -----------------------------------------------------------------------------------------------


def test_contract_money_is_twelve_times_mrr(company: Company) -> None:
    """The money of a contract question and the MRR of the accounts' frame come from the same contracts."""
    both = company.run.scores.merge(company.run.accounts, on="account_id")
    np.testing.assert_allclose(both["money"], 12 * both["mrr"])


def test_expected_money_is_what_the_event_moves(company: Company) -> None:
    """Churn loses all of the money; an upsell gains at least the uplift that its model learned (0.2)."""
    scores = company.run.scores
    share = np.where(scores["question"] == "churn", 1.0, 0.2)
    np.testing.assert_allclose(scores["expected_money"], scores["probability"] * share * scores["money"])


def test_a_question_moves_its_own_share() -> None:
    """Losses take all, gains the least that the definition calls a gain."""
    spec = QuestionSpec(uplift=0.15, drop=0.2, growth_ratio=1.4)
    shares = {q: round(share_at_stake(q, spec), 9) for q in QUESTIONS}
    parts = {"contraction": 0.2, "upsell": 0.15, **dict.fromkeys(UPSELL_KINDS, 0.15), "growth": 0.4}
    assert shares == dict.fromkeys(QUESTIONS, 1.0) | parts


def test_percentiles_follow_the_probabilities(company: Company) -> None:
    """Within a question a greater probability never has a lower percentile, and the greatest has 100 or ties."""
    for _, scores in company.run.scores.groupby("question"):
        ranked = scores.sort_values("probability")
        assert ranked["percentile"].is_monotonic_increasing
        assert 0 < ranked["percentile"].min() <= ranked["percentile"].max() <= 100


def test_bands_are_the_bundles(company: Company) -> None:
    """The band is cut at the thresholds that were frozen in training (0.1 and 0.3 in the hand-made bundle)."""
    upsell = company.run.scores[company.run.scores["question"] == "upsell"]
    p = upsell["probability"]
    assert upsell["band"].tolist() == np.where(p >= 0.3, "high", np.where(p >= 0.1, "medium", "low")).tolist()


# --- reasons ----------------------------------------------------------------------------------------------------------


def test_everyone_has_reasons_in_both_languages(company: Company) -> None:
    """No sentence is empty or the same in both languages, and hardly an account is so average that nothing is told."""
    run = company.run
    assert len(run.reasons[["account_id", "question"]].drop_duplicates()) >= 0.95 * len(run.scores)
    assert (run.reasons["text_en"].str.len() > 5).all()
    assert not (run.reasons["text_en"] == run.reasons["text_cs"]).any()


def test_every_number_of_every_reason_is_in_the_features(company: Company) -> None:
    """Value and past are read back from the feature table, for both questions and all accounts."""
    run = company.run
    _, before = now_and_before(company.workspace, company.facts, ["churn", "upsell"], run.as_of)
    before = before.set_index("account_id")
    for question, reasons in run.reasons.groupby("question"):
        now = scoring_frame(company.facts, company.workspace, question, run.as_of).set_index("account_id")  # type: ignore[arg-type]
        for r in reasons.itertuples():
            assert _same(r.value, now.loc[r.account_id, r.feature])
            assert _same(r.past, before[r.feature].get(r.account_id) if r.feature in before else None)


def _same(told: object, data: object) -> bool:
    if told is None or pd.isna(told):
        return data is None or bool(pd.isna(data))
    return told == data


def _active_users(company: Company, account: str, at: datetime) -> float:
    usage = _facts(company, "usage")
    mine = usage[(usage["account_id"] == account) & (usage["known_at"] <= at)]
    return float(
        mine.loc[(mine["occurred_at"] > at - timedelta(days=28)) & (mine["occurred_at"] <= at), "user_id"].nunique()
    )


def _tickets(company: Company, account: str, at: datetime) -> float:
    tickets = _facts(company, "tickets")
    mine = tickets[(tickets["account_id"] == account) & (tickets["known_at"] <= at)]
    return float(((mine["opened_at"] > at - timedelta(days=84)) & (mine["opened_at"] <= at)).sum())


def _lines(company: Company, account: str, at: datetime) -> pd.DataFrame:
    rows = _facts(company, "subscriptions")
    rows = rows[(rows["account_id"] == account) & (rows["known_at"] <= at) & (rows["started_at"] <= at)]
    return rows[rows["ended_at"].isna() | (rows["ended_at"] > at)]


def _renewal(company: Company, account: str, at: datetime) -> float:
    ahead = _lines(company, account, at)["renews_at"]
    ahead = ahead[ahead >= at]
    return float((ahead.min() - at).days) if len(ahead) else np.nan


RECOUNT: dict[str, Callable[[Company, str, datetime], float]] = {
    "active_users_28d": _active_users,
    "tickets_84d": _tickets,
    "mrr": lambda c, a, at: float(np.float32(_lines(c, a, at)["mrr"].sum())),
    "seats": lambda c, a, at: float(np.float32(_lines(c, a, at)["quantity"].sum())),
    "days_to_renewal": _renewal,
}


def test_the_reasons_of_ten_accounts_agree_with_the_raw_data(company: Company) -> None:
    """Ten accounts with most money at stake: each fact and its past are counted again from the staged tables."""
    run = company.run
    upsell = run.scores[run.scores["question"] == "upsell"].sort_values("expected_money", ascending=False)
    ten = upsell["account_id"].head(10).tolist()
    reasons = run.reasons[(run.reasons["question"] == "upsell") & run.reasons["account_id"].isin(ten)]
    assert reasons["account_id"].nunique() == 10
    assert reasons["feature"].nunique() >= 3
    born = _facts(company, "accounts").set_index("account_id")["created_at"]
    before = run.as_of - timedelta(days=PAST_DAYS)
    for r in reasons.itertuples():
        recount = RECOUNT[r.feature]
        assert _same(r.value, recount(company, r.account_id, run.as_of)), r
        assert _same(r.past, recount(company, r.account_id, before) if born[r.account_id] <= before else None), r


# --- time -------------------------------------------------------------------------------------------------------------


def test_the_same_company_gives_the_same_run(company: Company) -> None:
    """Scoring twice gives equal frames."""
    again = score_workspace(company.workspace, company.facts)
    for name in ("accounts", "scores", "reasons", "clv", "flows"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(company.run, name))


def test_a_day_in_the_past_can_be_scored(company: Company) -> None:
    """Who is at risk then is scored then, and a horizon may be asked for."""
    then = company.run.as_of - timedelta(days=180)
    run = score_workspace(company.workspace, company.facts, as_of=then, horizon_months=6)
    wanted = population(company.facts, "churn", company.workspace.question("churn"), [then])["account_id"].tolist()
    assert run.scores.loc[run.scores["question"] == "churn", "account_id"].tolist() == wanted
    assert (run.accounts["customer_since"] <= then).all()
    assert set(run.clv["horizon_months"]) == {6}
    check(run)


def test_a_day_beyond_the_data_is_refused(company: Company) -> None:
    """The future cannot be scored: the midnight that ends the last day of the data is the latest."""
    with pytest.raises(ConfigError, match="does not reach that far"):
        score_workspace(
            company.workspace, company.facts, as_of=company.facts.observed_until + timedelta(days=1, seconds=1)
        )


# --- what is missing --------------------------------------------------------------------------------------------------


def test_without_a_champion_the_way_out_is_named(company: Company, tmp_path: Path) -> None:
    """Nothing trained yet: say what to run."""
    with pytest.raises(NotFound, match="revml train all"):
        score_workspace(company.workspace.at(tmp_path), company.facts)


def test_features_that_are_gone_are_named(company: Company, tmp_path: Path) -> None:
    """A champion that wants usage meets a company that no longer has it."""
    for table in ("accounts", "subscriptions"):
        frame = _facts(company, table)
        (tmp_path / "data").mkdir(exist_ok=True)
        frame.drop(columns="known_at").to_parquet(tmp_path / "data" / f"{table}.parquet")
    workspace = Workspace(data="data").at(tmp_path)
    stage_workspace(workspace)
    folder = next((company.workspace.bundles_dir / "upsell").glob("*/"))
    there = tmp_path / workspace.work / "bundles" / "upsell" / folder.name
    there.mkdir(parents=True)
    for file in folder.iterdir():
        (there / file.name).write_bytes(file.read_bytes())
    appoint(there.parent, folder.name, "3")
    with pytest.raises(BundleError, match="active_users_28d, tickets_84d"):
        score_workspace(workspace, Facts.open(workspace.staged_dir))


# --- accounts and their past, by literal facts ------------------------------------------------------------------------


def _two(folder: Path, **tables: Any) -> Facts:
    accounts = [
        {"account_id": "a", "created_at": "2024-01-01", "name": "Acme", "owner": "Eva", "industry": "steel"},
        {"account_id": "b", "created_at": "2026-02-20", "name": "Bolt", "owner": None, "industry": None},
    ]
    return stage(folder, observed_until="2026-03-31", accounts=accounts, **tables)


def test_attributes_are_those_known_on_the_day(tmp_path: Path) -> None:
    """A change of owner counts from the day on which the company knew of it."""
    change = {"account_id": "a", "attribute": "owner", "value": "Jan", "changed_at": "2026-02-01"}
    late = {**change, "value": "Iva", "changed_at": "2026-02-10", "known_at": "2026-03-02"}
    facts = _two(tmp_path, account_history=[change, late])
    owners = [account_frame(facts, AS_OF + timedelta(days=d), ["a"])["owner"].tolist() for d in (-60, 0, 1)]
    assert owners == [["Eva"], ["Jan"], ["Iva"]]


def test_mrr_and_orders_are_those_known_on_the_day(tmp_path: Path) -> None:
    """Ended lines, later news and orders of more than a year ago do not count; returns do."""
    line = {"subscription_id": "s", "account_id": "a", "product": "p", "quantity": 1.0}
    order = {"line": 1, "account_id": "a", "product": "p", "quantity": 1.0}
    facts = _two(
        tmp_path,
        subscriptions=[
            {**line, "started_at": "2025-01-01", "ended_at": "2026-01-01", "mrr": 50.0},
            {**line, "started_at": "2026-01-01", "mrr": 70.0},
            {**line, "subscription_id": "t", "started_at": "2026-02-01", "known_at": "2026-03-05", "mrr": 900.0},
        ],
        orders=[
            {**order, "order_id": "1", "ordered_at": "2025-03-01", "amount": 5.0},
            {**order, "order_id": "2", "ordered_at": "2025-03-02", "amount": 100.0},
            {**order, "order_id": "3", "ordered_at": "2026-03-01", "amount": -30.0, "quantity": -1.0},
            {**order, "order_id": "4", "ordered_at": "2026-02-01", "known_at": "2026-03-09", "amount": 900.0},
        ],
    )
    frame = account_frame(facts, AS_OF, ["a", "b"])
    assert frame["mrr"].tolist() == [70.0, 0.0]
    assert frame["order_revenue_12m"].tolist() == [70.0, 0.0]
    assert frame["name"].tolist() == ["Acme", "Bolt"]


def test_an_account_that_was_none_has_no_past(tmp_path: Path) -> None:
    """Twelve weeks before, the younger account did not exist."""
    facts = _two(tmp_path)
    assert existing(facts, AS_OF - timedelta(days=PAST_DAYS), ["a", "b"]) == ["a"]
    assert existing(facts, AS_OF, ["a", "b"]) == ["a", "b"]


def test_a_window_that_reaches_before_the_data_is_no_past(tmp_path: Path) -> None:
    """Orders are known for half a year: twelve weeks ago a quarter can be told, a year cannot."""
    order = {"line": 1, "account_id": "a", "product": "p", "quantity": 1.0, "amount": 10.0}
    facts = _two(
        tmp_path,
        orders=[
            {**order, "order_id": "1", "ordered_at": "2025-09-01"},
            {**order, "order_id": "2", "ordered_at": "2026-02-01"},
        ],
    )
    assert told_since(facts)["orders_84d"] == datetime(2025, 9, 1) + timedelta(days=84)  # noqa: DTZ001
    frames, past = now_and_before(Workspace(), facts, ["lapse"], AS_OF)
    assert past["orders_84d"].tolist() == [0]
    assert "orders_364d" in frames["lapse"].columns
    assert "orders_364d" not in past.columns


# --- order relations --------------------------------------------------------------------------------------------------


def test_order_questions_are_scored_with_order_money(tmp_path: Path) -> None:
    """Lapse and growth of a company that only has orders: money is a year's orders, growth gains its ratio less one."""
    workspace, facts = order_company(tmp_path, questions=("lapse", "growth"))
    run = score_workspace(workspace, facts)
    check(run)
    assert {m.question for m in run.models} == {"lapse", "growth"}
    both = run.scores.merge(run.accounts, on="account_id")
    np.testing.assert_allclose(both["money"], both["order_revenue_12m"].clip(lower=0))
    share = np.where(both["question"] == "lapse", 1.0, 0.25)
    np.testing.assert_allclose(both["expected_money"], both["probability"] * share * both["money"])
    assert set(run.clv["relation"]) == {"orders"}


def test_nobody_at_risk_is_an_empty_answer(company: Company) -> None:
    """A question without a single account gives an empty frame, not an error."""
    nobody = scoring_frame(company.facts, company.workspace, "upsell", company.run.as_of).iloc[:0]
    assert score(champion(company.workspace, "upsell"), nobody, QuestionSpec()).empty


@pytest.fixture(scope="module")
def in_sevens(company: Company) -> ScoreRun:
    """The company's run again, looked at, explained and put aside seven rows at a time."""
    return score_workspace(company.workspace, company.facts, part_rows=7)


@pytest.mark.parametrize("name", FRAMES)
def test_parts_change_nothing(company: Company, in_sevens: ScoreRun, name: str) -> None:
    """Seven rows at a time give each frame of the run as all at once do, to the bit."""
    pd.testing.assert_frame_equal(
        whole(getattr(in_sevens, name)).sort_values(_keys(name), ignore_index=True),
        getattr(company.run, name).sort_values(_keys(name), ignore_index=True),
        check_exact=True,
    )


def test_what_is_published_in_parts_is_the_same(company: Company, in_sevens: ScoreRun, tmp_path: Path) -> None:
    """Both runs give the same rows in the database and the same Parquet."""
    numbers, snapshots = [], []
    with Store.open(f"sqlite:///{tmp_path / 'scores.db'}") as store:
        for run in (company.run, in_sevens):
            numbers.append(store.publish(run))
            folder = save_run(run, numbers[-1], tmp_path / "runs")
            snapshots.append({name: pq.read_table(folder / f"{name}.parquet") for name in FRAMES})
    with sqlite3.connect(tmp_path / "scores.db") as con:
        for table in OF_A_RUN:
            found = [con.execute(f"SELECT * FROM {table.name} WHERE run_id = ?", [n]).fetchall() for n in numbers]
            told = [sorted((row[1:] for row in rows), key=repr) for rows in found]
            assert told[0] or table.name == "coming_orders", "a seller of contracts has no orders to come"
            assert told[0] == told[1], table.name
    for name in FRAMES:
        assert snapshots[0][name].schema == snapshots[1][name].schema
        assert snapshots[0][name].num_rows == snapshots[1][name].num_rows


def test_what_is_put_aside_goes_with_the_run(company: Company) -> None:
    """Reasons, contributions and the scored rows wait on disk as long as the run is there, and no longer."""
    before = set(company.workspace.work_dir.glob(f"{PREFIX}*"))
    run = score_workspace(company.workspace, company.facts, part_rows=50)
    assert len(set(company.workspace.work_dir.glob(f"{PREFIX}*")) - before) == 3
    del run
    assert set(company.workspace.work_dir.glob(f"{PREFIX}*")) == before


def _keys(name: str) -> list[str]:
    return {
        "accounts": ["account_id"],
        "contributions": ["account_id", "question", "item"],
        "scores": ["question", "account_id", "item"],
        "reasons": ["question", "account_id", "item", "rank"],
        "clv": ["account_id", "relation", "horizon_months"],
        "values": ["account_id", "horizon_months"],
        "drivers": ["account_id", "concept"],
        "coming": ["account_id"],
        "flows": ["account_id", "relation", "month"],
    }[name]
