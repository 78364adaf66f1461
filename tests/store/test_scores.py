"""Publishing, reading and rolling back runs."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from revml.errors import NotFound, StoreError
from revml.store import Store
from tests.literal_runs import literal_run, made_run, with_attention, with_horizons


def ids(store: Store, **options: object) -> list[str]:
    """The accounts of the churn list, in order."""
    return [row.account.account_id for row in store.accounts("churn", **options).rows]  # type: ignore[arg-type]


def test_before_the_first_publish_there_is_no_run(store: Store) -> None:
    """`current` is None, and reading says to score first."""
    assert store.current() is None
    with pytest.raises(NotFound, match="nothing was scored yet") as told:
        store.accounts("churn")
    assert "revml score" in told.value.do


def test_a_publish_becomes_current(store: Store) -> None:
    """The pointer names the newest run, with its models."""
    store.publish(literal_run("2026-02-01"))
    second = store.publish(literal_run("2026-03-01"))
    run = store.current()
    assert run is not None
    assert (run.id, f"{run.as_of:%Y-%m-%d}", run.accounts, run.models[0].question) == (second, "2026-03-01", 5, "churn")
    assert run.models[0].figures == {"auc": 0.81}


def test_the_curve_comes_back_as_it_was_published(store: Store) -> None:
    """Four horizons in order, the model's own with the published bits; a question without a curve has none."""
    published = with_horizons(literal_run(churn={"acme": 0.42, "bolt": 1 / 3}, upsell={"acme": 0.1}))
    store.publish(published)
    of_one = {score.question: score for score in store.account("acme").scores}
    assert [(h.days, h.probability, h.extrapolated) for h in of_one["churn"].horizons] == [
        (30, 0.42 / 3, False),
        (90, 0.42, False),
        (180, 0.42 + 0.58 / 4, False),
        (365, 0.42 + 0.58 / 2, True),
    ]
    assert of_one["upsell"].horizons == ()
    listed = {row.account.account_id: row.score for row in store.accounts("churn").rows}
    assert listed["acme"] == of_one["churn"]
    assert listed["bolt"].horizons[1].probability == 1 / 3


def test_a_horizon_outside_of_zero_to_one_is_refused(store: Store) -> None:
    """A curve is a probability at every horizon."""
    run = with_horizons(literal_run())
    run.scores["probability_180d"] += 0.9
    with pytest.raises(StoreError, match="probability_180d is not a number in its range"):
        store.publish(run)


def test_the_list_begins_with_the_most_money(store: Store) -> None:
    """Expected money decides the order: 0.42 * 12000 before 0.05 * 60000 before 0.9 * 480."""
    store.publish(literal_run())
    assert ids(store) == ["acme", "bolt", "cogs", "skoda", "dent"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("probability", ["cogs", "acme", "dent", "skoda", "bolt"]),
        ("clv", ["bolt", "acme", "skoda", "cogs", "dent"]),
        ("name", ["cogs", "acme", "bolt", "dent", "skoda"]),
    ],
)
def test_orders(store: Store, order: str, expected: list[str]) -> None:
    """Each order sorts by its column, accounts without a CLV last, and reverse turns it round."""
    store.publish(literal_run())
    assert ids(store, order=order) == expected
    assert ids(store, order=order, reverse=True) == expected[::-1]


@pytest.mark.parametrize("order", ["expected_money", "probability", "change", "clv", "name"])
@pytest.mark.parametrize("reverse", [False, True])
def test_pages_join_to_the_whole_list(store: Store, order: str, reverse: bool) -> None:
    """Paging by 7 gives every account once, in the order of one long page, ties included."""
    run = made_run("2026-03-01", 50)
    run.scores["probability"] = run.scores["probability"].round(1)
    store.publish(run)
    paged, after = [], None
    while True:
        page = store.accounts("churn", order=order, reverse=reverse, after=after, limit=7)  # type: ignore[arg-type]
        assert page.total == 50
        paged += [row.account.account_id for row in page.rows]
        if (after := page.after) is None:
            break
    assert paged == ids(store, order=order, reverse=reverse, limit=1000)
    assert len(set(paged)) == 50


def test_a_list_stays_in_the_run_in_which_it_began(store: Store) -> None:
    """A publish between two pages does not mix two runs."""
    first = store.publish(made_run("2026-02-01", 20, shift=0.2))
    page = store.accounts("churn", limit=10)
    store.publish(made_run("2026-03-01", 20, shift=0.4))
    rest = store.accounts("churn", limit=10, after=page.after)
    assert rest.run.id == first
    assert {row.score.probability for row in rest.rows} == {0.2}


