"""What each account is worth: survival, orders, growth, value, KPIs and the forecast that adds up.

The names are imported when they are asked for: whoever only reads what was published does not load what computes it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from revml.clv.flows import FlowParts
    from revml.clv.forecast import ClvForecast, forecast_clv
    from revml.clv.published import Published

__all__ = ["ClvForecast", "FlowParts", "Published", "forecast_clv"]
_WHERE = {"ClvForecast": "forecast", "FlowParts": "flows", "Published": "published", "forecast_clv": "forecast"}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
