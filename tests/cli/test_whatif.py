"""`revml whatif`, and what `revml account` tells of changes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from revml.scoring import publish_run, score_workspace
from tests.cli.commands import answer, call
from tests.order_company import AS_OF, order_company


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty buyers with two runs."""
    folder = tmp_path_factory.mktemp("whatif")
    workspace, facts = order_company(folder)
    for as_of in (AS_OF - timedelta(days=28), AS_OF):
        publish_run(workspace, score_workspace(workspace, facts, as_of=as_of))
    return folder


def test_it_asks_the_model(root: Path) -> None:
    """A later last order makes lapsing likelier; what follows from it is recomputed."""
    told = answer(root, "whatif", "c01", "days_since_order=200")
    assert told["after"]["probability"] > told["before"]["probability"]
    assert "order_overdue_ratio" in {one["feature"] for one in told["recomputed"]}


def test_it_tells_in_words(root: Path) -> None:
    """Before, after, what was set and what moved along, concepts, and that it is no promise."""
    told = call(root, "whatif", "c01", "days_since_order=200", "--language", "cs")
    assert told.exit_code == 0, told.output
    for words in ("Model by dal", "moved along", "Log-odds by concept", "ne slib"):
        assert words in told.output


def test_levers_come_from_the_sheet(root: Path) -> None:
    """What the shipped sheet declares and the account has is tried; a sheet of one's own says otherwise."""
    assert {one["feature"] for one in answer(root, "whatif", "c01", "--levers")["tried"]} == {"products_ordered_84d"}
    (root / "models").mkdir()
    (root / "models" / "lapse.yaml").write_text(
        "question: lapse\nactionable:\n  days_since_order: {direction: down, to: 0, reason: they can be called}\n"
    )
    try:
        told = answer(root, "whatif", "c01", "--levers")
    finally:
        (root / "models" / "lapse.yaml").unlink()
        (root / "models").rmdir()
    assert [one["feature"] for one in told["tried"]] == ["days_since_order"]
    assert call(root, "whatif", "c01", "--levers").exit_code == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("whatif", "nobody", "orders_84d=1"), 7, "no such account"),
        (("whatif", "c01", "orders_84=1"), 2, "did you mean 'orders_84d'"),
        (("whatif", "c01", "orders_84d=-1"), 2, "cannot be negative"),
        (("whatif", "c01", "orders_84d=nan"), 2, "float32"),
        (("whatif", "c01", "orders_84d=much"), 2, "not a number"),
        (("whatif", "c01", "orders_84d"), 2, "not feature=value"),
        (("whatif", "c01", "orders_84d=1", "orders_84d=2"), 2, "stands twice"),
        (("whatif", "c01"), 2, "--levers"),
        (("whatif", "c01", "orders_84d=1", "--levers"), 2, "--levers"),
        (("whatif", "c01", "orders_84d=1", "--question", "churn"), 7, "not scored for churn"),
    ],
)
def test_what_cannot_be_is_refused(root: Path, words: tuple[str, ...], code: int, says: str) -> None:
    """With an exit code, and without a traceback."""
    told = call(root, *words)
    assert told.exit_code == code
    assert says in told.output + told.stderr


def test_an_account_tells_what_changed(root: Path) -> None:
    """In words, and in JSON with lines that add up."""
    assert "since" in call(root, "account", "c01").output
    [one] = answer(root, "account", "c01")["changes"]
    assert sum(line["log_odds"] for line in one["lines"]) == pytest.approx(one["log_odds"], abs=1e-9)
