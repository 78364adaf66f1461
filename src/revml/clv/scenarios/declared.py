"""What may change in a scenario, declared and checked: nothing here reads data.

    Retention  the yearly churn of a segment falls by points
    Price      prices change by percent, at once or from each account's next renewal on
    Saving     the riskiest accounts, or named ones, are brought down to the risk of their peers
    Margin     margin rises or falls by points of revenue
    Discount   money is discounted at another yearly rate

A `Scenario` holds at most one of each; they take effect in the order retention, saving, margin, price, discount.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any

from revml.clv.relations import Relation
from revml.errors import ConfigError


@dataclass(frozen=True)
class Segment:
    """Accounts of one name, such as industry Software; without `by` the whole company."""

    by: str = ""
    name: str = ""

    @classmethod
    def read(cls, text: str) -> Segment:
        """A segment from `industry=Software`.

        Raises:
            ConfigError: there is no `=` in it, or nothing on one of its sides.

        >>> Segment.read("industry=Software")
        Segment(by='industry', name='Software')
        """
        by, sign, name = (part.strip() for part in text.partition("="))
        if not (by and sign and name):
            raise ConfigError(
                "this is no segment",
                where="--segment",
                wanted="a column and a value: industry=Software",
                got=repr(text),
                do="leave it out for the whole company",
            )
        return cls(by, name)


WHOLE = Segment()


@dataclass(frozen=True)
class Retention:
    """The yearly churn of the segment falls by `points` of a hundred, or rises where they are negative.

    Attributes:
        relation: contract: of a hundred accounts so many more are there after twelve months. orders: of a hundred
            buyers so many more order within twelve months, each of them as much as before.
    """

    points: float
    segment: Segment = WHOLE
    relation: Relation = Relation.CONTRACT

    def __post_init__(self) -> None:
        _number("--retention", self.points, -100.0, 100.0, "points of a hundred accounts a year")
        if self.relation is Relation.DURABLE:
            raise ConfigError(
                "retention of machines has no meaning",
                where="--relation",
                wanted="contract or orders",
                got="durable",
                do="a machine wears out, nobody cancels it: change its price or margin instead",
            )


@dataclass(frozen=True)
class Price:
    """Prices of the segment change by `percent`; what it costs to serve stays, so all of it is margin.

    Attributes:
        at_renewal: contracts change from their next renewal on; else at once. Orders and durables always at once.
        churn_response: points of yearly contract churn that a percent of price brings; 0: nobody minds.
        relation: whose prices; None for all.
    """

    percent: float
    segment: Segment = WHOLE
    at_renewal: bool = False
    churn_response: float = 0.0
    relation: Relation | None = None

    def __post_init__(self) -> None:
        _number("--price", self.percent, -100.0, 1000.0, "percent")
        _number("--churn-response", self.churn_response, 0.0, 100.0, "points of yearly churn a percent of price")


@dataclass(frozen=True)
class Saving:
    """Accounts are brought down to the average churn score; which ones, at what cost, and how often it works.

    Attributes:
        riskiest: so many, by expected loss: score times yearly MRR.
        accounts: or these.
        success: share of the accounts with whom it works.
        cost: of an account, paid now for each of them, whether it works or not.
    """

    riskiest: int = 0
    accounts: tuple[str, ...] = ()
    success: float = 1.0
    cost: float = 0.0
    segment: Segment = WHOLE

    def __post_init__(self) -> None:
        _number("--save", self.riskiest, 0, 10_000_000, "a number of accounts")
        _number("--success", self.success, 0.0, 1.0, "a share of one")
        _number("--cost", self.cost, 0.0, 1e12, "money an account")
        if self.riskiest and self.accounts:
            raise ConfigError(
                "either so many accounts or these",
                where="--save",
                wanted="--save or --account",
                got="both",
                do="leave one of them out",
            )
        if twice := sorted({name for name in self.accounts if self.accounts.count(name) > 1}):
            raise ConfigError("an account cannot be saved twice", where="--account", got=", ".join(twice))


@dataclass(frozen=True)
class Margin:
    """Margin rises by `points` of a hundred of revenue, or falls; `relation` None for all."""

    points: float
    segment: Segment = WHOLE
    relation: Relation | None = None

    def __post_init__(self) -> None:
        _number("--margin", self.points, -200.0, 200.0, "points of a hundred of revenue")


@dataclass(frozen=True)
class Discount:
    """Money is discounted at `yearly`, a share of one, in place of the workspace's rate."""

    yearly: float

    def __post_init__(self) -> None:
        _number("--discount-rate", self.yearly, 0.0, 1.0, "a yearly share of one")


Change = Retention | Price | Saving | Margin | Discount


@dataclass(frozen=True)
class Scenario:
    """What changes; a scenario without any change is today's forecast."""

    retention: Retention | None = None
    saving: Saving | None = None
    margin: Margin | None = None
    price: Price | None = None
    discount: Discount | None = None

    def __iter__(self) -> Iterator[Change]:
        return (change for field in fields(self) if (change := getattr(self, field.name)) is not None)

    @property
    def segment(self) -> Segment:
        """The segment of the first change that has one."""
        named = (getattr(change, "segment", WHOLE) for change in self)
        return next((segment for segment in named if segment.by), WHOLE)

    def to_dict(self) -> dict[str, Any]:
        """The declaration as plain values."""
        return {
            "changes": [
                {
                    "change": type(change).__name__.lower(),
                    **{f.name: _plain(getattr(change, f.name)) for f in fields(change)},
                }
                for change in self
            ]
        }


def _plain(value: Any) -> Any:
    if isinstance(value, Segment):
        return {"by": value.by, "name": value.name} if value.by else None
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Relation) else value


def _number(where: str, value: float, low: float, high: float, unit: str) -> None:
    if not (isfinite(value) and low <= value <= high):
        raise ConfigError(
            "this cannot be", where=where, wanted=f"{low:,g} to {high:,g}: {unit}", got=f"{value:g}", do="correct it"
        )
