"""What a feature is: a number with a unit, a concept and words; and what a subject is: some SQL that makes features.

A subject is one file of this package: its SQL steps and the declaration of the features they give. Adding a feature
touches that file (and the two catalogues for its words). The SQL is written in DuckDB's dialect, kept to what sqlglot
transpiles, and reads the views of `sources.facts.Facts` plus `snapshots(account_id, as_of)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FeatureKind = Literal["count", "number", "money", "share", "ratio", "days", "score", "flag", "category"]
# What a higher value usually means for the relation; used for words and monotone constraints, never to force a sign.
Direction = Literal["good", "bad", "neutral"]


@dataclass(frozen=True)
class Feature:
    """One column of the feature table.

    Args:
        name: column name; ends with its window in days where it has one (`active_users_28d`).
        kind: what the value is, which also decides how it is printed (share 0..1 as percent, money with currency).
        concept: the idea that reasons add up to: usage, adoption, seats, contract, price, renewal, orders, rhythm,
            breadth, billing, support, feedback, contact, deals, assets, profile, family.
        direction: what more of it usually means.
        words: catalogue key `feature.<words>`; defaults to the name without its window. The text may use {window}.
        window_days: trailing window `(as_of - window_days, as_of]`, where there is one.
        needs: (table, column) pairs beyond the subject's tables without which the feature is left out.
    """

    name: str
    kind: FeatureKind
    concept: str
    direction: Direction = "neutral"
    words: str = ""
    window_days: int | None = None
    needs: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """The catalogue key of the feature's words."""
        stem = self.words or (self.name.removesuffix(f"_{self.window_days}d") if self.window_days else self.name)
        return f"feature.{stem}"


@dataclass(frozen=True)
class Subject:
    """A family of features made by the same SQL.

    Args:
        name: the file's name.
        tables: contract tables that must have rows; without them the subject's features are left out, said aloud.
        steps: SQL statements in order: `(table_to_create, select)`; the last one's table has `account_id, as_of` and
            the features, one row for each snapshot (or fewer: missing rows become NULL).
        features: the declared columns of the last step.
    """

    name: str
    tables: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]
    features: tuple[Feature, ...]
