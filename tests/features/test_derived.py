"""Derived features: each declared formula is the engine's own, and rows move as the engine would have it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.features.catalog import SUBJECTS, catalog
from revml.features.derived import AFTER_SCALED, FORMULAS, NONE_LEFT, PARTS, SCALED, UNTOLD, WINDOWS
from revml.features.engine import build_features
from revml.features.moving import move
from revml.sources.facts import Facts
from revml.windows import instant
from tests.features.company import DAYS, START, random_company
from tests.literal_facts import stage

UNTIL = START + timedelta(days=DAYS)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """What the engine says of random accounts with all tables, at several instants."""
    facts = stage(tmp_path_factory.mktemp("all"), observed_until=UNTIL.isoformat(), **random_company(accounts=24))
    accounts = [account for (account,) in facts.con.execute("SELECT account_id FROM accounts").fetchall()]
    times = [UNTIL - timedelta(days=d) for d in (0, 100, 300, 500)]
    pairs = pd.DataFrame({"account_id": accounts * len(times), "as_of": np.repeat(times, len(accounts))})
    return build_features(facts, pairs).to_pandas()


@pytest.mark.parametrize("name", sorted({**FORMULAS, **AFTER_SCALED}))
def test_a_formula_gives_what_the_engine_gives(rows: pd.DataFrame, name: str) -> None:
    """Computed from the engine's own columns it is the engine's own value, unknown where that is unknown."""
    formula = {**FORMULAS, **AFTER_SCALED}[name]
    inputs = [rows[i].astype("float64").where(rows[i].notna(), np.nan) for i in formula.inputs]
    told = [formula.function(*(None if np.isnan(v) else v for v in row)) for row in zip(*inputs, strict=True)]
    made = np.array([np.nan if v is None else v for v in told])
    expected = rows[name].to_numpy(dtype="float64", na_value=np.nan)
    assert np.isfinite(expected).sum() >= 5
    np.testing.assert_allclose(made, expected, rtol=3e-6, atol=1e-6)


def test_only_features_are_named() -> None:
    """Every tie is between features of the catalogue, and a derived feature is derived in one way."""
    known = catalog()
    windows = [f"{stem}_{w}d" for stem, (days, _) in WINDOWS.items() for w in days]
    for formulas in (FORMULAS, SCALED, AFTER_SCALED):
        for name, formula in formulas.items():
            assert {name, *formula.inputs} <= known.keys()
    assert {*windows, *PARTS, *PARTS.values(), *NONE_LEFT} <= known.keys()
    assert {n for name, inputs in UNTOLD.items() for n in (name, *inputs)} <= known.keys()
    names = [*FORMULAS, *SCALED, *AFTER_SCALED]
    assert len(names) == len(set(names))


def test_no_ratio_is_forgotten() -> None:
    """Every ratio, share, deviation and trend is tied to what it is made of, or known to have no such feature."""
    tied = {*FORMULAS, *SCALED, *AFTER_SCALED, *UNTOLD}
    alone = {"assets_beyond_life_share", "assets_due_share_364d", "asset_life_used"}
    for subject in SUBJECTS:
        for feature in subject.features:
            if feature.kind in ("ratio", "share", "deviation") or "_trend" in feature.name:
                assert feature.name in tied | alone, feature.name


def _usage(root: Path, recent: int) -> Facts:
    """An account that used the product daily for two years, by `recent` events a day over the last 28 days."""
    until = instant("2026-03-01")
    usage = [
        {
            "account_id": "a",
            "user_id": f"u{k % 3}",
            "event": "e",
            "occurred_at": (until - timedelta(days=d)).isoformat(),
        }
        for d in range(1, 700)
        for k in range(recent if d < 28 else 6)
    ]
    account = {"account_id": "a", "created_at": "2024-01-01"}
    return stage(root, observed_until=until.isoformat(), accounts=[account], usage=usage)


def test_a_row_moves_as_the_engine_would_have_it(tmp_path: Path) -> None:
    """Fewer events in the last weeks, asked about, give the windows and ratios of an account that had fewer."""
    at = pd.DataFrame({"account_id": ["a"], "as_of": [datetime(2026, 3, 1)]})  # noqa: DTZ001
    many, few = (build_features(_usage(tmp_path / str(n), n), at).to_pandas().iloc[0] for n in (6, 3))
    names = [n for n in many.index if n in catalog() and catalog()[n].kind != "category"]
    row = {n: None if pd.isna(many[n]) else float(many[n]) for n in names}
    told = move(row, {"events_28d": float(few["events_28d"])})
    following = ["events_7d", "events_84d", "events_182d", "events_364d", "events_trend_28d", "events_trend_84d"]
    following += ["events_trend_7d", "events_vs_year_28d", "events_per_user_28d"]
    for name in following:
        assert told.values.get(name, row[name]) == pytest.approx(float(few[name]), rel=1e-4, abs=0.7), name
    assert {"events_84d", "events_364d", "events_trend_28d", "events_vs_year_28d"} <= set(told.moved)


def test_shorter_windows_move_in_proportion_and_stay_within() -> None:
    """Half the meetings of a year are half of those of its last weeks; none is none."""
    row = {"meetings_84d": 4.0, "meetings_364d": 10.0}
    assert move(row, {"meetings_364d": 5.0}).values["meetings_84d"] == 2.0
    assert move(row, {"meetings_364d": 0.0}).values["meetings_84d"] == 0.0


def test_distinct_things_do_not_add_up() -> None:
    """Ten people of 28 days are among the twelve of a year; fourteen make them fourteen."""
    row = {"active_users_28d": 8.0, "active_users_364d": 12.0}
    assert "active_users_364d" not in move(row, {"active_users_28d": 10.0}).values
    assert move(row, {"active_users_28d": 14.0}).values["active_users_364d"] == 14.0


def test_a_part_moves_its_whole_and_what_tells_of_none_is_gone() -> None:
    """Overdue invoices that are paid are no longer unpaid, and none has an age."""
    row = {"invoices_overdue": 2.0, "invoices_unpaid": 3.0, "overdue_amount": 90.0, "overdue_oldest_days": 40.0}
    told = move(row, {"invoices_overdue": 0.0}).values
    assert told["invoices_unpaid"] == 1.0
    assert (told["overdue_amount"], told["overdue_oldest_days"]) == (0.0, None)


def test_what_is_set_stays_as_it_is_set() -> None:
    """A derived feature that is asked about is not computed over."""
    row = {"active_users_28d": 5.0, "seats": 10.0, "active_users_per_seat_28d": 0.5}
    told = move(row, {"active_users_28d": 8.0, "active_users_per_seat_28d": 0.9})
    assert told.values["active_users_per_seat_28d"] == pytest.approx(0.9)
    assert told.moved == ()


def test_what_cannot_be_computed_is_said() -> None:
    """A ratio whose other input is not there, or that was unknown, stays and is named."""
    row = {
        "active_users_28d": 5.0,
        "active_users_per_seat_28d": 0.5,
        "stickiness_28d": 0.3,
        "active_users_trend_84d": None,
    }
    told = move(row, {"active_users_28d": 8.0})
    assert told.left == ("active_users_per_seat_28d", "active_users_trend_84d", "stickiness_28d")
    assert told.values == {"active_users_28d": 8.0}


def test_nothing_moves_where_nothing_is_other() -> None:
    """Setting what stands there already moves nothing."""
    row = {"events_28d": 5.0, "events_84d": 10.0, "events_trend_28d": 1.0}
    told = move(row, {"events_28d": 5.0})
    assert (told.values, told.moved, told.left) == ({"events_28d": 5.0}, (), ())
