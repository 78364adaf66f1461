"""One scoring run: every account that is at risk of something, its probabilities, its reasons, its value.

run             the run itself, and its publication
champions       the models in service, and what a run tells of them
now_and_before  who is at risk, with features now and 12 weeks before
scores          probabilities with rank, band and money
told            scores and reasons, question by question
ready_run       the run of the questions that ready tables answer
account_rows    who the accounts are
"""

from revml.scoring.account_rows import account_frame
from revml.scoring.champions import champions
from revml.scoring.now_and_before import at_risk_and_before, existing, now_and_before, told_since
from revml.scoring.run import PART_ROWS, publish_run, score_workspace
from revml.scoring.scores import score, share_at_stake

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
