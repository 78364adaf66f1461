"""Usage features: literal rows, and agreement with a computation that takes every snapshot by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from revml.features import engine
from revml.features.engine import build_features
from tests.features.company import random_company
from tests.features.one_account import features_of
from tests.literal_facts import stage


def _use(day: str, user: str = "u1", event: str = "open", **more: Any) -> dict[str, Any]:
    return {"occurred_at": day, "user_id": user, "event": event} | more


def test_events_add_up_quantities_and_users_are_counted_once(tmp_path: Path) -> None:
    """An absent quantity is one use."""
    rows = [_use("2025-03-01"), _use("2025-03-01T12:00", quantity=2.5), _use("2025-03-02", "u2", "save")]
    found = features_of(tmp_path, "2025-03-08", usage=rows)
    assert (found["events_28d"], found["active_users_28d"], found["distinct_events_28d"]) == (4.5, 2, 2)
    assert (found["active_users_7d"], found["days_since_usage"], found["usage_age_days"]) == (2, 6, 7)
    assert found["top_user_share_28d"] == pytest.approx(3.5 / 4.5)


def test_exports_stand_against_the_accounts_own_share(tmp_path: Path) -> None:
    """Two people took data out on two days, one of them twice a day; a person and day counts once, when known."""
    rows = [_use("2025-03-01", "u1", "open"), _use("2025-03-01T10:00", "u1", "Export.CSV"), _use("2025-03-02", "u2")]
    rows += [_use("2025-03-01T12:00", "u1", "backup"), _use("2025-03-03", "u2", "download", known_at="2025-03-20")]
    rows += [_use(f"2025-01-{d:02d}") for d in range(1, 29)]
    before = features_of(tmp_path / "before", "2025-03-08", usage=rows)
    after = features_of(tmp_path / "after", "2025-03-22", usage=rows)
    assert (before["export_user_days_28d"], after["export_user_days_28d"]) == (1, 2)
    expected = 4 * 2.5 / (32 + 60)
    assert after["export_surprise_28d"] == pytest.approx((2 - expected) / (expected + 0.3) ** 0.5)
    none = features_of(tmp_path / "none", "2025-03-22", usage=rows[-28:])
    assert (none["export_user_days_28d"], none["export_surprise_28d"]) == (0, None)


def test_what_happened_exactly_at_as_of_counts_and_a_tick_later_does_not(tmp_path: Path) -> None:
    """The window ends at as_of, inclusively."""
    rows = [_use("2025-03-08"), _use("2025-03-08T00:00:00.000001", "u2")]
    found = features_of(tmp_path, "2025-03-08", usage=rows)
    assert (found["active_users_7d"], found["events_7d"], found["days_since_usage"]) == (1, 1, 0)


def test_users_who_went_quiet(tmp_path: Path) -> None:
    """Seen within 84 days, not within 28; and fewer than 84 days before."""
    rows = [_use(f"2025-01-{d:02d}", u) for d, u in ((5, "u1"), (6, "u2"), (7, "u3"))]
    found = features_of(tmp_path, "2025-04-01", usage=[*rows, _use("2025-02-01", "u2"), _use("2025-03-20", "u1")])
    assert found["users_gone_quiet_28d"] == 1
    assert found["users_gone_quiet_share_28d"] == pytest.approx(0.5)
    assert found["active_users_trend_84d"] == pytest.approx(1 / 3)


def test_an_account_without_use_in_a_company_with_use(tmp_path: Path) -> None:
    """Counts are 0, the rest is unknown."""
    accounts = [{"account_id": k, "created_at": "2024-01-01"} for k in ("a", "b")]
    found = features_of(tmp_path, "2025-04-01", account="b", accounts=accounts, usage=[_use("2025-03-20")])
    assert (found["events_28d"], found["active_users_28d"], found["active_days_364d"]) == (0, 0, 0)
    assert (found["days_since_usage"], found["events_trend_28d"], found["stickiness_28d"]) == (None, None, None)


def test_use_longer_than_a_year_ago_is_remembered_by_its_day_only(tmp_path: Path) -> None:
    """The last use counts in days however long ago it was; no window reaches it."""
    found = features_of(tmp_path, "2027-01-01", usage=[_use("2025-01-01")])
    assert (found["days_since_usage"], found["active_users_364d"]) == (730, 0)


def test_a_young_account_is_compared_with_the_life_it_has(tmp_path: Path) -> None:
    """Steady use since six weeks ago is neither growth nor surprise."""
    rows = [_use(str(pd.Timestamp("2025-02-18") + pd.Timedelta(days=d))[:10]) for d in range(42)]
    found = features_of(tmp_path, "2025-04-01", usage=[r | {"occurred_at": r["occurred_at"] + "T12:00"} for r in rows])
    assert found["events_vs_year_28d"] == pytest.approx(1)
    assert found["active_days_vs_year_84d"] == pytest.approx(1)
    assert found["active_days_surprise_28d"] == pytest.approx(0)


def naive(usage: pd.DataFrame, as_of: datetime) -> dict[str, float | None]:
    """The features of one account at one instant, straight from the definition."""

    def seen(at: datetime, days: int, until: int = 0) -> pd.DataFrame:
        known = usage[(usage["known_at"] <= at) & (usage["occurred_at"] <= at - timedelta(days=until))]
        return known[known["occurred_at"] > at - timedelta(days=days)]

    def per(top: float, bottom: float) -> float | None:
        return top / bottom if bottom > 0 else None

    def days(part: pd.DataFrame) -> pd.Series:
        return (as_of - part["occurred_at"]) // pd.Timedelta(days=1)

    def user_days(part: pd.DataFrame) -> int:
        return len(part.assign(day=days(part))[["user_id", "day"]].dropna().drop_duplicates())

    out: dict[str, float | None] = {}
    for w in (7, 28, 84, 182, 364):
        part = seen(as_of, w)
        out[f"events_{w}d"] = part["quantity"].fillna(1).sum()
        out[f"active_days_{w}d"] = days(part).nunique()
        out[f"active_users_{w}d"] = part["user_id"].nunique()
    for w in (28, 84, 364):
        out[f"distinct_events_{w}d"] = seen(as_of, w)["event"].nunique()
    ever, now, before = seen(as_of, 100_000), seen(as_of, 28), seen(as_of, 56, 28)
    out["days_since_usage"] = None if ever.empty else int(days(ever).min())
    out["usage_age_days"] = None if ever.empty else int(days(ever).max())
    amount = now["quantity"].fillna(1)
    out["events_trend_28d"] = per(amount.sum(), before["quantity"].fillna(1).sum())
    out["active_days_trend_28d"] = per(days(now).nunique(), days(before).nunique())
    out["user_days_trend_28d"] = per(user_days(now), user_days(before))
    past = seen(as_of - timedelta(days=84), 28)["user_id"].nunique()
    out["active_users_trend_84d"] = per(now["user_id"].nunique(), past)
    out["stickiness_28d"] = per(user_days(now), 28 * now["user_id"].nunique())
    year = seen(as_of, 364)
    if len(year):
        age = int(days(ever).max()) + 1
        expected = days(year).nunique() * min(age, 84) / min(age, 364)
        out["active_days_vs_year_84d"] = days(seen(as_of, 84)).nunique() / expected
        out["active_days_surprise_84d"] = (days(seen(as_of, 84)).nunique() - expected) / np.sqrt(expected + 0.5)
        expected = user_days(year) * min(age, 84) / min(age, 364)
        if expected:
            out["user_days_surprise_84d"] = (user_days(seen(as_of, 84)) - expected) / np.sqrt(expected + 0.5)
    by_user = amount.groupby(now["user_id"]).sum()
    out["top_user_share_28d"] = per(by_user.max(), by_user.sum()) if len(by_user) else None
    return out


@pytest.mark.parametrize("cutoffs_at_once", [48, 2])
def test_windows_agree_with_a_computation_by_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cutoffs_at_once: int
) -> None:
    """On random use with late-known rows, all windows equal the definition, in one batch or in several."""
    monkeypatch.setattr(engine, "BATCH_CUTOFFS", cutoffs_at_once)
    company = random_company(seed=11, accounts=5)
    as_ofs = [datetime(2023, 6, 1), datetime(2024, 1, 1), datetime(2024, 1, 8), datetime(2024, 2, 1)]  # noqa: DTZ001
    as_ofs += [datetime(2024, 4, 1), datetime(2024, 3, 25), datetime(2024, 2, 1, 13, 30), datetime(2025, 12, 1)]  # noqa: DTZ001
    snapshots = pd.DataFrame(
        [(a["account_id"], t) for a in company["accounts"] for t in as_ofs], columns=["account_id", "as_of"]
    )
    facts = stage(tmp_path, accounts=company["accounts"], usage=company["usage"])
    found = build_features(facts, snapshots).to_pandas()
    usage = pd.DataFrame(company["usage"])
    for row in found.itertuples(index=False):
        expected = naive(usage[usage["account_id"] == row.account_id], row.as_of)
        got = {name: getattr(row, name) for name in expected}
        for name, value in expected.items():
            if value is None:
                assert np.isnan(got[name]), (row.account_id, row.as_of, name)
            else:
                assert got[name] == pytest.approx(value, rel=1e-6, abs=1e-6), (row.account_id, row.as_of, name)
