"""Global views: literal contributions of a rule and of hand-made columns, and how they are told."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.config import Workspace
from revml.errors import NotFound
from revml.evaluation.dependence import dependence
from revml.evaluation.segments import Band
from revml.evaluation.view_page import render
from revml.evaluation.view_tables import acting_table, concept_table, segment_table
from revml.evaluation.views import LEAST_ACCOUNTS, importance_of, of_segments, views_in, views_of
from revml.locales import words
from revml.models.baselines import Constant, Rule
from revml.models.bundle import Bundle
from revml.models.encoding import EncodedColumn, Encoding
from revml.models.sheet import load_sheet
from revml.training import train_dataset
from tests.literal_views import literal_views
from tests.made_dataset import made_dataset
from tests.models import hand_made

RULE = Rule(column=0, edges=(9.0,), levels=(1.0, -1.0), missing=0.5, base=0.0)
MANIFEST = {"question": "churn", "data": {"company": "Acme"}}


def _rows(accounts: int = 80) -> pd.DataFrame:
    """Half of the accounts with few active users, half with many."""
    return pd.DataFrame(
        {
            "account_id": [f"a{i}" for i in range(accounts)],
            "active_users_28d": [3.0 if i % 2 else 40.0 for i in range(accounts)],
            "mrr": [float(i) for i in range(accounts)],
        }
    )


def _encoding(rows: pd.DataFrame) -> Encoding:
    return Encoding.fit(rows, ("active_users_28d", "mrr"))


def _views(rows: pd.DataFrame, segments: dict[str, list[str | Band | None]] | None = None) -> dict[str, object]:
    views = views_of(RULE, _encoding(rows), rows, segments or {}, own=False)
    assert views is not None
    return views


def test_a_rule_weighs_in_one_concept() -> None:
    """All of the weight is its column's; half of the accounts are raised, the mean is nothing."""
    told = _views(_rows())
    assert told["concepts"] == [{"concept": "adoption", "size": 1.0, "share": 1.0, "mean": 0.0, "raises": 0.5}]
    assert [(one["feature"], one["slope"]) for one in told["features"]] == [("active_users_28d", -1.0)]


def test_shares_by_concept_add_up() -> None:
    """The shares of all concepts are one, and those of the manifest are the same."""
    workspace_views = literal_views()
    shares = importance_of(workspace_views, own=False)
    assert sum(shares["concepts"].values()) == pytest.approx(1.0)
    assert shares["features"] == {"active_users_28d": 0.75, "industry": 0.25}


def test_columns_of_a_ready_table_belong_to_no_concept() -> None:
    """Each is told by itself, under its own name."""
    rows = _rows()
    told = views_of(RULE, _encoding(rows), rows, {}, own=True)
    assert told is not None
    assert [one["concept"] for one in told["concepts"]] == ["active_users_28d"]
    assert importance_of(told, own=True)["concepts"] == {}


def test_small_segments_are_left_out_and_said_so() -> None:
    """A segment is told from thirty accounts on; a smaller one stands by name and number only."""
    rows = _rows()
    names: list[str | Band | None] = ["retail"] * 45 + ["mining"] * 29 + [None] * 6
    told = _views(rows, {"industry": names})
    assert [(one["value"], one["accounts"]) for one in told["segments"]] == [("retail", 45)]
    assert [(one["value"], one["accounts"]) for one in told["small"]] == [("mining", 29)]
    assert "concepts" not in told["small"][0]


def test_accounts_are_counted_once() -> None:
    """Thirty rows of ten accounts are a small segment."""
    rows = pd.concat([_rows(10)] * 3, ignore_index=True)
    names: list[str | Band | None] = ["retail"] * 30
    told = _views(rows, {"industry": names})
    assert (told["segments"], told["small"][0]["accounts"]) == ([], 10)
    assert LEAST_ACCOUNTS > 10


def test_a_constant_looks_at_nothing() -> None:
    """No views, no importance."""
    rows = _rows()
    assert views_of(Constant(-2.0), _encoding(rows), rows, {}, own=False) is None
    assert importance_of(None, own=False) == {"concepts": {}, "features": {}}


def test_dependence_tells_medians_and_spans() -> None:
    """Two values with known contributions: their medians, and where eight of ten lie."""
    values = np.repeat([1.0, 2.0], 11)
    parts = np.concatenate([np.linspace(0, 1, 11), np.full(11, -0.5)])
    told = dependence(EncodedColumn("seats", "number", "float64"), values, parts)["bins"]
    assert (told[0]["median"], told[0]["p10"], told[0]["p90"]) == pytest.approx((0.5, 0.1, 0.9))
    assert (told[1]["low"], told[1]["high"], told[1]["median"]) == (2.0, 2.0, -0.5)


