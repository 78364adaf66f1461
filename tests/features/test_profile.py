"""Who the account is: attributes as they were, and the company's own static columns."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from revml.features.catalog import available, feature_words
from revml.features.engine import build_features
from tests.features.one_account import features_of
from tests.literal_facts import stage


def test_attributes_are_as_they_were(tmp_path: Path) -> None:
    """A change after as_of is not seen; before the first change the account's own column stands in."""
    accounts = [{"account_id": "a", "created_at": "2024-01-01", "industry": "steel", "employees": 10}]
    history = [
        {"attribute": "industry", "changed_at": "2025-03-01", "value": "glass"},
        {"attribute": "employees", "changed_at": "2025-03-15", "value": "25"},
    ]
    before = features_of(tmp_path / "b", "2025-02-01", accounts=accounts, account_history=history)
    after = features_of(tmp_path / "a", "2025-04-01", accounts=accounts, account_history=history)
    assert (before["industry"], before["employees"], before["profile_changes_364d"]) == ("steel", 10, 0)
    assert (after["industry"], after["employees"], after["profile_changes_364d"]) == ("glass", 25, 2)
    assert after["tenure_days"] == 456
    assert (before["employees_trend_364d"], after["employees_trend_364d"]) == (None, 2.5)


def test_an_employee_count_that_is_no_number_is_unknown(tmp_path: Path) -> None:
    """Text in the history of a number stops nothing."""
    accounts = [{"account_id": "a", "created_at": "2024-01-01", "employees": 10}]
    history = [{"attribute": "employees", "changed_at": "2025-03-01", "value": "about fifty"}]
    assert features_of(tmp_path, "2025-04-01", accounts=accounts, account_history=history)["employees"] == 10


def test_own_static_columns_are_features_whatever_their_names(tmp_path: Path) -> None:
    """Quotes and blanks in a column's name are harmless; its kind follows its type."""
    nasty = 'kraj"; DROP VIEW usage; --'
    accounts = [{"account_id": "a", "created_at": "2024-01-01", nasty: "south", "Key account": True, "m²": 3.5}]
    facts = stage(tmp_path, extras=[nasty, "Key account", "m²"], accounts=accounts)
    own = [f for f in available(facts) if f.label]
    assert [f.kind for f in own] == ["category", "flag", "number"]
    assert [feature_words(f, "cs") for f in own] == [nasty, "Key account", "m²"]
    snapshots = pd.DataFrame({"account_id": ["a"], "as_of": [pd.Timestamp("2025-01-01")]})
    row = build_features(facts, snapshots).to_pylist()[0]
    assert [row[f.name] for f in own] == ["south", 1, 3.5]
    assert row[own[1].name] == row["static_key_account"]
