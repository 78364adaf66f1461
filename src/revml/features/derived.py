"""Features that are made of other features of the same row: declared once, beside the SQL that they follow.

`features.<subject>` makes them; `features.moving` moves them with what they are made of, so that what a model is asked
about could be an account.

    WINDOWS    the same count over several windows: 28 days lie within 84
    PARTS      a count within another: overdue invoices are unpaid ones
    CLOCKS     days since something, and how often it was: a meeting of last week is one of the last 84 days
    FORMULAS   a ratio or a difference whose inputs are all features; a test holds each against the engine's own values
    SCALED     one that is also made of what is no feature (the weeks before, the peers), which stays as it was

What is made of a moved feature in a way that a row cannot tell (`UNTOLD`) stays as it was, and is said to.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Number = float | None
Values = dict[str, Number]
Function = Callable[..., Number]


def _quotient(part: Number, whole: Number) -> Number:
    """As `sql.ratio`: unknown unless the denominator is positive."""
    return None if part is None or whole is None or whole <= 0 else part / whole


def _difference(a: Number, b: Number) -> Number:
    return None if a is None or b is None else a - b


def _share_of_both(a: Number, b: Number) -> Number:
    return None if a is None or b is None else _quotient(a, a + b)


def _exposure(age: float, days: int) -> float:
    """Days of a window since the first event, as in `features.usage` and `features.orders`."""
    return min(age + 1, days)


def _vs_year(days: int) -> Function:
    def rate(part: Number, year: Number, age: Number) -> Number:
        if part is None or year is None or age is None:
            return None
        return _quotient(part * _exposure(age, 364), year * _exposure(age, days))

    return rate


def _surprise(days: int) -> Function:
    def deviation(part: Number, year: Number, age: Number) -> Number:
        if part is None or year is None or age is None or year <= 0:
            return None
        expected = year * _exposure(age, days) / _exposure(age, 364)
        return (part - expected) / math.sqrt(expected + 0.5)

    return deviation


def _per(factor: float) -> Function:
    def scaled(part: Number, whole: Number) -> Number:
        return _quotient(None if part is None else factor * part, whole)

    return scaled


def _while_used(function: Function) -> Function:
    """Unknown where nothing was used in the year: the engine has no row of it then."""

    def known(part: Number, whole: Number, active_days: Number) -> Number:
        return None if not active_days else function(part, whole)

    return known


def _with_contract(mrr: Number, users: Number, subscriptions: Number) -> Number:
    return None if not subscriptions else _quotient(mrr, users)


def _quiet_share(near: Number, far: Number) -> Number:
    return None if near is None or far is None else _quotient(far - near, far)


def _orders_value(recent: Number, year: Number) -> Number:
    return None if recent is None or year is None or year <= 0 else recent / year


@dataclass(frozen=True)
class Formula:
    """A feature that follows from others of its row, or is in proportion to what does.

    Args:
        inputs: features, in the order of the function's arguments.
        function: unknown is None, of inputs and result.
    """

    inputs: tuple[str, ...]
    function: Function


# name of the derived feature: its formula; one whose inputs are derived stands after them
FORMULAS: dict[str, Formula] = {
    # usage
    "events_trend_7d": Formula(("events_7d", "events_28d", "active_days_364d"), _while_used(_per(4))),
    "events_vs_year_28d": Formula(("events_28d", "events_364d", "usage_age_days"), _vs_year(28)),
    "active_days_vs_year_84d": Formula(("active_days_84d", "active_days_364d", "usage_age_days"), _vs_year(84)),
    "active_days_surprise_28d": Formula(("active_days_28d", "active_days_364d", "usage_age_days"), _surprise(28)),
    "active_days_surprise_84d": Formula(("active_days_84d", "active_days_364d", "usage_age_days"), _surprise(84)),
    "users_gone_quiet_28d": Formula(("active_users_84d", "active_users_28d"), _difference),
    "users_gone_quiet_share_28d": Formula(("active_users_28d", "active_users_84d"), _quiet_share),
    "events_per_user_28d": Formula(("events_28d", "active_users_28d", "active_days_364d"), _while_used(_quotient)),
    "events_breadth_trend_28d": Formula(("distinct_events_28d", "distinct_events_84d"), _quotient),
    # adoption
    "active_users_per_seat_28d": Formula(("active_users_28d", "seats"), _quotient),
    "active_users_per_seat_84d": Formula(("active_users_84d", "seats"), _quotient),
    "events_per_seat_28d": Formula(("events_28d", "seats", "active_days_364d"), _while_used(_quotient)),
    "mrr_per_active_user_28d": Formula(("mrr", "active_users_28d", "subscriptions_active"), _with_contract),
    "users_active_share_28d": Formula(("active_users_28d", "users"), _quotient),
    "users_active_share_84d": Formula(("active_users_84d", "users"), _quotient),
    # subscriptions
    "price_per_seat": Formula(("mrr", "seats"), _quotient),
    # access
    "users_per_seat": Formula(("users", "seats"), _quotient),
    "users_added_per_seat_84d": Formula(("users_added_84d", "seats"), _quotient),
    "employees_per_seat": Formula(("employees", "seats"), _quotient),
    # people
    "users_removed_share_84d": Formula(("users_removed_84d", "users"), _share_of_both),
    # orders
    "order_revenue_vs_year_84d": Formula(("order_revenue_84d", "order_revenue_364d", "order_age_days"), _vs_year(84)),
    "orders_vs_year_84d": Formula(("orders_84d", "orders_364d", "order_age_days"), _vs_year(84)),
    "orders_surprise_84d": Formula(("orders_84d", "orders_364d", "order_age_days"), _surprise(84)),
    "order_revenue_vs_year_ago_84d": Formula(("order_revenue_84d", "order_revenue_year_ago_84d"), _quotient),
    "season_ahead_84d": Formula(("order_revenue_year_ago_ahead_84d", "order_revenue_year_ago_84d"), _quotient),
    "order_gap_variation": Formula(("order_gap_std", "order_gap_mean"), _quotient),
    "order_overdue_ratio": Formula(("days_since_order", "order_gap_median"), _quotient),
    "products_kept_share_84d": Formula(("products_ordered_84d", "products_ordered_364d"), _quotient),
    "families_kept_share_84d": Formula(("families_ordered_84d", "families_ordered_364d"), _quotient),
    # billing
    "overdue_share_364d": Formula(("overdue_amount", "invoiced_364d"), _quotient),
    "days_late_change_84d": Formula(("days_late_84d", "days_late_364d"), _difference),
    # support
    "tickets_vs_year_28d": Formula(("tickets_28d", "tickets_364d"), _per(13)),
    "severe_share_364d": Formula(("severe_tickets_364d", "tickets_364d"), _quotient),
    "satisfaction_change_84d": Formula(("satisfaction_84d", "satisfaction_364d"), _difference),
    # touches
    "inbound_share_364d": Formula(("inbound_touches_364d", "touches_364d"), _quotient),
    # deals
    "deal_win_share_364d": Formula(("deals_won_364d", "deals_lost_364d"), _share_of_both),
}


def _itself(value: Number) -> Number:
    return value


# In proportion to a function of features; the rest of what it is made of stays as it was.
SCALED: dict[str, Formula] = {
    "employees_since_start": Formula(("employees",), _itself),
    "events_trend_28d": Formula(("events_28d",), _itself),
    "events_trend_84d": Formula(("events_84d",), _itself),
    "active_days_trend_28d": Formula(("active_days_28d",), _itself),
    "active_days_trend_84d": Formula(("active_days_84d",), _itself),
    "active_users_trend_84d": Formula(("active_users_28d",), _itself),
    "events_trend_vs_peers_28d": Formula(("events_28d",), _itself),
    "events_trend_vs_peers_84d": Formula(("events_84d",), _itself),
    "active_days_trend_vs_peers_28d": Formula(("active_days_28d",), _itself),
    "events_per_active_day_vs_peers_28d": Formula(("events_28d", "active_days_28d"), _quotient),
    "employees_trend_364d": Formula(("employees",), _itself),
    "mrr_trend_84d": Formula(("mrr",), _itself),
    "mrr_trend_182d": Formula(("mrr",), _itself),
    "mrr_trend_364d": Formula(("mrr",), _itself),
    "seats_trend_84d": Formula(("seats",), _itself),
    "seats_trend_182d": Formula(("seats",), _itself),
    "seats_trend_364d": Formula(("seats",), _itself),
    "price_trend_84d": Formula(("mrr", "seats"), _quotient),
    "price_trend_364d": Formula(("mrr", "seats"), _quotient),
    "users_trend_84d": Formula(("users",), _itself),
    "order_revenue_trend_84d": Formula(("order_revenue_84d",), _itself),
    "order_revenue_trend_364d": Formula(("order_revenue_364d",), _itself),
    "orders_trend_84d": Formula(("orders_84d",), _itself),
    "order_rate_364d": Formula(("orders_364d",), _itself),
    "orders_trend_364d": Formula(("orders_364d",), _itself),
    "order_value_84d": Formula(("order_revenue_84d", "orders_84d"), _quotient),
    "order_value_364d": Formula(("order_revenue_364d", "orders_364d"), _quotient),
    "order_revenue_trend_vs_peers_84d": Formula(("order_revenue_84d",), _itself),
    "orders_trend_vs_peers_84d": Formula(("orders_84d",), _itself),
    "order_value_vs_peers_364d": Formula(("order_revenue_364d", "orders_364d"), _quotient),
    "order_overdue_worst_ratio": Formula(("days_since_order",), _itself),
    "invoiced_trend_84d": Formula(("invoiced_84d",), _itself),
    "tickets_trend_84d": Formula(("tickets_84d",), _itself),
    "nps_detractor_share_364d": Formula(("nps_detractors_364d",), _itself),
    "touches_trend_84d": Formula(("touches_84d",), _itself),
    "assets_trend_364d": Formula(("assets",), _itself),
}
# Of two that are in proportion already.
AFTER_SCALED: dict[str, Formula] = {
    "order_value_trend_84d": Formula(("order_value_84d", "order_value_364d"), _orders_value),
}

# Also made of what no feature tells: stays as it was when one of these moves.
UNTOLD: dict[str, tuple[str, ...]] = {
    "employees_per_seat_since_start": ("employees", "seats"),
    "users_ever_per_seat": ("users", "seats"),
    "user_days_surprise_84d": ("active_users_84d", "active_days_84d"),
    "user_days_trend_28d": ("active_users_28d", "active_days_28d"),
    "stickiness_28d": ("active_users_28d", "active_days_28d"),
    "export_surprise_28d": ("export_user_days_28d", "active_users_28d", "active_days_28d"),
    "export_surprise_84d": ("export_user_days_84d", "active_users_84d", "active_days_84d"),
    "top_user_share_28d": ("active_users_28d", "events_28d"),
    "largest_subscription_share": ("mrr",),
    "mrr_renewing_share_84d": ("mrr", "days_to_renewal"),
    "in_notice_period": ("days_to_renewal", "notice_days"),
    "returns_share_364d": ("order_revenue_364d",),
    "order_margin_364d": ("order_revenue_364d",),
    "order_gap_trend": ("order_gap_mean",),
    "longer_gaps_share": ("days_since_order",),
    **dict.fromkeys(
        (
            "orders_expected_quarter",
            "orders_missed",
            "order_chance_quarter",
            "order_cycle_ahead",
            "order_cycle_share",
            "order_season_ahead",
            "orders_expected_vs_quarter",
            "order_revenue_expected_vs_quarter",
            "order_revenue_expected_surprise",
            "order_quarters_above_share",
        ),
        ("orders_84d", "orders_364d", "days_since_order"),
    ),
    "late_share_364d": ("invoices_overdue",),
    "nps_change": ("nps_last",),
    "nps_mean_364d": ("nps_last",),
    "survey_score_mean_364d": ("survey_score_last",),
    "asset_age_days": ("assets",),
    "siblings_live_share": ("siblings",),
    "renewal_quote_ratio": ("mrr",),
    "growth_deal_ratio": ("mrr", "deal_amount_open"),
}

# stem: windows, and whether longer windows add up what shorter ones hold or count distinct things
Windowed = tuple[tuple[int, ...], Literal["adds", "distinct"]]
WINDOWS: dict[str, Windowed] = {
    "events": ((7, 28, 84, 182, 364), "adds"),
    "active_days": ((7, 28, 84, 182, 364), "adds"),
    "active_users": ((7, 28, 84, 182, 364), "distinct"),
    "export_user_days": ((28, 84), "adds"),
    "distinct_events": ((28, 84, 364), "distinct"),
    "order_revenue": ((28, 84, 182, 364), "adds"),
    "orders": ((28, 84, 182, 364), "adds"),
    "products_ordered": ((84, 364), "distinct"),
    "families_ordered": ((84, 364), "distinct"),
    "invoices": ((84, 364), "adds"),
    "invoiced": ((84, 364), "adds"),
    "tickets": ((28, 84, 364), "adds"),
    "severe_tickets": ((28, 84, 364), "adds"),
    "touches": ((28, 84, 364), "adds"),
    "inbound_touches": ((28, 84, 364), "adds"),
    "outbound_touches": ((84, 364), "adds"),
    "meetings": ((84, 364), "adds"),
    "users_added": ((28, 84, 364), "adds"),
    "users_removed": ((28, 84, 364), "adds"),
    "champions_left": ((84, 364), "adds"),
    "expansions": ((84, 364), "adds"),
    "contractions": ((84, 364), "adds"),
    "price_increases": ((84, 364), "adds"),
    "deals_begun": ((84, 364), "adds"),
    "plays": ((28, 84, 364), "adds"),
}

# part: the whole that moves by the same amount
PARTS: dict[str, str] = {
    "invoices_overdue": "invoices_unpaid",
    "overdue_amount": "unpaid_amount",
    "severe_tickets_open": "tickets_open",
    **{f"severe_tickets_{w}d": f"tickets_{w}d" for w in (28, 84, 364)},
    **{f"inbound_touches_{w}d": f"touches_{w}d" for w in (28, 84, 364)},
    **{f"meetings_{w}d": f"touches_{w}d" for w in (84, 364)},
    "growth_deals_open": "deals_open",
    "renewals_offered": "deals_open",
}
# where the first is none, the others are this
NONE_LEFT: dict[str, Values] = {
    "invoices_overdue": {"overdue_amount": 0.0, "overdue_oldest_days": None},
    "invoices_unpaid": {"unpaid_amount": 0.0, "invoices_overdue": 0.0},
    "tickets_open": {"severe_tickets_open": 0.0, "oldest_open_ticket_days": None},
    "deals_open": {
        "deal_amount_open": 0.0,
        "days_in_stage": None,
        "deal_age_days": None,
        "growth_deals_open": 0.0,
        "growth_deal_age_days": None,
        "growth_deal_ratio": None,
        "renewals_offered": 0.0,
        "renewal_offer_age_days": None,
        "renewal_quote_ratio": None,
    },
    "growth_deals_open": {"growth_deal_age_days": None, "growth_deal_ratio": None},
    "renewals_offered": {"renewal_offer_age_days": None, "renewal_quote_ratio": None},
}
# days since something: the stem of the windows that count it
CLOCKS: dict[str, str] = {
    "days_since_usage": "active_days",
    "days_since_order": "orders",
    "days_since_ticket": "tickets",
    "days_since_invoice": "invoices",
    "days_since_touch": "touches",
    "days_since_inbound_touch": "inbound_touches",
    "days_since_meeting": "meetings",
    "days_since_play": "plays",
}
# what is also something else: it is never the more recent
ALSO: dict[str, str] = {"days_since_meeting": "days_since_touch", "days_since_inbound_touch": "days_since_touch"}
# people who can be active: never more than those with access or a seat, where these are known
AT_MOST: dict[str, tuple[str, ...]] = {"active_users": ("users", "seats")}
