"""Cross-sell: who may buy which family, and who did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from revml.config import QuestionSpec
from revml.families import MIN_BUYERS
from revml.labels import answerable, label
from revml.snapshots import population
from revml.sources.facts import Facts
from revml.windows import instant
from tests.labels.rows import UNTIL, order, term
from tests.literal_facts import stage

AT = "2026-01-01"  # the window of 90 days is (2026-01-01, 2026-04-01], the look-back (2025-07-05, 2026-01-01]
PRODUCTS = [
    {"product": "bolt", "family": "fasteners"},
    {"product": "nut", "family": "fasteners"},
    {"product": "seal", "family": "seals"},
    {"product": "rare", "family": "curios"},
    {"product": "plain", "family": None},
]
# Five others have both families, so that both are known; what they pay a year is 40 and 400.
OTHERS = [
    order(f"o{n}", "2025-12-01", amount=amount, product=product, order_id=f"o{n}{product}")
    for n in range(MIN_BUYERS)
    for product, amount in (("bolt", 40.0), ("seal", 400.0))
]


def pairs(facts: Facts, at: str = AT, **definition: Any) -> pd.DataFrame:
    """The white space of the accounts of a test, without the five others."""
    found = population(facts, "cross_sell", QuestionSpec(**definition), [instant(at)])
    return found[~found["account_id"].str.startswith("o")].reset_index(drop=True)


def offered(facts: Facts, **definition: Any) -> list[tuple[str, str]]:
    """Account and family of each pair."""
    found = pairs(facts, **definition)
    return list(zip(found["account_id"], found["item"], strict=True))


def bought(facts: Facts, **definition: Any) -> dict[str, int | None]:
    """family -> label of account `a`."""
    rows = label(facts, "cross_sell", QuestionSpec(**definition), pairs(facts, **definition))
    return {f: None if pd.isna(v) else int(v) for f, v in zip(rows["item"], rows["label"], strict=True)}


def company(folder: Path, *orders: Any, subscriptions: Any = (), until: str = UNTIL) -> Facts:
    """The five others and these rows."""
    return stage(
        folder, observed_until=until, products=PRODUCTS, orders=[*OTHERS, *orders], subscriptions=list(subscriptions)
    )


def test_a_family_that_was_ordered_within_the_look_back_is_no_white_space(tmp_path: Path) -> None:
    """Another product of the same family is the family; an order before the look-back leaves it open again."""
    facts = company(
        tmp_path,
        order("a", "2025-12-01", product="nut"),
        order("b", "2025-12-01", product="nut"),
        order("b", "2025-07-05", amount=7.0, product="seal"),
        order("c", "2025-12-01", product="nut"),
        order("c", "2025-07-05T00:00:01", amount=7.0, product="seal"),
    )
    assert offered(facts) == [("a", "seals"), ("b", "seals")]


def test_an_active_subscription_is_no_white_space(tmp_path: Path) -> None:
    """A contract counts as having the family while it is active, however long ago it began."""
    lines = [
        term("a", "2020-01-01", product="seal"),
        term("b", "2020-01-01", "2025-12-31", product="seal"),
        term("b", "2020-01-01", product="bolt", line="t"),
    ]
    assert offered(company(tmp_path, subscriptions=lines)) == [("a", "fasteners"), ("b", "seals")]


def test_returns_and_free_goods_give_no_family(tmp_path: Path) -> None:
    """Only a line with a quantity and an amount above zero is a purchase."""
    facts = company(
        tmp_path,
        order("a", "2025-12-01", product="bolt"),
        order("a", "2025-12-02", amount=-5.0, quantity=-1.0, product="seal"),
        order("a", "2025-12-03", amount=0.0, product="seal"),
    )
    assert offered(facts) == [("a", "seals")]


def test_only_customers_are_asked(tmp_path: Path) -> None:
    """Whoever bought nothing within the look-back is no customer; one whose product has no family is one."""
    facts = company(tmp_path, order("a", "2025-01-01", product="bolt"), order("b", "2025-12-01", product="plain"))
    assert offered(facts) == [("b", "fasteners"), ("b", "seals")]


def test_a_family_of_few_customers_is_not_offered(tmp_path: Path) -> None:
    """Four customers of a family are too few to know anything of it, five are enough."""
    few = [order(f"c{n}", "2025-12-01", product="rare") for n in range(MIN_BUYERS - 1)]
    assert {item for _, item in offered(company(tmp_path / "1", *few))} == {"fasteners", "seals"}
    enough = company(tmp_path / "2", *few, order("d", "2025-12-01", product="rare"), order("a", AT, product="bolt"))
    assert ("a", "curios") in offered(enough)


def test_a_family_is_known_by_its_customers_of_then(tmp_path: Path) -> None:
    """Before its fifth customer was known a family was not offered."""
    late = [order(f"c{n}", "2025-11-01", product="rare") for n in range(MIN_BUYERS - 1)]
    late.append(order("d", "2025-11-01", product="rare", known_at="2026-01-01T00:00:01"))
    facts = company(tmp_path, order("a", "2025-12-01", product="bolt"), *late)
    assert offered(facts) == [("a", "seals"), *((f"c{n}", f) for n in range(4) for f in ("fasteners", "seals"))]


def test_money_is_what_customers_of_the_family_pay_a_year(tmp_path: Path) -> None:
    """The median over the customers then, of orders and contracts alike; returns are taken off."""
    facts = company(tmp_path, order("a", "2025-12-01", product="plain"))
    assert dict(zip(pairs(facts)["item"], pairs(facts)["money"], strict=True)) == {"fasteners": 40.0, "seals": 400.0}


def test_money_is_unknown_where_nobody_pays(tmp_path: Path) -> None:
    """A family that is only given away has no price."""
    free = [term(f"c{n}", "2025-01-01", product="rare", mrr=0.0) for n in range(MIN_BUYERS)]
    facts = company(tmp_path, order("a", "2025-12-01", product="bolt"), subscriptions=free)
    money = pairs(facts).set_index(["account_id", "item"])["money"]
    assert pd.isna(money["a", "curios"])
    assert money["a", "seals"] == 400.0


@pytest.mark.parametrize(
    ("at", "label"), [("2026-01-01T00:00:01", 1), ("2026-04-01", 1), ("2026-04-01T00:00:01", 0), ("2026-06-01", 0)]
)
def test_an_order_in_the_window_is_the_event(tmp_path: Path, at: str, label: int) -> None:
    """The window excludes its start and includes its end."""
    facts = company(tmp_path, order("a", "2025-12-01", product="bolt"), order("a", at, product="seal"))
    assert bought(facts) == {"seals": label}


def test_a_subscription_that_starts_in_the_window_is_the_event(tmp_path: Path) -> None:
    """A contract is bought when it starts."""
    facts = company(
        tmp_path, order("a", "2025-12-01", product="bolt"), subscriptions=[term("a", "2026-02-01", product="seal")]
    )
    assert bought(facts) == {"seals": 1}


def test_what_was_bought_within_the_gap_is_not_asked(tmp_path: Path) -> None:
    """Nobody could act on a purchase within the gap, and the next one is no new family."""
    facts = company(
        tmp_path,
        order("a", "2025-12-01", product="bolt"),
        order("a", "2026-01-03", product="seal"),
        order("a", "2026-02-03", amount=9.0, product="seal"),
    )
    assert bought(facts, gap_days=7) == {"seals": None}
    assert bought(facts) == {"seals": 1}


def test_what_the_account_had_already_is_not_asked(tmp_path: Path) -> None:
    """A purchase that became known after the snapshot makes the family white space then, and no event."""
    facts = company(
        tmp_path,
        order("a", "2025-12-01", product="bolt"),
        order("a", "2025-12-20", product="seal", known_at="2026-01-20"),
        order("a", "2026-02-03", amount=9.0, product="seal"),
    )
    assert offered(facts) == [("a", "seals")]
    assert bought(facts) == {"seals": None}


def test_an_open_window_has_no_label(tmp_path: Path) -> None:
    """Before the window has closed nothing is said, not even of a purchase that was seen."""
    facts = company(
        tmp_path,
        order("a", "2025-12-01", product="bolt"),
        order("a", "2026-02-01", product="seal"),
        until="2026-03-31",
    )
    assert bought(facts) == {"seals": None}


def test_families_and_a_way_to_buy_them_are_needed(tmp_path: Path) -> None:
    """Products without a family, or a catalogue that nobody buys from, do not answer the question."""
    told = {"products": PRODUCTS, "orders": OTHERS}
    assert "cross_sell" in answerable(stage(tmp_path / "1", **told))
    assert "cross_sell" in answerable(stage(tmp_path / "2", products=PRODUCTS, subscriptions=[term("a", "2025-01-01")]))
    assert "cross_sell" not in answerable(stage(tmp_path / "3", **told | {"products": [{"product": "bolt"}]}))
    assert "cross_sell" not in answerable(stage(tmp_path / "4", products=PRODUCTS))
