"""The one path that becomes the data: all accounts month by month, with every latent state kept.

Comes in: a kind, a calendar, the accounts. Goes out: a `World`: the states at each month's first instant, the flows of
orders, the log of contract terms, and the events with their true causes. Nothing here writes tables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from revml.progress import Progress
from revml.sources.samples import contracts as contracting
from revml.sources.samples import ordering
from revml.sources.samples import relation as relating
from revml.sources.samples.accounts import Accounts
from revml.sources.samples.clock import Bools, Calendar, Floats, Ints, Span
from revml.sources.samples.contracts import CAUSES, SUDDEN, Contract, Turn
from revml.sources.samples.draws import PlainDraws, stream
from revml.sources.samples.kinds import Kind
from revml.sources.samples.ledger import EventLog, Ledger, TermsLog, said
from revml.sources.samples.ordering import Flow, Habits, Ordering
from revml.sources.samples.relation import Relation, where

NEVER = np.int64(2**40)  # a day that does not come
MOVES = ("", "expansion", "upgrade", "new module", "contraction", "module dropped")


@dataclass(frozen=True)
class World:
    """Everything that happened in a sample company, the hidden part included.

    `relations[t]`, `contracts[t]`, `orderings[t]` are the states of all accounts at the first instant of month t;
    `here[t]` tells whose state means anything (born before). There is one more state than months: the one at the end
    of the data. `flows[t]`, `won[t]` (deals), `won_day[t]` and `ends[t]` (day on which the contract ended, far away
    where it did not) are what month t brought.
    """

    kind: Kind
    calendar: Calendar
    accounts: Accounts
    habits: Habits | None
    relations: list[Relation]
    contracts: list[Contract]
    orderings: list[Ordering]
    flows: list[Flow]
    here: list[Bools]
    won: list[Bools]
    won_day: list[Ints]
    ends: list[Ints]
    log: TermsLog
    events: EventLog

    def history(self, name: str) -> Floats:
        """One latent variable as (months + 1, accounts)."""
        return np.stack([getattr(r, name) for r in self.relations])

    def halves(self, name: str) -> Floats:
        """One latent variable as (2 × months, accounts): what happens in a month shows from its middle on.

        The state at a month's start holds what changed in the month before, so traces of the second half of a month
        follow the state that the next one begins with; otherwise nothing could be seen before a snapshot.
        """
        held = self.history(name)
        return np.stack([held[:-1], held[1:]], axis=1).reshape(-1, held.shape[1])

    def seats(self) -> Floats:
        """Seats under contract as (months + 1, accounts), 0 where none runs."""
        return np.stack([np.where(c.active, c.seats, 0.0) for c in self.contracts])

    def served(self) -> Bools:
        """Who is a customer at the start of each month, as (months, accounts)."""
        if self.kind.orders is None:
            return np.stack([c.active for c in self.contracts[:-1]])
        return np.stack([h & (o.closed == 0) for h, o in zip(self.here[:-1], self.orderings[:-1], strict=True)])

    def before_end(self, month: Ints, account: Ints, day: Ints) -> Bools:
        """Whether days of some months lie before the end of the account's contract, where it ended in that month."""
        found: Bools = day < np.stack(self.ends)[month, account]
        return found


