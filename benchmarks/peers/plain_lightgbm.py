"""What a competent data scientist writes in an afternoon: about thirty features in pandas and a plain LightGBM.

Comes in: the contract tables as Parquet files, snapshots (account_id, as_of) with labels, cut in time into train, valid
and test. Goes out: a probability a test row. Features see what happened before each snapshot, and of what ends later
that it was open. LightGBM has its default parameters, stops where the later part (valid) no longer gains, and is not
calibrated. Imports nothing of revml.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd

DAY = pd.Timedelta(days=1)
TEXTS = ("plan", "industry")


def plain_lightgbm(features: pd.DataFrame, train: pd.DataFrame, valid: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """Learn, and predict the test rows.

    Args:
        features: account_id, as_of and features (`contract_features`, `order_features`) of at least these rows.
        train, valid, test: account_id, as_of, label; without valid rows LightGBM makes its hundred trees.
    """
    rows = pd.concat([train, valid, test], keys=["train", "valid", "test"], names=["part", None])
    found = rows[["account_id", "as_of", "label"]].merge(features, on=["account_id", "as_of"], how="left")
    names = [c for c in found.columns if c not in ("account_id", "as_of", "label")]
    for text in (c for c in TEXTS if c in names):
        found[text] = found[text].astype("category")
    part = rows.index.get_level_values("part").to_numpy()
    fit, late, judged = (found[part == name] for name in ("train", "valid", "test"))
    label = fit["label"].to_numpy(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learner = lightgbm.LGBMClassifier(n_estimators=1_000, n_jobs=1, verbosity=-1, random_state=1)
        stop = {}
        if len(late):
            stop = {
                "eval_set": [(late[names], late["label"].to_numpy(float))],
                "callbacks": [lightgbm.early_stopping(50, verbose=False)],
                "eval_metric": "binary_logloss",
            }
        else:
            learner.set_params(n_estimators=100)
        learner.fit(fit[names], label, **stop)
        return learner.predict_proba(judged[names])[:, 1]


def contract_features(data: Path, keys: pd.DataFrame) -> pd.DataFrame:
    """Up to thirty features of customers with contracts; those of absent tables are left out."""
    tables = {name: _read(data, name) for name in ("usage", "users", "tickets", "feedback", "invoices", "touches")}
    terms, accounts = pd.read_parquet(data / "subscriptions.parquet"), pd.read_parquet(data / "accounts.parquet")
    terms = terms.sort_values("started_at", kind="stable")
    if tables["usage"] is not None:
        tables["usage"] = _daily(tables["usage"])
    found = []
    for at, here in keys.groupby("as_of"):
        out = here.set_index("account_id")[["as_of"]]
        out = out.join(_contract(terms, at)).join(_of_account(accounts))
        for name, part in (
            ("usage", _use),
            ("users", _people),
            ("tickets", _support),
            ("feedback", _answers),
            ("invoices", _payments),
            ("touches", _contacts),
        ):
            if tables[name] is not None:
                out = out.join(part(tables[name], at))
        for column in (c for c in out.columns if c.startswith("n_")):
            out[column] = out[column].fillna(0)
        if "n_users" in out:
            out["users_per_seat"] = out["n_users"] / out["seats"]
            if "n_uses_28" in out:
                out["uses_per_user_28"] = out["n_uses_28"] / out["n_users"].clip(lower=1)
        found.append(out.reset_index())
    return pd.concat(found, ignore_index=True)


def _read(data: Path, name: str) -> pd.DataFrame | None:
    file = data / f"{name}.parquet"
    return pd.read_parquet(file) if file.exists() else None


def _daily(usage: pd.DataFrame) -> tuple[pd.DataFrame, pd.Index]:
    """Usage by time, with numbers in place of texts, and the accounts by number."""
    if "quantity" not in usage:
        usage["quantity"] = 1.0
    if "user_id" not in usage:
        usage["user_id"] = ""
    kind = pd.factorize(usage["event"])[0]
    code, accounts = pd.factorize(usage["account_id"])
    day = usage["occurred_at"].to_numpy("datetime64[D]").astype("datetime64[us]")
    small = pd.DataFrame(
        {
            "account_id": code,
            "user": pd.factorize(usage["user_id"])[0],
            "day": day,
            "kind": kind,
            "quantity": usage["quantity"].to_numpy(float),
        }
    )
    return small.sort_values("day", kind="stable").reset_index(drop=True), pd.Index(accounts)


def _between(rows: pd.DataFrame, column: str, at: pd.Timestamp, days: int, since: int = 0) -> pd.DataFrame:
    """Rows of (at - days, at - since]."""
    times = rows[column]
    return rows[(times > at - days * DAY) & (times <= at - since * DAY)]


def _use(daily: tuple[pd.DataFrame, pd.Index], at: pd.Timestamp) -> pd.DataFrame:
    usage, accounts = daily
    first, last = np.searchsorted(usage["day"].to_numpy(), [(at - 168 * DAY).to_numpy(), at.to_numpy()])
    seen = usage.iloc[first:last]  # whole days before the snapshot
    age = (at - seen["day"]).dt.days
    sums = {}
    for name, start, end in (("28", 0, 28), ("28_before", 28, 56), ("84", 0, 84), ("84_before", 84, 168)):
        window = seen[(age > start) & (age <= end)]
        groups = window.groupby("account_id")
        sums[name] = groups["quantity"].sum()
        if name in ("28", "28_before"):
            sums[f"users_{name}"] = groups["user"].nunique()
        if name == "28":
            sums["days_28"], sums["kinds_28"] = groups["day"].nunique(), groups["kind"].nunique()
    weeks = pd.DataFrame({"account_id": seen["account_id"], "week": (age - 1) // 7, "q": seen["quantity"]})
    weekly = weeks[weeks["week"] < 12].groupby(["account_id", "week"])["q"].sum().unstack(fill_value=0)
    weekly = np.log1p(weekly.reindex(columns=range(12), fill_value=0))
    slope = (weekly * (5.5 - np.arange(12))).sum(axis=1) / 143
    out = pd.DataFrame(sums).fillna(0)
    made = pd.DataFrame(
        {
            "days_since_use": age.groupby(seen["account_id"]).min(),
            "n_uses_28": out["28"],
            "use_28_to_before": np.log1p(out["28"]) - np.log1p(out["28_before"]),
            "use_84_to_before": np.log1p(out["84"]) - np.log1p(out["84_before"]),
            "use_slope_12_weeks": slope,
            "n_active_days_28": out["days_28"],
            "n_active_users_28": out["users_28"],
            "active_users_to_before": out["users_28"] - out["users_28_before"],
            "n_kinds_28": out["kinds_28"],
        }
    )
    return made.set_index(accounts[made.index])


def _contract(terms: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    begun = terms[terms["started_at"] <= at]
    active = begun[begun["ended_at"].isna() | (begun["ended_at"] > at)]
    groups = active.groupby("account_id")
    largest = active.sort_values("mrr", kind="stable").groupby("account_id").last()
    out = pd.DataFrame(
        {
            "mrr": groups["mrr"].sum(),
            "seats": groups["quantity"].sum(),
            "tenure_days": (at - begun.groupby("account_id")["started_at"].min()).dt.days,
            "days_since_change": (at - groups["started_at"].max()).dt.days,
            "plan": largest["product"],
        }
    )
    if "renews_at" in active:
        out["days_to_renewal"] = (groups["renews_at"].min() - at).dt.days
    if "billing_months" in active:
        out["billing_months"] = groups["billing_months"].max()
    then = at - 180 * DAY
    old = begun[(begun["started_at"] <= then) & (begun["ended_at"].isna() | (begun["ended_at"] > then))]
    out["mrr_to_180_days_ago"] = np.log(out["mrr"] / old.groupby("account_id")["mrr"].sum())
    return out.replace([np.inf, -np.inf], np.nan)


def _of_account(accounts: pd.DataFrame) -> pd.DataFrame:
    return accounts.set_index("account_id")[[c for c in ("employees", "industry") if c in accounts]]


def _people(users: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    here = users[users["created_at"] <= at]
    if "deactivated_at" in here:
        gone = here[here["deactivated_at"] <= at]
        here = here[~(here["deactivated_at"] <= at)]
        left = _between(gone, "deactivated_at", at, 90).groupby("account_id").size()
        return pd.DataFrame({"n_users": here.groupby("account_id").size(), "n_users_left_90": left})
    return pd.DataFrame({"n_users": here.groupby("account_id").size()})


def _support(tickets: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    late = _between(tickets, "opened_at", at, 90)
    out = pd.DataFrame({"n_tickets_90": late.groupby("account_id").size()})
    if "closed_at" in tickets:
        seen = tickets[tickets["opened_at"] <= at]
        out = out.join(
            seen[~(seen["closed_at"] <= at)].groupby("account_id").size().rename("n_open_tickets"), how="outer"
        )
    if "satisfaction" in tickets:
        half = _between(tickets, "opened_at", at, 180)
        out = out.join(half.groupby("account_id")["satisfaction"].mean().rename("satisfaction_180"), how="outer")
    return out


def _answers(feedback: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    seen = feedback[(feedback["given_at"] <= at) & (feedback["kind"] == "nps")].sort_values("given_at", kind="stable")
    last = seen.groupby("account_id").last()
    return pd.DataFrame({"nps_last": last["score"]})


def _payments(invoices: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    seen = _between(invoices, "issued_at", at, 365)
    paid = seen["paid_at"].where(seen["paid_at"] <= at)
    days = (paid.fillna(at) - seen["due_at"]).dt.days
    overdue = (paid.isna() & (seen["due_at"] < at)).groupby(seen["account_id"]).sum()
    return pd.DataFrame({"days_paid_late": days.groupby(seen["account_id"]).mean(), "n_overdue": overdue})


def _contacts(touches: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    late = _between(touches, "occurred_at", at, 90)
    if "direction" in late:
        late = late[late["direction"] == "inbound"]
    return pd.DataFrame({"n_inbound_90": late.groupby("account_id").size()})


def order_features(data: Path, keys: pd.DataFrame) -> pd.DataFrame:
    """Fifteen features of customers who order again: recency, frequency, money and what surrounds them."""
    orders, accounts = pd.read_parquet(data / "orders.parquet"), pd.read_parquet(data / "accounts.parquet")
    products = pd.read_parquet(data / "products.parquet") if (data / "products.parquet").exists() else None
    if products is not None and "family" in products:
        orders = orders.merge(products[["product", "family"]], on="product", how="left")
    else:
        orders["family"] = orders["product"]
    orders = orders.sort_values("ordered_at", kind="stable")
    found = []
    for at, here in keys.groupby("as_of"):
        seen = orders[orders["ordered_at"] <= at]
        bought = seen[seen["amount"] > 0]
        placed = bought.groupby(["account_id", "order_id"])["ordered_at"].min().reset_index()
        placed = placed.sort_values(["account_id", "ordered_at"], kind="stable")
        gaps = placed.groupby("account_id")["ordered_at"].diff().dt.days
        ids = placed["account_id"]
        recency = (at - placed.groupby("account_id")["ordered_at"].max()).dt.days
        money = {
            name: _between(seen, "ordered_at", at, days, since).groupby("account_id")["amount"].sum()
            for name, days, since in (("90", 90, 0), ("before", 180, 90), ("365", 365, 0), ("last_year", 365, 275))
        }
        year = _between(bought, "ordered_at", at, 365).groupby("account_id")
        out = pd.DataFrame(
            {
                "recency": recency,
                "n_orders_90": _between(placed, "ordered_at", at, 90).groupby("account_id").size(),
                "n_orders_365": _between(placed, "ordered_at", at, 365).groupby("account_id").size(),
                "n_spend_90": money["90"],
                "n_spend_365": money["365"],
                "tenure": (at - placed.groupby("account_id")["ordered_at"].min()).dt.days,
                "gap_mean": gaps.groupby(ids).mean(),
                "gap_spread": gaps.groupby(ids).std(),
                "n_products_365": year["product"].nunique(),
                "n_families_365": year["family"].nunique(),
                "n_returns_365": _between(seen[seen["amount"] < 0], "ordered_at", at, 365).groupby("account_id").size(),
                "n_spend_same_quarter_last_year": money["last_year"],
            }
        )
        out["recency_to_gap"] = out["recency"] / out["gap_mean"]
        out["spend_to_before"] = np.log((money["90"].clip(lower=0) + 1) / (money["before"].clip(lower=0) + 1))
        out["order_value"] = out["n_spend_365"] / out["n_orders_365"]
        out = here.set_index("account_id")[["as_of"]].join(out).join(_of_account(accounts)[["industry"]])
        for column in (c for c in out.columns if c.startswith("n_")):
            out[column] = out[column].fillna(0)
        found.append(out.replace([np.inf, -np.inf], np.nan).reset_index())
    return pd.concat(found, ignore_index=True)
