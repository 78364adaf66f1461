# ruff: noqa: DTZ001 - naive means UTC in revml
"""Mappings tell the past as an export of that day would have told it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from revml.features.engine import build_features
from revml.sources.facts import Facts
from revml.sources.staging import stage_workspace
from tests.mappings.workspaces import mapped

DAYS = [datetime(2024, 8, 1), datetime(2024, 12, 15), datetime(2025, 4, 18)]


def stripe_then(folder: Path, day: datetime) -> None:
    """What Stripe would have exported: no later invoices, and no ends and cancellations that were still to come."""
    invoices = pd.read_csv(folder / "stripe/invoice.csv", dtype=str)
    invoices = invoices[invoices.created <= str(day)]
    late = invoices.status_transitions_paid_at > str(day)
    invoices.loc[late, "status_transitions_paid_at"] = None
    invoices.to_csv(folder / "stripe/invoice.csv", index=False)
    lines = pd.read_csv(folder / "stripe/invoice_line_item.csv", dtype=str)
    lines[lines.invoice_id.isin(invoices.id)].to_csv(folder / "stripe/invoice_line_item.csv", index=False)
    states = pd.read_csv(folder / "stripe/subscription_history.csv", dtype=str)
    for column in ("ended_at", "canceled_at"):
        states.loc[states[column] > str(day), column] = None
    states.to_csv(folder / "stripe/subscription_history.csv", index=False)


def billing_then(folder: Path, day: datetime) -> None:
    """The lines that had been written, with the payments that had come."""
    lines = pd.read_csv(folder / "billing/line_item_enhanced.csv", dtype=str)
    lines = lines[lines.created_at <= str(day)]
    lines.loc[lines.payment_at > str(day), "payment_at"] = None
    lines.to_csv(folder / "billing/line_item_enhanced.csv", index=False)


def features(folder: Path, name: str, day: datetime, cut: Callable[[Path, datetime], None] | None) -> pd.DataFrame:
    """The features of a day, from everything or from the export of that day."""
    workspace = mapped(folder, name)
    if cut is not None:
        cut(folder, day)
    stage_workspace(workspace)
    facts = Facts.open(workspace.staged_dir)
    accounts = [row[0] for row in facts.con.execute("SELECT account_id FROM accounts ORDER BY 1").fetchall()]
    snapshots = pd.DataFrame({"account_id": accounts, "as_of": [day] * len(accounts)})
    return build_features(facts, snapshots).to_pandas().set_index("account_id")


@pytest.mark.parametrize("day", DAYS, ids=lambda day: f"{day:%Y-%m-%d}")
@pytest.mark.parametrize(("name", "cut"), [("stripe", stripe_then), ("billing_lines", billing_then)])
def test_features_of_a_past_day_are_those_of_that_days_export(
    tmp_path: Path, name: str, cut: Callable[[Path, datetime], None], day: datetime
) -> None:
    """What the mapping makes of today's export is, at a past day, what it would have made of the export of that day."""
    today, then = (features(tmp_path / word, name, day, how) for word, how in (("today", None), ("then", cut)))
    shared = [column for column in today if column in then]
    together = today.index.intersection(then.index)
    assert len(together) > 5
    pd.testing.assert_frame_equal(today.loc[together, shared], then.loc[together, shared], check_dtype=False)
