"""A sample of Stripe's tables: a small biller that invoices as Stripe does.

Oddities: an upgrade in the middle of a period, a notice before the end, trials, an unpaid renewal, a move from monthly
to yearly, a customer who came back, an add-on taken out, a deleted customer, void and draft invoices, a metered price,
a one-off item, a test customer, an invoice of a customer whom nobody knows.
"""

# ruff: noqa: DTZ001 - naive means UTC in revml
from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.mappings.sample_files import CUSTOMERS, NOW, Rows, Tables, months_after, text, unix

# id: (product, cents, interval, count, usage)
PRICES = {
    "price_team_month": ("prod_team", 2000, "month", 1, "licensed"),
    "price_team_year": ("prod_team", 21600, "year", 1, "licensed"),
    "price_team_quarter": ("prod_team", 5400, "month", 3, "licensed"),
    "price_addon_month": ("prod_addon", 5000, "month", 1, "licensed"),
    "price_calls": ("prod_calls", 2, "month", 1, "metered"),
    "price_setup": ("prod_setup", 30000, "", "", ""),
}


@dataclass
class Biller:
    """Invoices, their lines and the subscriptions as they are at the end."""

    invoices: Rows = field(default_factory=list)
    lines: Rows = field(default_factory=list)
    subscriptions: Rows = field(default_factory=list)
    items: Rows = field(default_factory=list)

    def invoice(self, customer: str, sub: str, at: datetime, lines: Rows, *, status: str = "paid") -> None:
        """An invoice with its lines, paid an hour after."""
        number = f"in_{len(self.invoices) + 1:04d}"
        total = sum(int(line["amount"]) for line in lines)
        self.invoices.append(
            {
                "id": number, "customer_id": customer, "subscription_id": sub, "status": status,
                "created": text(at + timedelta(seconds=3)), "due_date": "", "currency": "usd", "total": total,
                "status_transitions_paid_at": text(at + timedelta(hours=1)) if status == "paid" else "",
                "livemode": "true", "_fivetran_synced": text(NOW),
            }
        )  # fmt: skip
        for line in lines:
            self.lines.append({"id": f"il_{len(self.lines) + 1:04d}", "invoice_id": number, "currency": "usd", **line})

    def subscribe(
        self,
        number: int,
        start: datetime,
        items: dict[str, tuple[str, int]],
        *,
        tag: str = "",
        trial_days: int = 0,
        events: tuple[tuple[datetime, str, str, str | int], ...] = (),
        notice: datetime | None = None,
        ends_at: datetime | None = None,
        unpaid: bool = False,
    ) -> None:
        """Bill a subscription from its start until it ends or until now.

        Args:
            items: item -> (price, seats).
            trial_days: a line of 0 first; paid periods begin after it.
            events: (when, "seats" | "remove" | "price", item, new value), in order.
            notice: when the customer asked to end with the period.
            ends_at: an end in the middle of a period.
            unpaid: the last invoice before `ends_at` stays open.
        """
        customer, sub = f"cus_{number:03d}", f"sub_{number:03d}{tag}"
        at, begun, pending, ended = start, start, Rows(), ends_at
        if trial_days:
            at = start + timedelta(days=trial_days)
            trial = [_line(sub, item, price, seats, 0, start, at) for item, (price, seats) in items.items()]
            self.invoice(customer, sub, start, trial)
        while at <= NOW and (ended is None or at < ended):
            months = max(_months(price) for price, _ in items.values())
            until = months_after(at, months)
            regular = [
                _line(sub, item, price, seats, PRICES[price][1] * seats, at, until)
                for item, (price, seats) in items.items()
            ]
            last = unpaid and ends_at is not None and ends_at <= until
            self.invoice(customer, sub, at, pending + regular, status="open" if last else "paid")
            pending, begun = Rows(), at
            for when, what, item, value in [e for e in events if begun < e[0] < until]:
                left = (until - when) / (until - begun)
                price, seats = items[item]
                pending.append(
                    _line(sub, item, price, seats, -round(PRICES[price][1] * seats * left), when, until, True)
                )
                if what == "remove":
                    del items[item]
                elif what == "seats":
                    items[item] = (price, int(value))
                    cents = round(PRICES[price][1] * int(value) * left)
                    pending.append(_line(sub, item, price, int(value), cents, when, until, True))
                else:
                    items[item] = (str(value), seats)
                    until = when
                if not items:
                    ended = when
            if notice is not None and begun < notice < until:
                ended = until
            at = until
        over = ended is not None and ended <= NOW
        self.subscriptions.append(
            {
                "id": sub, "customer_id": customer, "status": "canceled" if over else "active", "created": text(start),
                "canceled_at": text(notice or (ended if over else None)), "ended_at": text(ended if over else None),
                "cancel_at_period_end": str(notice is not None).lower(),
                "trial_end": text(start + timedelta(days=trial_days)) if trial_days else "",
                "_fivetran_active": "true", "_fivetran_start": text(NOW), "_fivetran_synced": text(NOW),
            }
        )  # fmt: skip
        for item, (price, seats) in items.items():
            self.items.append(
                {
                    "id": item, "subscription_id": sub, "plan_id": price, "quantity": seats, "created": text(start),
                    "current_period_start": text(begun), "current_period_end": text(at), "_fivetran_synced": text(NOW),
                }
            )  # fmt: skip


def _months(price: str) -> int:
    _, _, interval, count, _ = PRICES[price]
    return {"month": 1, "year": 12}[str(interval)] * int(count)


