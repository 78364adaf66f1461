"""The tables of the other company (`other_lives.py`): what its hidden states leave behind, with noise.

Comes in: what happened to each account. Goes out: Parquet files as the data contract names them, nothing later than
the end of the data: what is closed or paid later is open.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from other_lives import PRICES, START, STEPS, Past, account_ids, sigmoid

INDUSTRIES = np.array(["agencies", "clinics", "law", "logistics", "retail", "schools"], dtype=object)
EVENTS = ("edit", "report", "automation")


def write_tables(folder: Path, past: Past, rng: np.random.Generator) -> None:
    """Write every table."""
    folder.mkdir(parents=True, exist_ok=True)
    users, seated = _users(past, rng)
    tables = {
        "accounts": _accounts(past, rng),
        "products": _products(),
        "subscriptions": _subscriptions(past),
        "users": users,
        "usage": _usage(past, seated, rng),
        "tickets": _tickets(past, rng),
        "feedback": _feedback(past, rng),
        "touches": _touches(past, rng),
        "invoices": _invoices(past, rng),
    }
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)


def _time(days: np.ndarray, end: float = np.inf) -> pd.Series:
    """Instants of days since the start; what is not known by the end is missing."""
    days = np.asarray(days, float)
    known = np.where((days <= end) & np.isfinite(days), days, np.nan)
    return (START + pd.to_timedelta(pd.Series(np.round(known * 86_400)), unit="s")).astype("datetime64[us]")


def _ids(letter: str, count: int) -> np.ndarray:
    return np.char.add(letter, np.char.zfill(np.arange(count).astype(str), 7)).astype(object)


def _accounts(past: Past, rng: np.random.Generator) -> pd.DataFrame:
    n = len(past.began)
    return pd.DataFrame(
        {
            "account_id": account_ids(np.arange(n)),
            "created_at": _time(past.began),
            "industry": INDUSTRIES[past.industry],
            "country": rng.choice(np.array(["AT", "CZ", "DE", "PL"], dtype=object), n, p=[0.2, 0.3, 0.35, 0.15]),
            "employees": np.round(np.exp(np.log(past.terms[0][2]) + 1.2 + rng.normal(0, 0.7, n))),
        }
    )


def _products() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "product": ["basic", "pro", "premium"],
            "family": "suite",
            "tier": [1, 2, 3],
            "price": PRICES,
            "margin_rate": 0.8,
        }
    )


def _subscriptions(past: Past) -> pd.DataFrame:
    """A row for each span of constant terms; yearly contracts also begin a row at each renewal."""
    end = int(past.calendar.days[past.calendar.steps])
    who, day, seats, tier = (np.concatenate(x) for x in zip(*past.terms, strict=True))
    renewed = np.arange(len(past.began))[:, None], past.month0[:, None] + 12 * np.arange(1, 12)[None, :]
    dates = past.calendar.date(renewed[1], past.day[:, None])
    last = np.where(past.ended >= 0, past.ended, end + 1)[:, None]
    keep = (past.yearly[:, None] == 1) & (dates < last) & (dates <= end) & (renewed[1] < past.calendar.months + 1)
    again = pd.DataFrame({"who": np.broadcast_to(renewed[0], dates.shape)[keep], "day": dates[keep]})
    rows = pd.concat([pd.DataFrame({"who": who, "day": day, "seats": seats, "tier": tier}), again])
    rows = rows.sort_values(["who", "day"], kind="stable")
    rows[["seats", "tier"]] = rows.groupby("who")[["seats", "tier"]].ffill()
    rows = rows.groupby(["who", "day"], as_index=False).last()
    number, day = rows["who"].to_numpy(), rows["day"].to_numpy()
    following = rows.groupby("who")["day"].shift(-1).to_numpy(float)
    gone = past.ended[number]
    ended = np.where(np.isnan(following), np.where(gone >= 0, gone, np.nan), following)
    months = (np.searchsorted(past.calendar.first, day, side="right") - 1).clip(0)
    before = np.floor(np.minimum(day, 0) / 30.44 + 0.5).astype(int)
    passed = months + before - past.month0[number]
    term = past.month0[number] + 12 * (passed // 12)
    renewal = past.calendar.date(term, past.day[number])
    renewal = np.where(renewal > day, renewal, past.calendar.date(term + 12, past.day[number]))
    tier = rows["tier"].to_numpy(int)
    yearly = past.yearly[number] == 1
    return pd.DataFrame(
        {
            "subscription_id": np.char.add("L", number.astype(str)).astype(object),
            "started_at": _time(day),
            "account_id": account_ids(number),
            "product": _products()["product"].to_numpy(object)[tier],
            "quantity": rows["seats"].to_numpy(),
            "mrr": np.round(rows["seats"].to_numpy() * PRICES[tier] * np.where(yearly, 0.85, 1.0), 2),
            "ended_at": _time(ended),
            "renews_at": _time(np.where(yearly, renewal, np.nan)),
            "billing_months": np.where(yearly, 3, 1),
            "auto_renew": ~yearly,
        }
    )


def _spread(count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places 0 .. count - 1 of each row: the row, the place."""
    rows = np.repeat(np.arange(len(count)), count)
    return rows, np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)


