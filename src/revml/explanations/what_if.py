"""What if: the model itself is asked about an account's row with some of its features set to other values.

Comes in: a bundle, the row that it scored, and what is asked. Goes out: a `WhatIf`: what the model says before and
after, what moved along (`features.moving`), what stayed although it hangs together with what was set, and warnings. It
is a correlation that is asked about, not a promise: the model tells what accounts like the changed one did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from revml.errors import ConfigError
from revml.explanations.amounts import Value
from revml.explanations.asked import Asked, checked
from revml.explanations.one_row import Said, ask, feature_of, must_hold
from revml.explanations.reader import Reader, Rows
from revml.features.moving import move
from revml.models.bundle import Bundle


@dataclass(frozen=True)
class WhatIf:
    """What the model says of an account as it is, and as it is asked about.

    Attributes:
        row: the values after.
        asked: feature: value before and after, of what was set.
        moved: the same of what moved along.
        left: features that hang together with what was set and stay as they were.
        warnings: what was asked beyond what the model saw, and what it does not look at.
    """

    before: Said
    after: Said
    row: Mapping[str, Value]
    asked: Mapping[str, tuple[Value, Value]]
    moved: Mapping[str, tuple[Value, Value]]
    left: tuple[str, ...]
    warnings: tuple[Asked, ...]


def what_if(bundle: Bundle, row: Mapping[str, Value], values: Mapping[str, Any]) -> WhatIf:
    """Ask the model about a row with some features set.

    Args:
        row: the features as they were scored (`one_row.values_of_row`).
        values: feature: number, text of a category, True or False, or None for not known.

    Raises:
        ConfigError: there is no such feature, or a value that cannot be; `where` names the feature.
        BundleError: the row lacks a feature of the model.
    """
    must_hold(bundle, row, where=f"{bundle.question} model {bundle.version}")
    if not values:
        raise ConfigError("nothing was asked", where="set", wanted="feature=value", do="name at least one feature")
    asked, warnings = checked(bundle, row, values)
    new, moved, left = changed(bundle, row, asked)
    before, after = ask(bundle, [row, new])
    return WhatIf(
        before,
        after,
        new,
        {name: (row.get(name), new[name]) for name in asked},
        {name: (row[name], new[name]) for name in moved},
        left,
        warnings,
    )


def changed(
    bundle: Bundle, row: Mapping[str, Value], asked: Mapping[str, Value]
) -> tuple[dict[str, Value], tuple[str, ...], tuple[str, ...]]:
    """The row as asked, what moved along in it, and what stayed although it hangs together with what was set."""
    if bundle.ready is not None:  # what the columns of a company's own table are made of nobody told
        return {**row, **asked}, (), ()
    numbers = {name: value for name, value in row.items() if not isinstance(value, str)}
    for name in row:
        if feature_of(bundle, name).kind == "category":
            numbers.pop(name, None)
    numeric: dict[str, float | None] = {name: value for name, value in asked.items() if name in numbers}  # type: ignore[misc]
    told = move(numbers, numeric)
    return {**row, **asked, **told.values}, told.moved, told.left


def reasons_after(bundle: Bundle, found: WhatIf, language: str, currency: str) -> list[dict[str, object]]:
    """The reasons of the changed row in words; similar accounts and the past are those of no row."""
    reader = Reader(bundle, currency=currency)
    texts = {name: [_text(found.row[name])] for name in bundle.categorical}
    matrix = np.asarray(bundle.encoding.rows([dict(found.row)]), dtype=float)
    return reader.reasons(reader.read(Rows(matrix, texts)), language)[0]


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
