"""What of the service does not work as it should, in a few fixed words; the rest works on.

    draining             this worker is ending
    no-champion          no question has a model that serves: rows cannot be scored
    champion-broken      a model was appointed that cannot serve; the one before serves on, where there was one
    store-away           the scores database does not answer: nothing published can be read
    nothing-published    nothing was scored yet
    scores-stale         the scores' as_of is `service.stale_days` old or older
    registry-away        MLflow cannot be asked which model is champion (`service.follow: registry`)
    workers-missing      fewer workers live than were started
    workers-differ       the workers do not all serve the same models (for a moment, while a change goes round)

The service is ready as long as it can do some of its work: read the store, or score rows with a model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from revml.config import Workspace
from revml.errors import RevmlError
from revml.service.life.board import Board
from revml.service.life.champions import Champions
from revml.service.life.following import Following
from revml.service.life.watch import Watch
from revml.service.metrics import Metrics
from revml.store import Store


class Running(Protocol):
    """What of a running service is looked at."""

    workspace: Workspace
    metrics: Metrics
    champions: Champions
    board: Board
    watch: Watch
    following: Following

    @property
    def leaving(self) -> bool:
        """Whether this worker is ending."""

    @property
    def store(self) -> Store:
        """The scores database; raises StoreError while it is away."""


@dataclass(frozen=True)
class Health:
    """What was found."""

    ready: bool
    degraded: tuple[str, ...]
    checks: dict[str, dict[str, Any]] = field(repr=False)


def examine(serving: Running) -> Health:
    """Look at everything; tells the metrics what holds. It asks the store, so it does not belong on the event loop."""
    store, models, workers = _store(serving), _models(serving), _workers(serving)
    checks = {"store": store, "models": models, "workers": workers}
    found = [reason for check in checks.values() for reason in check.get("degraded", ())]
    if serving.workspace.service.follow == "registry":
        checks["registry"] = serving.following.check()
        found += checks["registry"].get("degraded", ())
    if serving.leaving:
        found.insert(0, "draining")
    if serving.watch.problem:
        models["watch"] = serving.watch.problem
    serving.metrics.degraded(found)
    ready = not serving.leaving and (store["ok"] or bool(models["serving"]))
    return Health(ready, tuple(found), checks)


def age_seconds(as_of: datetime, now: datetime | None = None) -> float:
    """How old an as_of is; naive instants are UTC.

    >>> age_seconds(datetime(2026, 3, 1), datetime(2026, 3, 2))
    86400.0
    """
    today = now or datetime.now(UTC).replace(tzinfo=None)
    return max(0.0, (today - as_of).total_seconds())


def _store(serving: Running) -> dict[str, Any]:
    try:
        run = serving.store.current()
    except RevmlError as error:
        return {"ok": False, "problem": error.what, "degraded": ["store-away"]}
    if run is None:
        problem = {"problem": "nothing was scored yet", "do": "run `revml score`"}
        return {"ok": False, **problem, "degraded": ["nothing-published"]}
    age = age_seconds(run.as_of)
    serving.metrics.age(age)
    stale = age >= serving.workspace.service.stale_days * 86400
    told = {"run": run.id, "as_of": run.as_of, "published_at": run.published_at, "age_days": round(age / 86400, 1)}
    return {"ok": True, **told, "stale": stale, **({"degraded": ["scores-stale"]} if stale else {})}


def _models(serving: Running) -> dict[str, Any]:
    broken, loaded = serving.champions.broken, serving.champions.loaded
    check: dict[str, Any] = {"ok": not broken, "serving": {q: b.version for q, b in loaded.items()}}
    found = ["champion-broken"] if broken else []
    if not loaded:
        found.append("no-champion")
    if broken:
        check["problem"] = {question: error.what for question, error in broken.items()}
    return check | ({"degraded": found} if found else {})


def _workers(serving: Running) -> dict[str, Any]:
    notes = serving.board.notes()
    found = []
    if len(notes) < serving.board.expected:
        found.append("workers-missing")
    if len({str(note.get("serving")) for note in notes.values()}) > 1:
        found.append("workers-differ")
    check = {"ok": not found, "expected": max(serving.board.expected, len(notes)), "living": len(notes)}
    return check | ({"degraded": found} if found else {})
