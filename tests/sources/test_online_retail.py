"""The recipe for a real wholesaler's order lines, on the data itself (skipped aloud where it is not)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from revml.config import Workspace, load_workspace
from revml.contract.report import CheckReport
from revml.labels import label
from revml.snapshots import population
from revml.sources.facts import Facts
from revml.sources.staging import stage_workspace

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared/data/online_retail/online_retail.parquet"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"the real order lines are not here ({DATA})")


@pytest.fixture(scope="module")
def retail(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, CheckReport]:
    """The recipe beside the data, checked."""
    folder = tmp_path_factory.mktemp("retail")
    shutil.copy(ROOT / "docs/recipes/online_retail.yaml", folder)
    (folder / "online_retail.parquet").symlink_to(DATA)
    workspace = load_workspace(folder / "online_retail.yaml")
    return workspace, stage_workspace(workspace)


def test_every_line_is_accounted_for(retail: tuple[Workspace, CheckReport]) -> None:
    """Lines without a customer are in quarantine with that reason; all others are accepted, cancellations too."""
    orders = retail[1].table("orders")
    assert (orders.rows_in, orders.accepted, orders.duplicates) == (541_909, 406_829, 0)
    assert orders.quarantined == {"account_id is missing": 135_080}
    assert retail[1].table("accounts").accepted == 4_372


def test_cancellations_are_negative_lines(retail: tuple[Workspace, CheckReport]) -> None:
    """8,905 of the 9,288 cancelled lines name their customer."""
    con = Facts.open(retail[0].staged_dir).con
    assert con.execute("SELECT count(*) FROM orders WHERE order_id LIKE 'C%' AND quantity < 0").fetchall() == [(8_905,)]
    clean = (
        "SELECT count(*), count(DISTINCT account_id), round(sum(amount)) FROM orders WHERE quantity > 0 AND amount > 0"
    )
    assert con.execute(clean).fetchall() == [(397_884, 4_338, 8_911_408.0)]


def test_the_holiday_is_noticed(retail: tuple[Workspace, CheckReport]) -> None:
    """The wholesaler was closed from 23 December to 4 January."""
    assert any("2010-12-23 and 2011-01-04" in note for note in retail[1].table("orders").notes)


def test_the_lapse_question_has_the_published_size_and_rate(retail: tuple[Workspace, CheckReport]) -> None:
    """7,391 rows of four snapshots with 42.6 % lapse, 1,907 rows of the last with 31.0 %."""
    workspace = retail[0]
    facts = Facts.open(workspace.staged_dir)
    spec = workspace.question("lapse")
    rows = label(facts, "lapse", spec, population(facts, "lapse", spec, workspace.snapshots.dates))
    last = rows.as_of == rows.as_of.max()
    assert (int((~last).sum()), round(float(rows.label[~last].mean()), 3)) == (7_391, 0.426)
    assert (int(last.sum()), round(float(rows.label[last].mean()), 3)) == (1_907, 0.310)
