"""What a question is: a definition in words, and the SQL that decides it for each account at risk.

The SQL reads the facts' views and `at_risk(account_id, as_of, opens, closes)`, where `(opens, closes]` is the label
window, and gives `account_id, as_of, label` (1, 0, or NULL where the question does not apply). It sees every fact known
by the end of the data, however late it became known: a label tells what happened, not what was known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import ClassVar

from revml.config import QuestionName, QuestionSpec
from revml.sources.facts import literal

# Two amounts closer than this share are the same amount: 1.1 * 100 is not 110 in binary.
SAME = 1e-9


class Question(ABC):
    """A question about the future of an account; the subclass's docstring is the definition."""

    name: ClassVar[QuestionName]
    needs: ClassVar[dict[str, tuple[str, ...]]]
    # Beside what it needs, a question may need one at least of some columns (`table.column`).
    needs_one: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def sql(self, spec: QuestionSpec, observed_until: datetime) -> str:
        """The SELECT that decides the label of each row of `at_risk`."""


def timestamp(value: datetime) -> str:
    """A SQL timestamp literal."""
    return f"TIMESTAMP {literal(value.isoformat(sep=' '))}"


def contract_lines(observed_until: datetime) -> str:
    """A SELECT of subscription rows as spans `[started_at, ended_at)` with their terms, open ends far in the future.

    A row that another row of the same subscription follows within a day lasts until that one starts: a renewal or a
    change of terms is no end, whether the source writes ends as the last moment, the last day or the next start.
    """
    return f"""
  SELECT account_id, subscription_id, product, plan, quantity, mrr, started_at,
         CASE WHEN next_at >= ended_at AND next_at <= ended_at + INTERVAL '1' DAY THEN next_at
              WHEN ended_at IS NULL THEN TIMESTAMP '9999-01-01 00:00:00'
              ELSE ended_at END AS ended_at
  FROM (
    SELECT account_id, subscription_id, product, plan, quantity, mrr, started_at, ended_at,
           lead(started_at) OVER (PARTITION BY account_id, subscription_id ORDER BY started_at) AS next_at
    FROM subscriptions
    WHERE known_at <= {timestamp(observed_until)} AND (ended_at IS NULL OR ended_at > started_at)
  ) AS terms"""


def custom_spells(observed_until: datetime, grace_days: int) -> str:
    """CTEs that end in `spells(account_id, spell, began, ended)`: uninterrupted custom over an account's `lines`.

    Gaps up to the grace period are bridged. What begins at one instant is one row before anything is counted over rows.
    """
    return f"""lines AS ({contract_lines(observed_until)}
), begun AS (
  SELECT account_id, started_at, max(ended_at) AS ended_at
  FROM lines
  GROUP BY account_id, started_at
), covered AS (
  SELECT account_id, started_at, ended_at,
         max(ended_at) OVER (PARTITION BY account_id ORDER BY started_at
                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered_until
  FROM begun
), numbered AS (
  SELECT account_id, started_at, ended_at,
         sum(CASE WHEN covered_until >= started_at - INTERVAL '{grace_days}' DAY THEN 0 ELSE 1 END)
           OVER (PARTITION BY account_id ORDER BY started_at ROWS UNBOUNDED PRECEDING) AS spell
  FROM covered
), spells AS (
  SELECT account_id, spell, min(started_at) AS began, max(ended_at) AS ended
  FROM numbered
  GROUP BY account_id, spell
)"""
