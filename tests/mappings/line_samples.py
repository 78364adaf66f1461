"""Samples of billing lines (the common model of the dbt packages) and of an ERP's order lines.

Oddities of billing: four billers in one table, of which Stripe's writes today's period into every line, Zuora's the
term of the contract, Recurly's the period of the line, Shopify's none; lines repeated by joins to payments, header rows
with refunds, tax and discount lines, void invoices, a change of seats, a pause.
Oddities of the ERP: local times around the change to summer time, credit memos with positive numbers, cash sales
without a customer, text lines without an item, names that changed, quotes and umlauts.
"""

# ruff: noqa: DTZ001 - naive means UTC in revml
from __future__ import annotations

from datetime import datetime, timedelta

from tests.mappings.sample_files import CUSTOMERS, NOW, Rows, Tables, months_after, text


def billing() -> Tables:
    """One table, a row a line: customers b-01 to b-24."""
    rows: Rows = []
    # Recurly: monthly, the line's own period; seats go from 5 to 8 with the third invoice.
    for k in range(17):
        at = months_after(datetime(2024, 2, 1, 9), k)
        seats = 5 if k < 2 else 8
        rows.append(_line("b-01", f"r{k}", at, seats, 20, "rec-1", "team", at, months_after(at, 1), origin="recurly"))
    # Stripe: yearly, today's period in every line; not renewed in March 2025, so the period is the last one.
    at = datetime(2024, 3, 10, 9)
    year = _line("b-02", "s0", at, 10, 108, "str-2", "team", at, months_after(at, 12), origin="stripe")
    rows += [year, {**year, "payment_id": "again"}]
    # Stripe: monthly since May 2024, today's period in every line; a proration is no period; tax in a header row.
    for k in range(14):
        at = months_after(datetime(2024, 5, 5, 9), k)
        today = datetime(2025, 6, 5, 9)
        rows.append(
            _line("b-03", f"s{k + 1}", at, 2, 50, "str-3", "team", today, months_after(today, 1), origin="stripe")
        )
    rows.append(
        {**rows[-1], "line_item_id": "s-pro", "line_item_index": 2, "billing_type": "invoiceitem", "total_amount": 7}
    )
    rows.append(_header(rows[-2], tax=9))
    # Zuora: a term of a year, billed monthly; paused from August to October 2024.
    for k in (0, 1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14, 15, 16):
        at = months_after(datetime(2024, 1, 20, 9), k)
        term = datetime(2024, 1, 20) if k < 12 else datetime(2025, 1, 20)
        rows.append(_line("b-04", f"z{k}", at, 4, 25, "zuo-4", "team", term, months_after(term, 12), origin="zuora"))
        rows.append(
            {**rows[-1], "line_item_id": f"z{k}-t", "line_item_index": 2, "transaction_type": "tax", "total_amount": 21}
        )
    # Void from the start, and refunded.
    void = _line("b-05", "v0", datetime(2024, 6, 1, 9), 3, 30, "rec-5", "team", None, None, origin="recurly")
    rows += [{**void, "header_status": "void"}]
    paid = _line("b-05", "v1", datetime(2024, 6, 3, 9), 3, 30, "rec-5", "team", datetime(2024, 6, 3, 9),
                 datetime(2024, 7, 3, 9), origin="recurly")  # fmt: skip
    rows += [paid, _header(paid, refund=90)]
    # The others buy on yearly contracts, some in a web shop as well.
    for number in range(6, CUSTOMERS + 1):
        start = datetime(2024, 1 + number % 12, number, 9)
        for k in range(1 if number % 4 == 0 else 2):
            at = months_after(start, 12 * k)
            if at > NOW:
                break
            rows.append(
                _line(f"b-{number:02d}", f"y{number}-{k}", at, number % 5 + 1, 240, f"rec-{number}", "team", at,
                      months_after(at, 12), origin="recurly")
            )  # fmt: skip
        for k in range(number % 3):
            at = datetime(2024, 9, 1, 12) + timedelta(days=40 * k + number)
            rows.append(
                _line(f"b-{number:02d}", f"o{number}-{k}", at, 1, 35 + k, "", "cable", None, None, origin="shopify")
            )
    return {"line_item_enhanced.csv": rows}


