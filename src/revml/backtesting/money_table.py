"""The table of a back-test of money: a row a cut (origin, cohort or all), relation, horizon and method.

Comes in: replayed origins. Goes out: `Row`s of plain numbers, the best method of each figure, and where revml lost. A
figure that is not defined is None. Rows over several origins put the accounts of all of them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from revml.backtesting.money_methods import BASELINES, Method
from revml.backtesting.money_replay import TOTAL, OriginMoney, RelationMoney
from revml.clv.relations import Relation
from revml.clv.value import MONTH_SECONDS, Floats
from revml.evaluation import money_metrics as metrics

# Figures by name, and whether the larger is the better; biases are best near zero.
FIGURES: Mapping[str, str] = {
    "bias": "zero",
    "exit_bias": "zero",
    "rmse": "low",
    "tweedie": "low",
    "gini": "high",
    "top_lift": "high",
    "brier": "low",
}
DIGITS: Mapping[str, int] = {"bias": 4, "exit_bias": 4, "rmse": 2, "tweedie": 3, "gini": 4, "top_lift": 3, "brier": 4}
TENURES = ((0, 12), (12, 24), (24, 48), (48, None))  # months since the first contract or order
RELATIONS = (*(str(one) for one in Relation), TOTAL)


@dataclass(frozen=True)
class Row:
    """One line.

    Attributes:
        cut: `all`, `origin`, `tenure` or `start_year`; of: which origin or cohort, empty for all.
        origins: how many origins it rests on; accounts: how many accounts at them.
        actual, forecast: revenue of all months to the horizon; of a contract the sum of its MRR.
        exit_actual, exit_forecast: MRR at the end of the last month; of contracts alone.
        rmse: of an account's revenue. tweedie: deviance of power 1.5. gini: normalised. top_lift: of the first tenth.
        brier: of survival to the horizon, weighted for censoring; of contracts alone.
        coverage: share of accounts whose discounted margin lies in its 80 % interval; of revml alone, as the next two.
        bands, bands_held: origins with an 80 % band of all accounts' revenue in the last month of the horizon (the MRR
            at its end), and in how many of them that revenue lay within it.
    """

    cut: str
    of: str
    relation: str
    horizon_months: int
    method: str
    origins: int
    accounts: int
    actual: float | None
    forecast: float | None
    bias: float | None
    exit_actual: float | None
    exit_forecast: float | None
    exit_bias: float | None
    rmse: float | None
    tweedie: float | None
    gini: float | None
    top_lift: float | None
    brier: float | None
    coverage: float | None
    bands: int
    bands_held: int

    def to_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return asdict(self)


@dataclass(frozen=True)
class Loss:
    """A figure in which a baseline was better than revml, over all origins."""

    relation: str
    horizon_months: int
    figure: str
    method: str
    revml: float
    baseline: float


@dataclass(frozen=True)
class _Part:
    """Some accounts of one origin."""

    origin: OriginMoney
    money: RelationMoney
    rows: npt.NDArray[np.bool_]


def table(origins: Sequence[OriginMoney], horizons: Sequence[int]) -> tuple[Row, ...]:
    """All rows: over all origins, by origin, by tenure and by year of the start."""
    rows: list[Row] = []
    for name in RELATIONS:
        found = [
            _Part(o, one, np.ones(len(one.account_id), dtype=bool))
            for o in origins
            for one in o.relations
            if one.relation == name
        ]
        if not found:
            continue
        rows += _rows("all", "", found, horizons)
        for part in found:
            rows += _rows("origin", f"{part.origin.as_of:%Y-%m-%d}", [part], horizons)
        for cut, cohorts in (("tenure", _tenures(found)), ("start_year", _years(found))):
            for of, members in cohorts:
                rows += _rows(cut, of, members, horizons)
    return tuple(rows)


def _tenures(parts: Sequence[_Part]) -> Iterable[tuple[str, list[_Part]]]:
    for low, high in TENURES:
        top = np.inf if high is None else high
        yield (
            f"{low}-{high}" if high else f"{low}+",
            [_Part(p.origin, p.money, (p.money.since >= low) & (p.money.since < top)) for p in parts],
        )


def _years(parts: Sequence[_Part]) -> Iterable[tuple[str, list[_Part]]]:
    years = [(np.datetime64(p.origin.as_of) - _span(p.money.since)).astype("datetime64[Y]").astype(int) for p in parts]
    for year in np.unique(np.concatenate(years)):
        yield (
            str(1970 + int(year)),
            [_Part(p.origin, p.money, of == year) for p, of in zip(parts, years, strict=True)],
        )


def _span(months: Floats) -> Any:
    return (months * MONTH_SECONDS).astype("timedelta64[s]")


def _rows(cut: str, of: str, parts: Sequence[_Part], horizons: Sequence[int]) -> list[Row]:
    kept = [p for p in parts if p.rows.any()]
    rows = []
    for horizon in horizons:
        reached = [p for p in kept if p.money.came.shape[1] >= horizon]
        if not reached:
            continue
        for method in Method:
            if all(method in p.money.methods for p in reached):
                rows.append(_row(cut, of, reached, kept, horizon, method))
    return rows


def _row(cut: str, of: str, parts: Sequence[_Part], followed: Sequence[_Part], horizon: int, method: Method) -> Row:
    def joined(values: Iterable[Floats]) -> Floats:
        return np.concatenate(list(values))

    relation = parts[0].money.relation
    came = joined(p.money.came[p.rows, :horizon].sum(axis=1) for p in parts)
    told = joined(p.money.methods[method].revenue[p.rows, :horizon].sum(axis=1) for p in parts)
    contract = relation == Relation.CONTRACT
    exits = [joined(p.money.came[p.rows, horizon - 1] for p in parts)] if contract else []
    exits += [joined(p.money.methods[method].revenue[p.rows, horizon - 1] for p in parts)] if contract else []
    values = {
        "actual": float(came.sum()),
        "forecast": float(told.sum()),
        "bias": metrics.bias(told, came),
        "exit_actual": float(exits[0].sum()) if contract else float("nan"),
        "exit_forecast": float(exits[1].sum()) if contract else float("nan"),
        "exit_bias": metrics.bias(exits[1], exits[0]) if contract else float("nan"),
        "rmse": metrics.rmse(told, came),
        "tweedie": metrics.tweedie_deviance(told, came),
        "gini": metrics.normalised_gini(told, came),
        "top_lift": metrics.top_lift(told, came),
        "brier": _brier(followed, horizon, method),
        "coverage": float("nan"),
    }
    bands = held = 0
    if method is Method.REVML:
        within = [(p, p.money.intervals[horizon]) for p in parts if horizon in p.money.intervals]
        if within:
            low, high, earned = (
                joined(getattr(i, name)[p.rows] for p, i in within) for name in ("low", "high", "came")
            )
            values["coverage"] = metrics.coverage(low, high, earned)
        if cut in ("all", "origin"):
            known = [(p, p.money.bands[horizon]) for p in parts if horizon in p.money.bands]
            bands = len(known)
            held = sum(low <= p.money.came[:, horizon - 1].sum() <= high for p, (low, high) in known)
    return Row(
        cut=cut,
        of=of,
        relation=relation,
        horizon_months=horizon,
        method=str(method),
        origins=len(parts),
        accounts=len(came),
        bands=bands,
        bands_held=int(held),
        **{name: _plain(value, DIGITS.get(name, 4 if name == "coverage" else 2)) for name, value in values.items()},
    )


def _brier(parts: Sequence[_Part], horizon: int, method: Method) -> float:
    """Of the accounts of all origins, those that were not followed so long included: they are censored."""
    survival, lost, seen = [], [], []
    for part in parts:
        path = part.money.methods.get(method)
        if part.money.lost is None or path is None or path.survival is None or path.survival.shape[1] < horizon:
            continue
        survival.append(path.survival[part.rows, horizon - 1])
        lost.append(part.money.lost[part.rows])
        seen.append(np.full(int(part.rows.sum()), part.origin.seen))
    if not survival:
        return float("nan")
    return metrics.brier_ipcw(np.concatenate(survival), np.concatenate(lost), np.concatenate(seen), float(horizon))


def best(rows: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """By figure the methods that were best in rows of one cut, relation and horizon, to the digits that are kept."""
    found: dict[str, tuple[str, ...]] = {}
    for figure, way in FIGURES.items():
        known = {row.method: value for row in rows if (value := getattr(row, figure)) is not None}
        if len(known) > 1:
            scored = {method: _score(value, way) for method, value in known.items()}
            top = max(scored.values())
            found[figure] = tuple(method for method, value in scored.items() if value == top)
    return found


def losses(rows: Sequence[Row]) -> tuple[Loss, ...]:
    """Where a baseline was better over all origins; the best of the baselines where several were."""
    found = []
    together = [row for row in rows if row.cut == "all"]
    for own in (row for row in together if row.method == Method.REVML):
        beside = [r for r in together if (r.relation, r.horizon_months) == (own.relation, own.horizon_months)]
        for figure, methods in best(beside).items():
            mine = getattr(own, figure)
            if mine is None or Method.REVML in methods:
                continue
            winner = next(r for r in beside if r.method == methods[0])
            found.append(
                Loss(own.relation, own.horizon_months, figure, methods[0], mine, float(getattr(winner, figure)))
            )
    return tuple(found)


def beaten(rows: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """By baseline in how many of the figures over all origins revml was better, and of how many."""
    together = [row for row in rows if row.cut == "all"]
    at = {(r.relation, r.horizon_months, r.method): r for r in together}
    found = {}
    for method in BASELINES:
        won = of = 0
        for row in (r for r in together if r.method == method):
            own = at[(row.relation, row.horizon_months, str(Method.REVML))]
            for figure, way in FIGURES.items():
                mine, other = getattr(own, figure), getattr(row, figure)
                if mine is not None and other is not None:
                    of += 1
                    won += _score(mine, way) > _score(other, way)
        if of:
            found[str(method)] = (won, of)
    return found


def _score(value: float, way: str) -> float:
    return -abs(value) if way == "zero" else value if way == "high" else -value


def _plain(value: float, digits: int) -> float | None:
    return round(value, digits) if np.isfinite(value) else None
