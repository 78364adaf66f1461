"""`revml score` and `revml forecast` on a small company: they publish what they print."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from revml.config import load_workspace
from revml.store import Store
from tests.cli.commands import answer, call
from tests.order_company import order_company


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a company with a champion for lapse."""
    order_company(tmp_path)
    return tmp_path


def test_score_publishes_one_run_and_prints_it(root: Path) -> None:
    """What is printed is what readers of the scores database see."""
    said = answer(root, "score")
    with Store.open(load_workspace(root).store_url) as store:
        run = store.current()
        page = store.accounts("lapse", limit=1)
    assert run is not None
    assert (said["run"], said["accounts"], said["currency"]) == (run.id, run.accounts, "CZK")
    top = said["questions"][0]["top"][0]
    assert top["account_id"] == page.rows[0].account.account_id
    assert top["expected_money"] == pytest.approx(page.rows[0].score.expected_money)


def test_score_prints_names_reasons_and_money(root: Path) -> None:
    """A name in brackets is shown as it is, not taken for a colour; money has its currency."""
    said = call(root, "score").output
    assert "[red]Buyer" in said
    assert "most money at risk" in said
    assert "CZK" in said
    assert "similar accounts" in said


def test_scores_of_treated_and_held_out_accounts_are_told_apart(tmp_path: Path) -> None:
    """Two accounts called, one held out: counts and mean probabilities of each group, in JSON and in a line."""
    plays = [
        {"action_id": f"p{n}", "account_id": f"c0{n}", "play": "call", "assigned_at": "2026-02-01"}
        | ({"holdout": True} if n == 2 else {"done_at": "2026-02-05", "holdout": False})
        for n in range(3)
    ]
    order_company(tmp_path, actions=plays)
    told = answer(tmp_path, "score")["questions"][0]
    groups = {one["group"]: one for one in told["attention"]}
    assert [groups[name]["accounts"] for name in ("treated", "held_out")] == [2, 1]
    assert sum(one["accounts"] for one in told["attention"]) == told["accounts"]
    with Store.open(load_workspace(tmp_path).store_url) as store:
        p = {row.account.account_id: row.score.probability for row in store.every_account("lapse")}
    assert groups["treated"]["probability"] == pytest.approx((p["c00"] + p["c01"]) / 2)
    assert groups["held_out"]["probability"] == pytest.approx(p["c02"])
    assert "treated 2 (mean" in call(tmp_path, "score").output
    listed = answer(tmp_path, "accounts", "--attention", "treated")
    assert {row["account"]["account_id"]: row["score"]["attention"] for row in listed} == {
        "c00": "treated",
        "c01": "treated",
    }
    assert "held out lately" in call(tmp_path, "account", "c02").output
    call(tmp_path, "export", "--out", str(tmp_path / "scores.csv"))
    exported = pd.read_csv(tmp_path / "scores.csv").query("question == 'lapse'").set_index("account_id")["attention"]
    assert exported[["c00", "c02", "c03"]].tolist() == ["treated", "held_out", "neither"]


def test_without_plays_nothing_is_said_of_them(root: Path) -> None:
    """No line, and null in JSON."""
    assert answer(root, "score")["questions"][0]["attention"] is None
    assert "plays" not in call(root, "score").output


def test_a_day_beyond_the_data_publishes_nothing(root: Path) -> None:
    """Exit code 2, a message, and an untouched scores database."""
    result = call(root, "score", "--as-of", "2027-01-01")
    assert result.exit_code == 2
    assert "does not reach that far" in result.stderr
    assert not (root / ".revml" / "scores.db").exists()


def test_what_is_no_date_is_refused(root: Path) -> None:
    """The message shows how a date is written."""
    result = call(root, "score", "--as-of", "March")
    assert result.exit_code == 2
    assert "2026-03-01" in result.stderr


def test_without_a_model_the_way_out_is_named(tmp_path: Path) -> None:
    """Exit code 7 and what to run."""
    order_company(tmp_path, questions=())
    result = call(tmp_path, "score")
    assert result.exit_code == 7
    assert "revml train all" in result.stderr


def test_forecast_publishes_the_horizon_that_was_asked_for(root: Path) -> None:
    """Half a year of flows for every account, and totals that add up."""
    said = answer(root, "forecast", "--horizon-months", "6")
    assert said["horizon_months"] == 6
    assert sum(row["clv"] for row in said["relations"]) == pytest.approx(said["clv"])
    assert sum(row["clv"] for row in said["segments"]) == pytest.approx(said["clv"])
    with Store.open(load_workspace(root).store_url) as store:
        flows = store.account(said["top"][0]["account_id"]).flows
        assert store.current().id == said["run"]  # type: ignore[union-attr]
    assert len(flows[0].discounted_margin) == 6
    assert sum(v or 0.0 for v in flows[0].discounted_margin) == pytest.approx(said["top"][0]["clv"])


def test_forecast_prints_totals_warnings_and_notes(root: Path) -> None:
    """The table by relation, by country, the accounts worth most, and what needs care."""
    said = call(root, "forecast").output
    for part in ("By relation", "By country", "Worth most", "orders", "extrapolated", "accounts: "):
        assert part in said


def test_several_horizons_lie_within_one_another(root: Path) -> None:
    """The longest is the account's value; shorter ones stand beside it and are never added."""
    said = answer(root, "forecast", "--horizon-months", "12, 6,18")
    assert [one["horizon_months"] for one in said["horizons"]] == [6, 12, 18]
    worth = [one["clv"] for one in said["horizons"]]
    assert worth == sorted(worth)
    assert (said["horizon_months"], said["clv"]) == (18, worth[-1])
    assert sum(row["clv"] for row in said["relations"]) == pytest.approx(worth[-1])
    with Store.open(load_workspace(root).store_url) as store:
        assert store.totals().clv == pytest.approx(worth[-1])
        found = store.account(said["top"][0]["account_id"])
    assert [one.horizon_months for one in found.values] == [6, 12, 18]
    assert found.account.clv == found.values[-1].clv == pytest.approx(said["top"][0]["clv"])


@pytest.mark.parametrize(
    ("asked", "told"), [("121", "120 months at most"), ("12,,24", "commas"), ("0", "commas"), ("a year", "commas")]
)
def test_a_horizon_that_is_none_is_refused_with_a_way_out(root: Path, asked: str, told: str) -> None:
    """Exit code 2, and nothing is published."""
    result = call(root, "forecast", "--horizon-months", asked)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())
    assert not (root / ".revml" / "scores.db").exists()


def test_a_horizon_beyond_the_observed_is_answered_with_its_share(root: Path) -> None:
    """Ten years from a short history: a figure, how much of it is extrapolated, and a warning."""
    said = answer(root, "forecast", "--horizon-months", "12,120")
    assert said["horizons"][0]["extrapolated_share"] < said["horizons"][1]["extrapolated_share"]
    assert any("beyond anything observed" in note for note in said["notes"])
    assert said["warnings"]["extrapolated"] > 0
