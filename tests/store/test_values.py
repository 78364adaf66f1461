"""Values at several horizons: published, read back, refused where they contradict themselves; older databases."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from revml.errors import NotFound, StoreError
from revml.store import Store
from revml.store import database as opening
from tests.literal_runs import literal_run
from tests.literal_values import DRIVERS, with_values
from tests.store.test_items import _of_revision


def test_an_account_has_one_value_at_the_longest_horizon(store: Store) -> None:
    """The list, the totals and the account give the value over 24 months; those over 12 are not added to it."""
    store.publish(with_values(literal_run()))
    acme = store.account("acme")
    assert acme.account.clv == 22_000
    assert [(one.relation, one.horizon_months, one.clv) for one in acme.clv] == [
        ("contract", 24, 20_000),
        ("orders", 24, 2_000),
    ]
    assert [(one.relation, one.horizon_months) for one in acme.clv_shorter] == [("contract", 12), ("orders", 12)]
    assert store.totals().clv == 20 * (1000 + 5000 + 250 + 40) + 2_000


def test_the_value_is_the_sum_of_relations_where_none_is_told(store: Store) -> None:
    """Without the frame of values an account's value is its relations' sum, with no range for two of them."""
    run = with_values(literal_run())
    store.publish(replace(run, values=run.values.iloc[:0], drivers=run.drivers.iloc[:0]))
    acme, bolt = store.account("acme"), store.account("bolt")
    assert acme.account.clv == 22_000
    assert [(one.horizon_months, one.clv, one.clv_p10) for one in acme.values] == [
        (12, 12_100, None),
        (24, 22_000, None),
    ]
    assert [(one.clv_p10, one.clv_p90) for one in bolt.values] == [(35_000, 70_000), (60_000, 135_000)]


def test_values_components_and_drivers_come_back(store: Store) -> None:
    """To the last figure; what is not known is None and no zero."""
    store.publish(with_values(literal_run()))
    acme, bolt = store.account("acme"), store.account("bolt")
    value = acme.values[-1]
    assert (value.acquisition_cost, value.ltv_cac, value.payback_months, value.referral_value) == (4000, 5.5, 5.7, 1500)
    assert (bolt.values[-1].acquisition_cost, bolt.values[-1].ltv_cac, bolt.values[-1].payback_months) == (None,) * 3
    contract = acme.clv[0]
    assert (contract.base, contract.expansion, contract.contraction, contract.referral) == (18_000, 4_000, 2_500, 500)
    assert [(one.concept, one.money) for one in acme.drivers] == list(DRIVERS)
    assert bolt.drivers == ()
    assert acme.run.discount_rate == 0.1


def test_coming_orders_come_back(store: Store) -> None:
    """The day, the chances and the families of who orders, the most money first; nothing of who does not."""
    store.publish(with_values(literal_run()))
    coming = store.account("acme").coming
    assert coming is not None
    assert (coming.next_order, coming.p_order_3m, coming.p_order_12m) == (pd.Timestamp("2026-04-20"), 0.7, 0.95)
    assert [(one.family, one.orders, one.revenue) for one in coming.families] == [
        ("seals", 3.0, 2_500.0),
        ("pumps", 1.0, 1_500.0),
    ]
    assert store.account("bolt").coming is None


def test_a_next_order_may_be_unknown(store: Store) -> None:
    """An account that will hardly order again has no day, and a forecast that is short no chance within a year."""
    run = with_values(literal_run())
    store.publish(replace(run, coming=run.coming.assign(next_order=pd.NaT, p_order_12m=None, families=None)))
    coming = store.account("acme").coming
    assert coming is not None
    assert (coming.next_order, coming.p_order_12m, coming.p_order_3m, coming.families) == (None, None, 0.7, ())
    with pytest.raises(StoreError, match="p_order_3m is not a number in its range"):
        store.publish(replace(run, coming=run.coming.assign(p_order_3m=1.2)))


def test_bands_of_flows_come_back(store: Store) -> None:
    """By month, to the cent; none where nothing was simulated."""
    store.publish(with_values(literal_run()))
    assert store.account("acme").flows[0].revenue_p90 is not None
    assert store.account("acme").flows[0].revenue_p90[:2] == (1274.0, 1248.52)  # type: ignore[index]
    store.publish(literal_run("2026-04-01"))
    assert store.account("acme").flows[0].revenue_p90 is None
    assert store.account("acme").clv[0].base is None


def test_a_document_comes_back_whole(store: Store) -> None:
    """With its numbers that are none as null; a run without it says what it has."""
    store.publish(with_values(literal_run(), {"months": [1, 2], "p10": [1.5, float("nan")]}))
    assert store.report("forecast").body == {"months": [1, 2], "p10": [1.5, None]}
    with pytest.raises(NotFound, match="no kpis") as told:
        store.report("kpis")
    assert told.value.wanted == "forecast"


def test_forgotten_runs_take_their_values_with_them(store: Store) -> None:
    """Of four runs three stay, in every table."""
    for month in range(1, 5):
        store.publish(with_values(literal_run(f"2026-0{month}-01"), {}))
    with store.database.reading() as connection:
        for table in ("account_values", "drivers", "reports", "clv", "coming_orders"):
            assert connection.execute(text(f"SELECT count(DISTINCT run_id) FROM {table}")).scalar() == 3


@pytest.mark.parametrize(
    ("frame", "column", "message"),
    [
        ("clv", "base", "components do not add up"),
        ("clv", "clv_p10", "quantiles cross"),
        ("values", "clv", "the relations do not add up"),
        ("drivers", "money", "drivers and peer do not add up"),
    ],
)
def test_figures_that_contradict_each_other_are_refused(store: Store, frame: str, column: str, message: str) -> None:
    """A hundred thousand too much anywhere, and nothing is published."""
    run = with_values(literal_run())
    broken = getattr(run, frame).copy()
    broken.loc[0, column] += 100_000.0
    with pytest.raises(StoreError, match=message):
        store.publish(replace(run, **{frame: broken}))
    assert store.current() is None


def test_a_relation_may_stand_once_a_horizon(store: Store) -> None:
    """The same relation and horizon twice is refused."""
    run = literal_run()
    with pytest.raises(StoreError, match="a key stands twice"):
        store.publish(replace(run, clv=pd.concat([run.clv, run.clv])))


def test_values_of_before_have_one_horizon(store_url: str) -> None:
    """What an older revml published is read as before, and a run with several horizons is published beside it."""
    database = _of_revision(store_url, "0004")
    with database.writing() as connection:
        for statement in (
            "INSERT INTO runs (as_of, published_at, company, currency, accounts, scores, withdrawn)"
            " VALUES ('2026-03-01 00:00:00', '2026-03-02 00:00:00', 'Old', 'EUR', 1, 0, false)",
            "INSERT INTO current VALUES (1, 1)",
            "INSERT INTO accounts (run_id, account_id, mrr, order_revenue_12m, clv, clv_key, name_key, search_key)"
            " VALUES (1, 'acme', 1.0, 0.0, 30.0, 30.0, 'acme', 'acme')",
            "INSERT INTO clv VALUES (1, 'acme', 'contract', 36, 30.0, 40.0, 0.5, 0.1, 'careful')",
            "INSERT INTO flows VALUES (1, 'acme', 'contract', '[0.5]', '[40.0]', '[30.0]')",
        ):
            connection.execute(text(statement))
    database.close()
    with Store.open(store_url) as store:
        old = store.account("acme")
        assert [(one.horizon_months, one.clv, one.base, one.warning) for one in old.clv] == [
            (36, 30.0, None, "careful")
        ]
        assert [(one.horizon_months, one.clv) for one in old.values] == [(36, 30.0)]
        assert (old.flows[0].expected_revenue, old.flows[0].revenue_p10) == ((40.0,), None)
        assert (old.run.discount_rate, store.totals().clv) == (None, 30.0)
        store.publish(with_values(literal_run("2026-04-01")))
        assert [one.clv for one in store.account("acme").values] == [12_100, 22_000]


def test_going_back_keeps_the_longest_horizon(store_url: str) -> None:
    """A downgrade leaves one row a relation, so that nothing is counted twice."""
    with Store.open(store_url) as store:
        store.publish(with_values(literal_run()))
        config = Config()
        config.set_main_option("script_location", str(opening.__file__).replace("database.py", "migrations"))
        with store.database.writing() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "0004")
        with store.database.reading() as connection:
            left = connection.execute(text("SELECT DISTINCT horizon_months FROM clv")).scalars().all()
    assert left == [24]


def test_flows_may_come_in_any_order(store: Store) -> None:
    """Months are put in order; what is no number is None."""
    run = with_values(literal_run())
    shuffled = run.flows.sample(frac=1, random_state=1)  # type: ignore[union-attr]
    holed = shuffled.assign(survival=shuffled["survival"].where(shuffled["month"] != 3))
    with pytest.raises(StoreError, match="survival is not a number"):
        store.publish(replace(run, flows=holed))
    no_revenue = shuffled.assign(expected_revenue=shuffled["expected_revenue"].where(shuffled["month"] != 3))
    store.publish(replace(run, flows=no_revenue))
    acme, straight = store.account("acme").flows[0], run.flows
    mine = straight[straight["account_id"] == "acme"]  # type: ignore[index]
    assert list(acme.survival) == mine["survival"].tolist()
    assert acme.expected_revenue[2] is None
    assert acme.expected_revenue[:2] == tuple(mine["expected_revenue"][:2])


def test_an_accounts_flows_may_stand_once(store: Store) -> None:
    """The same account and relation again, its months in order, is refused all the same."""
    run = with_values(literal_run())
    twice = pd.concat([run.flows, run.flows])  # type: ignore[list-item]
    with pytest.raises(StoreError, match="a key stands twice") as told:
        store.publish(replace(run, flows=twice))
    assert "'acme'" in told.value.got
