"""The three kinds of sample company: what each sells, to whom, and which dials of the latent process it turns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from revml.sources.samples.contracts import Dial

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
    goods: tuple[Product, ...] = field(default=())
    machines: tuple[Product, ...] = field(default=())


SAAS = Kind(
    name="saas",
    dial=Dial(churn=1.0, growth=1.0, uplift=1.0, late=0.03),
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

KINDS: dict[str, Kind] = {"saas": SAAS}