def _line(
    sub: str, item: str, price: str, seats: int, cents: int, start: datetime, end: datetime, proration: bool = False
) -> dict[str, object]:
    return {
        "amount": cents, "period_start": unix(start), "period_end": unix(end), "price_id": price, "quantity": seats,
        "proration": str(proration).lower(), "subscription_id": sub, "subscription_item_id": item,
        "type": "invoiceitem" if proration else "subscription",
    }  # fmt: skip


def tables() -> Tables:
    """Stripe's tables as Fivetran writes them, invoice lines with unix seconds."""
    biller = Biller()
    team, year = "price_team_month", "price_team_year"
    biller.subscribe(1, datetime(2024, 1, 15, 10), {"si_01": (team, 5)})
    biller.subscribe(
        2, datetime(2024, 2, 1, 9), {"si_02": (team, 5)}, events=((datetime(2024, 5, 11, 15), "seats", "si_02", 8),)
    )
    biller.subscribe(3, datetime(2024, 3, 1, 8), {"si_03": (year, 10)}, notice=datetime(2024, 11, 20, 12))
    biller.subscribe(4, datetime(2024, 4, 1, 8), {"si_04": (team, 2)}, trial_days=14)
    biller.subscribe(5, datetime(2024, 4, 20, 8), {"si_05": (team, 2)}, trial_days=14, ends_at=datetime(2024, 5, 4, 8))
    biller.subscribe(6, datetime(2024, 6, 10, 8), {"si_06": (team, 4)}, ends_at=datetime(2024, 9, 1, 7), unpaid=True)
    biller.subscribe(
        7, datetime(2024, 4, 5, 8), {"si_07": (team, 6)}, events=((datetime(2024, 7, 15, 11), "price", "si_07", year),)
    )
    biller.subscribe(8, datetime(2024, 2, 20, 8), {"si_08": (team, 3)}, notice=datetime(2024, 6, 1, 8))
    biller.subscribe(8, datetime(2024, 9, 1, 8), {"si_08b": (team, 3)}, tag="b")
    biller.subscribe(
        9,
        datetime(2024, 5, 1, 8),
        {"si_09": (team, 4), "si_09a": ("price_addon_month", 1)},
        events=((datetime(2024, 10, 12, 9), "remove", "si_09a", ""),),
    )
    biller.subscribe(10, datetime(2024, 1, 8, 8), {"si_10": (team, 7)}, ends_at=datetime(2024, 5, 8, 8))
    biller.subscribe(11, datetime(2024, 11, 3, 8), {"si_11": ("price_team_quarter", 4)})
    for number in range(12, CUSTOMERS + 1):
        start = datetime(2024, 1 + number % 9, 1 + number, 7, number)
        price = (year, "price_team_quarter", team)[number % 3]
        notice = start + timedelta(days=200) if number % 5 == 0 else None
        biller.subscribe(number, start, {f"si_{number}": (price, number % 7 + 1)}, notice=notice)
    _odd_invoices(biller)
    customers = [
        {
            "id": f"cus_{n:03d}", "name": f"Company {n:02d}", "created": text(datetime(2023, 12, 1, 9, n)),
            "address_country": ("US", "DE", "GB")[n % 3], "currency": "usd", "is_deleted": str(n == 10).lower(),
            "livemode": "true", "metadata": json.dumps(
                {"segment_group_id": f"acct-{n:02d}", "posthog_group": f"org:{n}", "hubspot_company_id": 9000 + n}
            ),
        }
        for n in range(1, CUSTOMERS + 1)
    ]  # fmt: skip
    customers.append({**customers[0], "id": "cus_test", "name": "Test", "livemode": "false", "metadata": "{}"})
    products = [
        {"id": f"prod_{word}", "name": name, "active": "true"}
        for word, name in (("team", "Team"), ("addon", "Reports"), ("calls", "API calls"), ("setup", "Setup"))
    ]
    prices = [
        {
            "id": name, "product_id": product, "active": "true", "currency": "usd", "unit_amount": cents,
            "recurring_interval": interval, "recurring_interval_count": count, "recurring_usage_type": usage,
            "type": "recurring" if interval else "one_time",
        }
        for name, (product, cents, interval, count, usage) in PRICES.items()
    ]  # fmt: skip
    return {
        "customer.csv": customers,
        "product.csv": products,
        "price.csv": prices,
        "subscription_history.csv": biller.subscriptions,
        "subscription_item.csv": biller.items,
        "invoice.csv": biller.invoices,
        "invoice_line_item.csv": biller.lines,
    }


def _odd_invoices(biller: Biller) -> None:
    """A void and a draft renewal, a metered line, a one-off item, and invoices of a test and of an unknown customer."""
    day = datetime(2025, 6, 20, 8)
    renewal = _line("sub_011", "si_11", "price_team_quarter", 400, 999900, day, months_after(day, 3))
    biller.invoice("cus_011", "sub_011", day, [renewal], status="void")
    biller.invoice("cus_011", "sub_011", NOW - timedelta(hours=2), [renewal], status="draft")
    calls = _line(
        "sub_001", "si_01c", "price_calls", 12000, 24000, datetime(2025, 4, 15, 10), datetime(2025, 5, 15, 10)
    )
    biller.invoice("cus_001", "sub_001", datetime(2025, 5, 15, 10), [calls])
    setup = {**_line("", "", "price_setup", 1, 30000, day, day), "type": "invoiceitem"}
    biller.invoice("cus_002", "", day, [setup])
    for customer in ("cus_test", "cus_gone"):
        bought = _line(f"sub_{customer}", f"si_{customer}", "price_team_month", 1, 2000, day, NOW)
        biller.invoice(customer, f"sub_{customer}", day, [bought])
        biller.invoices[-1]["livemode"] = str(customer != "cus_test").lower()
