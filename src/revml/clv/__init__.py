"""What each account is worth: survival, orders, growth, value, KPIs and the forecast that adds up."""

from revml.clv.flows import FlowParts
from revml.clv.forecast import ClvForecast, forecast_clv
from revml.clv.published import Published

__all__ = ["ClvForecast", "FlowParts", "Published", "forecast_clv"]
