"""What a feature is: a number with a unit, a concept and words; and what a subject is: some SQL that makes features.

A subject is one file of this package: its SQL steps and the declaration of the features they give. Adding a feature
touches that file (and the two catalogues for its words). The SQL is written in DuckDB's dialect, kept to what sqlglot
transpiles, and reads the views of `sources.facts.Facts` plus the engine's own tables (see `engine`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FeatureKind = Literal["count", "number", "money", "share", "ratio", "deviation", "days", "score", "flag", "category"]
# What a higher value usually means for the relation; used for words and monotone constraints, never to force a sign.
Direction = Literal["good", "bad", "neutral"]
Steps = tuple[tuple[str, str], ...]

CONCEPTS = (
    "usage",
    "adoption",
    "seats",
    "contract",
    "price",
    "renewal",
    "orders",
    "rhythm",
    "breadth",
    "billing",
    "support",
    "feedback",
    "contact",
    "deals",
    "assets",
    "profile",
    "family",
    "fit",
    "demand",
)
# Who an account is and what the calendar says may weigh much, but nobody can act on it: among the reasons it takes the
# place of half its strength.
CIRCUMSTANCES = ("profile", "renewal")
CIRCUMSTANCE_WEIGHT = 0.5
WHOLE_NUMBERS = frozenset({"count", "days", "flag"})


@dataclass(frozen=True)
class Feature:
    """One column of the feature table.

    Args:
        name: column name; ends with its window in days where it has one (`active_users_28d`).
        kind: what the value is, which also decides how it is printed (share 0..1 as percent, money with currency, a
            deviation from the usual in standard deviations as words).
        concept: the idea that reasons add up to, one of `CONCEPTS`.
        direction: what more of it usually means.
        words: catalogue key `feature.<words>`; defaults to the name without its window. The text may use {window}.
        window_days: trailing window `(as_of - window_days, as_of]`, where there is one.
        needs: (table, column) pairs beyond the subject's tables without which the feature is left out.
        zero: whether a snapshot without any row counts as 0 rather than unknown; absent means: counts do.
        label: the column's own name, for features that are made of a company's own columns.
    """

    name: str
    kind: FeatureKind
    concept: str
    direction: Direction = "neutral"
    words: str = ""
    window_days: int | None = None
    needs: tuple[tuple[str, str], ...] = ()
    zero: bool | None = None
    label: str = ""

    @property
    def key(self) -> str:
        """The catalogue key of the feature's words."""
        stem = self.words or (self.name.removesuffix(f"_{self.window_days}d") if self.window_days else self.name)
        return f"feature.{stem}"

    @property
    def empty_is_zero(self) -> bool:
        """Whether no row at all means 0 (a count, a sum) rather than unknown (a mean, a ratio)."""
        return self.kind == "count" if self.zero is None else self.zero

    @property
    def sql_type(self) -> str:
        """The type of the column: whole numbers INTEGER, categories VARCHAR, all else FLOAT (32 bits)."""
        if self.kind == "category":
            return "VARCHAR"
        return "INTEGER" if self.kind in WHOLE_NUMBERS else "FLOAT"


@dataclass(frozen=True)
class Codes:
    """A step that numbers things from 0: the table `name(<entity>, code)`.

    Args:
        name: the table to create.
        entity: the column whose values are numbered.
        source: a table that holds it; NULL gets no number.
    """

    name: str
    entity: str
    source: str

    def select(self) -> str:
        """The statement, where nothing has a number yet."""
        numbered = f"ROW_NUMBER() OVER (ORDER BY {self.entity}) - 1"
        some = f"SELECT DISTINCT {self.entity} FROM {self.source} WHERE {self.entity} IS NOT NULL"
        return f"SELECT {self.entity}, CAST({numbered} AS INTEGER) AS code FROM ({some}) AS things"


@dataclass(frozen=True)
class Subject:
    """A family of features made by the same SQL.

    Args:
        name: the file's name.
        tables: contract tables that must have rows; without them the subject's features are left out, said aloud.
        steps: SQL statements in order, `(table_to_create, select)`, run once a batch of snapshots; the last one's
            table has `snapshot` and the features, at most one row a snapshot (a missing row: NULL, or 0 for counts).
        features: the declared columns of the last step.
        store: statements that do not depend on the snapshots, run once a build: daily aggregates.
        daily: the same for tables of many rows, day by day: each row of a result comes from rows of usage of one `day`
            alone, so that the tables of `kept` can be stored and a new day costs only itself (see `daily`).
        kept: the tables of `daily` that `steps` read.
    """

    name: str
    tables: tuple[str, ...]
    steps: Steps
    features: tuple[Feature, ...]
    store: Steps = ()
    daily: tuple[tuple[str, str] | Codes, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def once(self) -> Steps:
        """All statements that do not depend on the snapshots, in order."""
        plain = tuple((step.name, step.select()) if isinstance(step, Codes) else step for step in self.daily)
        return (*plain, *self.store)

    @property
    def table(self) -> str:
        """The table that holds the features."""
        return self.steps[-1][0]
