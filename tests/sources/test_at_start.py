"""Today's staff is never compared with that of earlier days."""

import pytest

from revml.features.catalog import available
from revml.sources.at_start import EMPLOYEES
from tests.literal_facts import stage

CHANGES = [
    {"account_id": name, "attribute": "employees", "changed_at": day, "value": value}
    for name in ("a", "b", "c")
    for day, value in (("2024-05-01", "20"), ("2025-01-01", "30"))
]
CONTRACTS = [
    {"account_id": name, "subscription_id": name, "started_at": "2024-01-01", "product": "p", "quantity": 1, "mrr": 1.0}
    for name in ("a", "b", "c")
]
GROWTH = {"employees_trend_364d", "employees_since_start", "employees_per_seat_since_start"}


@pytest.mark.parametrize(("employees", "told"), [((10, 12, 30), True), ((30, 30, 11), False)])
def test_growth_of_staff_is_told_only_where_accounts_hold_what_was_true_at_their_start(tmp_path, employees, told):
    """Accounts that mostly hold what the history ends with are kept up to date: their growth would know the future."""
    accounts = [
        {"account_id": name, "created_at": "2024-01-01", "employees": number}
        for name, number in zip("abc", employees, strict=True)
    ]
    facts = stage(tmp_path, accounts=accounts, account_history=CHANGES, subscriptions=CONTRACTS)
    assert facts.has("accounts", EMPLOYEES) == told
    assert ({feature.name for feature in available(facts)} >= GROWTH) == told
    assert bool(GROWTH & {feature.name for feature in available(facts)}) == told
