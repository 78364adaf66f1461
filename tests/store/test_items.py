"""Scores about an account and an item: published, listed, read back, and what older databases held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from revml.store import Store
from revml.store import database as opening
from revml.store.database import Database, _server, _sqlite
from revml.store.runs import ScoreRun
from revml.store.views import ListedAccount
from tests.literal_runs import literal_run


def pairs_run(as_of: str = "2026-03-01", shift: float = 0.0) -> ScoreRun:
    """Two accounts: `acme` may buy seals or paint, `bolt` seals."""
    run = literal_run(as_of, cross_sell={"acme": 0.3 + shift, "bolt": 0.5})
    more = run.scores[run.scores["account_id"] == "acme"].assign(item="paint", probability=0.1, expected_money=900.0)
    scores = pd.concat([run.scores.assign(item="seals"), more], ignore_index=True)
    told = run.reasons.assign(item="seals")
    paint = told[told["account_id"] == "acme"].assign(item="paint", text_en="Goes with bolts.")
    return replace(run, scores=scores, reasons=pd.concat([told, paint], ignore_index=True))


def test_a_list_has_a_row_an_account_and_item(store: Store) -> None:
    """Each row brings its own reason; pages of one row meet every pair once."""
    store.publish(pairs_run())
    listed = [
        (r.account.account_id, r.score.item, r.reason and r.reason.text_en) for r in store.every_account("cross_sell")
    ]
    assert [row[:2] for row in listed] == [("bolt", "seals"), ("acme", "seals"), ("acme", "paint")]
    assert listed[2][2] == "Goes with bolts."
    assert listed[1][2] != "Goes with bolts."
    seen, after = [], None
    while True:
        page = store.accounts("cross_sell", order="name", limit=1, after=after)
        seen += [(row.account.account_id, row.score.item) for row in page.rows]
        if (after := page.after) is None:
            break
    assert seen == [("acme", "paint"), ("acme", "seals"), ("bolt", "seals")]


def test_a_list_may_be_of_one_item(store: Store) -> None:
    """The items are told with how many accounts each has, and a list can be narrowed to one."""
    store.publish(pairs_run())
    assert store.facets("cross_sell").item == (("seals", 2), ("paint", 1))
    assert [row.score.item for row in store.accounts("cross_sell", item="paint").rows] == ["paint"]


def test_an_account_has_its_items_the_most_money_first(store: Store) -> None:
    """Scores and reasons name the item; questions about the account alone have none."""
    store.publish(pairs_run())
    detail = store.account("acme")
    assert [score.item for score in detail.scores] == ["seals", "paint"]
    assert {reason.item for reason in detail.reasons} == {"seals", "paint"}
    store.publish(literal_run())
    assert {score.item for score in store.account("acme").scores} == {""}
    assert store.facets("churn").item == ()


def test_a_trend_compares_an_item_with_itself(store: Store) -> None:
    """The change and the history of a pair are its own."""
    store.publish(pairs_run())
    store.publish(pairs_run("2026-04-01", shift=0.1))
    changes = {score.item: score.change for score in store.account("acme").scores}
    assert changes == {"seals": pytest.approx(0.1), "paint": pytest.approx(0.0)}
    assert [(past.item, past.probability) for past in store.history("acme")] == [
        ("paint", 0.1),
        ("paint", 0.1),
        ("seals", 0.3),
        ("seals", 0.4),
    ]


def test_runs_of_before_are_about_accounts_alone(store_url: str) -> None:
    """What stood in a database of the first revision is there after the next, with no item."""
    database = _of_revision(store_url, "0001")
    with database.writing() as connection:
        for statement in (
            "INSERT INTO runs (as_of, published_at, company, currency, accounts, scores, withdrawn)"
            " VALUES ('2026-03-01 00:00:00', '2026-03-02 00:00:00', 'Old', 'EUR', 1, 1, false)",
            "INSERT INTO current VALUES (1, 1)",
            "INSERT INTO models VALUES (1, 'churn', '7', 'ab', 'rule', 90, 0.1, '{}')",
            "INSERT INTO accounts (run_id, account_id, mrr, order_revenue_12m, clv_key, name_key, search_key)"
            " VALUES (1, 'acme', 1.0, 0.0, 0.0, 'acme', 'acme')",
            "INSERT INTO scores (run_id, question, account_id, probability, change, percentile, band, money,"
            " expected_money, model_version) VALUES (1, 'churn', 'acme', 0.4, 0.0, 100.0, 'high', 12.0, 4.8, '7')",
            "INSERT INTO reasons (run_id, account_id, question, rank, concept, side, contribution, text_en, text_cs)"
            " VALUES (1, 'acme', 'churn', 1, 'usage', 'raises', 0.7, 'less', 'méně')",
        ):
            connection.execute(text(statement))
    database.close()
    with Store.open(store_url) as store:
        detail = store.account("acme")
        assert [(score.item, score.probability) for score in detail.scores] == [("", 0.4)]
        assert [(reason.item, reason.text_en) for reason in detail.reasons] == [("", "less")]
        store.publish(pairs_run("2026-04-01"))
        assert len(store.account("acme").scores) == 2


def test_unknown_money_stays_unknown(store: Store) -> None:
    """It is None and no zero, stands last in a list whose pages meet every row, and adds nothing to the sums."""
    run = pairs_run()
    nothing = run.scores["item"] == "paint"
    scores = run.scores.assign(**{name: run.scores[name].mask(nothing) for name in ("money", "expected_money")})
    store.publish(replace(run, scores=scores))
    listed = [row.score for page in _pages(store) for row in page]
    assert [(score.item, score.money is None, score.expected_money is None) for score in listed] == [
        ("seals", False, False),
        ("seals", False, False),
        ("paint", True, True),
    ]
    (told,) = store.totals().questions
    assert (told.accounts, told.unknown_money) == (3, 1)
    assert told.money == pytest.approx(scores["money"].sum())
    assert told.expected_money == pytest.approx(scores["expected_money"].sum())
    (_, paint) = store.account("acme").scores
    assert (paint.money, paint.expected_money) == (None, None)


def _pages(store: Store) -> Iterator[tuple[ListedAccount, ...]]:
    after = None
    while True:
        page = store.accounts("cross_sell", limit=1, after=after)
        yield page.rows
        if (after := page.after) is None:
            return


def test_sums_of_nothing_known_are_zero(store: Store) -> None:
    """Where no money is known at all, the sums are zero and every row is counted as unknown."""
    run = pairs_run()
    store.publish(replace(run, scores=run.scores.assign(money=float("nan"), expected_money=float("nan"))))
    (told,) = store.totals().questions
    assert (told.money, told.expected_money, told.unknown_money) == (0.0, 0.0, 3)
    assert store.accounts("cross_sell").rows[0].score.probability == 0.5


def _of_revision(url: str, revision: str) -> Database:
    """A database as an older revml left it."""
    from sqlalchemy.engine import make_url

    parsed = make_url(url)
    database = Database(_sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _server(parsed))
    config = Config()
    config.set_main_option("script_location", str(Path(opening.__file__).parent / "migrations"))
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return database
