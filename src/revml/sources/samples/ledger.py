"""What the living company writes down as it goes: contract terms by day, and the events with their true causes."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from revml.sources.samples.clock import Bools, Floats, Ints
from revml.sources.samples.contracts import Contract

# What the company writes down as the reason of an end, by the true cause: the usual one, another one.
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


@dataclass(frozen=True)
class TermsLog:
    """Contract terms that hold from `day` on (or nothing, where `ended`), sorted by account, episode and day."""

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
    """What happened and why, sorted by day."""

    account: Ints
    day: Ints
    kind: np.ndarray
    cause: np.ndarray


class Ledger:
    """Collects entries month by month."""

    def __init__(self, accounts: int) -> None:
        self.episode = np.zeros(accounts, np.int64)  # contracts an account has had before the present one
        self._terms: list[dict[str, np.ndarray]] = []
        self._events: list[dict[str, np.ndarray]] = []

    def terms(
        self, terms: Contract, who: Ints, day: Ints, reason: str | np.ndarray = "", *, ended: bool = False
    ) -> None:
        """Terms of some accounts hold from a day on (or nothing holds from it on); the reason ends what held before."""
        self._terms.append(
            {
                "account": who,
                "episode": self.episode[who],
                "day": day,
                "ended": np.full(len(who), ended),
                "reason": np.broadcast_to(np.asarray(reason, dtype="U24"), who.shape),
                "plan": terms.plan[who],
                "seats": terms.seats[who],
                "core": np.round(terms.seats[who] * terms.unit[who], 2),
                "first": np.round(terms.first[who], 2),
                "second": np.round(terms.second[who], 2),
                "due": terms.due[who],
                "due_day": terms.day[who],
                "term": terms.term[who],
            }
        )

    def event(self, who: Ints, day: Ints, kind: str | np.ndarray, cause: str | np.ndarray = "") -> None:
        """Something happened to some accounts."""
        self._events.append(
            {
                "account": who,
                "day": day,
                "kind": np.broadcast_to(np.asarray(kind, dtype="U24"), who.shape),
                "cause": np.broadcast_to(np.asarray(cause, dtype="U24"), who.shape),
            }
        )

    def close(self) -> tuple[TermsLog, EventLog]:
        """Everything written, in order."""
        terms = _columns(self._terms, TermsLog)
        order = np.lexsort((terms["day"], terms["episode"], terms["account"]))
        events = _columns(self._events, EventLog)
        by_day = np.lexsort((events["kind"], events["account"], events["day"]))
        return (
            TermsLog(**{name: column[order] for name, column in terms.items()}),
            EventLog(**{name: column[by_day] for name, column in events.items()}),
        )


def said(rng: np.random.Generator, cause: np.ndarray) -> np.ndarray:
    """The reason written down: often that of the true cause, sometimes another, sometimes unknown."""
    pick = (rng.random(len(cause)) < 0.3).astype(int).tolist()
    known = (rng.random(len(cause)) < 0.8).tolist()
    written = [REASONS[c][p] if k else "unknown" for c, p, k in zip(cause.tolist(), pick, known, strict=True)]
    return np.array(written, dtype="U24")


def _columns(rows: list[dict[str, np.ndarray]], of: type) -> dict[str, np.ndarray]:
    return {f.name: np.concatenate([row[f.name] for row in rows]) for f in fields(of)}
