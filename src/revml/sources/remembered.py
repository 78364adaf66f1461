"""What was worked out of the facts, kept for as long as one piece of work goes on.

Comes in: facts, and what makes an answer. Goes out: the answer, made once. Facts do not change while they are open, so
that the same question of the same facts has the same answer. Nothing is kept outside `remembering`, of each kind only
the newest answers are, and what is long is made again: memory stays bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from revml.sources.facts import Facts

T = TypeVar("T")


@dataclass(frozen=True)
class _Memory:
    facts: Facts
    kinds: dict[str, OrderedDict[Hashable, Any]] = field(default_factory=dict)


_MEMORY: ContextVar[_Memory | None] = ContextVar("revml_memory", default=None)


@contextmanager
def remembering(facts: Facts) -> Iterator[None]:
    """Keep what is worked out of these facts until the end; within another `remembering` of the same facts, until its.

    What other threads ask for is theirs.
    """
    known = _MEMORY.get()
    if known is not None and known.facts is facts:
        yield
        return
    token = _MEMORY.set(_Memory(facts))
    try:
        yield
    finally:
        _MEMORY.reset(token)


def remembered(
    facts: Facts,
    kind: str,
    key: Hashable,
    make: Callable[[], T],
    *,
    most: int,
    small: Callable[[T], bool] | None = None,
) -> T:
    """The answer of `make`, which must depend on the facts, kind and key alone, and must not be changed by who gets it.

    Args:
        most: answers of the kind that are kept; the one that was not asked for longest makes room.
        small: whether an answer may be kept at all; absent means every one.
    """
    memory = _MEMORY.get()
    if memory is None or memory.facts is not facts:
        return make()
    kept = memory.kinds.setdefault(kind, OrderedDict())
    if key in kept:
        kept.move_to_end(key)
        found: T = kept[key]
        return found
    made = make()
    if small is None or small(made):
        kept[key] = made
        while len(kept) > most:
            kept.popitem(last=False)
    return made