def _line(
    customer: str, number: str, at: datetime, quantity: int, price: int, subscription: str, product: str,
    start: datetime | None, end: datetime | None, *, origin: str,
) -> dict[str, object]:  # fmt: skip
    kind = {"recurly": "charge", "stripe": "subscription", "zuora": "subscription", "shopify": ""}[origin]
    return {
        "header_id": f"h-{number}", "line_item_id": number, "line_item_index": 1, "record_type": "line_item",
        "created_at": text(at), "currency": "usd" if origin == "stripe" else "USD", "header_status": "paid",
        "product_id": product, "product_name": product.capitalize(), "product_type": "service",
        "transaction_type": "charge", "billing_type": kind, "quantity": quantity, "unit_amount": price,
        "discount_amount": "", "tax_amount": "", "total_amount": quantity * price, "payment_id": f"pay-{number}",
        "payment_at": text(at + timedelta(hours=2)), "fee_amount": "", "refund_amount": "",
        "subscription_id": subscription, "subscription_plan": product if subscription else "",
        "subscription_period_started_at": text(start), "subscription_period_ended_at": text(end),
        "subscription_status": "active" if subscription else "", "customer_id": customer,
        "customer_created_at": text(datetime(2023, 12, 15, 8)), "customer_level": "customer",
        "customer_name": f"Contact {customer}", "customer_company": f"Company {customer[2:]}", "customer_country": "US",
        "source_relation": origin,
    }  # fmt: skip


def _header(line: dict[str, object], *, tax: int = 0, refund: int = 0) -> dict[str, object]:
    return {
        **line, "line_item_id": "", "line_item_index": 0, "record_type": "header", "product_id": "", "quantity": "",
        "unit_amount": "", "total_amount": tax or "", "tax_amount": tax or "", "refund_amount": refund or "",
    }  # fmt: skip


def erp() -> Tables:
    """Order lines of 20 customers, posted in local time."""
    rows: Rows = []
    for customer in range(1, 21):
        gap = 35 + 3 * customer
        for order in range(2 + customer % 5):
            at = datetime(2024, 1, 8, 9, customer) + timedelta(days=gap * order)
            for line in range(1 + (customer + order) % 2):
                rows.append(
                    _posted(f"INV-{customer:02d}-{order}", line + 1, at, customer, (customer + line) % 6, order + 2)
                )
    credit = _posted("CM-01", 1, datetime(2024, 6, 3, 10), 2, 3, 2)
    signed = _posted("CM-02", 1, datetime(2024, 6, 4, 10), 4, 5, 1)
    summer = _posted("INV-DST", 1, datetime(2024, 3, 31, 3, 30), 1, 1, 1)
    rows += [
        {**credit, "document_type": "Credit Memo"},
        {**signed, "document_type": "Credit Memo", "quantity": -1, "net_amount": -signed["net_amount"],
         "cost_amount": -signed["cost_amount"]},
        {**summer, "customer_name": 'Müller & Söhne "Nord"'},
        {**_posted("INV-CASH", 1, datetime(2024, 6, 5, 10), 0, 2, 1), "customer_no": "", "customer_name": ""},
        {**_posted("INV-01-0", 9, datetime(2024, 1, 8, 9, 1), 1, 0, 0), "item_no": "", "item_group": ""},
    ]  # fmt: skip
    return {"order_lines.csv": rows}


def _posted(document: str, line: int, at: datetime, customer: int, item: int, quantity: int) -> dict[str, object]:
    return {
        "document_no": document, "line_no": line, "document_type": "Invoice", "posting_date": text(at),
        "customer_no": f"C{customer:04d}", "customer_name": f"Kunde {customer:02d}",
        "country": ("CZ", "DE")[customer % 2],
        "item_no": f"A-{item:03d}", "item_group": ("screws", "tools")[item % 2], "quantity": quantity,
        "net_amount": round(quantity * (item + 1) * 12.5, 2), "cost_amount": round(quantity * (item + 1) * 8.1, 2),
    }  # fmt: skip
