"""Growth of surviving accounts: one model at a time, learnt from past movements."""

from pathlib import Path

import numpy as np
import pytest

from revml.clv.contracts.growth import MAX_RELATIVE, Growth, GrowthModel, Leanings, Movements, Ratios, past_movements
from revml.errors import ConfigError
from revml.windows import instant
from tests.literal_facts import stage

MOVES = Movements(days=90, upsell_rate=0.05, upsell_size=0.3, contraction=0.01, pairs=100, upsells=30)


def test_two_growth_models_at_once_are_refused() -> None:
    """Upsell probabilities beside GrowthModel.NONE would be dropped or counted twice: neither happens."""
    with pytest.raises(ConfigError, match="twice"):
        Growth(GrowthModel.NONE, p_upsell=np.array([0.1]))


def test_uplift_needs_its_inputs() -> None:
    """GrowthModel.UPLIFT without probabilities or past movements is refused."""
    with pytest.raises(ConfigError, match="lacks"):
        Growth(GrowthModel.UPLIFT, p_upsell=np.array([0.1]))


def test_without_growth_money_stays() -> None:
    """All factors are one."""
    expanded, grown = Growth(GrowthModel.NONE).factors(np.ones(2), 6)
    assert (expanded == 1).all()
    assert (grown == 1).all()


def test_growth_over_the_span_is_what_the_score_says() -> None:
    """After exactly the span of the upsell score the factor is 1 + p · size - contraction."""
    moves = Movements(days=91, upsell_rate=0.05, upsell_size=0.3, contraction=0.01, pairs=1, upsells=1)
    _, grown = Growth(GrowthModel.UPLIFT, np.array([0.4]), moves).factors(np.ones(1), 3)
    at_span = grown[0, 2] ** (91 / 30.4375 / 3)
    assert at_span == pytest.approx(1 + 0.4 * 0.3 - 0.01)


def test_an_account_without_an_upsell_score_grows_like_the_company() -> None:
    """NaN takes the past rate."""
    own, company = (Growth(GrowthModel.UPLIFT, np.array([p]), MOVES).factors(np.ones(1), 12)[1] for p in (np.nan, 0.05))
    assert (own == company).all()


def test_growth_rises_with_the_upsell_probability() -> None:
    """In every month, also after the score's span."""
    low, high = (Growth(GrowthModel.UPLIFT, np.array([p]), MOVES).factors(np.ones(1), 24)[1] for p in (0.1, 0.6))
    assert (high > low).all()


def test_past_movements_by_hand(tmp_path: Path) -> None:
    """One of two survivors rises by half, the other shrinks by a tenth, a third leaves and does not count."""
    rows = [("a", 100.0, 150.0), ("b", 100.0, 90.0)]
    facts = stage(
        tmp_path,
        accounts=[{"account_id": name, "created_at": "2024-01-01"} for name in "abc"],
        subscriptions=[
            row
            for name, was, now in rows
            for row in (
                {"subscription_id": name, "started_at": "2026-01-01", "ended_at": "2026-02-15", "account_id": name,
                 "product": "p", "quantity": 1, "mrr": was},
                {"subscription_id": name, "started_at": "2026-02-15", "account_id": name, "product": "p",
                 "quantity": now / 100, "mrr": now},
            )
        ]
        + [
            {"subscription_id": "c", "started_at": "2026-01-01", "ended_at": "2026-02-20", "account_id": "c",
             "product": "p", "quantity": 1, "mrr": 500.0}
        ],
    )  # fmt: skip
    moves = past_movements(facts, instant("2026-04-02"), threshold=0.10, days=90)
    assert (moves.pairs, moves.upsells, moves.upsell_rate) == (2, 1, 0.5)
    assert moves.contraction == pytest.approx(10 / 200)
    assert moves.upsell_size == 0.10, "too few upsells to tell their size: the threshold stands"


