"""Which forecast of repeat orders a company gets: a process, the two stages, or both together, as a back-test says.

Comes in: facts and `as_of`. Goes out: `OrderChoice`: the winner, its table, and what every process
misses: its level by lag (`level.py`) and the buyers it gives up (`pace.py`). Origins lie inside the history: the
forecasts are made at the last origin from what was known then, trained on origins whose outcomes had passed by then,
and judged by what came until `as_of`. Small companies and short histories keep the process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np

from revml.clv.orders.features import months_before
from revml.clv.orders.fitting import Process, PurchaseProcess
from revml.clv.orders.known_rows import MAX_ACCOUNTS, KnownBuyers, Outcome, known_buyers, outcome, span_months
from revml.clv.orders.level import LevelCurve, Sighting, level_curve, sighting
from revml.clv.orders.money_marks import normalised_gini, rmse, tweedie_deviance
from revml.clv.orders.pace import Shares, Trial, best_share, mixed, pace_weights
from revml.clv.orders.season import Season, order_season
from revml.clv.orders.two_stage import Lesson, TwoStage, fit_two_stage
from revml.clv.value import Floats
from revml.sources.facts import Facts
from revml.sources.remembered import remembered

MIN_ACCOUNTS = 300
MIN_ORDERING = 100
MAX_MONTHS = 12
# Short horizons with young origins served longer ones better than few old origins of the whole horizon did.
HORIZONS = 4
MAX_ORIGINS = 6
# The process is left only for a gain beyond one standard error that does not cost ranking.
GINI_SLACK = 0.005
# A buyer whom the process has given up may come back all the same: no narrow bound.
RATIO = 1e6
# Alone, a process with rhythm is taken. The two stages begin at Pareto/NBD: in every back-test tried they ranked
# better so than from MBG/NBD.
RHYTHM = Process.MBG_ERLANG
BASE = Process.PARETO_NBD


# What was known at so many origins is kept, of at most `MAX_ACCOUNTS` buyers each.
KEPT_BUYERS = 24


class Candidate(StrEnum):
    """What can be chosen."""

    MBG = "mbg_nbd"
    PARETO = "pareto_nbd"
    TWO_STAGE = "two_stage"
    BLEND = "blend"

    @property
    def words(self) -> str:
        """As a reader is told it."""
        return {"mbg_nbd": "MBG/NBD", "pareto_nbd": "Pareto/NBD", "two_stage": "two stages"}.get(self, "both together")


@dataclass(frozen=True)
class Mark:
    """How a candidate did in the back-test; money over the months after the origin."""

    candidate: Candidate
    deviance: float
    gini: float
    rmse: float
    bias: float
    gain: float
    gain_error: float
    own_share: float


@dataclass(frozen=True)
class OrderChoice:
    """The winner.

    Attributes:
        candidate: what forecasts.
        months: the horizon that was back-tested and trained for, 0 where the history has no room.
        model: the two stages, trained on everything that has passed by `as_of`; None with the process.
        orders_level, revenue_level: by how much more came than the process expected at earlier origins, by lag.
        shares: of the two stages, the process and a buyer's own pace.
        season: of `as_of`.
        marks: the table of the back-test, one row a candidate.
        why: one sentence.
    """

    candidate: Candidate
    why: str
    months: int = 0
    model: TwoStage | None = None
    orders_level: LevelCurve = field(default_factory=LevelCurve)
    revenue_level: LevelCurve = field(default_factory=LevelCurve)
    shares: Shares = field(default_factory=Shares)
    season: Season = field(default_factory=Season)
    marks: tuple[Mark, ...] = ()

    @property
    def kind(self) -> Process:
        """The process that gives the shape."""
        return RHYTHM if self.candidate is Candidate.MBG else BASE


def choose(facts: Facts, as_of: datetime, months: int, *, seed: int = 42) -> OrderChoice:
    """Choose for a forecast of so many months."""
    season = order_season(facts, as_of)
    span = span_months(facts, as_of)
    ahead = int(min(months, span // HORIZONS, MAX_MONTHS))
    if ahead < 1:
        return OrderChoice(Candidate.MBG, f"{span:.0f} months of orders: too short for a back-test", season=season)
    tested = months_before(as_of, ahead)
    then = order_season(facts, tested)
    known = _Known(facts, as_of, ahead)
    earlier = known.outcomes(ahead, then, BASE)
    learned = [one.lesson(ahead) for one in earlier]
    now = known.buyers(ahead, BASE)
    judged = outcome(facts, now, ahead, as_of=as_of, season=Season()).lesson(ahead)
    small = _too_small(learned, judged)
    if small:
        return OrderChoice(Candidate.MBG, small, season=season)
    model = fit_two_stage(learned, ahead, seed=seed)
    plain = known.buyers(ahead, RHYTHM).rows["process_revenue"].to_numpy(float)
    marks = _marks(model, judged, plain, now.pace()[1], _total(earlier, now, then, ahead))
    winner = _winner(marks)
    kind = RHYTHM if winner.candidate is Candidate.MBG else BASE
    outcomes = known.outcomes(0, season, kind)
    trials = [one.trial() for one in outcomes]
    shares = Shares(ahead, winner.own_share, pace_weights(trials), season.told)
    orders_level, revenue_level = _levels(trials, shares)
    learns = winner.candidate in (Candidate.TWO_STAGE, Candidate.BLEND)
    final = fit_two_stage([one.lesson(ahead) for one in outcomes], ahead, seed=seed) if learns else None
    why = (
        f"orders by {winner.candidate.words}, chosen by a back-test over {ahead} months from {tested:%Y-%m-%d} "
        f"(bias {winner.bias:+.0%}): "
        + "; ".join(f"{m.candidate.words} deviance {m.deviance:.4g}, Gini {m.gini:.3f}" for m in marks)
    )
    return OrderChoice(
        winner.candidate,
        why,
        ahead,
        final,
        orders_level,
        revenue_level,
        shares,
        season,
        marks,
    )


class _Known:
    """What was known at earlier origins, each read and fitted once."""

    def __init__(self, facts: Facts, as_of: datetime, ahead: int) -> None:
        self._facts, self._as_of, self._ahead = facts, as_of, ahead
        self._buyers: dict[tuple[int, Process], KnownBuyers] = {}

    def buyers(self, back: int, kind: Process) -> KnownBuyers:
        """What was known so many months before `as_of`."""
        if (back, kind) not in self._buyers:
            origin = months_before(self._as_of, back)
            self._buyers[back, kind] = self._known(origin, kind)
        return self._buyers[back, kind]

    def _known(self, origin: datetime, kind: Process) -> KnownBuyers:
        """Within `remembering` shared with the forecasts of other origins that look back at the same instant."""

        def made() -> KnownBuyers:
            return known_buyers(self._facts, origin, self._ahead, kind, most=MAX_ACCOUNTS)

        return remembered(self._facts, "buyers", (origin, self._ahead, kind), made, most=KEPT_BUYERS)

    def outcomes(self, now: int, season: Season, kind: Process) -> list[Outcome]:
        """Of origins whose horizon had passed `now` months before `as_of`, newest first; `season` is of then."""
        then, ahead = months_before(self._as_of, now), self._ahead
        room = span_months(self._facts, then) - ahead
        # a step that divides the horizon lets the back-test and the forecast share their origins
        step = max(1, ahead // 3)
        found = []
        for back in (ahead + i * step for i in range(MAX_ORIGINS)):
            if back > room + 0.01:
                break
            one = outcome(self._facts, self.buyers(now + back, kind), back, as_of=then, season=season)
            if len(one.known.rows) >= MIN_ACCOUNTS:
                found.append(one)
        return found


def _too_small(learned: list[Lesson], judged: Lesson) -> str | None:
    accounts = max((len(one.rows) for one in learned), default=0)
    ordering = min(int(sum((one.orders > 0).sum() for one in learned)), int((judged.orders > 0).sum()))
    if accounts < MIN_ACCOUNTS or ordering < MIN_ORDERING:
        return (
            f"orders by the process of purchases: fewer than {MIN_ACCOUNTS} buyers were known at earlier origins, "
            f"or fewer than {MIN_ORDERING} ordered after, so that no back-test can choose a better way"
        )
    return None


def _marks(model: TwoStage, judged: Lesson, plain: Floats, own: Floats, total: float) -> tuple[Mark, ...]:
    """All at one total, so that the candidates differ by whom they give it to; the level is learnt apart.

    Each with as much of the buyers' own pace as serves it best.
    """
    pareto, two = judged.rows["process_revenue"].to_numpy(float), model.revenue(judged.rows)
    pareto, two, plain = (money * (total / money.sum()) for money in (pareto, two, plain))
    told = {
        Candidate.MBG: plain,
        Candidate.PARETO: pareto,
        Candidate.TWO_STAGE: two,
        Candidate.BLEND: (pareto + two) / 2,
    }
    came = np.maximum(judged.revenue, 0.0)
    shares = {candidate: best_share(came, money, own) for candidate, money in told.items()}
    told = {candidate: mixed(money, own, shares[candidate]) for candidate, money in told.items()}
    base = tweedie_deviance(came, told[Candidate.MBG])
    made = []
    for candidate, money in told.items():
        each = tweedie_deviance(came, money)
        gain = base - each
        made.append(
            Mark(
                candidate,
                deviance=float(each.mean()),
                gini=normalised_gini(came, money),
                rmse=rmse(judged.revenue, money),
                bias=float(money.sum() / judged.revenue.sum() - 1) if judged.revenue.sum() > 0 else float("nan"),
                gain=float(gain.mean()),
                gain_error=float(gain.std(ddof=1) / np.sqrt(len(gain))),
                own_share=shares[candidate],
            )
        )
    return tuple(made)


def _total(earlier: list[Outcome], now: KnownBuyers, season: Season, ahead: int) -> float:
    """Revenue of all buyers over the months after the back-test's origin, by what was known then."""
    trials = [one.trial(ahead) for one in earlier]
    shares = Shares(later=pace_weights(trials), own_total=season.told)
    _, level = _levels(trials, shares)
    process = now.expected(1, ahead) * now.rows["process_spend"].to_numpy(float)[:, None]
    mixture, _ = shares.mixture(np.linspace(1.0, ahead, ahead), process, now.pace()[1])
    return float(mixture.sum(axis=0) @ (level.ahead(ahead) * season.ahead(ahead)))