def _users(past: Past, rng: np.random.Generator) -> tuple[pd.DataFrame, list[tuple[np.ndarray, np.ndarray]]]:
    """People come as they are wished for, as far as seats go, and go a few at a time; an administrator who leaves is
    half of the shocks. Also who sits at which account in each step: (account, user)."""
    n, steps, days = len(past.began), past.calendar.steps, past.calendar.days
    sitting = np.full((n, int(past.seats.max()) + 1), -1)
    count, made = np.zeros(n, int), 0
    account, created, gone, first, seated = [], [], [], [], []
    lean = 0.05 * rng.standard_normal(n)
    for s in range(steps + 1):
        here = past.alive[s]
        lean = 0.9 * lean + 0.05 * np.sqrt(1 - 0.9**2) * rng.standard_normal(n)
        wished = np.exp(past.wish[s] + lean)
        target = np.clip(np.round(wished), 1, past.seats[s]).astype(int)
        target = np.where(here, np.where((target < count) & (target > 0.75 * count), count, target), count)
        target = np.minimum(target, np.maximum(past.seats[s].astype(int), 1))
        leave_row, leave_place = _spread(np.maximum(count - target, 0))
        leave_place = leave_place + target[leave_row]
        change_row, change_place = _spread(np.where(here, np.minimum(count, target), 0))
        turn = rng.random(len(change_row)) < np.where(
            change_place == 0, np.where(past.shocked[s, change_row], 0.5, 0.002), 0.008
        )
        change_row, change_place = change_row[turn], change_place[turn]
        come_row, come_place = _spread(np.maximum(target - count, 0))
        come_place = come_place + count[come_row]
        out = sitting[np.r_[leave_row, change_row], np.r_[leave_place, change_place]]
        between = days[s] - rng.random(len(out)) * 7
        gone.append(np.c_[out, between])
        row, place = np.r_[come_row, change_row], np.r_[come_place, change_place]
        sitting[row, place] = made + np.arange(len(row))
        made += len(row)
        account.append(row)
        fresh = days[s] - rng.random(len(row)) * 6
        if s == 0:
            fresh = past.began[row] * rng.random(len(row))
        created.append(np.maximum(fresh, past.began[row]))
        first.append(place == 0)
        count = target
        rows, places = _spread(np.where(here, count, 0))
        seated.append((rows, sitting[rows, places]))
    account = np.concatenate(account)
    left = np.full(made, np.nan)
    out = np.concatenate(gone)
    left[out[:, 0].astype(int)] = out[:, 1]
    table = pd.DataFrame(
        {
            "user_id": _ids("P", made),
            "created_at": _time(np.concatenate(created)),
            "account_id": account_ids(account),
            "role": np.where(np.concatenate(first), "admin", "member").astype(object),
            "deactivated_at": _time(left),
        }
    )
    late = table["deactivated_at"] < table["created_at"]
    table.loc[late, "deactivated_at"] = table.loc[late, "created_at"]
    return table, seated


