"""Features against all customers: literal rows, and the same whether an account is looked at alone or among all."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from revml.features.engine import build_features
from tests.features.company import random_company
from tests.literal_facts import stage

AS_OF = pd.Timestamp("2025-03-01")


def _accounts(*names: str) -> list[dict[str, Any]]:
    return [{"account_id": name, "created_at": "2024-01-01"} for name in names]


def _features(folder: Path, **tables: Any) -> dict[str, Any]:
    facts = stage(folder, accounts=_accounts("a", "b"), **tables)
    row: dict[str, Any] = build_features(facts, pd.DataFrame({"account_id": ["a"], "as_of": [AS_OF]})).to_pylist()[0]
    return row


def test_a_fall_that_everybody_shares_is_no_fall(tmp_path: Path) -> None:
    """Half the use of the month before, while all customers together halved too: a quotient of one."""
    rows = [("a", "2025-01-15", 4), ("a", "2025-02-15", 2), ("b", "2025-01-20", 40), ("b", "2025-02-20", 20)]
    usage = [{"account_id": a, "occurred_at": t, "event": "use", "quantity": float(q)} for a, t, q in rows]
    row = _features(tmp_path, usage=usage)
    assert row["events_trend_28d"] == 0.5
    assert row["events_trend_vs_peers_28d"] == pytest.approx(1.0)
    # 2 on one active day, against 22 on two active days of all.
    assert row["events_per_active_day_vs_peers_28d"] == pytest.approx(2 / 11)


def test_a_season_that_everybody_shares_is_no_trend(tmp_path: Path) -> None:
    """Revenue doubled while that of all customers tripled."""
    rows = [("a", "2024-11-01", 100), ("a", "2025-02-01", 200), ("b", "2024-11-05", 100), ("b", "2025-02-05", 400)]
    orders = [
        {"account_id": a, "ordered_at": t, "amount": float(m), "order_id": str(n), "line": 1, "product": "p"}
        | {"quantity": 1.0}
        for n, (a, t, m) in enumerate(rows)
    ]
    row = _features(tmp_path, orders=orders)
    assert row["order_revenue_trend_vs_peers_84d"] == pytest.approx(2 / 3)
    assert row["orders_trend_vs_peers_84d"] == pytest.approx(1.0)
    assert row["order_value_vs_peers_364d"] == pytest.approx(150 / 200)


def test_what_others_did_later_or_told_later_does_not_count(tmp_path: Path) -> None:
    """Use of another account, after as_of or known after it, leaves the quotient as it was."""
    rows = [("a", "2025-01-15"), ("a", "2025-02-15"), ("b", "2025-01-20"), ("b", "2025-02-20")]
    usage: list[dict[str, Any]] = [{"account_id": a, "occurred_at": t, "event": "use"} for a, t in rows]
    before = _features(tmp_path / "before", usage=usage)
    usage += [
        {"account_id": "b", "occurred_at": "2025-03-01T00:00:00.000001", "event": "use"},
        {"account_id": "b", "occurred_at": "2025-02-21", "known_at": "2025-03-02", "event": "use"},
    ]
    assert _features(tmp_path / "after", usage=usage) == before


def test_alone_or_among_all(tmp_path: Path) -> None:
    """The features of one account do not depend on whose snapshots are built with it."""
    company = random_company(seed=3, accounts=8)
    facts = stage(tmp_path, **company)
    at = datetime(2024, 3, 1)  # noqa: DTZ001
    names = [a["account_id"] for a in company["accounts"]]
    together = build_features(facts, pd.DataFrame({"account_id": names, "as_of": at})).to_pylist()
    alone = build_features(facts, pd.DataFrame({"account_id": names[2:3], "as_of": at})).to_pylist()
    assert [row for row in together if row["account_id"] == names[2]] == alone
