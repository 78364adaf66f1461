"""A company of thirty buyers with a champion written by hand: enough to score, explain and forecast within a second."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from revml.config import QuestionName, Workspace, load_workspace
from revml.datasets import scoring_frame
from revml.models.bundle import Bundle
from revml.models.encoding import Encoding
from revml.models.registry import appoint
from revml.sources.facts import Facts
from tests.explanations.literal_bundles import bundle, linear
from tests.literal_facts import stage

AS_OF = datetime(2026, 3, 1)  # noqa: DTZ001 - naive means UTC
WEIGHTS = {
    "active_users_28d": -0.9,
    "mrr": 0.3,
    "days_to_renewal": -0.7,
    "seats": 0.4,
    "tickets_84d": 0.5,
    "orders_84d": -0.6,
    "order_revenue_364d": -0.4,
    "days_since_order": 0.8,
}


def hand_made_champion(
    workspace: Workspace, facts: Facts, question: QuestionName, as_of: datetime | None = None
) -> Bundle:
    """A real bundle with weights written by hand, over those of the features that the company has; version 3."""
    rows = scoring_frame(facts, workspace, question, as_of)
    names = tuple(name for name in WEIGHTS if name in rows.columns)
    encoding = Encoding.fit(rows, names)
    model = linear({name: WEIGHTS[name] for name in names}, rows, encoding)
    made = bundle(workspace.bundles_dir / question, model, rows, question=question, encoding=encoding, uplift=0.2)
    appoint(made.folder.parent, made.folder.name, "3")
    return made


def order_company(
    root: Path, *, questions: Sequence[QuestionName] = ("lapse",), actions: Sequence[dict[str, Any]] = ()
) -> tuple[Workspace, Facts]:
    """A workspace whose checked data are accounts c00 to c29, twelve orders each in 600 days, and plays if given."""
    rng = np.random.default_rng(3)
    accounts = [
        {"account_id": f"c{i:02d}", "created_at": "2024-06-01", "name": f"[red]Buyer {i}[/red]", "country": "CZ"}
        for i in range(30)
    ]
    orders = [
        {
            "order_id": f"{i}-{k}",
            "line": 1,
            "account_id": f"c{i:02d}",
            "product": "p",
            "quantity": 1.0,
            "amount": float(rng.integers(10, 200)),
            "ordered_at": (AS_OF - timedelta(days=int(d))).isoformat(),
        }
        for i in range(30)
        for k, d in enumerate(np.sort(rng.integers(1, 600, 12)))
    ]
    (root / "revml.yaml").write_text("company: {name: Buyers and Co., currency: CZK}\n", encoding="utf-8")
    workspace = load_workspace(root)
    more = {"actions": list(actions)} if actions else {}
    facts = stage(workspace.staged_dir, observed_until=AS_OF.isoformat(), accounts=accounts, orders=orders, **more)
    for question in questions:
        hand_made_champion(workspace, facts, question, AS_OF)
    return workspace, facts
