"""Orders by the account's own pace, cycle and season: what the coming quarter should bring, what silence has cost.

A month here is a twelfth of 364 days, counted back from the snapshot, over two years. Who orders every second, third,
fourth or sixth month has months of its own in which orders come; how surely is weighed against an even pace by what
each would have made of the months up to the last order (a Gamma prior of one order a phase, its marginal likelihood by
Stirling's formula). The season is the first yearly wave of the months, drawn to none as far as orders are few; who has
ordered for less than a year has none that could be told, and no quarters to hold the last one against.
"""

from __future__ import annotations

import math

from revml.features.spec import Feature, Subject
from revml.features.sql import lines, ratio

MONTHS = 24
CYCLES = (2, 3, 4, 6)
# Weight of each cycle before anything is seen, an even pace being 1.
_PRIOR = 0.2
# Orders of a phase, and of half a year, that weigh as much as knowing nothing of it.
_PHASE_PRIOR, _WAVE_PRIOR = 1, 4
_ALL = range(MONTHS)
_QUARTERS = range(MONTHS // 3)
_EARLIER = _QUARTERS[1:]

_ORDER_DAYS = """
SELECT account, day, known_day, SUM(net) AS net, SUM(orders) AS orders FROM (
    SELECT account, day, known_day, net, 0 AS orders FROM order_money_days
    UNION ALL
    SELECT account, day, known_day, 0, 1 FROM order_ids
) AS x GROUP BY account, day, known_day
"""


def _sum(value: str, condition: str = "1 = 1") -> str:
    """A sum as a DOUBLE, of whole numbers and decimals, so that it does not depend on their order."""
    return f"CAST(SUM(CASE WHEN {condition} THEN {value} ELSE 0 END) AS DOUBLE)"


def _months(days: str) -> str:
    """Days as months."""
    return f"(CAST({days} AS DOUBLE) * 12 / 364)"


_BY_MONTH = f"""
SELECT snapshot, month, SUM(net) AS net, SUM(orders) AS orders
FROM (
    SELECT s.snapshot, x.net, x.orders,
        CAST(FLOOR({_months("date_diff('day', x.day, s.day) - 1")}) AS INTEGER) AS month
    FROM snapshots AS s JOIN order_days AS x
        ON x.account = s.account AND x.day < s.day AND x.known_day < s.day AND x.day >= s.from_day_728
) AS x GROUP BY snapshot, month
"""
_MONTHS = f"""
SELECT snapshot, {lines(f"{_sum('orders', f'month = {k}')} AS n_{k}" for k in _ALL)},
    {_sum("orders")} AS orders, {_sum("net")} AS net,
    {lines(f"{_sum('net', f'month BETWEEN {3 * q} AND {3 * q + 2}')} AS net_{q}" for q in _QUARTERS)}
FROM order_by_month GROUP BY snapshot
"""


def _part(months: str, k: int) -> str:
    """How much of month k back lies within so many months."""
    return f"LEAST(GREATEST({months} - {k}, 0), 1)"


def _known(quarter: int) -> str:
    """Whether the account was there for the whole of a quarter back."""
    return f"l.seen >= {3 * quarter + 3}"


_ABOVE = " + ".join(f"CASE WHEN {_known(q)} AND m.net_{q} > m.net_0 THEN 1 ELSE 0 END" for q in _EARLIER)
_WHOLE = " + ".join(f"CASE WHEN {_known(q)} THEN 1 ELSE 0 END" for q in _EARLIER)
# The pace is that of the time up to the last order: silence after it is what is to be judged. The first order begins
# that time and half of it counts; a month more keeps who ordered once from a pace of days.
_PACE = f"""
SELECT m.*, m.net_0 AS net_quarter, l.seen, l.quiet,
    CASE WHEN l.seen >= 12 THEN (CAST({_ABOVE} AS DOUBLE) + 0.5) / ({_WHOLE} + 1) END AS above,
    (m.orders - 0.5) / (GREATEST(l.seen - l.quiet, 0) + 1) AS pace
FROM order_months AS m JOIN (
    SELECT snapshot, LEAST({_months("order_age_days + 1")}, {MONTHS}) AS seen,
        {_months("days_since_order")} AS quiet
    FROM order_last
) AS l ON l.snapshot = m.snapshot
WHERE m.orders > 0
"""
_EXPECTED = f"""
SELECT snapshot, seen, pace, orders, net, net_quarter, above, {lines(f"n_{k}" for k in _ALL)},
    {lines(f"pace * ({_part('seen', k)} - {_part('LEAST(quiet, seen)', k)}) AS x_{k}" for k in _ALL)},
    {lines(f"pace * {_part('quiet', k)} AS q_{k}" for k in _ALL)}
FROM order_pace
"""


def _phase(name: str, cycle: int, phase: int) -> str:
    """A column added up over the months back that stand where month `phase` ahead stands in a cycle."""
    return " + ".join(f"{name}_{k}" for k in _ALL if k % cycle == (cycle - 1 - phase) % cycle)


_PHASES = [(c, a) for c in CYCLES for a in range(c)]
_SUMS = f"""
SELECT snapshot, seen, pace, orders, net, net_quarter, above, n_0 + n_1 + n_2 AS orders_quarter,
    {" + ".join(f"q_{k}" for k in _ALL)} AS q_1_0,
    {lines(f"{_phase(name, c, a)} AS {name}_{c}_{a}" for c, a in _PHASES for name in "nxq")},
    {" + ".join(f"{math.cos(math.tau * (k + 0.5) / 12)!r} * (n_{k} - x_{k})" for k in _ALL)} AS wave_cos,
    {" + ".join(f"{math.sin(math.tau * (k + 0.5) / 12)!r} * (n_{k} - x_{k})" for k in _ALL)} AS wave_sin,
    ({" + ".join(f"x_{k}" for k in _ALL)}) / 2 + {_WAVE_PRIOR} AS wave_weight
FROM order_months_expected
"""
_TIMES = f"""
SELECT p.*, {lines(f"(n_{c}_{a} + {_PHASE_PRIOR}) / (x_{c}_{a} + {_PHASE_PRIOR}) AS t_{c}_{a}" for c, a in _PHASES)}
FROM order_phases AS p
"""


def _likelihood(cycle: int) -> str:
    """Log of how much better a cycle tells the months than an even pace does."""
    phases = (
        f"(n_{cycle}_{a} + {_PHASE_PRIOR}) * LN(t_{cycle}_{a})"
        f" - 0.5 * LN((n_{cycle}_{a} + {_PHASE_PRIOR}) / {float(_PHASE_PRIOR)!r}) - n_{cycle}_{a} + x_{cycle}_{a}"
        for a in range(cycle)
    )
    return " + ".join(phases)


def _ahead(cycle: int) -> str:
    """Orders of the coming three months."""
    return "pace * (" + " + ".join(f"t_{cycle}_{month % cycle}" for month in range(3)) + ")"


def _missed(cycle: int) -> str:
    """Orders since the last one, had it gone on."""
    return " + ".join(f"q_{cycle}_{a} * t_{cycle}_{a}" for a in range(cycle))


# In the middle of the coming three months, as much above the average as the wave says.
_EIGHTH = repr(math.cos(math.tau / 8))
_WAVE = f"1 + {_EIGHTH} * (wave_cos - wave_sin) / wave_weight"
_CYCLES = f"""
SELECT snapshot, seen, pace, orders, net, net_quarter, above, orders_quarter,
    CAST(1 AS DOUBLE) AS w_1, 3 * pace AS ahead_1, q_1_0 AS missed_1,
    {lines(f"{_PRIOR} * EXP(LEAST(GREATEST({_likelihood(c)}, -30), 30)) AS w_{c}" for c in CYCLES)},
    {lines(f"{_ahead(c)} AS ahead_{c}, {_missed(c)} AS missed_{c}" for c in CYCLES)},
    CASE WHEN seen >= 12 THEN LEAST(GREATEST({_WAVE}, 0.2), 3) END AS wave
FROM order_phase_times
"""


def _mixed(value: str) -> str:
    """A value by cycle, weighed by how surely each is the account's."""
    whole = " + ".join(f"w_{c}" for c in (1, *CYCLES))
    return "(" + " + ".join(f"w_{c} * {value.format(c=c)}" for c in (1, *CYCLES)) + f") / ({whole})"


_MIX = f"""
SELECT snapshot, seen, pace, orders, net, net_quarter, above, orders_quarter, wave,
    {_mixed("ahead_{c}")} AS ahead, {_mixed("missed_{c}")} AS missed,
    {_mixed("EXP(-LEAST(ahead_{c}, 30))")} AS silence, 1.0 / ({" + ".join(f"w_{c}" for c in (1, *CYCLES))}) AS even
FROM order_cycles
"""
_COMING = "ahead * COALESCE(wave, 1)"
_FEATURES = f"""
SELECT snapshot, ahead AS orders_expected_quarter, missed AS orders_missed, 1 - silence AS order_chance_quarter,
    ahead / (3 * pace) AS order_cycle_ahead, 1 - even AS order_cycle_share, wave AS order_season_ahead,
    {_COMING} / GREATEST(orders_quarter, 0.5) AS orders_expected_vs_quarter,
    {ratio(f"{_COMING} * GREATEST(net, 0)", "(orders * net_quarter)")} AS order_revenue_expected_vs_quarter,
    CASE WHEN net > 0 AND seen >= 12 THEN ({_COMING} - net_quarter * orders / net) / SQRT(2 * {_COMING} + 0.1) END
        AS order_revenue_expected_surprise,
    above AS order_quarters_above_share
FROM order_cycle_mix
"""

SUBJECT = Subject(
    name="order_cycles",
    tables=("orders",),
    store=(("order_days", _ORDER_DAYS),),
    steps=(
        ("order_by_month", _BY_MONTH),
        ("order_months", _MONTHS),
        ("order_pace", _PACE),
        ("order_months_expected", _EXPECTED),
        ("order_phases", _SUMS),
        ("order_phase_times", _TIMES),
        ("order_cycles", _CYCLES),
        ("order_cycle_mix", _MIX),
        ("features_order_cycles", _FEATURES),
    ),
    features=(
        Feature("orders_expected_quarter", "number", "rhythm", "good"),
        Feature("orders_missed", "number", "rhythm", "bad"),
        Feature("order_chance_quarter", "share", "rhythm", "good"),
        Feature("order_cycle_ahead", "ratio", "rhythm", "good"),
        Feature("order_cycle_share", "share", "rhythm"),
        Feature("order_season_ahead", "ratio", "orders", "good"),
        Feature("orders_expected_vs_quarter", "ratio", "orders", "good"),
        Feature("order_revenue_expected_vs_quarter", "ratio", "orders", "good"),
        Feature("order_revenue_expected_surprise", "deviation", "orders"),
        Feature("order_quarters_above_share", "share", "orders"),
    ),
)
