"""Intervals of accounts: laws of the bands, and that they hold on a company whose mechanism is known."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from revml.clv import ClvForecast, forecast_clv
from revml.clv.flows import RelationFlows
from revml.clv.intervals.bands import BLOCK, simulated, summed, with_bands
from revml.clv.intervals.calibration import Coverage, calibrate, origin_scores
from revml.clv.intervals.mrr_changes import past_changes
from revml.clv.intervals.realised import realised_revenue
from revml.clv.relations import Relation
from revml.clv.value import Floats
from revml.config import Economics
from revml.sources.facts import Facts
from tests.clv.companies import AS_OF, accounts_of, company, line, order
from tests.literal_facts import stage

MONTHS = 24
YEAR = timedelta(days=365)


def forecast(facts: Facts, as_of: datetime = AS_OF, *, intervals: bool = True, seed: int = 1) -> ClvForecast:
    """A forecast at one and at two years, without scores."""
    return forecast_clv(
        facts,
        as_of,
        Economics(),
        horizon_months=(12, MONTHS),
        seed=seed,
        intervals=intervals,
    )


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Contracts and orders of 120 accounts each, since 2022."""
    return company(tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def made(facts: Facts) -> ClvForecast:
    """Its forecast with intervals."""
    return forecast(facts)


def one_relation(n: int, *, months: int = MONTHS, scatter: float = 0.5) -> RelationFlows:
    """Accounts with an expected revenue of 100 a month, which comes as normal numbers around it."""
    revenue, nothing = np.full((n, months), 100.0), np.zeros((n, months))

    def draw(accounts: slice, rng: np.random.Generator, draws: int) -> np.ndarray:
        size = draws, len(range(*accounts.indices(n))), months
        return (100 * (1 + scatter * rng.standard_normal(size))).astype(np.float32)

    return RelationFlows(
        relation=Relation.ORDERS,
        account_id=np.array([f"a{i:05}" for i in range(n)], dtype=object),
        survival=np.ones((n, months)),
        revenue=revenue,
        margin=revenue * 0.5,
        base=revenue * 0.5,
        expansion=nothing,
        contraction=nothing,
        referral=nothing,
        margin_rate=np.full(n, 0.5),
        seen_months=np.full(n, months),
        alive={12: np.ones(n), months: np.ones(n)},
        draw=draw,
    )


def test_bands_are_in_order(made: ClvForecast) -> None:
    """p10 <= p50 <= p90 in every month of every relation, at every horizon, and of whole accounts."""
    for frame, names in (
        (made.flows, ("revenue_p10", "revenue_p50", "revenue_p90")),
        (made.clv, ("clv_p10", "clv_p50", "clv_p90")),
        (made.values, ("clv_p10", "clv_p50", "clv_p90")),
    ):
        # customers who left have no relation that could be simulated
        low, middle, high = (frame.loc[frame["account_id"].isin(made.clv["account_id"]), name] for name in names)
        assert len(low) > 100
        assert ((low <= middle) & (middle <= high)).all()


def test_expectations_are_those_without_intervals(facts: Facts, made: ClvForecast) -> None:
    """Simulation adds bands and changes no expectation by a bit."""
    plain = forecast(facts, intervals=False)
    bands = [name for name in plain.clv if "_p" in name]
    assert plain.clv.drop(columns=bands).equals(made.clv.drop(columns=bands))
    assert plain.clv["clv_p50"].isna().all()


def test_the_same_seed_gives_the_same_bands(facts: Facts) -> None:
    """Bit for bit; another seed others."""
    flows = forecast(facts, intervals=False).relations
    one, again, other = (with_bands(flows, (12, MONTHS), seed=seed)[1] for seed in (1, 1, 2))
    assert one.equals(again)
    assert not one.equals(other)


def test_account_draws_are_sums_of_their_relations() -> None:
    """Of two relations of which one cannot be simulated: the other's band, moved by what is expected."""
    first = one_relation(10)
    still = RelationFlows(**{**vars(one_relation(10)), "relation": Relation.CONTRACT, "draw": None})
    _, alone = with_bands([first], (12, MONTHS), seed=1)
    _, both = with_bands([first, still], (12, MONTHS), seed=1)
    more = np.repeat([12 * 50.0, MONTHS * 50.0], 10)
    for name in ("clv_p10", "clv_p50", "clv_p90"):
        assert both[name].to_numpy() == pytest.approx(alone[name].to_numpy() + more, abs=0.02)


def test_draws_have_the_expected_value_as_their_mean() -> None:
    """Discounted margin of the draws, summed to a horizon, averages to CLV."""
    flows = one_relation(50)
    money = np.full((50, MONTHS), 0.5)
    for block in simulated([flows], seed=1, draws=500):
        for worth, horizon in zip(summed(block.revenue[0], money, (12, MONTHS)), (12, MONTHS), strict=True):
            assert worth.mean() == pytest.approx(50 * horizon, rel=0.01)


def test_an_account_keeps_its_draws_when_later_accounts_join() -> None:
    """Blocks have generators of their own, so that the first block does not know of the second."""
    few, many = ([next(simulated([one_relation(n)], seed=1)).revenue[0]] for n in (BLOCK, BLOCK + 7))
    assert (few[0] == many[0]).all()


def test_negative_margins_have_bands_in_order() -> None:
    """Who costs money costs most where revenue is highest."""
    flows = one_relation(20)
    flows = RelationFlows(**{**vars(flows), "margin": -flows.margin, "base": -flows.margin})
    _, bands = with_bands([flows], (12, MONTHS), seed=1)
    assert (bands["clv_p10"] < bands["clv_p90"]).all()
    assert (bands["clv_p90"] < 0).all()


def test_what_was_simulated_wrongly_is_corrected(tmp_path: Path) -> None:
    """Contracts whose MRR is simulated to stay while it scatters: corrected intervals of other years hold."""
    rng = np.random.default_rng(7)
    rows = []
    for i in range(400):
        level = 100.0
        for year in range(2019, 2026):
            start, end = f"{year}-01-01", f"{year + 1}-01-01"
            rows.append(line(f"a{i:03}", round(level, 2), start, end, subscription_id=f"s{i}"))
            level *= float(np.exp(rng.normal(0, 0.2)))
    facts = stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows, observed_until="2025-12-31")

    def narrow(origin: datetime, months: int) -> list[RelationFlows]:
        ids = np.array([f"a{i:03}" for i in range(400)], dtype=object)
        now = realised_revenue(facts, Relation.CONTRACT, origin - timedelta(days=31), ids, 1, as_of=origin)
        expected: Floats = np.repeat(now, months, axis=1)

        def draw(accounts: slice, rng: np.random.Generator, draws: int) -> np.ndarray:
            scatter = 1 + 0.01 * rng.standard_normal((draws, 1, 1))
            return (expected[accounts][None] * scatter).astype(np.float32)

        own = {"relation": Relation.CONTRACT, "account_id": ids, "revenue": expected, "draw": draw}
        return [RelationFlows(**{**vars(one_relation(400, months=months)), **own})]

    found = calibrate(facts, datetime(2025, 12, 30), (12,), narrow, seed=1)  # noqa: DTZ001
    [whole] = [one for one in found.coverage if one.relation == "contract" and not one.segment]
    assert whole.later
    assert whole.simulated < 0.5
    assert whole.observed == pytest.approx(0.80, abs=0.05)


