"""Until when a model knows what came, and what readers of older scores are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from revml.models.bundle import Bundle
from revml.models.learned import learned_until, looks_back
from revml.models.registry import champion
from revml.windows import instant
from tests.order_company import order_company

SPLIT = {"train": ["2025-06-01T00:00:00"], "valid": ["2025-07-01T00:00:00"], "test": ["2025-12-01T00:00:00"]}


def taught(root: Path, **data: Any) -> Bundle:
    """The champion of a small company, with another account of what it learned from."""
    root.mkdir(exist_ok=True)
    workspace, _ = order_company(root)
    bundle = champion(workspace, "lapse")
    return replace(bundle, manifest={**bundle.manifest, "data": data})


def test_a_model_knows_until_its_last_window_closed(tmp_path: Path) -> None:
    """90 days after the last validation snapshot; the test was only met, not learned."""
    assert learned_until(taught(tmp_path, split=SPLIT)) == instant("2025-09-29")


@pytest.mark.parametrize(("as_of", "told"), [("2025-06-01", True), ("2025-09-28", True), ("2025-09-29", False)])
def test_scores_of_before_are_marked(tmp_path: Path, as_of: str, told: bool) -> None:
    """The note names the question, both days, and what to run in place of it."""
    note = looks_back(taught(tmp_path, split=SPLIT), instant(as_of))
    assert (note is not None) == told
    if note:
        assert "2025-09-29" in note
        assert as_of in note
        assert "revml backtest lapse" in note


def test_rows_without_dates_tell_nothing(tmp_path: Path) -> None:
    """A table without dates, or a bundle that does not say, gives no instant."""
    assert learned_until(taught(tmp_path / "a", split=SPLIT, dated=False)) is None
    assert learned_until(taught(tmp_path / "b")) is None
