"""The part of the pandas peer that reads the small tables: people, contracts, profile, and how much of them is used."""

from __future__ import annotations

import pandas as pd

TICK = pd.Timedelta(microseconds=1)
DAY = pd.Timedelta(days=1)
Columns = dict[str, pd.Series]


def ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    """A quotient; empty unless the denominator is positive."""
    return part / whole.where(whole > 0)


def people_features(users: pd.DataFrame, at: pd.Timestamp) -> Columns:
    """Who has access, who joined, who left."""
    seen = users[(users["created_at"] <= at) & (users["known_at"] <= at)]
    account, role = seen["account_id"], seen["role"].str.lower()
    left = seen["deactivated_at"].where(seen["deactivated_at"] <= at)
    champion, here = role.str.contains("champion|sponsor"), left.isna()
    administrator = role.str.contains("admin")

    def count(which: pd.Series) -> pd.Series:
        return which.groupby(account).sum()

    def since(time: pd.Series, days: int) -> pd.Series:
        return time > at - days * DAY

    users_84 = count(~since(seen["created_at"], 84) & (here | since(left, 84)))
    out = {"users": count(here)}
    out["users_trend_84d"] = ratio(out["users"], users_84)
    for days in (28, 84, 364):
        out[f"users_added_{days}d"] = count(since(seen["created_at"], days))
        out[f"users_removed_{days}d"] = count(since(left, days))
    out["users_removed_share_84d"] = ratio(out["users_removed_84d"], out["users"] + out["users_removed_84d"])
    out["champions"] = count(here & champion)
    out["administrators"] = count(here & administrator)
    for days in (84, 364):
        out[f"champions_left_{days}d"] = count(champion & since(left, days))
    out["administrators_left_182d"] = count(administrator & since(left, 182))
    out["days_since_champion_left"] = days_since(left.where(champion), at).groupby(account).min()
    ever = champion.groupby(account).max()
    out["champion_missing"] = (ever & (out["champions"] == 0)).astype(float)
    out["champion_age_days"] = days_since(seen["created_at"].where(champion & here), at).groupby(account).min()
    return out


def subscription_features(subscriptions: pd.DataFrame, products: pd.DataFrame, at: pd.Timestamp) -> Columns:
    """What the account pays, since when, until when, and how that changed."""
    seen = subscriptions[(subscriptions["started_at"] <= at) & (subscriptions["known_at"] <= at)]
    seen = seen.sort_values(["subscription_id", "started_at"])
    account, line = seen["account_id"], seen.groupby("subscription_id")
    mrr, seats, started, renews = seen["mrr"], seen["quantity"], seen["started_at"], seen["renews_at"]
    mrr_before, seats_before, next_start = line["mrr"].shift(), line["quantity"].shift(), line["started_at"].shift(-1)
    ended = seen["ended_at"].where(seen["ended_at"] <= at)
    live = ended.isna()
    ahead = live & (renews >= at)
    to_renewal = (renews.dt.normalize() - at.normalize()).dt.days

    def total(value: pd.Series, which: pd.Series) -> pd.Series:
        return value.where(which, 0).groupby(account).sum()

    def count(which: pd.Series) -> pd.Series:
        return which.groupby(account).sum()

    def new(days: int) -> pd.Series:
        return started > at - days * DAY

    out: Columns = {"mrr": total(mrr, live), "seats": total(seats, live)}
    paid, taken = {}, {}
    for days in (84, 182, 364):
        then = ~new(days) & (live | (ended > at - days * DAY))
        paid[days], taken[days] = total(mrr, then), total(seats, then)
        out[f"mrr_trend_{days}d"] = ratio(out["mrr"], paid[days])
        out[f"seats_trend_{days}d"] = ratio(out["seats"], taken[days])
    out["price_per_seat"] = ratio(out["mrr"], out["seats"])
    pricier = (seats > 0) & (seats_before > 0) & (mrr * seats_before > mrr_before * seats * 1.001)
    for days in (84, 364):
        before = ratio(paid[days], taken[days])
        out[f"price_trend_{days}d"] = ratio(out["price_per_seat"], before)
        out[f"expansions_{days}d"] = count(new(days) & (mrr > mrr_before))
        out[f"contractions_{days}d"] = count(new(days) & (mrr < mrr_before))
        out[f"price_increases_{days}d"] = count(new(days) & pricier)
    out["seat_increases_364d"] = count(new(364) & (seats > seats_before))
    out["seat_decreases_364d"] = count(new(364) & (seats < seats_before))
    out["subscriptions_started_364d"] = count(new(364) & mrr_before.isna())
    out["subscriptions_ended_364d"] = count((ended > at - 364 * DAY) & next_start.isna())
    out["subscriptions_active"] = count(live)
    out["products_active"] = seen["product"].where(live).groupby(account).nunique()
    out["largest_subscription_share"] = ratio(mrr.where(live).groupby(account).max(), out["mrr"])
    out["contract_age_days"] = days_since(started, at).groupby(account).max()
    out["days_since_terms_changed"] = days_since(started.where(live), at).groupby(account).min()
    out["days_to_renewal"] = to_renewal.where(ahead).groupby(account).min()
    out["mrr_renewing_share_84d"] = ratio(total(mrr, ahead & (to_renewal <= 84)), out["mrr"])
    notice = ahead & (to_renewal <= seen["notice_days"])
    out["in_notice_period"] = notice.groupby(account).max().astype(float)
    tier = seen["product"].map(products.set_index("product")["tier"])
    out["tier"] = tier.where(live).groupby(account).max()
    term = (renews.dt.normalize() - started.dt.normalize()).dt.days
    main = seen.assign(term_days=term)[live].sort_values("mrr", ascending=False, kind="stable")
    main = main.drop_duplicates("account_id").set_index("account_id")
    for name in ("plan", "billing_months", "notice_days", "term_days"):
        out[name] = main[name]
    out["auto_renew"] = main["auto_renew"].astype(float)
    return out | {"main_product": main["product"]}


def profile_features(accounts: pd.DataFrame, live: pd.Series, at: pd.Timestamp) -> Columns:
    """Who the account is."""
    seen = accounts[(accounts["created_at"] <= at) & (accounts["known_at"] <= at)].set_index("account_id")
    texts = {name: seen[name] for name in ("industry", "country", "region", "acquisition_channel")}
    contract = (live.reindex(seen.index) > 0).astype(float)
    return {
        "tenure_days": days_since(seen["created_at"], at),
        "has_contract": contract,
        "has_orders": pd.Series(0.0, index=seen.index),
        "employees": seen["employees"],
        **texts,
    }


def adoption_features(f: pd.DataFrame) -> Columns:
    """How much of what is paid for is used; made of the other features."""
    out: Columns = {}
    for days in (28, 84):
        active = f[f"active_users_{days}d"].fillna(0)
        out[f"active_users_per_seat_{days}d"] = ratio(active, f["seats"])
        out[f"users_active_share_{days}d"] = ratio(active, f["users"])
    # Who used nothing for a year has no use a seat, and who has no contract no price a user.
    out["events_per_seat_28d"] = ratio(f["events_28d"].where(f["active_days_364d"] > 0), f["seats"])
    out["mrr_per_active_user_28d"] = ratio(f["mrr"].where(f["subscriptions_active"] > 0), f["active_users_28d"])
    return out


def days_since(time: pd.Series, at: pd.Timestamp) -> pd.Series:
    """Whole days that passed, 0 for the last 24 hours."""
    return (at - (time - TICK).dt.normalize()).dt.days - 1
