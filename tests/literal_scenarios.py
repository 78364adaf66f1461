"""The standard scenarios of three contracts, as a run publishes them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from revml.clv import Published, forecast_clv
from revml.config import Economics
from revml.scoring.standard_scenarios import standard_scenarios
from tests.clv.companies import AS_OF, accounts_of, line
from tests.literal_facts import stage


def scenarios_document() -> dict[str, Any]:
    """Contracts of 100, 200 and 300 a month; the largest one is the riskiest."""
    rows = [line(name, mrr, "2024-01-01") for name, mrr in (("acme", 300.0), ("bolt", 200.0), ("cogs", 100.0))]
    risk = pd.DataFrame({"account_id": ["acme", "bolt", "cogs"], "probability": [0.3, 0.1, 0.05]})
    with tempfile.TemporaryDirectory() as folder:
        facts = stage(Path(folder), observed_until="2026-01-01", accounts=accounts_of(rows), subscriptions=rows)
        scores = Published(p_churn=risk, churn_days=90)
        forecast = forecast_clv(facts, AS_OF, Economics(), scores, horizon_months=(12, 36))
        return standard_scenarios(facts, AS_OF, Economics(), forecast, risk, 90)["scenarios"]
