"""The baselines by name, and how each is read back from `model.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from revml.models.logistic import Logistic, Scaler, Term, logistic_from_json
from revml.models.rule import Constant, Rule, Rung, rule_from_json


def baseline_from_json(raw: Mapping[str, Any]) -> Constant | Rule | Logistic:
    """Read what a baseline's `to_json` wrote."""
    if raw["rung"] == Logistic.name:
        return logistic_from_json(raw)
    return rule_from_json(raw) if raw["rung"] == Rule.name else Constant(raw["level"])


__all__ = ["Constant", "Logistic", "Rule", "Rung", "Scaler", "Term", "baseline_from_json"]