def test_bins_hold_every_known_row_and_never_part_equal_values() -> None:
    """Of many values the bins are quantiles: together all rows, edges in order, none overlapping."""
    values = np.round(np.random.default_rng(1).lognormal(2, 1, 500))
    values[:40] = np.nan
    told = dependence(EncodedColumn("mrr", "number", "float64"), values, values / 10)
    assert sum(one["n"] for one in told["bins"]) == 460
    assert told["unknown"]["n"] == 40
    edges = [(one["low"], one["high"]) for one in told["bins"]]
    assert all(before[1] < after[0] for before, after in pairwise(edges))


def test_rare_values_are_not_told_of_one_account() -> None:
    """A category of few rows is left out; few unknown ones are not told either."""
    values = np.array([0.0] * 30 + [1.0] * 3 + [np.nan] * 2)
    column = EncodedColumn("industry", "category", "str", codes=("retail", "mining"))
    told = dependence(column, values, np.ones(35))
    assert [one["value"] for one in told["bins"]] == ["retail"]
    assert told["unknown"] is None


def test_a_column_that_nobody_has_is_told_as_unknown_only() -> None:
    """No value is known: no bins, and what not knowing does."""
    told = dependence(EncodedColumn("mrr", "number", "float64"), np.full(20, np.nan), np.full(20, 0.3))
    assert (told["bins"], told["unknown"]["median"]) == ([], 0.3)


@pytest.mark.parametrize(
    ("language", "concept", "most"),
    [("en", "Use of the product", "0 to 3: ×1.49"), ("cs", "Využívání produktu", "0 až 3: ×1,49")],
)
def test_tables_speak_the_language(language: str, concept: str, most: str) -> None:
    """Concepts, spans of values and odds are told in the language's words and numbers."""
    say, views = words(language), literal_views()
    assert concept_table(say, MANIFEST, views).rows[0][0] == concept
    assert acting_table(say, MANIFEST, views).rows[0][1] == most
    told = segment_table(say, MANIFEST, views)
    assert len(told.rows) == 2
    assert "30" in told.after


def test_segments_of_one_column_can_be_asked_for() -> None:
    """Another column is refused with the nearest that there is."""
    views = literal_views()
    assert of_segments(views, "industry")["segments"] == views["segments"]
    with pytest.raises(NotFound, match="did you mean 'industry'"):
        of_segments(views, "industri")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small trained bundle."""
    workspace = Workspace().at(tmp_path_factory.mktemp("views"))
    update = {"bootstrap_rounds": 20, "max_rounds": 30, "rungs": ("lightgbm",)}
    sheet = load_sheet(workspace, "churn").model_copy(update=update)
    return train_dataset(workspace, made_dataset(accounts=250), sheet=sheet).bundle


def test_training_writes_what_weighs(trained: Bundle) -> None:
    """What makes the labels weighs most; the file holds the same, and the manifest the shares of it."""
    views = views_in(trained)
    assert views == json.loads((trained.folder / "views.json").read_text())
    assert views["features"][0]["feature"] == "active_users_28d"
    assert views["features"][0]["slope"] < -0.8
    assert trained.manifest["importance"] == importance_of(views, own=False)


@pytest.mark.parametrize("language", ["en", "cs"])
def test_the_card_tells_the_views(trained: Bundle, language: str) -> None:
    """Concept, what the strongest feature does, and the segments stand in the card, and no placeholder."""
    say, text = words(language), trained.card(language)
    assert say.text("views.acting") in text
    assert say.text("views.segments") in text
    assert say.text("concept.adoption") in text.split(say.text("card.importance"))[1]


@pytest.mark.parametrize("language", ["en", "cs"])
def test_the_page_asks_for_nothing_and_holds_its_pictures(trained: Bundle, language: str) -> None:
    """Three pictures inside, no script, no address outside."""
    page = render(trained, views_in(trained), language=language)
    assert page.count('src="data:image/svg+xml;base64,') == 3
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert f'lang="{language}"' in page


def test_a_bundle_of_before_says_what_to_do(tmp_path: Path) -> None:
    """Without views the error names the command that makes them."""
    with pytest.raises(NotFound, match="revml train churn"):
        views_in(hand_made.write(tmp_path))
