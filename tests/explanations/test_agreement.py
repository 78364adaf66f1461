"""How alike two models explain: hand-made lines whose reasons are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from revml.explanations.agreement import agreement
from tests.explanations.literal_bundles import bundle, encoding_of, frame, linear

WEIGHTS = {"active_users_28d": -1.0, "mrr": 0.6, "seats_trend_84d": -0.5, "auto_renew": 0.3}


def test_a_model_agrees_with_itself(tmp_path: Path) -> None:
    """The same reasons for everybody."""
    rows = frame(60)
    one = bundle(tmp_path, linear(WEIGHTS, rows), rows)
    told = agreement(one, one, rows)
    assert told.first == 1.0
    assert told.top is not None
    assert (told.top.shared, told.top.low, told.top.ranked, told.top.accounts) == pytest.approx((1, 1, 1, 60))


def test_turned_signs_leave_no_reason_as_it_was(tmp_path: Path) -> None:
    """Where every weight is turned round the concepts weigh the same, and no account keeps a reason."""
    rows = frame(60)
    encoding = encoding_of(rows)
    one = bundle(tmp_path / "one", linear(WEIGHTS, rows), rows, encoding=encoding)
    turned = bundle(tmp_path / "two", linear({k: -w for k, w in WEIGHTS.items()}, rows), rows, encoding=encoding)
    told = agreement(turned, one, rows)
    assert told.ranks == pytest.approx(1.0)
    assert told.top is not None
    assert told.top.shared == 0


def test_nobody_without_reasons_is_compared(tmp_path: Path) -> None:
    """Two models in which nothing weighs have no overlap to tell."""
    rows = frame(20)
    flat = bundle(tmp_path, linear({}, rows), rows)
    assert agreement(flat, flat, rows).top is None
