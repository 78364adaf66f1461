"""The back-test of money: forecasts from earlier origins, as they would have been lived, against what came.

Comes in: a workspace and its facts. Goes out: `MoneyBacktest`: a table of figures for revml and for the simple
forecasts that it must beat. At each origin churn and upsell are learned from what was known then. Nothing is written.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from revml.backtesting.money_methods import Method
from revml.backtesting.money_replay import OriginMoney, replay_money
from revml.backtesting.money_scores import no_scores, scores_at
from revml.backtesting.money_table import Loss, Row, beaten, best, losses, table
from revml.clv.contracts.subscriptions import GRACE_DAYS
from revml.clv.value import MONTH_SECONDS
from revml.config import Workspace
from revml.errors import NotEnoughData
from revml.progress import Progress, silent
from revml.sources.facts import Facts
from revml.sources.remembered import remembering
from revml.windows import month_starts

HORIZONS = (3, 6, 12, 24)
EVERY_MONTHS = 3
HISTORY_MONTHS = 3  # before an origin


@dataclass(frozen=True)
class MoneyBacktest:
    """A replayed forecast.

    Attributes:
        months: the horizon that every origin reaches.
        horizons: in months, those that some origin reaches.
        origins: oldest first; asked: how many were wanted.
        scored: whether models were trained at the origins.
        notes: what a reader must know, in sentences.
    """

    company: str
    currency: str
    months: int
    horizons: tuple[int, ...]
    asked: int
    scored: bool
    observed_until: datetime
    fingerprint: str
    origins: tuple[OriginMoney, ...] = field(repr=False)
    rows: tuple[Row, ...] = field(repr=False)
    losses: tuple[Loss, ...]
    notes: tuple[str, ...]

    def at(self, relation: str, horizon: int, *, cut: str = "all", of: str = "") -> tuple[Row, ...]:
        """The rows of one cut, relation and horizon, a method each."""
        key = (cut, of, relation, horizon)
        return tuple(r for r in self.rows if (r.cut, r.of, r.relation, r.horizon_months) == key)

    @property
    def relations(self) -> tuple[str, ...]:
        """Relations that some origin has; `total` last where there are several."""
        return tuple(dict.fromkeys(row.relation for row in self.rows))

    def to_json(self) -> dict[str, Any]:
        """Plain numbers for programs: rows, the best method of each figure, where revml lost."""
        return {
            "company": self.company,
            "currency": self.currency,
            "months": self.months,
            "horizons": list(self.horizons),
            "asked": self.asked,
            "scored": self.scored,
            "observed_until": self.observed_until.isoformat(),
            "data": self.fingerprint,
            "methods": [str(method) for method in Method if any(row.method == method for row in self.rows)],
            "origins": [
                {
                    "as_of": one.as_of.isoformat(),
                    "scored": list(one.scored),
                    "accounts": {part.relation: len(part.account_id) for part in one.relations},
                }
                for one in self.origins
            ],
            "rows": [row.to_json() for row in self.rows],
            "best": [
                {"relation": relation, "horizon_months": horizon, **{k: list(v) for k, v in best(found).items()}}
                for relation in self.relations
                for horizon in self.horizons
                if (found := self.at(relation, horizon))
            ],
            "beaten": {name: {"won": won, "of": of} for name, (won, of) in beaten(self.rows).items()},
            "losses": [asdict(one) for one in self.losses],
            "notes": list(self.notes),
        }


def backtest_money(
    workspace: Workspace,
    facts: Facts,
    *,
    origins: int = 4,
    months: int = 12,
    scored: bool = True,
    intervals: bool = True,
    progress: Progress | None = None,
) -> MoneyBacktest:
    """Replay the forecast from the newest origins, a quarter apart, whose months have all passed.

    Args:
        origins: how many are wanted; history may give fewer, and a note says so.
        months: what every origin must have been followed for; older ones are followed up to 24.
        scored: train churn and upsell at each origin; without, hazards are those of groups.
        intervals: make intervals and bands at each origin, too, which takes most of the time.

    Raises:
        NotEnoughData: no origin has history before it and so many months after it.
    """
    tell = progress or silent
    found, why = _origins(facts, months, origins)
    replayed = []
    with remembering(facts):
        for k, origin in enumerate(found):

            def part(what: str, share: float, at: datetime = origin, k: int = k) -> None:
                tell(f"{at:%Y-%m}: {what}", 0.95 * (k + share) / len(found))

            def learning(what: str, share: float, told: Progress = part) -> None:
                told(what, 0.5 * share)

            scores = scores_at(workspace, facts, origin, progress=learning) if scored else no_scores(workspace)
            reached = int((facts.observed_until - origin).total_seconds() // MONTH_SECONDS)
            horizons = tuple(sorted({h for h in (*HORIZONS, months) if h <= reached}))
            part("forecast", 0.5 if scored else 0.0)
            one = replay_money(workspace, facts, origin, horizons, scores, intervals=intervals)
            if one.relations:
                replayed.append(one)
    if not replayed:
        raise _nothing(facts, months, "nobody had a contract or an order by then")
    tell("figures", 0.95)
    every = tuple(
        sorted({h for o in replayed for r in o.relations for h in (*HORIZONS, months) if h <= r.came.shape[1]})
    )
    rows = table(replayed, every)
    notes = [note for one in replayed for note in one.notes]
    if len(replayed) < origins:
        notes.append(f"{len(replayed)} of {origins} origins are possible: {why or 'earlier nobody was a customer'}")
    return MoneyBacktest(
        company=workspace.company.name,
        currency=workspace.company.currency,
        months=months,
        horizons=every,
        asked=origins,
        scored=scored,
        observed_until=facts.observed_until,
        fingerprint=facts.fingerprint,
        origins=tuple(replayed),
        rows=rows,
        losses=losses(rows),
        notes=tuple(dict.fromkeys(notes)),
    )


def _origins(facts: Facts, months: int, wanted: int) -> tuple[list[datetime], str]:
    """First days of months, oldest first, and why there are not as many as wanted."""
    tables = [(t, c) for t, c in (("subscriptions", "started_at"), ("orders", "ordered_at")) if facts.has(t)]
    firsts = [facts.con.cursor().execute(f"SELECT min({c}) FROM {t}").fetchall()[0][0] for t, c in tables]
    if not firsts:
        raise _nothing(facts, months, "neither subscriptions nor orders")
    # an end is final only when the grace period has passed
    settle = timedelta(days=GRACE_DAYS if facts.has("subscriptions") else 0)
    last = facts.observed_until - timedelta(seconds=months * MONTH_SECONDS) - settle
    first = min(firsts) + timedelta(seconds=HISTORY_MONTHS * MONTH_SECONDS)
    possible = list(month_starts(first, last))[::-1][::EVERY_MONTHS] if first <= last else []
    if not possible:
        raise _nothing(facts, months, f"data from {min(firsts):%Y-%m-%d} to {facts.observed_until:%Y-%m-%d}")
    return possible[:wanted][::-1], f"the data begin at {min(firsts):%Y-%m-%d}" if len(possible) < wanted else ""


def _nothing(facts: Facts, months: int, got: str) -> NotEnoughData:
    return NotEnoughData(
        "there is nothing to back-test",
        wanted=f"{HISTORY_MONTHS} months of contracts or orders, and {months} months and the grace period after them",
        got=got,
        do="load more history, or give fewer --months",
    )


def kept_file(workspace: Workspace) -> Path:
    """Where the last back-test of the forecast stays, for runs to publish."""
    return workspace.work_dir / "backtests" / "forecast.json"


def last_backtest(workspace: Workspace) -> dict[str, Any] | None:
    """The document of the last `revml forecast --backtest` in this workspace; None where there is none."""
    try:
        found: dict[str, Any] = json.loads(kept_file(workspace).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found
