"""What is already agreed of the months ahead."""

from pathlib import Path

import numpy as np
import pytest

from revml.clv.contracts.agreed import agreed_changes
from revml.clv.contracts.growth import Growth, GrowthModel, Ratios
from tests.clv.companies import AS_OF, line
from tests.literal_facts import stage

ACCOUNTS = np.array(["a", "b"], dtype=object)
TODAY = np.array([100.0, 50.0])
BEFORE = {"known_at": "2025-12-01"}


def test_steps_by_hand(tmp_path: Path) -> None:
    """A rise at the renewal, a module from spring on; what is known later, and accounts that are new, do not count."""
    rows = [
        line("a", 100.0, "2025-03-01", known_at="2025-03-01"),
        line("a", 110.0, "2026-03-01", **BEFORE),
        line("a", 30.0, "2026-04-15", subscription_id="module", **BEFORE),
        line("b", 50.0, "2025-03-01", known_at="2025-03-01"),
        line("b", 80.0, "2026-02-01", known_at="2026-01-15"),
        line("new", 500.0, "2026-02-01", **BEFORE),
    ]
    accounts = [{"account_id": name, "created_at": "2025-01-01"} for name in ("a", "b", "new")]
    facts = stage(tmp_path, accounts=accounts, subscriptions=rows)
    changes = agreed_changes(facts, AS_OF, ACCOUNTS, TODAY, 6)
    assert changes is not None
    assert changes.round(6).tolist() == [[0.0, 0.1, 0.1, 0.4, 0.4, 0.4], [0.0] * 6]


def test_nothing_agreed(tmp_path: Path) -> None:
    """The rows that every company has say nothing of the future."""
    facts = stage(
        tmp_path,
        accounts=[{"account_id": "a", "created_at": "2025-01-01"}],
        subscriptions=[line("a", 90.0, "2025-03-01", "2025-09-01"), line("a", 100.0, "2025-09-01")],
    )
    assert agreed_changes(facts, AS_OF, ACCOUNTS[:1], TODAY[:1], 6) is None


@pytest.mark.parametrize(("change", "expanded", "grown"), [(0.10, 1.10, 1.09), (0.01, 1.04, 1.03), (-0.2, 1.04, 0.84)])
def test_an_agreed_change_counts_once(change: float, expanded: float, grown: float) -> None:
    """It is the least that the MRR rises or falls by, within what is expected anyway and never on top of it."""
    ratios = Ratios(rises=np.array([0.04]), falls=np.array([0.01]))
    growth = Growth(GrowthModel.RATIO, ratios=ratios, agreed=np.array([[change]]))
    more, both = growth.factors(np.array([100.0]), 1)
    assert (more[0, 0], both[0, 0]) == (pytest.approx(expanded), pytest.approx(grown))
