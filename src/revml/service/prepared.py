"""Models made ready for the hot path: what decodes rows for them, what reads them, what an answer says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from revml.explanations.reader import Reader
from revml.models.bundle import Bundle
from revml.service.decoding import Decoder

MAX_ROWS = 1000
KEPT = 2  # models of a question beside the newest


@dataclass(frozen=True)
class Prepared:
    """A model that serves."""

    bundle: Bundle
    decoder: Decoder
    reader: Reader
    told: dict[str, Any]

    @classmethod
    def of(cls, bundle: Bundle, *, currency: str) -> Prepared:
        """Prepare a loaded model; takes a fraction of a second, so do it before the model serves."""
        told = {
            "version": bundle.version,
            "bundle": bundle.hash,
            "rung": bundle.rung,
            "horizon_days": bundle.horizon_days,
            "base_rate": bundle.base_rate,
        }
        return cls(bundle, Decoder(bundle, max_rows=MAX_ROWS), Reader(bundle, currency=currency), told)


class PreparedModels:
    """The prepared models of a service: those that serve, and those before them, for requests that began with one."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._made: dict[int, Prepared] = {}  # by the identity of its bundle, which it keeps alive

    def of(self, bundle: Bundle) -> Prepared:
        """The prepared form of a model; a read of a dictionary once it was prepared."""
        made = self._made.get(id(bundle))
        return made if made is not None else self._prepare(bundle)

    def _prepare(self, bundle: Bundle) -> Prepared:
        made = Prepared.of(bundle, currency=self._currency)
        others = [one for one in self._made.values() if one.bundle.question != bundle.question]
        before = [one for one in self._made.values() if one.bundle.question == bundle.question][-KEPT:]
        self._made = {id(one.bundle): one for one in (*others, *before, made)}
        return made