def test_a_cursor_of_another_list_is_refused(store: Store) -> None:
    """Changing the order needs a fresh start, and nonsense is no cursor."""
    store.publish(literal_run())
    after = store.accounts("churn", limit=2).after
    with pytest.raises(StoreError, match="another list"):
        store.accounts("churn", order="name", after=after)
    for nonsense in ("%%%", "e30", "WzEsMl0"):
        with pytest.raises(StoreError, match="not the cursor"):
            store.accounts("churn", after=nonsense)


def test_search_ignores_case_and_accents(store: Store) -> None:
    """`SKODA serv` finds Škoda Servis; ids are searched too, and % is a character."""
    store.publish(literal_run())
    assert ids(store, search="SKODA serv") == ["skoda"]
    assert ids(store, search="dent") == ["dent"]
    assert ids(store, search="%") == []


def test_filters_narrow_the_list_and_its_total(store: Store) -> None:
    """Band, owner, industry and country combine."""
    store.publish(literal_run())
    page = store.accounts("churn", band="high", owner="Jana Nová", industry="Software", country="DE")
    assert [row.account.name for row in page.rows] == ["Acme"]
    assert page.total == 1
    facets = store.facets("churn")
    assert facets.owner == (("Jana Nová", 2), ("Petr Malý", 2))
    assert dict(facets.band) == {"high": 3, "medium": 1, "low": 1}


def test_treated_and_held_out_accounts_are_found_and_counted_apart(store: Store) -> None:
    """The list filters by it, facets and segments count it, an account tells it; in a run without plays it is None."""
    store.publish(literal_run("2026-02-01"))
    assert {row.score.attention for row in store.every_account("churn")} == {None}
    assert store.facets("churn").attention == ()
    store.publish(with_attention(literal_run(), acme="treated", bolt="held_out"))
    assert [row.account.account_id for row in store.every_account("churn", attention="treated")] == ["acme"]
    assert store.accounts("churn", attention="held_out").total == 1
    assert dict(store.facets("churn").attention) == {"neither": 3, "treated": 1, "held_out": 1}
    sums = {one.value: one for one in store.segments("churn", "attention")[1]}
    [acme] = [score for score in store.account("acme").scores if score.question == "churn"]
    assert acme.attention == "treated"
    assert (sums["treated"].accounts, sums["treated"].mean_probability) == (1, acme.probability)


def test_the_top_reason_is_the_strongest_that_raises(store: Store) -> None:
    """A list of accounts at risk shows why they are at risk, even if a stronger reason speaks for them."""
    store.publish(literal_run())
    reason = store.accounts("churn", limit=1).rows[0].reason
    assert reason is not None
    assert (reason.rank, reason.side, reason.value, reason.past) == (2, "raises", 19.0, 41.0)
    assert reason.text("cs").startswith("Aktivních uživatelů")


def test_an_account_has_scores_reasons_clv_flows_and_history(store: Store) -> None:
    """`account` gives all that the run says about one account."""
    store.publish(literal_run("2026-02-01", churn={"acme": 0.2}))
    store.publish(literal_run("2026-03-01", churn={"acme": 0.42}, upsell={"acme": 0.1}))
    found = store.account("acme")
    assert [(s.question, s.probability, s.previous_probability) for s in found.scores] == [
        ("churn", 0.42, 0.2),
        ("upsell", 0.1, None),
    ]
    assert [(r.question, r.rank) for r in found.reasons][:3] == [("churn", 1), ("churn", 2), ("churn", 3)]
    assert found.reasons[2].value == "Machinery"
    assert found.clv[0].clv == 20_000
    assert len(found.flows[0].survival) == 24
    assert found.flows[0].survival[0] == pytest.approx(0.98)
    assert [(p.question, p.probability) for p in found.history] == [("churn", 0.2), ("churn", 0.42), ("upsell", 0.1)]


def test_an_unknown_account_is_named(store: Store) -> None:
    """The error names the account that was asked for."""
    store.publish(literal_run())
    with pytest.raises(NotFound) as told:
        store.account("nobody")
    assert told.value.got == "nobody"


def test_trend_is_against_the_newest_earlier_day(store: Store) -> None:
    """Scoring the same day twice does not make the trend zero, and history shows that day once."""
    store.publish(literal_run("2026-02-01", churn={"acme": 0.2}))
    store.publish(literal_run("2026-03-01", churn={"acme": 0.4}))
    store.publish(literal_run("2026-03-01", churn={"acme": 0.5}))
    assert store.account("acme").scores[0].change == pytest.approx(0.3)
    assert [p.probability for p in store.history("acme")] == [0.2, 0.5]


def test_rollback_moves_the_pointer_back_and_forward(store: Store) -> None:
    """The run before becomes current; the later run stays and can come back."""
    first = store.publish(literal_run("2026-02-01", churn={"acme": 0.2}))
    second = store.publish(literal_run("2026-03-01", churn={"acme": 0.4}))
    assert store.rollback() == first
    assert store.accounts("churn").rows[0].score.probability == 0.2
    assert [(run.id, run.withdrawn) for run in store.runs()] == [(second, True), (first, False)]
    assert store.rollback(second) == second
    assert not any(run.withdrawn for run in store.runs())


