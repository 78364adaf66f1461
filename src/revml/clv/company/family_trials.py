"""Orders by family as the company's forecast tells them: with bands, and what they missed at earlier origins.

Comes in: family forecasts of earlier origins (`reconcile.earlier`). Goes out: the `families` part of the forecast's
document. The accounts'
forecast and the families' own past are weighed by what they missed then. Beside them stand two that need no model: the
same months a year before, and the mean of the last year.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from revml.clv.company import total_spread
from revml.clv.company.family_orders import MEASURES, FamilyHistory, family_history, family_orders
from revml.clv.company.new_business import NewBusiness, new_business
from revml.clv.company.reconcile import Origin
from revml.clv.company.season import YEAR, without_season
from revml.clv.flows import RelationFlows
from revml.clv.relations import Relation
from revml.clv.value import Floats
from revml.sources.facts import Facts

HISTORY_MONTHS = 24
TRIAL_BACKS = (12, 6)
# Both count the same in so many trials more: a mean of two is hard to beat.
EQUAL_TRIALS = 2.0


@dataclass(frozen=True)
class FamilyTrial:
    """A forecast of a measure by family made at an earlier origin: (families, months) each, and what came."""

    relation: Relation
    measure: str
    back: int
    names: tuple[str, ...]
    predicted: Floats
    series: Floats
    realised: Floats
    year_before: Floats
    run_rate: Floats


def family_trials(facts: Facts, as_of: datetime, origin: Origin) -> list[FamilyTrial]:
    """The trials of an origin, of each relation that sells by orders; none where it is not one of `TRIAL_BACKS`."""
    if origin.back not in TRIAL_BACKS:
        return []
    fresh = [part for triangle in origin.then.values() for part in new_business(triangle, origin.back)]
    made = family_orders(facts, origin.at, origin.forecast.relations, fresh, origin.back)
    out = []
    for relation, ahead in made.items():
        came, then = family_history(facts, as_of, relation), family_history(facts, origin.at, relation)
        if then.revenue.shape[1] < YEAR or came.revenue.shape[1] < origin.back:
            continue
        for measure in MEASURES:
            last = getattr(then, measure)[:, -YEAR:]
            out.append(
                FamilyTrial(
                    relation,
                    measure,
                    origin.back,
                    tuple(str(name) for name in ahead.names),
                    ahead.by_accounts[measure],
                    ahead.by_series[measure],
                    _rows(came, measure, ahead.names)[:, -origin.back :],
                    last[:, : origin.back],
                    np.repeat(last.mean(axis=1, keepdims=True), origin.back, axis=1),
                )
            )
    return out


def families_of(
    facts: Facts,
    as_of: datetime,
    flows: Iterable[RelationFlows],
    fresh: Iterable[NewBusiness],
    tried: Sequence[FamilyTrial],
    months: int,
) -> dict[str, Any]:
    """The document: a row a relation and family, and the misses of earlier origins."""
    fresh = tuple(fresh)
    rows, weights = [], {}
    for relation, ahead in family_orders(facts, as_of, flows, fresh, months).items():
        history = family_history(facts, as_of, relation)
        trials = {m: [one for one in tried if one.relation is relation and one.measure == m] for m in MEASURES}
        # A family's own past holds what new accounts brought: without new business it is no forecast of the others.
        weight = {measure: series_weight(trials[measure]) if fresh else 0.0 for measure in MEASURES}
        weights[str(relation)] = {measure: round(value, 4) for measure, value in weight.items()}
        for i, name in enumerate(ahead.names):
            row: dict[str, Any] = {"relation": str(relation), "family": str(name)}
            for measure in MEASURES:
                past = getattr(history, measure)[i, -HISTORY_MONTHS:]
                noise = total_spread.monthly_noise(without_season(past))
                misses = [_misses(one, str(name), weight[measure]) for one in trials[measure] if name in one.names]
                drifted = total_spread.drift(misses, noise, total_spread.USUAL_DRIFT[str(relation)])
                mean = ahead.mixed(measure, weight[measure])[i]
                found = {"mean": mean, **total_spread.quantiles(mean, total_spread.spread(months, noise, drifted))}
                row[measure] = {key: _rounded(found[key]) for key in ("p10", "p50", "mean", "p90")}
            row["revenue"]["accounts"] = _rounded(ahead.by_accounts["revenue"][i])
            row["history"] = {m: _rounded(getattr(history, m)[i, -HISTORY_MONTHS:]) for m in MEASURES}
            rows.append(row)
    return {"rows": rows, "weight_of_series": weights, "backtest": [_marks(trial) for trial in tried]}


def series_weight(trials: Sequence[FamilyTrial]) -> float:
    """How much the families' own past counts beside the accounts: by squared misses, drawn towards a half.

    >>> series_weight([])
    0.5
    """
    total = EQUAL_TRIALS * 0.5
    for trial in trials:
        accounts, series = (np.abs(one - trial.realised).sum() ** 2 for one in (trial.predicted, trial.series))
        total += float(accounts / (accounts + series)) if accounts + series > 0 else 0.5
    return total / (EQUAL_TRIALS + len(trials))


def _marks(trial: FamilyTrial) -> dict[str, Any]:
    """Sums of absolute misses by family and month against what came, and the bias of the sum, of each forecast."""
    came = trial.realised
    total, size = came.sum(), np.abs(came).sum()
    both = (trial.predicted + trial.series) / 2
    found = {"both": both, "accounts": trial.predicted, "series": trial.series}
    found |= {"year_before": trial.year_before, "run_rate": trial.run_rate}
    return {
        "relation": str(trial.relation),
        "measure": trial.measure,
        "months_back": trial.back,
        "wape": {k: round(float(np.abs(v - came).sum() / size), 4) if size > 0 else None for k, v in found.items()},
        "bias": {k: round(float(v.sum() / total - 1), 4) if total > 0 else None for k, v in found.items()},
        "families": [
            {
                "family": name,
                "predicted": round(float(trial.predicted[i].sum()), 2),
                "realised": round(float(came[i].sum()), 2),
            }
            for i, name in enumerate(trial.names)
        ],
    }


def _misses(trial: FamilyTrial, name: str, weight: float) -> Floats:
    i = trial.names.index(name)
    predicted, came = (1 - weight) * trial.predicted[i] + weight * trial.series[i], trial.realised[i]
    fine = (predicted > 0) & (came > 0)
    return np.asarray(np.log(np.where(fine, came, np.nan) / np.where(fine, predicted, np.nan)))


def _rows(history: FamilyHistory, measure: str, names: Iterable[object]) -> Floats:
    place, amounts = {str(name): i for i, name in enumerate(history.names)}, getattr(history, measure)
    nothing = np.zeros(amounts.shape[1])
    return np.array([amounts[place[str(name)]] if str(name) in place else nothing for name in names])


def _rounded(values: Floats) -> list[float]:
    return [round(float(value), 2) for value in values]
