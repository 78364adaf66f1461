"""Replacement: an asset that takes the place of an older one is installed in the window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from revml.config import QuestionSpec
from revml.errors import NotEnoughData
from revml.labels import require
from revml.snapshots import population
from revml.windows import instant
from tests.labels.rows import UNTIL, decided, machine
from tests.literal_facts import stage

AT = "2026-01-01"  # the window of 90 days is (2026-01-01, 2026-04-01]
PRODUCTS = [
    {"product": "mill", "family": "milling", "price": 40_000.0},
    {"product": "mill-2", "family": "milling", "price": 60_000.0},
    {"product": "lathe", "family": "turning", "price": 30_000.0},
    {"product": "saw"},
    {"product": "milling"},
]


def _replaced(folder: Path, rows: list[Any], **definition: Any) -> dict[str, int | None]:
    facts = stage(folder, observed_until=UNTIL, assets=rows, products=PRODUCTS)
    return decided(facts, "replacement", AT, **definition)


@pytest.mark.parametrize(
    ("installed", "label"),
    [("2026-01-01", 0), ("2026-01-01T00:00:01", 1), ("2026-04-01", 1), ("2026-04-01T00:00:01", 0)],
)
def test_a_named_successor_installed_in_the_window(tmp_path: Path, installed: str, label: int) -> None:
    """What `replaced_by` names counts on the day of its installation, even while the old one still runs."""
    rows = [machine("a", "old", "2020-01-01", replaced_by="new"), machine("a", "new", installed)]
    assert _replaced(tmp_path, rows) == {"a": label}


def test_a_named_successor_may_be_of_another_family(tmp_path: Path) -> None:
    """The company's own word goes before families; a new asset of another family alone replaces nothing."""
    rows = [
        machine("named", "n1", "2020-01-01", "2026-02-01", replaced_by="n2"),
        machine("named", "n2", "2026-02-01", product="lathe"),
        machine("alone", "a1", "2020-01-01", "2026-02-01"),
        machine("alone", "a2", "2026-02-01", product="lathe"),
    ]
    assert _replaced(tmp_path, rows) == {"alone": 0, "named": 1}


@pytest.mark.parametrize(
    ("retired", "label"),
    [
        ("2026-01-10T23:59:59", 0),
        ("2026-01-11", 1),
        ("2026-02-10", 1),
        ("2026-03-12", 1),
        ("2026-03-12T00:00:01", 0),
        (None, 0),
    ],
)
def test_of_the_same_family_within_the_grace_period(tmp_path: Path, retired: str | None, label: int) -> None:
    """Without a name, the new one comes within 30 days of the old one's retirement; else the fleet grows."""
    rows = [machine("a", "old", "2020-01-01", retired), machine("a", "new", "2026-02-10", product="mill-2")]
    rows += [machine("a", "other", "2020-01-01", product="lathe")]
    assert _replaced(tmp_path, rows) == {"a": label}


def test_a_product_without_a_family_is_its_own_family(tmp_path: Path) -> None:
    """A saw replaces a saw; a product called like a family does not belong to it, nor do two without a family."""
    rows = [
        machine("saws", "s1", "2020-01-01", "2026-02-01", product="saw"),
        machine("saws", "s2", "2026-02-01", product="saw"),
        machine("namesake", "n1", "2020-01-01", "2026-02-01", product="mill"),
        machine("namesake", "n2", "2026-02-01", product="milling"),
        machine("two", "t1", "2020-01-01", "2026-02-01", product="saw"),
        machine("two", "t2", "2026-02-01", product="milling"),
    ]
    assert _replaced(tmp_path, rows) == {"namesake": 0, "saws": 1, "two": 0}


def test_an_old_asset_has_one_successor(tmp_path: Path) -> None:
    """One that was replaced before the window is not replaced again by a further machine; another one may be."""
    rows = [
        machine("grows", "g1", "2020-01-01", "2026-01-05"),
        machine("grows", "g2", "2025-12-20"),
        machine("grows", "g3", "2026-01-20"),
        machine("both", "b1", "2020-01-01", "2026-01-05"),
        machine("both", "b2", "2025-12-20"),
        machine("both", "b3", "2026-01-20"),
        machine("both", "b4", "2020-01-01", "2026-01-25"),
    ]
    assert _replaced(tmp_path, rows) == {"both": 1, "grows": 0}


