"""The one path that becomes the data: all accounts month by month, with every latent state kept for truth and for traces.

Comes in: a kind, a calendar, the accounts. Goes out: a `World`: the states at each month's first instant, the log of contract
terms, and the events with their true causes. Nothing here writes tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from revml.sources.samples import contracts as contracting
from revml.sources.samples import relation as relating
from revml.sources.samples.accounts import Accounts
from revml.sources.samples.clock import Bools, Calendar, Floats, Ints, Span
from revml.sources.samples.contracts import CAUSES, SUDDEN, Contract, Turn
from revml.sources.samples.draws import PlainDraws, stream
from revml.sources.samples.kinds import Kind
from revml.sources.samples.relation import Relation, where

MOVES = ("", "expansion", "upgrade", "new module", "contraction", "module dropped")


@dataclass(frozen=True)
class TermsLog:
    """Entries of contract terms: from `day` on these terms hold (or nothing, where `ended`). Equal lengths, by account and day."""

    account: Ints
    episode: Ints
    day: Ints
    ended: Bools
    reason: np.ndarray
    plan: Ints
    seats: Floats
    core: Floats
    first: Floats
    second: Floats
    due: Ints
    due_day: Ints
    term: Ints


@dataclass(frozen=True)
class EventLog:
    """What happened and why, for truth."""

    account: Ints
    day: Ints
    kind: np.ndarray
    cause: np.ndarray


@dataclass(frozen=True)
class World:
    """Everything that happened in a sample company, the hidden part included.

    `relations[t]`, `contracts[t]` are the states of all accounts at the first instant of month t; `here[t]` tells whose state means
    anything (born before). There is one more state than months: the one at the end of the data.
    """

    kind: Kind
    calendar: Calendar
    accounts: Accounts
    relations: list[Relation]
    contracts: list[Contract]
    here: list[Bools]
    log: TermsLog
    events: EventLog

    def history(self, name: str) -> Floats:
        """One latent variable as (months + 1, accounts)."""
        return np.stack([getattr(r, name) for r in self.relations])


class _Log:
    """Collects entries month by month."""

    def __init__(self) -> None:
        self.rows: list[dict[str, np.ndarray]] = []

    def add(self, **columns: np.ndarray) -> None:
        if len(columns["account"]):
            self.rows.append(columns)

    def column(self, name: str) -> np.ndarray:
        return np.concatenate([row[name] for row in self.rows]) if self.rows else np.array([])


def live(
    kind: Kind,
    calendar: Calendar,
    accounts: Accounts,
    seed: int,
    progress: Callable[[str, float], None] | None = None,
) -> World:
    """Let the company live through its months."""
    rng = stream(seed, "world")
    n = accounts.size
    draws = PlainDraws(rng, n)
    traits = accounts.traits
    old = accounts.born < 0
    state = where(old, relating.settled(traits, draws), relating.fresh(traits, draws))
    terms = _first_terms(kind, calendar, accounts, rng)
    episode = np.zeros(n, np.int64)
    ended_month = np.full(n, -1)
    log, events = _Log(), _Log()
    standing = np.flatnonzero(old & terms.active)
    began = calendar.day(terms.due[standing] - terms.term[standing], terms.day[standing])
    _enter(log, terms, standing, np.maximum(began, accounts.created[standing]), "", episode)
    relations, contracts, here = [], [], []
    for t in range(calendar.months):
        relations.append(state)
        contracts.append(terms)
        here.append(accounts.born < t)
        span = Span.of(calendar, t)
        after, turn = contracting.month(traits, state, terms, span, kind.dial, draws)
        after, end_day = _outcome(log, events, calendar, span, rng, traits, state, terms, after, turn, episode)
        ended = end_day >= 0
        ended_month[ended] = t
        moved_on = relating.step(traits, state, draws)
        # those who left may come back much later, with a new contract and a fresh start
        back = ~after.active & (ended_month >= 0) & (t - ended_month >= 5) & (rng.random(n) < 0.005)
        newborn = (accounts.born == t) & _contracted(accounts, kind)
        begin = newborn | back
        first = relating.fresh(traits, draws)
        state = where(begin | (accounts.born == t), first, moved_on)
        start = np.where(
            newborn, accounts.created + (rng.random(n) * 3).astype(int), span.start + 1 + rng.integers(0, 27, n)
        )
        start = np.minimum(start, span.start + span.days - 1)
        terms = where(begin, _new_terms(kind, accounts, rng, start, t, calendar), after)
        episode[back] += 1
        who = np.flatnonzero(begin)
        _enter(log, terms, who, start[who], "", episode)
        events.add(
            account=who,
            day=start[who],
            kind=np.where(back[who], "reactivation", "new"),
            cause=np.full(len(who), ""),
        )
        if progress:
            progress(f"month {t + 1} of {calendar.months}", (t + 1) / calendar.months)
    relations.append(state)
    contracts.append(terms)
    here.append(accounts.born < calendar.months)
    return World(kind, calendar, accounts, relations, contracts, here, _terms_log(log), _event_log(events))


def _contracted(accounts: Accounts, kind: Kind) -> Bools:
    """Whose relation begins with a contract (a fixed share, told by the id alone)."""
    return (np.arange(accounts.size) * 0.618034) % 1 < kind.contracts


def _new_terms(
    kind: Kind, accounts: Accounts, rng: np.random.Generator, start: Ints, t: int, calendar: Calendar
) -> Contract:
    n = accounts.size
    plan_pull = np.log(accounts.employees) * 0.45 + rng.normal(0, 0.8, n)
    plan = np.clip(np.floor(plan_pull - 0.9), 0, len(kind.plans) - 1).astype(np.int64)
    share = np.clip(np.exp(rng.normal(-1.5, 0.8, n)), 0.02, 1.0)
    seats = np.clip(np.rint(accounts.employees * share), 2, 900)
    price = np.array([p.price for p in kind.plans])[plan]
    discount = np.exp(rng.normal(-0.08, 0.15, n)) * (1 - 0.04 * np.log(seats))
    months = np.array([m for m, _ in kind.terms])
    weights = np.array([w for _, w in kind.terms])
    term = months[rng.choice(len(months), size=n, p=weights / weights.sum())]
    term = np.where((seats < 5) & (rng.random(n) < 0.5), months.min(), term)
    with_module = rng.random(n) < 0.16
    day = np.clip(start - calendar.starts[t] + 1, 2, 28)
    return Contract(
        active=np.ones(n, bool),
        back=np.zeros(n, np.int64),
        plan=plan,
        seats=seats,
        unit=price * discount,
        first=np.where(with_module & (len(kind.modules) > 0), seats * price * (0.12 + 0.2 * rng.random(n)), 0.0),
        second=np.zeros(n),
        due=t + term,
        day=day.astype(np.int64),
        term=term,
        offer=np.full(n, -1.0),
    )


def _first_terms(kind: Kind, calendar: Calendar, accounts: Accounts, rng: np.random.Generator) -> Contract:
    """Terms of those who are customers when the data begins: somewhere within their current term."""
    n = accounts.size
    new = _new_terms(kind, accounts, rng, np.full(n, calendar.starts[0]), 0, calendar)
    due = (rng.random(n) * new.term).astype(np.int64)
    held = {f.name: getattr(new, f.name) for f in fields(new)}
    held |= {
        "active": (accounts.born < 0) & _contracted(accounts, kind),
        "due": due,
        "day": rng.integers(2, 29, n),
    }
    return Contract(**held)


def _outcome(
    log: _Log,
    events: _Log,
    calendar: Calendar,
    span: Span,
    rng: np.random.Generator,
    traits: Traits,
    now: Relation,
    before: Contract,
    after: Contract,
    turn: Turn,
    episode: Ints,
) -> tuple[Contract, Ints]:
    """Draw what really happens in a month; gives the terms at its end and the day of ending (-1 where none)."""
    n = len(before.seats)
    u_end, u_sudden, u_cause, u_day = rng.random((4, n))
    renewal = span.start + before.day - 1
    at_renewal = u_end < turn.p_end
    suddenly = u_sudden < turn.p_sudden
    sudden_day = span.start + 1 + (u_day * contracting.MOST_MOVE_DAY).astype(np.int64)
    never = np.iinfo(np.int64).max
    last_day = np.minimum(np.where(at_renewal, renewal, never), np.where(suddenly, sudden_day, never))
    late = turn.late & ~at_renewal
    last_day = np.where(suddenly & late, np.minimum(last_day, renewal), last_day)
    ended = last_day < never
    foretold = at_renewal | (u_cause * (turn.broken + traits.sudden) < turn.broken)
    spread = np.cumsum(np.stack(turn.hazards), axis=0)
    cause_index = (rng.random(n) * spread[-1] >= spread).sum(axis=0)
    names = np.array(CAUSES)[np.minimum(cause_index, len(CAUSES) - 1)]
    sudden_names = np.array(SUDDEN)[(rng.random(n) < 0.45).astype(int)]
    cause = np.where(foretold, names, sudden_names)

    change_day = span.start + turn.offset
    changed = ((turn.moved > 0) | turn.renewing) & (~ended | (change_day < last_day)) & ~(late & ~ended)
    who = np.flatnonzero(changed)
    moves = np.array(MOVES)
    _enter(log, after, who, change_day[who], np.where(turn.renewing[who], "renewed", moves[turn.moved[who]]), episode)
    gone = np.flatnonzero(ended)
    _enter(log, before, gone, last_day[gone], _said(rng, cause[gone]), episode, ended=True)
    events.add(account=gone, day=last_day[gone], kind=np.full(len(gone), "churn"), cause=cause[gone])
    shifted = np.flatnonzero(changed & (turn.moved > 0))
    events.add(
        account=shifted, day=change_day[shifted], kind=moves[turn.moved[shifted]], cause=np.full(len(shifted), "")
    )
    paused = np.flatnonzero(late & ~ended)
    _enter(log, before, paused, renewal[paused], "renewed late", episode, ended=True)
    episode[paused] += 1
    again = renewal + turn.gap
    _enter(log, after, paused, again[paused], "", episode)
    events.add(
        account=paused, day=renewal[paused], kind=np.full(len(paused), "late renewal"), cause=np.full(len(paused), "")
    )

    held = {f.name: getattr(after, f.name) for f in fields(after)}
    held["active"] = after.active & ~ended
    held["back"] = np.where(ended, 0, after.back)
    return Contract(**held), np.where(ended, last_day, -1)


REASONS = {
    "adoption": ("not used enough", "no longer needed"),
    "fit": ("missing features", "no longer needed"),
    "support": ("service quality", "missing features"),
    "champion": ("no longer needed", "reorganisation"),
    "budget": ("budget", "price"),
    "competitor": ("competitor", "price"),
    "price": ("price", "budget"),
    "other": ("other", "no longer needed"),
    "acquired": ("acquired", "reorganisation"),
    "insolvent": ("insolvency", "insolvency"),
}


def _said(rng: np.random.Generator, cause: np.ndarray) -> np.ndarray:
    """What the company wrote down as the reason: often the true cause, sometimes another, sometimes nothing."""
    u = rng.random(len(cause))
    pick = (rng.random(len(cause)) < 0.3).astype(int)
    said = [REASONS[c][p] if x < 0.8 else "unknown" for c, p, x in zip(cause.tolist(), pick, u, strict=True)]
    return np.array(said, dtype="U24")


def _enter(
    log: _Log,
    terms: Contract,
    who: Ints,
    day: Ints,
    reason: str | np.ndarray,
    episode: Ints,
    *,
    ended: bool = False,
) -> None:
    """Write terms that hold from a day on (or that nothing holds from it on)."""
    log.add(
        account=who,
        episode=episode[who].copy(),
        day=day,
        ended=np.full(len(who), ended),
        reason=np.full(len(who), reason, dtype="U24") if isinstance(reason, str) else reason.astype("U24"),
        plan=terms.plan[who],
        seats=terms.seats[who],
        core=np.round(terms.seats[who] * terms.unit[who], 2),
        first=np.round(terms.first[who], 2),
        second=np.round(terms.second[who], 2),
        due=terms.due[who],
        due_day=terms.day[who],
        term=terms.term[who],
    )


def _terms_log(log: _Log) -> TermsLog:
    columns = {f.name: log.column(f.name) for f in fields(TermsLog)}
    order = np.lexsort((columns["day"], columns["episode"], columns["account"]))
    return TermsLog(**{name: column[order] for name, column in columns.items()})


def _event_log(log: _Log) -> EventLog:
    columns = {f.name: log.column(f.name) for f in fields(EventLog)}
    order = np.lexsort((columns["kind"], columns["account"], columns["day"]))
    return EventLog(**{name: column[order] for name, column in columns.items()})
