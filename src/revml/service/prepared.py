"""Models made ready for the hot path: what decodes rows for them, what reads them, what an answer says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from revml.explanations.reader import Reader
from revml.models.bundle import Bundle
from revml.service.decoding import Decoder

MAX_ROWS = 1000


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
