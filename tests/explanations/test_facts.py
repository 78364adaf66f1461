"""What is known of accounts: now, before, and since when."""

from __future__ import annotations

import numpy as np
import pandas as pd

from revml.at_risk import AtRisk
from revml.explanations.facts import Known
from revml.features.catalog import catalog

EVENTS, NPS = catalog()["events_28d"], catalog()["nps_last"]


def test_who_was_not_there_was_not_seen() -> None:
    """An account that is new, and a feature that was not told then, have no past to be missing."""
    now = AtRisk(pd.DataFrame({"account_id": ["new", "old"], "events_28d": [3.0, 4.0], "nps_last": [8.0, 9.0]}))
    past = pd.DataFrame({"account_id": ["old"], "nps_last": [np.nan]})
    facts = Known(now, past, (EVENTS, NPS)).part(0, 2)
    assert facts.seen is not None
    assert facts.seen.tolist() == [[False, False], [False, True]]
    assert np.isnan(facts.past).all()


def test_windows_beside_the_features_tell_since_when() -> None:
    """A window that the model does not use still tells when a movement began."""
    now = AtRisk(pd.DataFrame({"account_id": ["a"], "events_28d": [20.0], "events_84d": [220.0]}))
    past = pd.DataFrame({"account_id": ["a"], "events_28d": [100.0]})
    facts = Known(now, past, (EVENTS,)).part(0, 1)
    assert facts.since is not None
    assert facts.since.tolist() == [[28]]


def test_without_a_past_nothing_was_seen() -> None:
    """Rows without a past are compared with peers only."""
    now = AtRisk(pd.DataFrame({"account_id": list("abcdef"), "events_28d": np.arange(6.0)}))
    facts = Known(now, None, (EVENTS,)).part(0, 6)
    assert facts.seen is not None
    assert facts.past_peers is not None
    assert not facts.seen.any()
    assert np.isnan(facts.past_peers).all()
    assert facts.peers[:, 0].tolist() == [2.5] * 6
