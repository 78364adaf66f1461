"""Views of a small model, as training writes them into a bundle."""

from __future__ import annotations

from typing import Any

BAND = {"n": 20, "median": 0.4, "p10": 0.3, "p90": 0.6}


def literal_views() -> dict[str, Any]:
    """Two concepts, one number and one category, two industries and a small one."""
    segment = {"column": "industry", "low": None, "high": None}
    return {
        "rows": 80,
        "accounts": 80,
        "concepts": [
            {"concept": "usage", "size": 0.6, "share": 0.75, "mean": 0.1, "raises": 0.4},
            {"concept": "profile", "size": 0.2, "share": 0.25, "mean": 0.0, "raises": 0.5},
        ],
        "features": [
            {"feature": "active_users_28d", "concept": "usage", "size": 0.6, "share": 0.75, "slope": -0.9},
            {"feature": "industry", "concept": "profile", "size": 0.2, "share": 0.25, "slope": None},
        ],
        "dependence": [
            {
                "feature": "active_users_28d",
                "kind": "number",
                "bins": [{"low": 0.0, "high": 3.0, **BAND}, {"low": 4.0, "high": 90.0, **BAND, "median": -0.7}],
                "unknown": {**BAND, "n": 12, "median": 0.1},
            },
            {
                "feature": "industry",
                "kind": "category",
                "bins": [{"value": "retail", **BAND}, {"value": "banking", **BAND, "median": -0.2}],
                "unknown": None,
            },
        ],
        "segments": [
            {**segment, "value": "retail", "rows": 40, "accounts": 40, "mean": 0.2, "concepts": {"usage": 0.8}},
            {**segment, "value": "banking", "rows": 31, "accounts": 31, "mean": -0.1, "concepts": {"profile": 0.6}},
        ],
        "small": [{**segment, "value": "mining", "rows": 9, "accounts": 9}],
    }