def test_a_price_step_is_no_upsell_but_money(tmp_path: Path) -> None:
    """Of two accounts that rise by a fifth, one by its price alone: one upsell, and the other's rise nets out."""
    rows = [
        row
        for name, seats in (("priced", 1), ("grown", 2))
        for row in (
            {"subscription_id": name, "started_at": "2026-01-01", "ended_at": "2026-02-15", "account_id": name,
             "product": "p", "quantity": 1, "mrr": 100.0},
            {"subscription_id": name, "started_at": "2026-02-15", "account_id": name, "product": "p",
             "quantity": seats, "mrr": 120.0},
        )
    ]  # fmt: skip
    accounts = [{"account_id": n, "created_at": "2024-01-01"} for n in ("priced", "grown")]
    facts = stage(tmp_path, accounts=accounts, subscriptions=rows)
    moves = past_movements(facts, instant("2026-04-02"), threshold=0.10, days=90)
    assert (moves.upsells, moves.contraction) == (1, pytest.approx(-20 / 200))
    counted = past_movements(facts, instant("2026-04-02"), threshold=0.10, days=90, price_changes=True)
    assert (counted.upsells, counted.contraction) == (2, 0.0)


def test_one_merger_does_not_price_everybodys_upsells(tmp_path: Path) -> None:
    """Twenty rise by a fifth and one a hundredfold: the hundredfold counts as a tripling."""
    names = [f"a{i}" for i in range(21)]
    rows = [
        row
        for name in names
        for row in (
            {"subscription_id": name, "started_at": "2026-01-01", "ended_at": "2026-02-15", "account_id": name,
             "product": "p", "quantity": 1, "mrr": 100.0},
            {"subscription_id": name, "started_at": "2026-02-15", "account_id": name, "product": "p", "quantity": 200,
             "mrr": 10_000.0 if name == "a0" else 120.0},
        )
    ]  # fmt: skip
    facts = stage(tmp_path, accounts=[{"account_id": n, "created_at": "2024-01-01"} for n in names], subscriptions=rows)
    moves = past_movements(facts, instant("2026-04-02"), threshold=0.10, days=90)
    assert moves.upsell_size == pytest.approx((20 * 0.2 + 2.0) / 21)


def test_yearly_growth_is_the_spans_compounded() -> None:
    """4 % a span of 91.3125 days, less 1 %: (1.03) ** 4 - 1 a year."""
    moves = Movements(days=91, upsell_rate=0.2, upsell_size=0.2, contraction=0.01, pairs=1, upsells=1)
    assert moves.yearly == pytest.approx(1.03 ** (365.25 / 91) - 1)


RATIOS = Ratios(rises=np.array([0.02, 0.04, 0.06, 0.08]), falls=np.array([0.01, 0.01, 0.02, 0.02]))


def test_ratios_and_upsell_rates_at_once_are_refused() -> None:
    """Both tell the same growth."""
    with pytest.raises(ConfigError, match="twice"):
        Growth(GrowthModel.RATIO, np.array([0.1]), MOVES, ratios=RATIOS)


def test_ratios_give_the_level_month_by_month() -> None:
    """Without a score every account rises and falls like the company."""
    expanded, grown = Growth(GrowthModel.RATIO, ratios=RATIOS).factors(np.array([10.0, 500.0]), 4)
    assert expanded.tolist() == [pytest.approx([1.02, 1.04, 1.06, 1.08])] * 2
    assert grown.tolist() == [pytest.approx([1.01, 1.03, 1.04, 1.06])] * 2


def test_a_score_shares_the_rises_out_and_never_changes_their_sum() -> None:
    """Three times as likely rises three times as fast within the score's span; over MRR the level stays."""
    mrr = np.array([100.0, 300.0, 600.0])
    rising = Leanings(np.array([0.3, 0.1, np.nan]), days=91)
    expanded, _ = Growth(GrowthModel.RATIO, ratios=RATIOS, rising=rising).factors(mrr, 4)
    assert (expanded[0, 2] - 1) / (expanded[1, 2] - 1) == pytest.approx(3.0)
    assert expanded[2].tolist() == pytest.approx([1.02, 1.04, 1.06, 1.08])
    assert mrr @ expanded == pytest.approx(mrr.sum() * np.array([1.02, 1.04, 1.06, 1.08]))


def test_a_score_of_nobody_leaves_all_alike() -> None:
    """Probabilities of zero, or none at all, say nothing of who rises more."""
    for probability in (np.zeros(2), np.full(2, np.nan)):
        assert (Leanings(probability, 90).weights(np.array([1.0, 2.0]), 3) == 1).all()


def test_no_score_hurries_an_account_beyond_reason() -> None:
    """One likely account among a thousand that are not is capped."""
    weights = Leanings(np.array([1.0] + [0.0] * 999), 90).weights(np.ones(1000), 3)
    assert weights.max() == MAX_RELATIVE
