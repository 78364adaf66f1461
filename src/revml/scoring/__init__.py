"""One scoring run: every account that is at risk of something, its probabilities, its reasons, its value.

run             the run itself, and its publication
champions       the models in service, and what a run tells of them
now_and_before  who is at risk, with features now and 12 weeks before
scores          probabilities with rank, band and money
told            scores and reasons, question by question
ready_run       the run of the questions that ready tables answer
account_rows    who the accounts are

What makes a run is imported when it is asked for: whoever asks about one account does not load what scores them all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from revml.scoring.account_rows import account_frame
from revml.scoring.champions import champions
from revml.scoring.now_and_before import at_risk_and_before, existing, now_and_before, told_since
from revml.scoring.scores import score, share_at_stake

if TYPE_CHECKING:
    from revml.scoring.run import PART_ROWS, publish_run, score_workspace

__all__ = [
    "PART_ROWS",
    "account_frame",
    "at_risk_and_before",
    "champions",
    "existing",
    "now_and_before",
    "publish_run",
    "score",
    "score_workspace",
    "share_at_stake",
    "told_since",
]


def __getattr__(name: str) -> Any:
    if name not in ("PART_ROWS", "publish_run", "score_workspace"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.run"), name)
