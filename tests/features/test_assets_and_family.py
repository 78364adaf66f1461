"""The installed base and the group of companies, on literal rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.features.one_account import features_of


def test_the_installed_base_ages(tmp_path: Path) -> None:
    """Age, and the share past the life of its model; a machine retired later is still in service."""
    assets = [
        {"asset_id": "1", "product": "press", "installed_at": "2023-04-02", "retired_at": "2025-06-01"},
        {"asset_id": "2", "product": "press", "installed_at": "2025-03-02"},
        {"asset_id": "3", "product": "saw", "installed_at": "2022-01-01", "retired_at": "2025-01-01"},
    ]
    products = [{"product": "press", "life_months": 20}, {"product": "saw", "life_months": 20}]
    found = features_of(tmp_path, "2025-04-01", assets=assets, products=products)
    assert (found["assets"], found["oldest_asset_days"], found["asset_models"]) == (2, 730, 1)
    assert (found["assets_installed_364d"], found["assets_retired_364d"]) == (1, 1)
    assert found["asset_age_days"] == pytest.approx((730 + 30) / 2)
    assert (found["assets_beyond_life_share"], found["assets_due_share_364d"]) == (0.5, 0.5)
    assert found["asset_life_used"] == pytest.approx((730 + 30) / (40 * 30.4375))


def _account(name: str, parent: str | None = None) -> dict[str, object]:
    return {"account_id": name, "created_at": "2024-01-01", "parent_account_id": parent}


def _contract(account: str, mrr: float, ended_at: str | None = None) -> dict[str, object]:
    row = {"account_id": account, "subscription_id": account, "product": "p", "quantity": 1.0, "mrr": mrr}
    return row | {"started_at": "2024-02-01", "ended_at": ended_at}


def test_what_the_rest_of_the_group_does(tmp_path: Path) -> None:
    """Siblings and the parent count, the account itself does not, strangers do not."""
    accounts = [_account("hq"), _account("a", "hq"), _account("b", "hq"), _account("c", "hq"), _account("stranger")]
    contracts = [_contract("hq", 100.0), _contract("a", 10.0), _contract("b", 20.0, "2025-01-01")]
    contracts += [_contract("c", 40.0, "2025-12-01"), _contract("stranger", 1000.0)]
    found = features_of(tmp_path / "child", "2025-04-01", accounts=accounts, subscriptions=contracts)
    assert (found["has_parent"], found["siblings"], found["sibling_mrr"]) == (1, 3, 140)
    assert (found["siblings_churned_364d"], found["siblings_live_share"]) == (1, pytest.approx(2 / 3))
    parent = features_of(tmp_path / "hq", "2025-04-01", account="hq", accounts=accounts, subscriptions=contracts)
    assert (parent["has_parent"], parent["siblings"], parent["sibling_mrr"]) == (0, 3, 50)
    alone = features_of(tmp_path / "s", "2025-04-01", account="stranger", accounts=accounts, subscriptions=contracts)
    assert (alone["siblings"], alone["sibling_mrr"], alone["siblings_live_share"]) == (0, 0, None)
