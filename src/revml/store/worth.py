"""What an account is worth, read from a run: relations and horizons, flows, components, drivers.

Runs of an older revml have one horizon and no values of accounts; theirs is the sum over relations, without a range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import RowMapping

from revml.store.schema import clv, coming, drivers, flows, values
from revml.store.views import Clv, ComingOrders, Driver, FamilyOrders, Flows, Value

PEER = "peer"
_LISTS = tuple(name for name in Flows.__dataclass_fields__ if name != "relation")


def worth(of: Callable[..., Iterable[RowMapping]], main: int) -> dict[str, Any]:
    """`clv`, `clv_shorter`, `values`, `flows`, `drivers` and `coming` of an `AccountDetail`.

    Args:
        of: the account's rows of a table, in an order.
        main: the run's main horizon in months.
    """
    every = [_only(row, Clv) for row in of(clv, clv.c.relation, clv.c.horizon_months)]
    told = [_only(row, Value) for row in of(values, values.c.horizon_months)]
    driven = [Driver(concept, money) for row in of(drivers) for concept, money in row["money"].items()]
    return {
        "clv": tuple(one for one in every if one.horizon_months == main),
        "clv_shorter": tuple(one for one in every if one.horizon_months != main),
        "values": tuple(told or _summed(every)),
        "flows": tuple(_flows(row) for row in of(flows, flows.c.relation)),
        "drivers": tuple(sorted(driven, key=lambda one: (one.concept != PEER, -abs(one.money), one.concept))),
        "coming": next((_coming(row) for row in of(coming)), None),
    }


def _coming(row: RowMapping) -> ComingOrders:
    told = {name: row[name] for name in ComingOrders.__dataclass_fields__ if name != "families"}
    families = (FamilyOrders(name, *figures) for name, figures in (row["families"] or {}).items())
    return ComingOrders(**told, families=tuple(sorted(families, key=lambda one: (-one.revenue, one.family))))


def _summed(every: list[Clv]) -> list[Value]:
    """Values of the relations' sums; a range is known only where there is one relation: quantiles do not add up."""
    out = []
    for horizon in sorted({one.horizon_months for one in every}):
        here = [one for one in every if one.horizon_months == horizon]
        alone = here[0] if len(here) == 1 else None
        bands = (alone.clv_p10, alone.clv_p50, alone.clv_p90) if alone else ()
        out.append(Value(horizon, sum(one.clv for one in here), *bands))
    return out


def _flows(row: RowMapping) -> Flows:
    lists = {name: None if row[name] is None else tuple(row[name]) for name in _LISTS}
    return Flows(relation=row["relation"], **lists)  # type: ignore[arg-type]


def _only(row: RowMapping, record: type) -> Any:
    return record(**{name: row[name] for name in record.__dataclass_fields__})  # type: ignore[attr-defined]