def live(
    kind: Kind,
    calendar: Calendar,
    accounts: Accounts,
    seed: int,
    progress: Progress | None = None,
) -> World:
    """Let the company live through its months."""
    rng = stream(seed, "world")
    n = accounts.size
    draws = PlainDraws(rng, n)
    traits = accounts.traits
    old = accounts.born < 0
    state = where(old, relating.settled(traits, draws), relating.fresh(traits, draws))
    terms = _first_terms(kind, calendar, accounts, rng)
    habits = ordering.make_habits(kind.orders, accounts.employees, rng) if kind.orders else None
    buying = ordering.first_state(kind.orders, accounts.employees, rng) if kind.orders else _no_orders(n)
    ended_month = np.full(n, -1)
    ledger = Ledger(n)
    standing = np.flatnonzero(old & terms.active)
    began = calendar.day(terms.due[standing] - terms.term[standing], terms.day[standing])
    ledger.terms(terms, standing, np.maximum(began, accounts.created[standing]))
    relations, contracts, orderings, here = [], [], [], []
    flows: list[Flow] = []
    won_log, won_day, ends = [], [], []
    for t in range(calendar.months + 1):
        relations.append(state)
        contracts.append(terms)
        orderings.append(buying)
        here.append(accounts.born < t)
        if t == calendar.months:
            break
        span = Span.of(calendar, t)
        after, turn = contracting.month(traits, state, terms, span, kind.dial, draws)
        after, end_day, sudden = _outcome(ledger, span, rng, traits, terms, after, turn)
        ended_month[end_day >= 0] = t
        won, day = turn.won & (end_day < 0), span.start + turn.offset
        if kind.orders and habits:
            after_buying, flow = ordering.month(traits, habits, state, buying, span, kind.orders, draws)
            flow = replace(flow, closing=np.where(terms.active, sudden, flow.closing))
            after_buying = replace(after_buying, closed=np.maximum(buying.closed, flow.closing))
            buying = where(here[t], after_buying, buying)
            flows.append(flow)
            _write_leaving(ledger, span, rng, flow, here[t])
            by_order = flow.bought & (state.deal > 0) & here[t]
            won, day = won | by_order, np.where(by_order, span.start + flow.buy_offset, day)
        won_log.append(won)
        won_day.append(day)
        ends.append(np.where(end_day >= 0, end_day, NEVER))
        moved_on = relating.step(traits, state, draws, bought=turn.bought if kind.dial.deals else None, won=won)

        # new customers begin; those who left may come back much later, with a new contract and a fresh start
        back = ~after.active & (ended_month >= 0) & (t - ended_month >= 5) & (rng.random(n) < 0.005)
        back &= buying.closed == 0
        newborn = (accounts.born == t) & _contracted(accounts, kind)
        attached = np.zeros(n, bool)
        if kind.orders and kind.contracts:
            attached = here[t] & ~after.active & (ended_month < 0) & (buying.closed + buying.lost == 0)
            attached &= rng.random(n) < kind.orders.attach
        begin = newborn | back | attached
        state = where((accounts.born == t) | (back & (kind.orders is None)), relating.fresh(traits, draws), moved_on)
        start = np.where(newborn, accounts.created + rng.integers(0, 3, n), span.start + 1 + rng.integers(0, 27, n))
        start = np.minimum(start, span.start + span.days - 1)
        terms = where(begin, _new_terms(kind, accounts, rng, start, t, calendar, buying.machines), after)
        ledger.episode[back] += 1
        who = np.flatnonzero(begin)
        ledger.terms(terms, who, start[who])
        ledger.event(who, start[who], np.where(back[who], "reactivation", "new"))
        if progress:
            progress(f"month {t + 1} of {calendar.months}", (t + 1) / calendar.months)
    log, events = ledger.close()
    return World(
        kind,
        calendar,
        accounts,
        habits,
        relations,
        contracts,
        orderings,
        flows,
        here,
        won_log,
        won_day,
        ends,
        log,
        events,
    )


def _no_orders(n: int) -> Ordering:
    zero = np.zeros(n)
    return Ordering(lost=zero, closed=zero, shock=zero, machines=zero)


def _contracted(accounts: Accounts, kind: Kind) -> Bools:
    """Whose relation begins with a contract (a fixed share, told by the position alone)."""
    return (np.arange(accounts.size) * 0.618034) % 1 < kind.contracts


def _new_terms(
    kind: Kind,
    accounts: Accounts,
    rng: np.random.Generator,
    start: Ints,
    t: int,
    calendar: Calendar,
    machines: Floats,
) -> Contract:
    """Terms of a contract that starts in month t."""
    n = accounts.size
    plan_pull = np.log(accounts.employees) * 0.45 + rng.normal(0, 0.8, n)
    plan = np.clip(np.floor(plan_pull - 0.9), 0, max(len(kind.plans) - 1, 0)).astype(np.int64)
    share = np.clip(np.exp(rng.normal(-1.5, 0.8, n)), 0.02, 1.0)
    seats = np.clip(np.rint(accounts.employees * share), 2, 900)
    if kind.machines:
        seats = np.maximum(1, np.rint(machines * rng.uniform(0.4, 1.0, n)))
    price = np.array([p.price for p in kind.plans] or [0.0])[plan]
    discount = np.exp(rng.normal(-0.08, 0.15, n)) * np.maximum(1 - 0.04 * np.log(seats), 0.5)
    months = np.array([m for m, _ in kind.terms] or [12])
    weights = np.array([w for _, w in kind.terms] or [1.0])
    term = months[rng.choice(len(months), size=n, p=weights / weights.sum())]
    term = np.where((seats < 5) & (rng.random(n) < 0.5), months.min(), term)
    with_module = rng.random(n) < 0.16
    return Contract(
        active=np.ones(n, bool),
        back=np.zeros(n, np.int64),
        plan=plan,
        seats=seats,
        unit=price * discount,
        first=np.where(with_module, seats * price * (0.12 + 0.2 * rng.random(n)), 0.0),
        second=np.zeros(n),
        due=t + term,
        day=np.clip(start - calendar.starts[t] + 1, 2, 28).astype(np.int64),
        term=term,
        offer=np.full(n, -1.0),
    )


