"""What is known of an account and a family that it does not have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from revml.config import QuestionSpec
from revml.features.item import PAIR_FEATURES
from revml.features.pairs import pair_features
from revml.snapshots import population
from revml.sources.facts import Facts
from revml.windows import instant
from tests.features.company import HAPPENED, Row, random_company
from tests.features.test_nothing_after_as_of import MUTATIONS
from tests.labels.rows import UNTIL, order, term
from tests.literal_facts import stage

AT = "2026-01-01"
NAMES = [feature.name for feature in PAIR_FEATURES]
PRODUCTS: list[Any] = [
    {"product": "bolt", "family": "fasteners", "complements": "seal, paint"},
    {"product": "seal", "family": "seals"},
    {"product": "paint", "family": "finishing"},
]


def bought(account: str, product: str, at: str = "2025-12-01", amount: float = 100.0, **more: Any) -> Any:
    """An order line of a product."""
    return order(account, at, amount, product=product, order_id=f"{account}-{product}-{at}", **more)


# Ten have fasteners, six of them seals too and nobody else has; six others have finishing alone.
TEN = [bought(f"f{n}", "bolt") for n in range(10)]
SIX = [bought(f"f{n}", "seal", amount=300.0) for n in range(6)]
PAINTED = [bought(f"p{n}", "paint", amount=20.0) for n in range(6)]
COMPANY = [*TEN, *SIX, *PAINTED]


def told(facts: Facts, account: str, item: str, at: str = AT) -> dict[str, float]:
    """The features of one pair."""
    pairs = population(facts, "cross_sell", QuestionSpec(), [instant(at)])
    rows = pair_features(facts, pairs, 180)
    (row,) = rows[(rows["account_id"] == account) & (rows["item"] == item)].to_dict("records")
    return {str(name): value for name, value in row.items() if name in NAMES}


def company(folder: Path, *orders: Any, **tables: Any) -> Facts:
    """The twenty-two lines above and these."""
    return stage(folder, observed_until=UNTIL, products=PRODUCTS, orders=[*COMPANY, *orders], **tables)


def test_what_goes_with_what_is_counted_among_the_other_customers(tmp_path: Path) -> None:
    """Six of the nine others with fasteners have seals; of all fifteen others six have, so 1.67 times the usual."""
    row = told(company(tmp_path), "f9", "seals")
    assert row["item_affinity"] == pytest.approx(6 / 9)
    assert row["item_share"] == pytest.approx(6 / 15)
    assert row["item_lift"] == pytest.approx((6 / 9) / (6 / 15))
    assert row["item_goes_with"] == 1
    assert told(company(tmp_path), "f9", "finishing")["item_affinity"] == 0.0


def test_a_product_may_name_what_complements_it(tmp_path: Path) -> None:
    """The catalogue names a product or several; the family of each is a complement of whoever has the first."""
    facts = company(tmp_path)
    assert told(facts, "f9", "seals")["item_complement"] == 1.0
    assert told(facts, "f9", "finishing")["item_complement"] == 1.0
    assert told(facts, "p0", "seals")["item_complement"] == 0.0


def test_a_family_that_was_there_before_is_told_with_its_age(tmp_path: Path) -> None:
    """An order before the look-back is a family of before; who never had it has no such age."""
    facts = company(tmp_path, bought("f9", "paint", "2025-01-01"))
    row = told(facts, "f9", "finishing")
    assert (row["item_had_before"], row["item_left_days"]) == (1.0, 365.0)
    row = told(facts, "f8", "finishing")
    assert row["item_had_before"] == 0.0
    assert np.isnan(row["item_left_days"])


def test_a_contract_that_ended_is_a_family_of_before(tmp_path: Path) -> None:
    """The age counts from the end, and an end after the snapshot is not known."""
    lines = [
        term("f9", "2024-01-01", "2025-12-22", product="paint"),
        term("f8", "2024-01-01", "2026-01-02", product="paint"),
    ]
    facts = company(tmp_path, subscriptions=lines)
    assert told(facts, "f9", "finishing")["item_left_days"] == 10.0
    pairs = population(facts, "cross_sell", QuestionSpec(), [instant(AT)])
    assert "f8" not in set(pairs.loc[pairs["item"] == "finishing", "account_id"])


def test_new_customers_of_a_family_are_those_who_did_not_have_it(tmp_path: Path) -> None:
    """Six began with finishing on 1 December; a second order of theirs begins nothing."""
    row = told(company(tmp_path, bought("p0", "paint", "2025-12-20")), "f9", "finishing")
    assert row["item_last_start_days"] == 31.0
    assert row["item_start_rate_84d"] == pytest.approx(6 / 16)


def test_the_price_is_told_against_what_the_account_pays(tmp_path: Path) -> None:
    """Seals cost 300 a year typically, and this account pays 100."""
    row = told(company(tmp_path), "f9", "seals")
    assert (row["item_money"], row["item_price_to_usual"], row["families_owned"]) == (300.0, 3.0, 1.0)


def test_an_industry_with_enough_customers_is_compared_within(tmp_path: Path) -> None:
    """Twenty alike: six of the nineteen others; the one of another trade is compared with all."""
    accounts = [
        {"account_id": a, "created_at": "2020-01-01", "industry": "steel"}
        for a in (*(f"f{n}" for n in range(10)), *(f"p{n}" for n in range(6)), "x1", "x2", "x3", "x4")
    ]
    accounts.append({"account_id": "y", "created_at": "2020-01-01", "industry": "wood"})
    facts = company(tmp_path, *(bought(x, "bolt") for x in ("x1", "x2", "x3", "x4", "y")), accounts=accounts)
    assert told(facts, "f9", "seals")["item_peer_share"] == pytest.approx(6 / 19)
    assert told(facts, "y", "seals")["item_peer_share"] == pytest.approx(6 / 20)


def test_a_pair_does_not_depend_on_the_pairs_it_is_asked_with(tmp_path: Path) -> None:
    """One pair alone gets what it gets among all."""
    facts = company(tmp_path)
    pairs = population(facts, "cross_sell", QuestionSpec(), [instant(AT)])
    every = pair_features(facts, pairs, 180)
    one = pair_features(facts, pairs.tail(1), 180)
    pd.testing.assert_frame_equal(one, every.tail(1).reset_index(drop=True))


AS_OFS = (datetime(2024, 5, 1), datetime(2024, 9, 17, 6, 30))  # noqa: DTZ001
RANDOM = random_company(accounts=80)  # enough customers to compare with and to have families
DAYS = 40  # a short look-back leaves more pairs open


def _features(folder: Path, tables: dict[str, list[Row]], as_of: datetime) -> pd.DataFrame:
    facts = stage(folder, extras=("founded", "size"), **tables)
    pairs = population(facts, "cross_sell", QuestionSpec(lookback_days=DAYS), [as_of])
    return pair_features(facts, pairs, DAYS)


@pytest.mark.parametrize("as_of", AS_OFS, ids=str)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.__name__)
def test_the_future_moves_no_pair(
    tmp_path: Path, mutation: Callable[[list[Row], str, datetime], list[Row]], as_of: datetime
) -> None:
    """Every table mutated at once beyond `as_of` leaves the pairs and their features bit for bit the same."""
    mutated = {name: mutation(rows, name, as_of) if name in HAPPENED else rows for name, rows in RANDOM.items()}
    before, after = _features(tmp_path / "1", RANDOM, as_of), _features(tmp_path / "2", mutated, as_of)
    assert len(before) >= 20
    pd.testing.assert_frame_equal(before, after, check_exact=True)