def _winner(marks: tuple[Mark, ...]) -> Mark:
    plain = marks[0]
    better = [m for m in marks[1:] if m.gain > m.gain_error and m.gini >= plain.gini - GINI_SLACK]
    return min(better, key=lambda m: m.deviance, default=plain)


def _levels(trials: list[Trial], shares: Shares) -> tuple[LevelCurve, LevelCurve]:
    """By how much what came exceeded the process and the pace in their shares, by lag: orders and revenue."""
    orders: list[Sighting] = []
    revenue: list[Sighting] = []
    for one in trials:
        spans = one.expected.shape[1]
        middle: Floats = np.linspace(0.5, spans - 0.5, spans) * one.span
        for found, process, own, came in (
            (orders, one.expected_orders, one.pace_orders, one.orders),
            (revenue, one.expected, one.pace, one.revenue),
        ):
            mixture, _ = shares.mixture(middle, process, one.span * own)
            found.append(sighting(one.back, one.span, mixture, came))
    return level_curve(orders, shares.own_total), level_curve(revenue, shares.own_total)


def scaled(
    choice: OrderChoice, facts: Facts, as_of: datetime, process: PurchaseProcess, process_p: Floats
) -> tuple[Floats, Floats, Floats]:
    """By account: factors of the process' orders, of its revenue, and a shift of the log-odds of an order.

    They move orders between accounts and leave their total; they hold for the horizon that was trained for.

    Args:
        process: of the choice's kind, fitted at `as_of`.
        process_p: (n,) P(order) of the process within that horizon, in the order of the accounts' names.
    """
    n = len(process_p)
    if choice.model is None:
        return np.ones(n), np.ones(n), np.zeros(n)
    rows = known_buyers(facts, as_of, choice.months, BASE, process=process).rows
    orders, revenue = (rows[name].to_numpy(float) for name in ("process_orders", "process_revenue"))
    two_orders, two_revenue = choice.model.orders(rows), choice.model.revenue(rows)
    two_orders = two_orders * (orders.sum() / two_orders.sum())
    two_revenue = two_revenue * (revenue.sum() / two_revenue.sum())
    if choice.candidate is Candidate.BLEND:
        two_orders, two_revenue = (two_orders + orders) / 2, (two_revenue + revenue) / 2
    p = np.clip(choice.model.p_order(rows), 1e-9, 1 - 1e-9)
    before = np.clip(process_p, 1e-9, 1 - 1e-9)
    shift = np.log(p / (1 - p)) - np.log(before / (1 - before))
    return _ratio(two_orders, orders), _ratio(two_revenue, revenue), shift


def _ratio(told: Floats, process: Floats) -> Floats:
    return np.clip(told / np.maximum(process, 1e-12), 1 / RATIO, RATIO)