def test_a_withdrawn_run_counts_in_no_trend(store: Store) -> None:
    """After a rollback the next publish compares with the run that was current."""
    store.publish(literal_run("2026-02-01", churn={"acme": 0.2}))
    store.publish(literal_run("2026-03-01", churn={"acme": 0.9}))
    store.rollback()
    store.publish(literal_run("2026-04-01", churn={"acme": 0.3}))
    assert store.account("acme").scores[0].previous_probability == 0.2
    assert [p.probability for p in store.history("acme")] == [0.2, 0.3]


def test_rollback_without_an_earlier_run_is_refused(store: Store) -> None:
    """One run has nothing before it, and a number that was never given is not found."""
    store.publish(literal_run())
    with pytest.raises(StoreError, match="no run before"):
        store.rollback()
    with pytest.raises(NotFound, match="no such run"):
        store.rollback(99)


def test_only_the_newest_runs_are_kept(store: Store) -> None:
    """With keep=3 the fourth publish deletes the first run and everything of it; numbers are never reused."""
    made = [store.publish(literal_run(f"2026-0{m}-01")) for m in range(1, 6)]
    assert [run.id for run in store.runs()] == made[:1:-1]
    assert len(store.history("acme")) == 3
    assert len(set(made)) == 5


def test_totals_add_up_to_the_list(store: Store) -> None:
    """Money at risk is the money of the high band; expected money is the sum over the list; CLV of all accounts."""
    store.publish(literal_run("2026-02-01", churn={"acme": 0.21, "bolt": 0.05}))
    store.publish(literal_run("2026-03-01"))
    totals = store.totals()
    churn = totals.questions[0]
    rows = store.accounts("churn").rows
    assert churn.accounts == 5
    assert churn.money_at_risk == sum(row.score.money for row in rows if row.score.band == "high")
    assert churn.expected_money == pytest.approx(sum(row.score.expected_money for row in rows))
    assert churn.previous_expected_money == pytest.approx(churn.expected_money - 0.21 * 12_000)
    assert totals.clv == 20 * (1000 + 5000 + 250 + 40)
    assert {band: total.accounts for band, total in churn.bands.items()} == {"high": 3, "medium": 1, "low": 1}


@pytest.mark.parametrize(
    ("frame", "column", "value", "message"),
    [
        ("scores", "probability", 1.2, "probability is not a number in its range"),
        ("scores", "probability", float("nan"), "probability is not a number in its range"),
        ("scores", "expected_money", float("inf"), "expected_money is not a number in its range"),
        ("scores", "band", "severe", "a band is unknown"),
        ("scores", "attention", "called", "an attention is unknown"),
        ("scores", "account_id", "nobody", "an account is not in the run's accounts"),
        ("accounts", "account_id", "bolt", "a key stands twice"),
        ("accounts", "mrr", float("nan"), "mrr is not a number in its range"),
    ],
)
def test_a_broken_frame_is_refused_and_nothing_is_written(
    store: Store, frame: str, column: str, value: object, message: str
) -> None:
    """The error names frame and column, and the run before stays current."""
    first = store.publish(literal_run("2026-02-01"))
    run = literal_run()
    broken = getattr(run, frame).copy()
    broken.loc[0, column] = value
    with pytest.raises(StoreError, match=message) as told:
        store.publish(replace(run, **{frame: broken}))
    assert frame in told.value.where
    assert [r.id for r in store.runs()] == [first]


def test_a_missing_column_is_named(store: Store) -> None:
    """A frame without a column of the contract is refused."""
    run = literal_run()
    with pytest.raises(StoreError, match="a column is missing") as told:
        store.publish(replace(run, scores=run.scores.drop(columns="band")))
    assert told.value.got == "no 'band'"


def test_empty_frames_are_a_run_too(store: Store) -> None:
    """A run without reasons, CLV and flows can be published and read."""
    run = literal_run()
    nothing = {name: getattr(run, name).iloc[:0] for name in ("reasons", "clv", "flows")}
    store.publish(replace(run, **nothing))
    assert store.accounts("churn").rows[0].reason is None
    assert store.totals().clv is None
    assert store.account("acme").clv == ()


def test_numpy_and_missing_values_are_stored_as_plain_ones(store: Store) -> None:
    """NaT, NA and NaN come back as None."""
    run = literal_run(churn={"acme": 0.42})
    run.accounts["customer_since"] = pd.NaT
    run.accounts["owner"] = pd.array([pd.NA], dtype="string")
    run.clv["expected_revenue"] = float("nan")
    store.publish(run)
    found = store.account("acme")
    assert (found.account.customer_since, found.account.owner, found.clv[0].expected_revenue) == (None, None, None)
