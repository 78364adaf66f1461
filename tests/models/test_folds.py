"""Folds: nobody is judged by a model that saw its labels."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from revml.models.folds import account_numbers, folds_by_account, folds_by_time, thinned
from revml.windows import LabelWindow, instant, month_starts

MONTHS = month_starts(instant("2024-01-01"), instant("2025-12-01"))
WINDOW = LabelWindow(90)


def _rows(per_month: int = 40, rate: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    as_of = np.repeat(np.array(MONTHS, dtype="datetime64[us]"), per_month)
    label = (np.arange(len(as_of)) % round(1 / rate) == 0).astype(float)
    return as_of, label


def test_fits_end_a_label_window_before_what_they_judge() -> None:
    """No label of a fit looks into the block that it judges."""
    as_of, label = _rows()
    folds = folds_by_time(as_of, MONTHS[-3:], label, WINDOW, min_fit_events=10)
    for fit, out in folds.fits:
        assert as_of[fit].max() + np.timedelta64(timedelta(days=90)) <= as_of[out].min()


def test_earlier_blocks_are_added_until_events_suffice() -> None:
    """With 12 events a block, three blocks are judged; with plenty, only the newest."""
    as_of, label = _rows()
    assert len(folds_by_time(as_of, MONTHS[-3:], label, WINDOW, min_fit_events=10).fits) == 3
    assert len(folds_by_time(as_of, MONTHS[-3:], label, WINDOW, min_fit_events=10, want_events=5).fits) == 1


def test_the_newest_block_is_validation() -> None:
    """The first fold judges exactly the validation snapshots."""
    as_of, label = _rows()
    out = folds_by_time(as_of, MONTHS[-3:], label, WINDOW, min_fit_events=10).fits[0][1]
    assert sorted(set(as_of[out].tolist())) == MONTHS[-3:]


def test_no_row_is_judged_twice() -> None:
    """Blocks do not overlap."""
    as_of, label = _rows()
    judged = np.concatenate([out for _, out in folds_by_time(as_of, MONTHS[-3:], label, WINDOW, min_fit_events=1).fits])
    assert len(judged) == len(set(judged.tolist()))


def test_days_before_renewals_are_not_judged() -> None:
    """Small snapshots before renewals serve to learn from and are no block of their own."""
    as_of, label = _rows()
    extra = np.array([m + timedelta(days=9) for m in MONTHS[:-3]], dtype="datetime64[us]")
    whole = np.concatenate([as_of, extra])
    folds = folds_by_time(whole, MONTHS[-3:], np.concatenate([label, np.zeros(len(extra))]), WINDOW, min_fit_events=10)
    assert not np.isin(whole[folds.judged], extra).any()


def test_accounts_never_judge_themselves() -> None:
    """Folding by account keeps all rows of an account on one side."""
    accounts = account_numbers([f"a{i % 20}" for i in range(100)])
    for fit, out in folds_by_account(accounts).fits:
        assert not set(accounts[fit].tolist()) & set(accounts[out].tolist())


def test_thinning_leaves_out_whole_accounts() -> None:
    """Too many rows are thinned to about as many as asked, an account with all its rows or not at all."""
    accounts = account_numbers([f"a{i % 1_000}" for i in range(20_000)])
    thin = thinned(folds_by_account(accounts), accounts, 4_000)
    assert max(len(fit) for fit, _ in thin.fits) < 6_000
    kept = np.unique(accounts[thin.judged])
    assert np.isin(accounts, kept).sum() == len(thin.judged)