def test_a_name_goes_before_what_families_say(tmp_path: Path) -> None:
    """An old asset whose successor is named is not replaced by another one of its family."""
    rows = [
        machine("a", "old", "2020-01-01", "2026-01-20", replaced_by="first"),
        machine("a", "first", "2025-12-01", product="lathe"),
        machine("a", "more", "2026-01-25"),
    ]
    assert _replaced(tmp_path, rows) == {"a": 0}


def test_names_that_make_no_sense_are_no_replacement(tmp_path: Path) -> None:
    """An asset of another account, one that is older than what it replaces, itself, and one that nobody knows."""
    rows = [
        machine("moved", "m1", "2020-01-01", replaced_by="x1"),
        machine("elsewhere", "x1", "2026-02-01"),
        machine("elsewhere", "x0", "2020-01-01"),
        machine("itself", "i1", "2020-01-01", replaced_by="i1"),
        machine("unknown", "u1", "2020-01-01", "2026-02-01", replaced_by="nowhere"),
        machine("unknown", "u2", "2026-02-01"),
        machine("unknown", "u3", "2020-01-01"),
    ]
    assert set(_replaced(tmp_path, rows).values()) == {0}


def test_the_replaced_asset_may_have_been_sold_after_the_snapshot(tmp_path: Path) -> None:
    """An asset that came and went within the window is replaced as well."""
    rows = [
        machine("a", "old", "2020-01-01"),
        machine("a", "rented", "2026-01-10", "2026-03-01"),
        machine("a", "new", "2026-03-05"),
    ]
    assert _replaced(tmp_path, rows) == {"a": 1}


def test_asked_are_owners_of_a_machine_in_service(tmp_path: Path) -> None:
    """Installed and not retired, as known at the snapshot; gone within the gap cannot be asked."""
    rows = [
        machine("owner", "1", "2026-01-01"),
        machine("retired", "2", "2020-01-01", "2026-01-01"),
        machine("retires in the gap", "3", "2020-01-01", "2026-01-03"),
        machine("installed later", "4", "2026-01-02"),
        machine("known later", "5", "2025-12-01", known_at="2026-01-02"),
    ]
    assert _replaced(tmp_path, rows, gap_days=7) == {"owner": 0, "retires in the gap": None}


def test_money_is_the_price_of_the_machine_longest_in_service(tmp_path: Path) -> None:
    """The list price of the next to be replaced; unknown without a price, retired ones are no measure."""
    rows = [
        machine("a", "1", "2019-01-01", product="mill-2"),
        machine("a", "2", "2020-01-01", product="lathe"),
        machine("a", "0", "2018-01-01", "2025-01-01", product="mill"),
        machine("b", "3", "2019-01-01", product="saw"),
        machine("b", "4", "2020-01-01", product="lathe"),
    ]
    facts = stage(tmp_path, observed_until=UNTIL, assets=rows, products=PRODUCTS)
    money = population(facts, "replacement", QuestionSpec(), [instant(AT)]).set_index("account_id")["money"]
    assert money["a"] == 60_000.0
    assert money.isna()["b"]
    unpriced = stage(tmp_path / "2", observed_until=UNTIL, assets=rows)
    assert population(unpriced, "replacement", QuestionSpec(), [instant(AT)])["money"].isna().all()


@pytest.mark.parametrize(("until", "label"), [("2026-04-30T23:59:59", None), ("2026-05-01", 1)])
def test_the_label_waits_for_the_grace_period(tmp_path: Path, until: str, label: int | None) -> None:
    """The old machine may retire up to 30 days after the new one came."""
    rows = [machine("a", "old", "2020-01-01", "2026-02-20"), machine("a", "new", "2026-02-10")]
    facts = stage(tmp_path, observed_until=until, assets=rows)
    assert decided(facts, "replacement", AT) == {"a": label}


def test_retirements_or_successors_are_needed(tmp_path: Path) -> None:
    """Assets that never end cannot be seen to be replaced."""
    with pytest.raises(NotEnoughData) as error:
        require(stage(tmp_path, assets=[machine("a", "1", "2020-01-01")]), "replacement")
    assert error.value.wanted == "assets.retired_at or assets.replaced_by"
