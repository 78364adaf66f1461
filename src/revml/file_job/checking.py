"""What a file of features must have, said before a row is scored.

Comes in: the columns of a file with their types. Goes out: where each feature stands, or a `DataError` that names the
column. A feature that is absent is never taken for unknown, and a text is never taken for a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from revml.errors import DataError
from revml.explanations import features_of, own_features
from revml.models.bundle import Bundle
from revml.yaml_file import nearest

SHOWN = 8
SUFFIX = " (column)"  # how a feature is called whose column is called like a role of a ready table


@dataclass(frozen=True)
class Wanted:
    """The columns that a job reads.

    Attributes:
        id: tells the rows apart.
        keep: handed through as they are.
        numbers, categories: features of the model.
        flags: which of the numbers are yes or no.
    """

    id: str
    keep: tuple[str, ...]
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    flags: frozenset[str]

    @classmethod
    def of(cls, bundle: Bundle, id: str, keep: Sequence[str]) -> Wanted:
        """What a bundle wants; a column is handed through once."""
        columns = bundle.encoding.columns
        return cls(
            id,
            tuple(dict.fromkeys(name for name in keep if name != id)),
            tuple(c.name for c in columns if c.kind == "number"),
            tuple(c.name for c in columns if c.kind == "category"),
            frozenset(f.name for f in features_of(bundle, own_features(bundle.ready)) if f.kind == "flag"),
        )

    def places(self, names: Sequence[str], where: str) -> dict[str, str]:
        """The file's column of each that is wanted.

        Raises:
            DataError: one is missing, or stands twice.
        """
        count = Counter(names)
        found = {}
        missing = []
        for name in (self.id, *self.keep, *self.numbers, *self.categories):
            column = name if name in count else own_name(name)
            if column not in count:
                missing.append(name)
            elif count[column] > 1:
                raise DataError(
                    f"the column {column!r} stands {count[column]} times", where=where, wanted="each column once"
                )
            found[name] = column
        if missing:
            raise self._missing(missing, names, where)
        return found

    def _missing(self, missing: Sequence[str], names: Sequence[str], where: str) -> DataError:
        if self.id in missing:
            what, do = f"there is no column {self.id!r} to tell the rows apart", "name the column of the ids with --id"
        elif missing[0] in self.keep:
            what, do = f"there is no column {missing[0]!r} to keep", "name a column of the file"
        else:
            number = len(missing)
            what = f"the feature {missing[0]!r} is missing" if number == 1 else f"{number} features are missing"
            do = "add the column, empty where values are unknown"
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        return DataError(
            what,
            where=where,
            wanted=", ".join(missing[:SHOWN]) + more,
            got=f"{len(names)} columns: {', '.join(names[:SHOWN])}{' ...' if len(names) > SHOWN else ''}",
            do=nearest(missing[0], names) or do,
        )

    def require_types(self, schema: pa.Schema, places: dict[str, str], where: str) -> None:
        """Refuse columns that hold something else.

        Raises:
            DataError: a text or a date where the model wants a number, or no text where it wants a category.
        """
        for name in self.numbers:
            kind = schema.field(places[name]).type
            if not _is_number(kind):
                dated = pa.types.is_temporal(kind)
                raise DataError(
                    f"the feature {name!r} is not a number",
                    where=where,
                    wanted="a column of integers, decimals or booleans, null where unknown",
                    got=str(kind),
                    do="write days since, as a number" if dated else "write numbers; a text is never guessed at",
                )
        for name in self.categories:
            kind = schema.field(places[name]).type
            if not _is_category(kind):
                raise DataError(
                    f"the feature {name!r} is a category", where=where, wanted="a column of text", got=str(kind)
                )


def own_name(feature: str) -> str:
    """How the column of a feature is called in a company's own table."""
    return feature.removesuffix(SUFFIX)


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
    )


def _is_category(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    text = pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)
    return bool(text or pa.types.is_integer(value) or pa.types.is_null(value))
