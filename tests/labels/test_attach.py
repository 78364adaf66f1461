"""Attach: the owner of a machine without a contract takes one out in the window and keeps it past the grace period."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from revml.config import QuestionSpec
from revml.errors import NotEnoughData
from revml.labels import require
from revml.snapshots import population
from revml.windows import instant
from tests.labels.rows import UNTIL, decided, machine, term
from tests.literal_facts import stage

AT = "2026-01-01"  # the window of 90 days is (2026-01-01, 2026-04-01]
ENDED = term("other", "2020-01-01", "2021-01-01")  # so that ends are known at all


def _attached(folder: Path, accounts: list[str], rows: list[Any], **definition: Any) -> dict[str, int | None]:
    machines = [machine(a, f"{a}-1", "2020-01-01") for a in accounts]
    facts = stage(folder, observed_until=UNTIL, assets=machines, subscriptions=[ENDED, *rows])
    return decided(facts, "attach", AT, **definition)


@pytest.mark.parametrize(
    ("at", "label"),
    [("2026-01-01T00:00:01", 1), ("2026-02-01", 1), ("2026-04-01", 1), ("2026-04-01T00:00:01", 0)],
)
def test_a_contract_that_starts_in_the_window(tmp_path: Path, at: str, label: int) -> None:
    """The end of the window belongs to it."""
    assert _attached(tmp_path, ["a"], [term("a", at)]) == {"a": label}


@pytest.mark.parametrize(("ended", "label"), [("2026-03-03", 0), ("2026-03-03T00:00:01", 1), ("2026-02-10", 0)])
def test_it_must_be_kept_past_the_grace_period(tmp_path: Path, ended: str, label: int) -> None:
    """A contract from 1 February that is called off within 30 days is none."""
    assert _attached(tmp_path, ["a"], [term("a", "2026-02-01", ended)]) == {"a": label}


def test_any_subscription_keeps_it(tmp_path: Path) -> None:
    """A first month followed by a contract is one start; a second start that is kept counts after one that was not."""
    rows = [
        term("trial", "2026-02-01", "2026-02-15"),
        term("trial", "2026-02-20", line="full"),
        term("second", "2026-01-10", "2026-01-12"),
        term("second", "2026-03-20", line="full"),
    ]
    assert _attached(tmp_path, ["trial", "second"], rows) == {"second": 1, "trial": 1}


def test_a_late_renewal_is_no_new_contract(tmp_path: Path) -> None:
    """Who had a contract within the grace period before is only back; who had one long ago takes out a new one."""
    rows = [
        term("late", "2024-01-01", "2025-12-20"),
        term("late", "2026-01-10", line="new"),
        term("long ago", "2020-01-01", "2022-01-01"),
        term("long ago", "2026-01-10", line="new"),
        term("gone", "2024-01-01", "2025-12-20"),
    ]
    assert _attached(tmp_path, ["late", "long ago", "gone"], rows) == {"gone": 0, "late": None, "long ago": 1}


def test_taken_out_before_the_window_does_not_apply(tmp_path: Path) -> None:
    """A contract from within the gap, or from before the snapshot and known later, leaves nothing to ask."""
    rows = [
        term("in gap", "2026-01-05"),
        term("known late", "2025-12-01", known_at="2026-01-15"),
        term("over again", "2026-01-02", "2026-01-04", line="trial"),
        term("over again", "2026-03-20"),
    ]
    found = _attached(tmp_path, ["in gap", "known late", "over again"], rows, gap_days=7)
    assert found == {"in gap": None, "known late": None, "over again": 1}


def test_asked_are_owners_without_a_contract(tmp_path: Path) -> None:
    """A machine in service and no active subscription, both as known at the snapshot."""
    machines = [
        machine("owner", "1", "2020-01-01"),
        machine("customer", "2", "2020-01-01"),
        machine("retired", "3", "2020-01-01", "2026-01-01"),
        machine("retires later", "4", "2020-01-01", "2026-01-02"),
        machine("installed later", "5", "2026-01-02"),
        machine("known later", "6", "2025-12-01", known_at="2026-01-02"),
        machine("former customer", "7", "2020-01-01"),
    ]
    rows = [
        term("customer", "2025-01-01"),
        term("former customer", "2024-01-01", "2026-01-01"),
        term("none", "2025-01-01"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, assets=machines, subscriptions=rows)
    found = population(facts, "attach", QuestionSpec(), [instant(AT)])
    assert list(found["account_id"]) == ["former customer", "owner", "retires later"]


def test_an_owner_without_a_machine_at_the_windows_start_does_not_apply(tmp_path: Path) -> None:
    """A machine that retires within the gap leaves nothing to take a contract for."""
    machines = [machine("a", "1", "2020-01-01", "2026-01-03"), machine("b", "2", "2020-01-01", "2026-01-20")]
    facts = stage(tmp_path, observed_until=UNTIL, assets=machines, subscriptions=[ENDED, term("b", "2026-02-01")])
    assert decided(facts, "attach", AT, gap_days=7) == {"a": None, "b": 1}


@pytest.mark.parametrize(("until", "label"), [("2026-04-30T23:59:59", None), ("2026-05-01", 1)])
def test_the_label_waits_for_the_grace_period(tmp_path: Path, until: str, label: int | None) -> None:
    """Whether a contract is kept is known 30 days after the window."""
    machines = [machine("a", "1", "2020-01-01")]
    facts = stage(tmp_path, observed_until=until, assets=machines, subscriptions=[ENDED, term("a", "2026-02-01")])
    assert decided(facts, "attach", AT) == {"a": label}


def test_money_is_what_the_median_customer_pays_for_a_machine(tmp_path: Path) -> None:
    """A year's MRR a machine in service of the median customer with a contract, times the account's machines."""
    mrrs = {"c1": 10.0, "c2": 60.0, "c3": 30.0, "c4": 0.0, "c5": 90.0, "c6": 20.0}
    machines = [machine(a, f"{a}-1", "2020-01-01") for a in mrrs]
    machines += [machine("c2", "c2-2", "2020-01-01"), machine("c2", "c2-gone", "2020-01-01", "2021-01-01")]
    machines += [machine("one", "one-1", "2020-01-01")]
    machines += [machine("two", f"two-{k}", "2020-01-01") for k in range(2)]
    rows = [term(a, "2024-01-01", mrr=mrr) for a, mrr in mrrs.items()]
    facts = stage(tmp_path, observed_until=UNTIL, assets=machines, subscriptions=[ENDED, *rows])
    found = population(facts, "attach", QuestionSpec(), [instant(AT)])
    # 10, 30 (60 for two), 30, 90 and 20 a machine and month; free contracts tell nothing
    assert dict(zip(found["account_id"], found["money"], strict=True)) == {"one": 360.0, "two": 720.0}


def test_money_is_unknown_where_few_have_a_contract(tmp_path: Path) -> None:
    """What four customers pay says too little of a fifth."""
    machines = [machine(a, a, "2020-01-01") for a in ("a", "b", "c", "d", "e")]
    rows = [term(a, "2024-01-01") for a in "bcde"]
    facts = stage(tmp_path, observed_until=UNTIL, assets=machines, subscriptions=[ENDED, *rows])
    assert population(facts, "attach", QuestionSpec(), [instant(AT)])["money"].isna().all()


def test_assets_and_contracts_are_needed(tmp_path: Path) -> None:
    """Without assets the message names them."""
    with pytest.raises(NotEnoughData) as error:
        require(stage(tmp_path, subscriptions=[ENDED]), "attach")
    assert error.value.wanted == "assets.installed_at"
