"""Each figure with its one definition, from the sums of a span and segment, whichever they are.

Comes in: a row of `kpi_sums`, and what the data has. Goes out: `Kpi`s. A figure that cannot be told has no value but a
reason, never a zero; one that needs care has cautions. Their words stand in the catalogues under `kpi.*`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from revml.locales import Words
from revml.sources.facts import Facts

Unit = Literal["money", "share", "ratio", "months", "days", "count"]
CONCENTRATED = 1 / 3  # of the revenue, with one customer
FEW_ACCOUNTS = 10
YOUNG = 0.9  # of the span that the orders cover

# every figure in its order: what it is told in
UNITS: Mapping[str, Unit] = {
    "mrr": "money",
    "paying": "count",
    "retention": "share",
    "logo_churn": "share",
    "grr": "share",
    "nrr": "share",
    "expansion_rate": "share",
    "quick_ratio": "ratio",
    "order_revenue": "money",
    "active_customers": "count",
    "active_share": "share",
    "repeat_rate": "share",
    "purchases": "ratio",
    "order_rhythm": "days",
    "arpc": "money",
    "largest_share": "share",
    "clv": "money",
    "cac": "money",
    "ltv_cac": "ratio",
    "payback": "months",
}
CONTRACT = ("mrr", "paying", "retention", "logo_churn", "grr", "nrr", "expansion_rate", "quick_ratio")
ORDERS = ("order_revenue", "active_customers", "active_share", "repeat_rate", "purchases", "order_rhythm")
# what one large customer moves
MOVED = frozenset({"mrr", "grr", "nrr", "expansion_rate", "quick_ratio", "order_revenue", "arpc", "clv"})


@dataclass(frozen=True)
class Kpi:
    """One figure.

    Attributes:
        name: catalogue key: `kpi.<name>.name`, `.definition`, `.caveat`.
        value: in its unit; None where it cannot be told.
        reason: why there is no value: catalogue key `kpi.reason.<reason>`, '' where there is one.
        basis: how many accounts it rests on.
        cautions: what to mind about this very value: catalogue keys `kpi.caution.<caution>`.
    """

    name: str
    value: float | None
    reason: str = ""
    basis: int | None = None
    cautions: tuple[str, ...] = ()

    @property
    def unit(self) -> Unit:
        """What the value is told in."""
        return UNITS[self.name]

    def shown(self, words: Words, currency: str) -> str:
        """The value as people write it, or an em dash."""
        return shown(self.unit, self.value, words, currency)


def shown(unit: Unit, value: float | None, words: Words, currency: str) -> str:
    """A value as people write it, or an em dash.

    >>> from revml.locales import words
    >>> shown("share", 0.125, words("en"), "EUR"), shown("money", None, words("en"), "EUR")
    ('12.5%', '—')
    """
    if value is None:
        return "—"
    if unit == "money":
        return words.money(value, currency)
    if unit == "share":
        return words.percent(value, 1)
    if unit in ("months", "days"):
        return words.text(f"kpi.{unit}", n=words.number(value, 1))
    return words.number(value, 2 if unit == "ratio" else 0)


@dataclass(frozen=True)
class Known:
    """What the data has at all, so that what it lacks is no zero.

    Attributes:
        contracts, orders: when the first of them is known; None where there is none.
        ends: whether any subscription has an end.
        costs: whether any account has an acquisition cost.
        margins: whether any product has a margin or any order a cost.
        valued: whether there is a forecast.
    """

    contracts: datetime | None
    orders: datetime | None
    ends: bool
    costs: bool
    margins: bool
    valued: bool

    @classmethod
    def of(cls, facts: Facts, as_of: datetime, *, valued: bool) -> Known:
        """Look at the facts known at `as_of`."""
        [(contracts, orders)] = (
            facts.con.cursor()
            .execute(
                "SELECT (SELECT min(started_at) FROM subscriptions WHERE known_at <= $as_of AND started_at <= $as_of),"
                " (SELECT min(ordered_at) FROM orders WHERE known_at <= $as_of AND ordered_at <= $as_of)",
                {"as_of": as_of},
            )
            .fetchall()
        )
        return cls(
            contracts=contracts,
            orders=orders,
            ends=facts.has("subscriptions", "ended_at"),
            costs=facts.has("accounts", "acquisition_cost"),
            margins=facts.has("products", "margin_rate") or facts.has("orders", "cost"),
            valued=valued,
        )


def figures(sums: Mapping[str, Any], known: Known) -> tuple[Kpi, ...]:
    """All figures of a span and segment, in the order of `UNITS`.

    Args:
        sums: a row of `kpi_sums`.
    """
    made = {kpi.name: kpi for kpi in (*_contracts(sums, known), *_orders(sums, known), *_customers(sums, known))}
    largest = made["largest_share"].value
    concentrated = largest is not None and largest >= CONCENTRATED and sums["active"] > 1
    return tuple(_cautious(made[name], concentrated=concentrated) for name in UNITS)


def _cautious(kpi: Kpi, *, concentrated: bool) -> Kpi:
    if kpi.value is None:
        return kpi
    few = kpi.unit == "share" and kpi.basis is not None and kpi.basis < FEW_ACCOUNTS and kpi.name != "largest_share"
    more = [name for name, holds in (("concentrated", concentrated and kpi.name in MOVED), ("few", few)) if holds]
    return Kpi(kpi.name, kpi.value, kpi.reason, kpi.basis, (*kpi.cautions, *more))


def _ratio(name: str, above: float, below: float, why: str, basis: int, cautions: tuple[str, ...] = ()) -> Kpi:
    return Kpi(name, above / below, "", basis, cautions) if below else Kpi(name, None, why)


def _contracts(sums: Mapping[str, Any], known: Known) -> Iterator[Kpi]:
    why = "no_subscriptions" if known.contracts is None else "before_history"
    if known.contracts is None or known.contracts > sums["ended"]:
        yield from (Kpi(name, None, why) for name in CONTRACT)
        return
    start, n = int(sums["start"]), int(sums["customers"])
    yield Kpi("mrr", sums["end"] / 100, basis=int(sums["paying"]))
    yield Kpi("paying", float(sums["paying"]), basis=int(sums["paying"]))
    if n and not known.ends:
        yield from (Kpi(name, None, "no_ends") for name in CONTRACT[2:])
        return
    yield _ratio("retention", n - int(sums["lost"]), n, "short_history", n)
    yield _ratio("logo_churn", int(sums["lost"]), n, "short_history", n)
    yield _ratio("grr", sums["kept_gross"], start, "short_history", n)
    yield _ratio("nrr", sums["kept_net"], start, "short_history", n)
    yield _ratio("expansion_rate", sums["expansion"], start, "short_history", n)
    gained = sums["new"] + sums["expansion"] + sums["reactivation"]
    yield _ratio(
        "quick_ratio", gained, -sums["contraction"] - sums["churn"], "nothing_lost" if n else "short_history", n
    )


def _orders(sums: Mapping[str, Any], known: Known) -> Iterator[Kpi]:
    why = "no_orders" if known.orders is None else "before_history"
    n = int(sums["buyers"])
    if known.orders is None or known.orders > sums["ended"] or not n:
        why = "no_customers" if known.orders is not None and known.orders <= sums["ended"] else why
        yield from (Kpi(name, None, why) for name in ORDERS)
        return
    young = _young(sums)
    ever, rhythms = int(sums["ever"]), int(sums["rhythms"])
    yield Kpi("order_revenue", sums["revenue"] / 100, basis=n, cautions=young)
    yield Kpi("active_customers", float(n), basis=n, cautions=young)
    yield _ratio("active_share", n, ever, "no_customers", ever, young)
    yield Kpi("repeat_rate", sums["repeaters"] / n, basis=n, cautions=young)
    yield Kpi("purchases", sums["days"] / n, basis=n, cautions=young)
    yield (
        Kpi("order_rhythm", float(sums["rhythm"]), "", rhythms) if rhythms else Kpi("order_rhythm", None, "no_repeats")
    )


def _young(sums: Mapping[str, Any]) -> tuple[str, ...]:
    return ("young",) if sums["months"] < YOUNG * sums["asked"] else ()


def _customers(sums: Mapping[str, Any], known: Known) -> Iterator[Kpi]:
    n = int(sums["active"])
    young = _young(sums) if sums["buyers"] else ()
    yield _ratio("arpc", sums["money"] / 100, n, "no_customers", n, young)
    yield _ratio("largest_share", sums["largest"], max(sums["money"], 0), "no_customers", n)
    assumed = () if known.margins else ("assumed_margin",)
    valued = int(sums["valued"])
    clv = _ratio("clv", sums["clv"] / 100, valued, "no_customers" if known.valued else "no_forecast", valued, assumed)
    cac = _acquired(sums, known)
    yield clv
    yield cac
    yield _over("ltv_cac", clv, cac)
    if cac.value is None or not n:
        yield Kpi("payback", None, cac.reason or "no_customers")
    elif sums["gain"] <= 0:
        yield Kpi("payback", None, "no_margin")
    else:
        gain = sums["gain"] / 100 / n
        yield Kpi("payback", cac.value / gain, "", cac.basis, (*cac.cautions, *assumed))


def _acquired(sums: Mapping[str, Any], known: Known) -> Kpi:
    joined, costed = int(sums["joined"]), int(sums["costed"])
    if not known.costs or (joined and not costed):
        return Kpi("cac", None, "no_acquisition_cost")
    if not joined:
        return Kpi("cac", None, "no_new_customers")
    return Kpi("cac", sums["cost"] / 100 / costed, "", costed, ("some_costs",) if costed < joined else ())


def _over(name: str, above: Kpi, below: Kpi) -> Kpi:
    for part in (above, below):
        if part.value is None:
            return Kpi(name, None, part.reason)
    if not below.value:
        return Kpi(name, None, "free_acquisition")
    cautions = tuple(dict.fromkeys((*above.cautions, *below.cautions)))
    return Kpi(name, (above.value or 0.0) / below.value, "", below.basis, cautions)
