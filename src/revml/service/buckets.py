"""A token bucket: so many requests a second on average, a second's worth at once."""

from __future__ import annotations


class Bucket:
    """A bucket that fills at a rate and holds one second's worth, at least one.

    >>> bucket = Bucket()
    >>> bucket.take(2.0, now=0.0), bucket.take(2.0, now=0.0), bucket.take(2.0, now=0.0), bucket.take(2.0, now=0.5)
    (0.0, 0.0, 0.5, 0.0)
    """

    __slots__ = ("_at", "_tokens")

    def __init__(self) -> None:
        self._tokens, self._at = 0.0, float("-inf")

    def take(self, rate: float, *, now: float) -> float:
        """Take a token; returns 0 where there was one, else the seconds until there is."""
        most = rate if rate > 1.0 else 1.0
        tokens = min(most, self._tokens + (now - self._at) * rate)
        self._at = now
        if tokens >= 1.0:
            self._tokens = tokens - 1.0
            return 0.0
        self._tokens = tokens
        return (1.0 - tokens) / rate