def _usage(past: Past, seated: list[tuple[np.ndarray, np.ndarray]], rng: np.random.Generator) -> pd.DataFrame:
    """A row for each person, day and kind of work."""
    n, days, rates = len(past.began), past.calendar.days, past.rates
    base = rng.normal(-1.7, 0.25, n)
    keen = rng.normal(0, 0.4, 1 + max(int(users.max(initial=0)) for _, users in seated))
    work = rates.workload * rng.standard_normal(n)
    last = np.where(past.ended >= 0, past.ended, 10**9)
    found = []
    for s in range(1, past.calendar.steps + 1):
        work = 0.85 * work + np.sqrt(1 - 0.85**2) * rates.workload * rng.standard_normal(n)
        who, user = seated[s - 1]
        gap = past.wish[s] - np.log(past.seats[s])
        rate = base + rates.trace * past.health[s] + work + np.maximum(gap, 0)
        day = np.arange(days[s - 1], days[s])
        weekday = (START.dayofweek + day) % 7
        date = START + pd.to_timedelta(day, unit="D")
        calm = np.where(weekday >= 5, 0.12, 1.0) * np.where(np.isin(date.month, (7, 8, 12)), 0.8, 1.0)
        times = rng.poisson(np.exp(np.minimum(rate[who] + keen[user], 2.5))[:, None] * calm[None, :])
        times *= (day[None, :] >= past.began[who][:, None]) & (day[None, :] < last[who][:, None])
        row, column = np.nonzero(times)
        count = times[row, column]
        deep = sigmoid(-1.4 + 0.8 * past.skill[s] + 0.5 * past.tier[s] + 0.15 * past.health[s])[who[row]]
        advanced = rng.binomial(count, deep)
        automatic = rng.binomial(advanced, 0.35)
        for event, part in enumerate((count - advanced, advanced - automatic, automatic)):
            some = part > 0
            found.append((user[row][some], who[row][some], day[column][some], np.full(some.sum(), event), part[some]))
    user, who, day, event, part = (np.concatenate(x) for x in zip(*found, strict=True))
    hour = rng.integers(7 * 60, 19 * 60, len(user)) / 1_440
    return pd.DataFrame(
        {
            "account_id": pd.Categorical.from_codes(who, account_ids(np.arange(n))),
            "occurred_at": _time(day + hour),
            "event": pd.Categorical.from_codes(event, EVENTS),
            "user_id": pd.Categorical.from_codes(user, _ids("P", len(keen))),
            "quantity": part.astype(float),
        }
    )


