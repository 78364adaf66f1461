"""Two feature tables, compared value by value."""

from __future__ import annotations

from typing import Any

import pyarrow as pa


def different(here: pa.Table, there: pa.Table) -> dict[str, Any]:
    """The columns in which two tables differ, each with its first two values that do; types must agree."""
    assert here.schema == there.schema
    assert here.num_rows == there.num_rows > 0
    pairs = {name: (here[name].to_pylist(), there[name].to_pylist()) for name in here.column_names}
    return {name: next((x, y) for x, y in zip(a, b, strict=True) if x != y) for name, (a, b) in pairs.items() if a != b}
