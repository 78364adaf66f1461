"""A small random company with every table of the contract, late-known rows among them: for laws, not for values."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

Row = dict[str, Any]
Tables = dict[str, list[Row]]

START = datetime(2023, 1, 1)  # noqa: DTZ001
DAYS = 900
DAY = timedelta(days=1)
KINDS = ("export", "download", *(f"e{i}" for i in range(2, 30)))


class Draw:
    """Random instants: half at midnight, as dates are; the rest anywhere in the day."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.activity = 1.0

    def time(self, first: float = 0, last: float = DAYS) -> datetime:
        day = int(self.rng.integers(int(first), max(int(last), int(first) + 1)))
        at = START + day * DAY
        return at if self.rng.random() < 0.5 else at + timedelta(microseconds=int(self.rng.integers(1, 86_400_000_000)))

    def later(self, at: datetime, days: float, share: float) -> datetime | None:
        return at + timedelta(days=float(self.rng.exponential(days))) if self.rng.random() < share else None

    def known(self, at: datetime) -> datetime:
        return at if self.rng.random() < 0.8 else at + timedelta(days=float(self.rng.exponential(20)))

    def one(self, *values: Any) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def many(self, mean: float) -> range:
        return range(int(self.rng.poisson(mean * self.activity)) + 1)


def random_company(seed: int = 7, accounts: int = 14) -> Tables:
    """Rows by table; `known_at` is later than the event for about one row in five."""
    d = Draw(seed)
    out: Tables = {name: [] for name in ("accounts", "account_history", "users", "products", "subscriptions", "orders")}
    out |= {name: [] for name in ("assets", "invoices", "usage", "tickets", "feedback", "touches", "opportunities")}
    out |= {"actions": []}
    for p in range(5):
        out["products"].append(
            {"product": f"p{p}", "family": f"f{p % 2}", "tier": p, "life_months": 12 + 6 * p, "price": 10.0}
        )
    for a in range(accounts):
        _account(d, f"a{a}", f"a{a - a % 3}" if a % 3 else None, out)
    return out


def _account(d: Draw, account: str, parent: str | None, out: Tables) -> None:
    who = {"account_id": account}
    born = d.time(0, 60)
    d.activity = d.one(0.05, 0.3, 1.0, 1.5)
    out["accounts"].append(
        who
        | {"created_at": born, "parent_account_id": parent, "industry": d.one("steel", "glass", None)}
        | {"country": d.one("CZ", "DE"), "region": d.one("north", "south"), "employees": int(d.rng.integers(5, 500))}
        | {"acquisition_channel": d.one("web", "fair"), "founded": d.time(), "size": float(d.rng.random())}
    )
    for i in d.many(2):
        attribute = d.one("industry", "employees")
        value = str(10 * i + 1) if attribute == "employees" else d.one("wood", "paper")
        _add(d, out, "account_history", who | {"attribute": attribute, "changed_at": d.time(60), "value": value})
    people = []
    for i in d.many(5):
        at = d.time(60, 700)
        people.append(f"{account}-u{i}")
        role = d.one("champion", "admin", "user")
        user = {"user_id": people[-1], "created_at": at, "role": role, "deactivated_at": d.later(at, 300, 0.6)}
        _add(d, out, "users", who | user)
    for line in d.many(1.5):
        at = d.time(60, 500)
        for _ in d.many(3):
            end = d.later(at, 200, 0.85)
            terms = {
                "product": f"p{d.rng.integers(5)}",
                "plan": d.one("basic", "pro"),
                "renews_at": at + d.one(90, 365) * DAY,
            }
            terms |= {"quantity": float(d.rng.integers(1, 20)), "mrr": round(float(d.rng.gamma(2, 100)), 2)}
            terms |= {"notice_days": d.one(30, 60), "billing_months": d.one(1, 12), "auto_renew": d.one(True, False)}
            row = who | {"subscription_id": f"{account}-s{line}", "started_at": at, "ended_at": end} | terms
            _add(d, out, "subscriptions", row | {"end_reason": "price" if end else None})
            if end is None:
                break
            at = end
    for i in d.many(25):
        at = d.time(60)
        for n in d.many(1):
            quantity = float(d.one(1, 2, 5, 10, -1))
            bought = {"product": f"p{d.rng.integers(5)}", "quantity": quantity, "amount": quantity * 9.99, "cost": 3.0}
            _add(d, out, "orders", who | {"order_id": f"{account}-o{i}", "line": n, "ordered_at": at} | bought)
    for i in d.many(4):
        at = d.time(0, 700)
        asset = {"asset_id": f"{account}-m{i}", "product": f"p{d.rng.integers(5)}", "installed_at": at}
        _add(d, out, "assets", who | asset | {"retired_at": d.later(at, 400, 0.5)})
    for i in d.many(20):
        at = d.time(60)
        invoice = {"invoice_id": f"{account}-i{i}", "issued_at": at, "amount": 100.0 * (i + 1), "due_at": at + 30 * DAY}
        _add(d, out, "invoices", who | invoice | {"paid_at": d.later(at, 35, 0.9)})
    for _ in d.many(400):
        use = {"occurred_at": d.time(60), "event": KINDS[int(d.rng.integers(30))], "user_id": d.one(*people, None)}
        _add(d, out, "usage", who | use | {"quantity": d.one(None, 1.0, 2.5)})
    for i in d.many(12):
        at = d.time(60)
        ticket = {"ticket_id": f"{account}-t{i}", "opened_at": at, "priority": d.one("high", "low")}
        ticket |= {"category": d.one("billing", "bug"), "satisfaction": float(d.rng.integers(1, 6))}
        _add(d, out, "tickets", who | ticket | {"closed_at": d.later(at, 10, 0.9)})
    for _ in d.many(8):
        answer = {"given_at": d.time(60), "kind": d.one("nps", "csat"), "score": float(d.rng.integers(0, 11))}
        _add(d, out, "feedback", who | answer)
    for _ in d.many(15):
        touch = {
            "occurred_at": d.time(60),
            "channel": d.one("email", "call"),
            "direction": d.one("inbound", "outbound"),
        }
        _add(d, out, "touches", who | touch | {"kind": d.one("review", "offer")})
    for i in d.many(4):
        at = d.time(60)
        for stage in ("qualified", ("offer", "renewal")[i % 2], d.one("won", "lost")):
            left = d.later(at, 40, 0.8)
            deal = {"opportunity_id": f"{account}-d{i}", "stage": stage, "entered_at": at, "left_at": left}
            _add(d, out, "opportunities", who | deal | {"amount": float(d.rng.integers(100, 900))})
            if left is None:
                break
            at = left
    for i in d.many(12):
        at = d.time(60)
        play = {"action_id": f"{account}-x{i}", "assigned_at": at, "play": d.one("call", "webinar")}
        _add(d, out, "actions", who | play | {"holdout": d.one(True, False), "done_at": d.later(at, 20, 0.7)})


HAPPENED = {
    "account_history": "changed_at",
    "users": "created_at",
    "subscriptions": "started_at",
    "orders": "ordered_at",
    "assets": "installed_at",
    "invoices": "issued_at",
    "usage": "occurred_at",
    "tickets": "opened_at",
    "feedback": "given_at",
    "touches": "occurred_at",
    "opportunities": "entered_at",
    "actions": "assigned_at",
}


def _add(d: Draw, out: Tables, table: str, row: Row) -> None:
    out[table].append(row | {"known_at": d.known(row[HAPPENED[table]])})