def _first_terms(kind: Kind, calendar: Calendar, accounts: Accounts, rng: np.random.Generator) -> Contract:
    """Terms of those who are customers when the data begins: somewhere within their current term."""
    n = accounts.size
    machines = 1.0 + rng.poisson((accounts.employees / 60) ** 0.6 * 1.6 * bool(kind.machines))
    new = _new_terms(kind, accounts, rng, np.full(n, calendar.starts[0]), 0, calendar, machines)
    return replace(
        new,
        active=(accounts.born < 0) & _contracted(accounts, kind),
        due=(rng.random(n) * new.term).astype(np.int64),
        day=rng.integers(2, 29, n),
    )


def _outcome(
    ledger: Ledger,
    span: Span,
    rng: np.random.Generator,
    traits: relating.Traits,
    before: Contract,
    after: Contract,
    turn: Turn,
) -> tuple[Contract, Ints, Bools]:
    """Draw what really happens to the contracts in a month.

    Returns the terms at its end, the day of ending (-1 where none), and who ended by a sudden cause.
    """
    n = len(before.seats)
    u_end, u_sudden, u_cause, u_day = rng.random((4, n))
    renewal = span.start + before.day - 1
    at_renewal = u_end < turn.p_end
    suddenly = u_sudden < turn.p_sudden
    sudden_day = span.start + 1 + (u_day * contracting.MOST_MOVE_DAY).astype(np.int64)
    last_day = np.minimum(np.where(at_renewal, renewal, NEVER), np.where(suddenly, sudden_day, NEVER))
    late = turn.late & ~at_renewal
    last_day = np.where(suddenly & late, np.minimum(last_day, renewal), last_day)
    ended = last_day < NEVER
    foretold = at_renewal | (u_cause * (turn.broken + traits.sudden) < turn.broken)
    spread = np.cumsum(np.stack(turn.hazards), axis=0)
    index = (rng.random(n) * spread[-1] >= spread).sum(axis=0)
    cause = np.where(
        foretold,
        np.array(CAUSES)[np.minimum(index, len(CAUSES) - 1)],
        np.array(SUDDEN)[(rng.random(n) < 0.45).astype(int)],
    )

    change_day = span.start + turn.offset
    changed = ((turn.moved > 0) | turn.renewing) & (~ended | (change_day < last_day)) & ~(late & ~ended)
    who = np.flatnonzero(changed)
    moves = np.array(MOVES)[turn.moved]
    ledger.terms(after, who, change_day[who], np.where(turn.renewing, "renewed", moves)[who])
    gone = np.flatnonzero(ended)
    ledger.terms(before, gone, last_day[gone], said(rng, cause[gone]), ended=True)
    ledger.event(gone, last_day[gone], "churn", cause[gone])
    shifted = np.flatnonzero(changed & (turn.moved > 0))
    ledger.event(shifted, change_day[shifted], moves[shifted])
    paused = np.flatnonzero(late & ~ended)
    ledger.terms(before, paused, renewal[paused], "renewed late", ended=True)
    ledger.episode[paused] += 1
    ledger.terms(after, paused, (renewal + turn.gap)[paused])
    ledger.event(paused, renewal[paused], "late renewal")
    held = replace(after, active=after.active & ~ended, back=np.where(ended, 0, after.back))
    return held, np.where(ended, last_day, -1), ended & ~foretold


def _write_leaving(ledger: Ledger, span: Span, rng: np.random.Generator, flow: Flow, here: Bools) -> None:
    """Write down who begins to buy elsewhere, and who closes."""
    n = len(here)
    spread = np.cumsum(np.stack(flow.hazards), axis=0)
    index = (rng.random(n) * spread[-1] >= spread).sum(axis=0)
    cause = np.array(CAUSES)[np.minimum(index, len(CAUSES) - 1)]
    sudden = np.array(SUDDEN)[(rng.random(n) < 0.45).astype(int)]
    last = span.start + span.days - 1
    for flag, why in ((flow.leaving, cause), (flow.closing, sudden)):
        who = np.flatnonzero(flag & here)
        ledger.event(who, np.full(len(who), last), "lapse", why[who])
