"""Which relation a unit of money belongs to: exactly one, so that nothing is counted twice.

Subscriptions are contracts. Orders of products that wear out (the list of products gives a life) are durables; all
other orders are repeat orders. Nobody else decides this.
"""

from __future__ import annotations

from enum import StrEnum

from revml.sources.facts import Facts


class Relation(StrEnum):
    """What binds an account to the company; the order in which tables list them."""

    CONTRACT = "contract"
    ORDERS = "orders"
    DURABLE = "durable"


def is_durable(facts: Facts, product: str) -> str:
    """A condition in SQL: whether an order line of that product is of a durable, known at `$as_of`.

    Args:
        facts: without assets nobody is known to own a machine, and every order is a repeat order.
        product: the column, such as `o.product`.
    """
    if not (facts.has("assets") and facts.has("products", "life_months")):
        return "false"
    return (
        f"{product} IN (SELECT w.product FROM products AS w WHERE w.life_months IS NOT NULL AND w.known_at <= $as_of)"
    )
