"""The truth of a sample company: what an oracle says who knows the latent state at a month's start, but not the future.

From each account's state at each month's first instant the process is continued along many imagined paths, by the
same steps that made the data. Ends are never drawn: each path carries its chance of having survived; silence of
orders likewise is the exact chance along the path. What remains to be averaged is smooth, so that about a hundred
stratified paths are enough.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa

from revml.progress import Progress
from revml.sources.samples import contracts as contracting
from revml.sources.samples import ordering
from revml.sources.samples import relation as relating
from revml.sources.samples.clock import Bools, Floats, Ints, Span
from revml.sources.samples.draws import LatinDraws, Tilt, stream
from revml.sources.samples.relation import take
from revml.sources.samples.world import World
from revml.sources.samples.writing import days

HORIZON_DAYS = 90
UPLIFT = 1.10
DROP = 0.10
GROWTH_RATIO = 1.25
PATHS = 128
TILT = 0.12  # growth of contracts and its deals are imagined at least this often a month
SAME = 1e-9  # amounts closer than this share are the same, as for labels
BLOCK = 1024  # accounts continued at a time, small enough for the cache


@dataclass(frozen=True)
class Odds:
    """True chances of accounts at one month start; 0 where the kind has no such relation."""

    churn: Floats
    contraction: Floats
    upsell: Floats
    lapse: Floats
    growth: Floats
    hazard_churn: Floats
    hazard_expansion: Floats
    hazard_lapse: Floats
    hazard_growth: Floats


def odds(world: World, t: int, who: Ints, before: Floats, rng: np.random.Generator, *, paths: int = PATHS) -> Odds:
    """What the oracle says at the start of month t about some accounts.

    Args:
        before: net order amount of the 90 days before, which growth is measured against; NaN where nothing was ordered.
    """
    parts = [_block(world, t, who[i : i + BLOCK], before[i : i + BLOCK], rng, paths) for i in range(0, len(who), BLOCK)]
    return Odds(**{f.name: np.concatenate([getattr(p, f.name) for p in parts] or [np.zeros(0)]) for f in fields(Odds)})


def _block(world: World, t: int, who: Ints, before: Floats, rng: np.random.Generator, paths: int) -> Odds:
    kind, calendar = world.kind, world.calendar
    draws = LatinDraws(rng, len(who), paths)
    traits = take(world.accounts.traits, who, column=True)
    state = take(world.relations[t], who, column=True)
    terms = take(world.contracts[t], who, column=True)
    buying = take(world.orderings[t], who, column=True)
    habits = take(world.habits, who, column=True) if world.habits else None
    held = terms
    survival: Floats = np.ones((len(who), paths), np.float32)
    silence: Floats = np.ones((len(who), paths), np.float32)
    tilt = Tilt(TILT, len(who), paths) if kind.dial.deals else None
    money = np.zeros((len(who), paths), np.float32)
    none: Floats = np.zeros(len(who))
    hazard_churn, hazard_expansion, hazard_lapse, hazard_growth = none, none, none, none
    until = int(calendar.starts[t]) + HORIZON_DAYS
    for ahead in range(4):
        if calendar.starts[t + ahead] >= until:
            break
        span = Span.of(calendar, t + ahead, until=until)
        bought, won = None, None
        if kind.contracts:
            terms, turn = contracting.month(traits, state, terms, span, kind.dial, draws, tilt=tilt)
            end = 1 - (1 - turn.p_end) * (1 - turn.p_sudden)
            survival = survival * (1 - end)
            if kind.dial.deals:
                bought, won = turn.bought, turn.won
            if ahead == 0:
                weight = tilt.weight if tilt else np.ones_like(end)
                hazard_churn = _mean(end)
                hazard_expansion = _mean(weight * ((turn.moved >= 1) & (turn.moved <= 3)))
        if kind.orders and habits:
            lost = buying.lost
            buying, flow = ordering.month(traits, habits, state, buying, span, kind.orders, draws)
            silence = silence * np.exp(-flow.orders) * ~flow.bought
            if ahead == 0:
                going = sum(flow.hazards[1:], flow.hazards[0]) * (lost == 0) + traits.sudden
                hazard_lapse = _mean(-np.expm1(-going))
                hazard_growth = _mean(flow.bought)
            money += _money(flow, habits, kind.orders, rng, before)
            won = flow.bought & (state.deal > 0) if won is None else won | (flow.bought & (state.deal > 0))
        state = relating.step(traits, state, draws, bought=bought, won=won, tilt=tilt)
    smaller = _shrunk(held, terms) & (terms.back == 0)
    larger = _grown(held, terms) & (terms.back == 0)
    weight = tilt.weight if tilt else np.ones_like(survival)
    return Odds(
        churn=1 - _mean(survival),
        contraction=_mean(survival * smaller * weight) / _mean(weight),
        upsell=_mean(survival * larger * weight) / _mean(weight),
        lapse=_mean(silence),
        growth=_mean(money > (GROWTH_RATIO * before)[:, None]),
        hazard_churn=hazard_churn,
        hazard_expansion=hazard_expansion,
        hazard_lapse=hazard_lapse,
        hazard_growth=hazard_growth,
    )


def _shrunk(before: contracting.Contract, after: contracting.Contract) -> Bools:
    """Whether MRR is down by a tenth, or a module ended and nothing made up for it; in the cents that are written."""
    was, now = _lines(before), _lines(after)
    first, last = sum(was[1:], was[0]), sum(now[1:], now[0])
    gone = ((was[1] > 0) & (now[1] == 0)) | ((was[2] > 0) & (now[2] == 0))
    out: Bools = (last < first * (1 - SAME)) & (gone | (last <= first * (1 - DROP) * (1 + SAME)))
    return out


def _grown(before: contracting.Contract, after: contracting.Contract) -> Bools:
    """Whether MRR is up by a tenth through seats, a plan or a module: what was held counts at its old price."""
    was, now = _lines(before), _lines(after)
    at_old_price = was[0] * np.maximum(after.seats, before.seats) / before.seats
    core = np.where((after.plan == before.plan) & (now[0] > was[0]), np.minimum(now[0], at_old_price), now[0])
    modules = (np.where((b > 0) & (a > b), b, a) for b, a in zip(was[1:], now[1:], strict=True))
    first, last = sum(was[1:], was[0]), sum(modules, core)
    out: Bools = (last > first) & (last * (1 + SAME) >= first * UPLIFT)
    return out


def _lines(terms: contracting.Contract) -> tuple[Floats, ...]:
    """MRR of each line in the cents that are written."""
    return tuple(np.round(line.astype(float), 2) for line in (terms.seats * terms.unit, terms.first, terms.second))


def _money(
    flow: ordering.Flow,
    habits: ordering.Habits,
    dial: ordering.OrderDial,
    rng: np.random.Generator,
    before: Floats,
) -> Floats:
    """Net order amount of a month along each path; only where growth is asked for."""
    asked = ~np.isnan(before)
    out = np.zeros(flow.bought.shape, np.float32)
    shape = out[asked].shape
    orders, mean, returns = (np.broadcast_to(v[asked], shape) for v in (flow.orders, flow.mean, flow.returns))
    count = rng.poisson(orders)
    total = rng.standard_gamma(count * ordering.ORDER_SHAPE) * mean / ordering.ORDER_SHAPE
    total -= rng.standard_gamma(rng.poisson(returns).astype(float)) * mean * ordering.RETURN_SHARE
    project = np.broadcast_to(habits.project[asked], total.shape)
    bought = flow.bought[asked]
    total[bought] += rng.standard_gamma(dial.project_shape, bought.sum()) * project[bought] / dial.project_shape
    out[asked] = total
    return out


def steadied(share: Floats, asked: np.ndarray) -> Floats:
    """Shares of paths as chances: drawn towards their mean as far as the number of paths leaves them uncertain.

    Empirical Bayes with a Beta prior fitted to the accounts asked about, so that no path in 128 does not mean never.
    """
    found = share[asked]
    if len(found) < 2:
        return share
    mean = float(found.mean())
    noise = float((found * (1 - found)).mean()) / (PATHS - 1)
    spread = max(float(found.var()) - noise, 1e-6)
    strength = max(mean * (1 - mean) / spread - 1, 0.0)
    out: Floats = (share * PATHS + strength * mean) / (PATHS + strength)
    return out


def _mean(values: np.ndarray) -> Floats:
    out: Floats = np.mean(values, axis=1, dtype=np.float64)
    return out


def account_months(
    world: World,
    orders: pa.Table | None,
    seed: int,
    progress: Progress | None = None,
) -> pa.Table:
    """The table `truth/account_months`: one row an account and month start, from the month after its birth."""
    calendar, accounts = world.calendar, world.accounts
    net, positive = order_days(world, orders) if orders is not None else (None, None)
    tables = []
    for t in range(calendar.months + 1):
        who = np.flatnonzero(world.here[t])
        start = int(calendar.starts[t])
        recent = np.zeros(len(who), bool)
        before = np.full(len(who), np.nan)
        if net is not None and positive is not None:
            recent = positive.within(start - 180, start)[who] > 0
            spent = net.within(start - HORIZON_DAYS, start)[who]
            before = np.where(recent & (np.round(spent, 4) > 0), spent, np.nan)
        told = odds(world, t, who, before, stream(seed, f"truth {t}"))
        running = (world.contracts[t].active & (world.contracts[t].back == 0))[who]
        columns = {
            "account_id": pa.array(accounts.ids[who]),
            "as_of": days(np.full(len(who), start)),
        }
        state = take(world.relations[t], who)
        if world.kind.contracts:
            columns |= {
                "alive": pa.array(running),
                "hazard_churn": pa.array(told.hazard_churn, mask=~running),
                "hazard_expansion": pa.array(told.hazard_expansion, mask=~running),
                "p_churn_90d": pa.array(told.churn, mask=~running),
                "p_contraction_90d": pa.array(steadied(told.contraction, running), mask=~running),
                "p_upsell_90d": pa.array(told.upsell, mask=~running),
            }
        if world.kind.orders:
            asked = ~np.isnan(before)
            columns |= {
                "ordering": pa.array(recent),
                "hazard_lapse": pa.array(told.hazard_lapse),
                "hazard_growth": pa.array(told.hazard_growth),
                "p_lapse_90d": pa.array(told.lapse, mask=~recent),
                "p_growth_90d": pa.array(steadied(told.growth, asked), mask=~asked),
                "lost": pa.array(world.orderings[t].lost[who] > 0),
                "closed": pa.array(world.orderings[t].closed[who] > 0),
            }
        if not world.kind.contracts:
            columns["alive"] = columns["ordering"]
        for name in ("mood", "depth", "pain", "demand"):
            columns[name] = pa.array(getattr(state, name).astype(np.float32))
        for name in ("champion", "budget", "rival", "deal", "helped"):
            columns[name] = pa.array(getattr(state, name) > 0)
        tables.append(pa.table(columns))
        if progress:
            progress("truth", (t + 1) / (calendar.months + 1))
    return pa.concat_tables(tables)


@dataclass(frozen=True)
class DaySums:
    """Cumulative sums of something by account and day, for sums over spans of days."""

    sums: Floats
    first: int

    def within(self, start: int, end: int) -> Floats:
        """Sum over the days `[start, end)`, by account."""
        a, b = max(start - self.first, 0), max(end - self.first, 0)
        out: Floats = self.sums[b] - self.sums[a]
        return out


def order_days(world: World, orders: pa.Table) -> tuple[DaySums, DaySums]:
    """Net amounts, and numbers of positive lines, of the orders that were written."""
    calendar, n = world.calendar, world.accounts.size
    first = int(calendar.starts[0])
    position = {account: i for i, account in enumerate(world.accounts.ids.tolist())}
    account = np.array([position[a] for a in orders["account_id"].cast(pa.string()).to_pylist()], np.int64)
    day = orders["ordered_at"].cast(pa.int64()).to_numpy() // 86_400_000_000 - first
    amount = orders["amount"].to_numpy()
    out = []
    for weight in (amount, (amount > 0).astype(float)):
        daily = np.bincount(day * n + account, weight, minlength=(calendar.end - first) * n).reshape(-1, n)
        out.append(DaySums(np.vstack([np.zeros((1, n)), np.cumsum(daily, axis=0)]), first))
    return out[0], out[1]


def events_table(world: World) -> pa.Table:
    """The table `truth/events`: what happened to whom, when, why, and whether anything foretold it."""
    events = world.events
    cause = events.cause.astype(object)
    sudden = np.isin(events.cause, (*contracting.SUDDEN, "other"))
    caused = events.cause != ""
    return pa.table(
        {
            "account_id": pa.array(world.accounts.ids[events.account]),
            "time": days(events.day),
            "kind": pa.array(events.kind.astype(str)),
            "cause": pa.array(cause, pa.string(), mask=~caused),
            "forewarned": pa.array(caused & ~sudden),
        }
    )
