"""A company's forecast as a document, by hand: two segments that add up, new business apart, one family of goods.

Existing MRR is 6,000 now and 100 less a month; new business brings 50 more a month. Orders bring 400 a month.
"""

from __future__ import annotations

from typing import Any

from revml.windows import instant

MONTHS = 24
START = instant("2026-03-01")
AHEAD = [f"{2026 + (3 + k) // 12}-{(3 + k) % 12 + 1:02d}-01" for k in range(MONTHS)]
BEHIND = [f"2025-{k:02d}-01" for k in range(4, 13)] + ["2026-01-01", "2026-02-01", "2026-03-01"]


def line(mean: list[float], spread: float = 0.2) -> dict[str, list[float]]:
    """A line whose range is a share of its mean."""
    shares = {"p10": 1 - spread, "p50": 1.0, "mean": 1.0, "p90": 1 + spread}
    return {name: [round(share * value, 4) for value in mean] for name, share in shares.items()}


def _existing(now: float, less: float, orders: float) -> dict[str, Any]:
    mrr = [now - less * (k + 1) for k in range(MONTHS)]
    return {
        "mrr_existing": line(mrr),
        "revenue_contract": line(mrr),
        "revenue_orders": line([orders] * MONTHS),
        "revenue": line([value + orders for value in mrr]),
        "nrr": line([value / now for value in mrr], 0.05),
        "grr": line([0.95 * value / now for value in mrr], 0.05),
    }


def forecast_document() -> dict[str, Any]:
    """What `CompanyForecast.to_dict` gives."""
    whole = _existing(6000.0, 100.0, 400.0)
    fresh = [50.0 * (k + 1) for k in range(MONTHS)]
    mrr = [value + more for value, more in zip(whole["mrr_existing"]["mean"], fresh, strict=True)]
    whole |= {"new_mrr": line(fresh, 0.6), "new_revenue": line(fresh, 0.6), "mrr": line(mrr, 0.25)}
    whole["revenue"] = line([value + 400.0 for value in mrr], 0.25)
    origin = {"months_back": 12, "predicted": 66_000.0, "realised": 60_000.0, "bias": 0.1}
    origin |= {"new_predicted": 0.0, "new_realised": 0.0}
    goods = {name: line([value] * MONTHS) for name, value in (("revenue", 400.0), ("lines", 4.0), ("quantity", 40.0))}
    return {
        "as_of": START.isoformat(),
        "currency": "EUR",
        "months": AHEAD,
        "lines": whole,
        "segments": {
            "by": "industry",
            "rows": [
                {"name": "", "accounts": 1, "mrr": 1000.0, "lines": _existing(1000.0, 20.0, 0.0)},
                {"name": "Machinery", "accounts": 4, "mrr": 5000.0, "lines": _existing(5000.0, 80.0, 400.0)},
            ],
        },
        "reconciliation": {
            "mrr_at_as_of": {"accounts": 6000.0, "kpi": 6000.0, "difference": 0.0, "reason": ""},
            "applied": False,
            "relations": [
                {"relation": "contract", "factor": [0.97] * MONTHS, "origins": [origin]},
                {"relation": "orders", "factor": [1.0] * MONTHS, "origins": []},
            ],
        },
        "new_business": [
            {
                "relation": "contract",
                "kind": "new",
                "rate_a_month": 0.5,
                "counted": 6,
                "span_months": 12,
                "yearly_trend": -0.04,
                "seasonal": False,
                "first_money": 100.0,
                "kept_after_12_months": 0.9,
                "arrivals": [0.5] * MONTHS,
                "by_age": [100.0] * MONTHS,
            }
        ],
        "families": {
            "rows": [
                {
                    "relation": "orders",
                    "family": "seals",
                    **goods,
                    "history": {
                        name: [amount] * 12 for name, amount in (("revenue", 380.0), ("lines", 4.0), ("quantity", 39.0))
                    },
                }
            ],
            "backtest": [],
        },
        "history": {
            "months": BEHIND,
            "mrr": [6000.0] * 12,
            "revenue_contract": [6000.0] * 12,
            "revenue_orders": [380.0] * 12,
            "arrivals_contract": [0.5] * 12,
            "arrivals_orders": [0.0] * 12,
        },
        "summary": {
            "months": 12,
            "mrr_now": 6000.0,
            "mrr": {"p10": 4050.0, "p50": 5400.0, "mean": 5400.0, "p90": 6750.0},
            "nrr": {"p10": 0.76, "p50": 0.8, "mean": 0.8, "p90": 0.84},
            "revenue_sums": {"revenue_contract": 64_200.0, "revenue_orders": 4_800.0},
            "factor": {"contract": 0.97, "orders": 1.0},
            "reconciled": False,
            "new_business": True,
        },
    }