def _often(past: Past, rate: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws of something that happens at a rate a step: account, step, day."""
    rate = np.where(past.alive[:-1], rate, 0.0)
    step, who = np.nonzero(times := rng.poisson(rate))
    step, who = (np.repeat(x, times[times > 0]) for x in (step, who))
    days = past.calendar.days
    day = days[step] + rng.random(len(step)) * (days[step + 1] - days[step])
    fine = (day > past.began[who]) & (day < np.where(past.ended >= 0, past.ended, np.inf)[who])
    return who[fine], step[fine] + 1, day[fine]


def _tickets(past: Past, rng: np.random.Generator) -> pd.DataFrame:
    health, end = past.health, past.calendar.days[past.calendar.steps]
    habit = rng.normal(0, 0.6, health.shape[1])
    rate = np.exp(-3.2 + 0.5 * np.log(past.seats[1:]) - 0.35 * health[1:] + habit)
    who, step, day = _often(past, rate, rng)
    mood = health[step, who]
    chance = rng.random((4, len(who)))
    closed = day + np.exp(rng.normal(0.2, 1.0, len(who)) - 0.15 * mood)
    wish = chance[0] < sigmoid(-2.0 + 0.6 * past.skill[step, who])
    stars = np.clip(np.round(3.8 + 0.45 * mood + rng.normal(0, 0.9, len(who))), 1, 5)
    return pd.DataFrame(
        {
            "ticket_id": _ids("T", len(who)),
            "opened_at": _time(day),
            "account_id": account_ids(who),
            "closed_at": _time(closed, end),
            "priority": np.where(chance[1] < sigmoid(-1.3 - 0.5 * mood), "high", "normal").astype(object),
            "category": np.where(wish, "feature request", np.where(chance[2] < 0.5, "bug", "how to")).astype(object),
            "satisfaction": np.where((chance[3] < 0.4) & (closed <= end), stars, np.nan),
        }
    )


def _feedback(past: Past, rng: np.random.Generator) -> pd.DataFrame:
    """Every account is asked once a quarter; some answer."""
    n = past.health.shape[1]
    quarter = STEPS * 3
    asked = np.arange(past.calendar.steps)[:, None] % quarter == (np.arange(n) * 5 % quarter)[None, :]
    chance = np.where(asked, sigmoid(-0.5 + 0.25 * past.health[1:]), 0.0)
    step, who = np.nonzero((rng.random(chance.shape) < chance) & past.alive[:-1] & past.alive[1:])
    habit = rng.normal(0, 0.6, n)
    score = 7.3 + 1.1 * past.health[step + 1, who] + habit[who] + rng.normal(0, 1.2, len(who))
    day = past.calendar.days[step] + rng.random(len(step)) * 7
    return pd.DataFrame(
        {
            "account_id": account_ids(who),
            "given_at": _time(day),
            "kind": "nps",
            "score": np.clip(np.round(score), 0, 10),
        }
    )[day > past.began[who]]


def _touches(past: Past, rng: np.random.Generator) -> pd.DataFrame:
    parts = []
    for kind, direction, channel, rate in (
        ("check-in", "outbound", "call", np.exp(-2.6 + 0.3 * np.log(past.seats[1:]))),
        ("newsletter", "outbound", "email", np.full_like(past.health[1:], 0.25)),
        ("question", "inbound", "email", np.exp(-2.6 + 0.2 * past.health[1:] + 0.2 * np.log(past.seats[1:]))),
        ("meeting", "inbound", "meeting", np.exp(-3.6 + 0.3 * past.health[1:] + 0.5 * past.skill[1:])),
    ):
        who, _, day = _often(past, rate, rng)
        told = {"account_id": account_ids(who), "occurred_at": _time(day)}
        parts.append(pd.DataFrame({**told, "channel": channel, "kind": kind, "direction": direction}))
    return pd.concat(parts, ignore_index=True)


def _invoices(past: Past, rng: np.random.Generator) -> pd.DataFrame:
    """Yearly contracts pay each quarter, others each month."""
    n, end = len(past.began), past.calendar.days[past.calendar.steps]
    month = np.arange(past.calendar.months)[:, None]
    every = np.where(past.yearly == 1, 3, 1)
    day = past.calendar.date(np.broadcast_to(month, (len(month), n)), past.day)
    last = np.where(past.ended >= 0, past.ended, end + 1)
    due = ((month - past.month0) % every == 0) & (day >= np.maximum(past.began, 0)) & (day < last)
    row, who = np.nonzero(due)
    issued = day[row, who]
    step = np.searchsorted(past.calendar.days, issued, side="left").clip(0, past.calendar.steps)
    price = past.seats[step, who] * PRICES[past.tier[step, who]] * np.where(past.yearly[who] == 1, 0.85, 1.0)
    habit = rng.normal(0, 0.35, n)
    took = np.exp(np.log(21) + habit[who] - 0.12 * past.health[step, who] + rng.normal(0, 0.35, len(who)))
    return pd.DataFrame(
        {
            "invoice_id": _ids("I", len(who)),
            "issued_at": _time(issued),
            "account_id": account_ids(who),
            "amount": np.round(price * every[who], 2),
            "due_at": _time(issued + 30),
            "paid_at": _time(issued + took, end),
        }
    )
