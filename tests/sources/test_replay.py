"""A past that cannot be replayed: all of a table known on the day it was loaded."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from revml.sources.replay import known_at_once
from revml.windows import instant
from tests.literal_facts import stage

BEGAN = instant("2024-01-01")


def tickets(known: datetime | None) -> list[Any]:
    """A ticket a day over 300 days, known when it was opened or all on one day."""
    opened = [BEGAN + timedelta(days=n) for n in range(300)]
    return [
        {"ticket_id": f"t{n}", "account_id": "a", "opened_at": str(at), "known_at": str(known or at)}
        for n, at in enumerate(opened)
    ]


@pytest.mark.parametrize(("known", "tables"), [(None, []), (instant("2024-12-01"), ["tickets"])])
def test_a_load_is_told_from_a_history(tmp_path: Path, known: datetime | None, tables: list[str]) -> None:
    """Only the table that was all known at once is named."""
    facts = stage(tmp_path, observed_until="2025-01-01", tickets=tickets(known))
    assert [one.table for one in known_at_once(facts)] == tables
