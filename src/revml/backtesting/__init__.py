"""Back-tests: the past replayed as it would have been lived, origin by origin, in figures, words and pictures."""

from __future__ import annotations

from revml.backtesting.replay import Backtest, Replayed, backtest, must_have_a_past

__all__ = ["Backtest", "Replayed", "backtest", "must_have_a_past"]
