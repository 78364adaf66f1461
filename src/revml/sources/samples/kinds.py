"""The three kinds of sample company: what each sells, to whom, and which dials of the latent process it turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from revml.sources.samples.contracts import Dial
from revml.sources.samples.ordering import OrderDial

KindName = Literal["saas", "machinery", "manufacturing"]


@dataclass(frozen=True)
class Product:
    """Something sold; `price` is a list price a month (contracts) or a piece (orders)."""

    product: str
    family: str
    tier: int
    price: float
    margin_rate: float
    life_months: int | None = None
    complements: str | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of company.

    Attributes:
        contracts: share of accounts with a contract from the start; 0 where the kind has none.
        plans: contract products by tier.
        modules: the two add-on products, in the order of `Contract.first`, `Contract.second`.
        terms: months between renewals and their shares.
        events_a_month: default usage rows an account and month.
        usage: (event, share of rows, mean quantity) of the product's use.
        industries: industries of the customers and their shares.
        orders: how they order; None where there are no orders.
        goods: what they order.
        machines: the durables among it.
    """

    name: KindName
    dial: Dial
    contracts: float
    plans: tuple[Product, ...]
    modules: tuple[Product, ...]
    terms: tuple[tuple[int, float], ...]
    events_a_month: float
    usage: tuple[tuple[str, float, float], ...]
    industries: tuple[tuple[str, float], ...]
    orders: OrderDial | None = None
    goods: tuple[Product, ...] = ()
    machines: tuple[Product, ...] = ()


SAAS = Kind(
    name="saas",
    dial=Dial(churn=0.75, growth=1.0, uplift=1.0, late=0.03),
    contracts=1.0,
    plans=(
        Product("workspace-starter", "platform", 1, 19, 0.80),
        Product("workspace-team", "platform", 2, 35, 0.80, complements="analytics"),
        Product("workspace-business", "platform", 3, 55, 0.78, complements="automation"),
        Product("workspace-enterprise", "platform", 4, 80, 0.76, complements="automation"),
    ),
    modules=(
        Product("analytics", "modules", 1, 200, 0.85, complements="workspace-team"),
        Product("automation", "modules", 2, 350, 0.82, complements="workspace-business"),
    ),
    terms=((12, 0.62), (1, 0.22), (24, 0.08), (3, 0.08)),
    events_a_month=30.0,
    usage=(
        ("login", 0.24, 1.2),
        ("document_edited", 0.27, 4.0),
        ("search", 0.16, 3.0),
        ("comment", 0.11, 1.8),
        ("report_viewed", 0.08, 1.5),
        ("share", 0.05, 1.2),
        ("automation_run", 0.04, 6.0),
        ("api_call", 0.03, 25.0),
        ("admin_change", 0.015, 1.1),
        ("export", 0.005, 1.1),
    ),
    industries=(
        ("software", 0.22),
        ("professional services", 0.20),
        ("logistics", 0.12),
        ("manufacturing", 0.14),
        ("retail", 0.13),
        ("health", 0.09),
        ("public sector", 0.10),
    ),
)

MACHINERY = Kind(
    name="machinery",
    dial=Dial(churn=0.9, growth=0.7, uplift=0.8, late=0.04, tiers=3, deals=False),
    contracts=0.6,
    plans=(
        Product("service-basic", "service", 1, 140, 0.45),
        Product("service-plus", "service", 2, 240, 0.48, complements="filters"),
        Product("service-full", "service", 3, 380, 0.50, complements="remote-monitoring"),
    ),
    modules=(
        Product("remote-monitoring", "service add-ons", 1, 60, 0.80, complements="service-full"),
        Product("operator-training", "service add-ons", 2, 90, 0.60),
    ),
    terms=((12, 0.7), (24, 0.2), (36, 0.1)),
    events_a_month=8.0,
    usage=(("machine_hours", 0.7, 7.0), ("alarm", 0.2, 1.6), ("remote_session", 0.1, 1.0)),
    industries=(
        ("metalworking", 0.3),
        ("automotive", 0.2),
        ("plastics", 0.16),
        ("food", 0.14),
        ("wood", 0.1),
        ("energy", 0.1),
    ),
    orders=OrderDial(
        leave=1.0,
        rate=0.3,
        rate_spread=0.6,
        spend=900.0,
        returns=0.04,
        project=70.0,
        project_shape=9.0,
        machines=True,
        attach=0.006,
    ),
    goods=(
        Product("filters", "consumables", 1, 38, 0.42),
        Product("coolant", "consumables", 1, 95, 0.35),
        Product("lubricant", "consumables", 1, 60, 0.37),
        Product("cutting-inserts", "tooling", 1, 24, 0.45, complements="tool-holders"),
        Product("tool-holders", "tooling", 2, 210, 0.44),
        Product("spindle-bearings", "spare parts", 2, 640, 0.40),
        Product("servo-drive", "spare parts", 3, 1850, 0.36),
        Product("control-panel", "spare parts", 3, 2400, 0.34),
        Product("belts", "spare parts", 1, 85, 0.41),
        Product("seals", "spare parts", 1, 27, 0.46),
    ),
    machines=(
        Product("mill-300", "machines", 1, 48000, 0.22, 96, "service-basic"),
        Product("mill-500", "machines", 2, 86000, 0.24, 120, "service-plus"),
        Product("lathe-200", "machines", 1, 39000, 0.21, 96, "service-basic"),
        Product("centre-5x", "machines", 3, 190000, 0.26, 144, "service-full"),
    ),
)

MANUFACTURING = Kind(
    name="manufacturing",
    dial=Dial(churn=1.0, growth=1.0, uplift=1.0, late=0.0, deals=False),
    contracts=0.0,
    plans=(),
    modules=(),
    terms=(),
    events_a_month=0.0,
    usage=(),
    industries=(
        ("machine building", 0.24),
        ("automotive", 0.18),
        ("construction", 0.18),
        ("wholesale", 0.16),
        ("electronics", 0.14),
        ("furniture", 0.10),
    ),
    orders=OrderDial(
        leave=1.0,
        rate=0.8,
        rate_spread=0.95,
        spend=2600.0,
        returns=0.07,
        project=7.0,
        project_shape=2.0,
        machines=False,
        attach=0.0,
    ),
    goods=(
        Product("bolts-m8", "fasteners", 1, 18, 0.28, complements="washers"),
        Product("bolts-m12", "fasteners", 1, 26, 0.29, complements="washers"),
        Product("washers", "fasteners", 1, 6, 0.33),
        Product("profiles-40", "profiles", 1, 42, 0.24, complements="brackets"),
        Product("profiles-80", "profiles", 2, 88, 0.25, complements="brackets"),
        Product("brackets", "profiles", 1, 11, 0.35),
        Product("sheet-steel", "sheet metal", 1, 120, 0.18),
        Product("sheet-alu", "sheet metal", 2, 190, 0.2),
        Product("housings", "custom parts", 2, 240, 0.31),
        Product("machined-parts", "custom parts", 3, 410, 0.34),
        Product("powder-coating", "finishing", 1, 65, 0.4),
        Product("anodising", "finishing", 2, 95, 0.38),
        Product("gaskets", "seals", 1, 14, 0.41),
        Product("o-rings", "seals", 1, 4, 0.45),
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in (SAAS, MACHINERY, MANUFACTURING)}
