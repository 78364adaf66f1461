"""Lifetime values on top of a literal run: two horizons, quantiles, components, drivers and a forecast of the company.

`acme` has a contract and orders, and is the only one whose acquisition cost is known. Every sum is by hand:
18 + 4 - 2.5 + 0.5 = 20 MRR over 24 months, 10 + 2 - 1.25 + 0.25 = 11 over 12.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pandas as pd

from revml.store.runs import CLV_COLUMNS, COMING_COLUMNS, DRIVER_COLUMNS, VALUE_COLUMNS, ScoreRun
from tests.literal_forecast import forecast_document
from tests.literal_runs import MRR

NONE = float("nan")
# horizon: clv, p10, p50, p90, base, expansion, contraction, referral in MRR; p_alive, extrapolated share
CONTRACT = {
    12: (11.0, 7.0, 11.0, 14.0, 10.0, 2.0, 1.25, 0.25, 0.8, 0.1),
    24: (20.0, 12.0, 19.0, 27.0, 18.0, 4.0, 2.5, 0.5, 0.6, 0.25),
}
ORDERS = {12: 1_100.0, 24: 2_000.0}
DRIVERS = (("peer", 15_000.0), ("contract", 8_000.0), ("usage", -3_000.0), ("profile", 2_000.0))
FAMILIES = {"seals": [3.0, 2_500.0], "pumps": [1.0, 1_500.0]}
COMING = ("acme", pd.Timestamp("2026-04-20"), 0.7, 0.95, 4.0, 4_000.0, json.dumps(FAMILIES))

FORECAST = forecast_document()
_HELD = {"relation": "account", "segment": "", "horizon_months": 12, "nominal": 0.8, "observed": 0.787}
_BASE = {"family": "presses", "machines": 30, "owners": 12, "mean_age_months": 48.0, "life_left_months": 96.0}
_BASE |= {"penetration": 0.5, "parts_per_machine_year": 1_200.0, "replacements_per_year": 2.5}
_BASE |= {"replacement_money": 250_000.0}
BESIDE: dict[str, Any] = {
    "intervals": {"nominal": 0.8, "coverage": [_HELD | {"accounts": 259, "simulated": 0.77, "later": False}]},
    "installed": {
        "families": [_BASE, _BASE | {"family": ""}],
        "retirements": 9,
        "window_months": 36,
        "replaced_in_touch": 0.5,
        "replaced_out_of_touch": 0.25,
    },
    "forecast_backtest": {"origins": [{}] * 4, "beaten": {"run_rate": {"won": 6, "of": 21}}},
}


def with_values(
    run: ScoreRun, forecast: dict[str, Any] | None = None, beside: dict[str, Any] | None = None
) -> ScoreRun:
    """The run with all that a forecast of several horizons publishes.

    `forecast` is the company's document, `beside` are those that stand with it.
    """
    ids = [i for i in run.accounts["account_id"] if MRR.get(i, 0) > 0]
    clv, values = [], []
    for account in ids:
        for horizon, (*money, alive, beyond) in CONTRACT.items():
            told = [MRR[account] * share for share in money]
            revenue = horizon * MRR[account]
            clv.append((account, "contract", horizon, *told, revenue, alive, beyond, ""))
            more = ORDERS[horizon] if account == "acme" else 0.0
            bands = [amount + more for amount in told[1:4]]
            cost = 4_000.0 if account == "acme" else NONE
            worth = told[0] + more
            payback, referred = (5.7, 1_500.0) if account == "acme" else (NONE, 0.0)
            values.append((account, horizon, worth, *bands, worth, cost, worth / cost, payback, referred))
    if "acme" in ids:
        for horizon, worth in ORDERS.items():
            nothing = (worth, NONE, NONE, NONE, worth, 0.0, 0.0, 0.0)
            clv.append(("acme", "orders", horizon, *nothing, 2 * worth, 0.9, 0.5, "Few orders."))
    bands = {"revenue_p10": 0.7, "revenue_p50": 1.0, "revenue_p90": 1.3}
    flows = run.flows.assign(**{name: run.flows["expected_revenue"] * share for name, share in bands.items()})  # type: ignore[union-attr]
    drivers = [("acme", *one) for one in DRIVERS] if "acme" in ids else []
    return replace(
        run,
        clv=pd.DataFrame(clv, columns=list(CLV_COLUMNS)),
        flows=flows,
        values=pd.DataFrame(values, columns=list(VALUE_COLUMNS)),
        drivers=pd.DataFrame(drivers, columns=list(DRIVER_COLUMNS)),
        coming=pd.DataFrame([COMING] if "acme" in ids else [], columns=list(COMING_COLUMNS)),
        reports={} if forecast is None else {"forecast": forecast, **(beside or {})},
        discount_rate=0.1,
    )