def test_a_short_history_is_told_and_intervals_are_wide(tmp_path: Path) -> None:
    """Five months: simulated intervals with a note and a least width."""
    rows = [line(f"a{i}", 100, "2025-08-01") for i in range(5)]
    made = forecast(stage(tmp_path, accounts=accounts_of(rows), subscriptions=rows))
    assert any("too short to see how such intervals held" in note for note in made.notes)
    assert (made.clv["clv_p90"] - made.clv["clv_p10"] > 0.2 * made.clv["clv"]).all()


def test_scores_of_an_origin_see_what_came_by_now(facts: Facts) -> None:
    """One row an account, relation and horizon, and the account as a whole; all numbers."""
    origin = AS_OF - YEAR
    flows = forecast(facts, origin, intervals=False).relations
    found = origin_scores(facts, origin, (12,), flows, as_of=AS_OF, seed=1)
    assert set(found["relation"]) == {"contract", "orders", "account"}
    assert not found.duplicated(["relation", "account_id", "horizon"]).any()
    assert np.isfinite(found[["above", "below"]].to_numpy()).all()


def test_realised_revenue_is_mrr_at_the_end_of_the_month_and_net_orders(tmp_path: Path) -> None:
    """A contract that ends within the second month; an order and its return, and one that became known too late."""
    subscriptions = [line("a", 10, "2025-01-01", "2025-02-20")]
    orders = [order("a", "2025-01-10", 50.0), order("a", "2025-01-20", -20.0)]
    orders.append(order("a", "2025-02-10", 70.0, known_at="2026-06-01"))
    facts = stage(tmp_path, accounts=accounts_of(orders), subscriptions=subscriptions, orders=orders)
    ids, origin = np.array(["a"], dtype=object), datetime(2025, 1, 1)  # noqa: DTZ001
    for relation, revenue in ((Relation.CONTRACT, [10.0, 0.0]), (Relation.ORDERS, [30.0, 0.0])):
        assert realised_revenue(facts, relation, origin, ids, 2, as_of=AS_OF).tolist() == [revenue]


def test_past_changes_average_to_nothing(facts: Facts) -> None:
    """In each cell and month the mean factor is one."""
    past = past_changes(facts, AS_OF)
    assert past.observed > 100
    for paths in past.paths:
        assert paths.mean(axis=0) == pytest.approx(1.0, abs=1e-4)


def test_coverage_is_a_document(made: ClvForecast) -> None:
    """A run publishes it whole: shares of one, with how many outcomes they rest on."""
    assert made.calibration is not None
    told = made.calibration.to_dict()
    assert told["checked"]
    assert {"relation", "segment", "horizon_months", "nominal", "observed", "accounts"} < set(told["coverage"][0])
    assert all(0 <= one["observed"] <= 1 and one["accounts"] > 0 for one in told["coverage"])
    assert isinstance(made.calibration.coverage[0], Coverage)
