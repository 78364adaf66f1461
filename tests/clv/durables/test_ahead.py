"""Machines ahead: money in one relation only, known lives come out, what is published is held to."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from revml.clv.durables.ahead import Replacing, durables_ahead, learn_durables, tied
from revml.clv.durables.installed import installed_base
from revml.clv.relations import Relation, is_durable
from revml.config import Economics
from revml.sources.facts import Facts
from revml.windows import instant
from tests.clv.companies import AS_OF, line
from tests.clv.machines import MILL, OIL, machine, machine_company, sold, worn_machines

ECONOMICS = Economics(discount_rate=0.0)
EARLIER = instant("2024-01-01")


@pytest.fixture(scope="module")
def worn(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Six hundred owners with known habits."""
    return machine_company(tmp_path_factory.mktemp("worn"), **worn_machines(600, 3))


def small(folder: Path) -> Facts:
    """Two owners: `a` replaced a mill and bought one more; `b` lost its only one. `c` buys oil alone."""
    return machine_company(
        folder,
        assets=[
            machine("m1", "a", "2018-01-01", "2024-06-01", replaced_by="m2"),
            machine("m2", "a", "2024-06-02"),
            machine("m3", "a", "2025-03-01"),
            machine("m4", "b", "2017-01-01", "2023-02-01"),
        ],
        orders=[
            sold("a", "2024-05-28", 900.0),
            sold("a", "2025-02-20", 1100.0),
            sold("a", "2025-06-01", 30.0, "oil"),
            sold("b", "2022-01-01", 50.0, "oil"),
            sold("c", "2025-01-01", 70.0, "oil"),
        ],
    )


def test_every_order_is_in_one_relation(tmp_path: Path) -> None:
    """Money of durables and of all other orders adds up to the money of orders, to the cent."""
    facts = small(tmp_path)
    durable = is_durable(facts, "product")
    [(machines, others, every)] = facts.con.execute(
        f"SELECT sum(amount) FILTER ({durable}), sum(amount) FILTER (NOT {durable}), sum(amount) FROM orders",
        {"as_of": AS_OF},
    ).fetchall()
    base = installed_base(facts, AS_OF, margin=0.3)
    assert base is not None
    assert base.purchases["amount"].sum() == machines == 2000.0
    assert machines + others == every


def test_the_base_is_counted_by_hand(tmp_path: Path) -> None:
    """Machines in service now and two years ago; who succeeded whom; who is under contract or in touch."""
    base = installed_base(small(tmp_path), AS_OF, margin=0.3)
    assert base is not None
    assert base.owners.tolist() == ["a", "b"]
    assert base.in_service[:, 0].tolist() == [2, 0]
    assert base.in_service[:, 24].tolist() == [1, 0]
    assert base.machines["succeeds"].tolist() == [False, True, False, False]
    assert base.machines["successor"].tolist()[:1] == ["mill"]
    assert base.in_touch[:, 0].tolist() == [True, False]
    assert base.silence[1, 0] == 13
    assert base.parts.tolist() == [30.0, 0.0]


def test_a_successor_without_a_name_is_found(tmp_path: Path) -> None:
    """A mill installed within three months of another one's retirement took its place; one of a year later did not."""
    rows = [
        machine("m1", "a", "2018-01-01", "2023-06-01"),
        machine("m2", "a", "2023-07-01"),
        machine("m3", "b", "2018-01-01", "2023-06-01"),
        machine("m4", "b", "2024-07-01"),
    ]
    base = installed_base(machine_company(tmp_path, assets=rows, orders=[sold("a", "2020-01-01", 1)]), AS_OF, margin=1)
    assert base is not None
    assert base.machines["succeeds"].tolist() == [False, True, False, False]


def test_what_is_not_known_yet_is_not_seen(tmp_path: Path) -> None:
    """Rows after `as_of`, and a retirement and successor that come later, change nothing."""
    now = durables_ahead(small(tmp_path / "all"), EARLIER, ECONOMICS, (24,))[0]
    rows = [machine("m1", "a", "2018-01-01"), machine("m4", "b", "2017-01-01", "2023-02-01")]
    orders = [sold("b", "2022-01-01", 50.0, "oil")]
    then = durables_ahead(machine_company(tmp_path / "then", assets=rows, orders=orders), EARLIER, ECONOMICS, (24,))[0]
    assert now is not None
    assert then is not None
    assert now.revenue.tobytes() == then.revenue.tobytes()
    assert now.survival.tobytes() == then.survival.tobytes()


def test_parts_add_up_and_ownership_never_rises(worn: Facts) -> None:
    """Replacements and further machines are the margin; owning falls month by month within [0, 1]."""
    flows, _ = durables_ahead(worn, AS_OF, Economics(), (12, 36))
    assert flows is not None
    assert flows.relation is Relation.DURABLE
    assert flows.margin == pytest.approx(flows.base + flows.expansion - flows.contraction + flows.referral)
    assert (np.diff(flows.survival, axis=1) <= 1e-12).all()
    assert ((flows.survival >= 0) & (flows.survival <= 1)).all()
    assert flows.alive[12].tolist() == flows.survival[:, 11].tolist()


def test_known_habits_are_found(worn: Facts) -> None:
    """A constant hazard of 1 %, 70 % replaced, one more machine in a hundred months, 1000 each: all within a fifth."""
    learnt = learn_durables(worn, AS_OF, ECONOMICS)
    assert learnt is not None
    life = np.full(5, 100.0)
    found = learnt.wear.hazard(np.array([10.0, 20, 30, 50, 70]), life, np.ones(5)) * learnt.wear.touch[1]
    assert found == pytest.approx(0.01, rel=0.2)
    assert learnt.fleet.replaced[1] == pytest.approx(0.7, rel=0.1)
    assert learnt.fleet.more[1] == pytest.approx(0.01, rel=0.2)
    assert learnt.prices.typical == pytest.approx(1000, rel=0.03)


@pytest.mark.parametrize("seed", [5, 6])
def test_a_known_company_comes_true(tmp_path: Path, seed: int) -> None:
    """Two years ahead, money of machines to those who owned one then: within a tenth."""
    facts = machine_company(tmp_path, **worn_machines(1_000, seed))
    flows, _ = durables_ahead(facts, EARLIER, ECONOMICS, (24,))
    assert flows is not None
    [(came,)] = facts.con.execute(
        "SELECT sum(amount) FROM orders WHERE product = 'mill' AND ordered_at > $1 AND ordered_at <= $2",
        [EARLIER, datetime(2026, 1, 1)],  # noqa: DTZ001
    ).fetchall()
    assert flows.revenue.sum() == pytest.approx(came, rel=0.1)


def test_the_tie_meets_the_published_chance(worn: Facts) -> None:
    """A score moves its owner's replacements within the horizon; nobody else's, and a high one none after it."""
    plain, _ = durables_ahead(worn, AS_OF, ECONOMICS, (12, 36))
    assert plain is not None
    high, low = np.flatnonzero(plain.survival[:, 0] > 0)[:2]
    scores = pd.DataFrame({"account_id": plain.account_id[[high, low]], "probability": [0.9, 0.0]})
    moved, _ = durables_ahead(worn, AS_OF, ECONOMICS, (12, 36), Replacing(scores, 90))
    assert moved is not None
    assert moved.base[high, :2].sum() > 5 * plain.base[high, :2].sum()
    assert moved.base[low, :2].sum() < 1e-6
    assert moved.base[high, 3:].tobytes() == plain.base[high, 3:].tobytes()
    assert (moved.base[low, 3:] < plain.base[low, 3:]).all()
    assert (np.diff(moved.base[low, 3:] / plain.base[low, 3:]) > 0).all()
    others = np.delete(np.arange(len(plain.base)), [high, low])
    assert moved.base[others].tobytes() == plain.base[others].tobytes()
    assert moved.expansion.tobytes() == plain.expansion.tobytes()


def test_tied_by_hand() -> None:
    """One machine and a half: 0.5 expected within two months; two machines: twice 1 - sqrt(1 / 2); none: as it is."""
    expected = np.array([[0.1, 0.1, 0.1], [0.1, 0.1, 0.1], [0.0, 0.0, 0.0], [0.4, 0.4, 0.4]])
    factors = tied(expected, np.array([1.0, 2, 0, 1]), np.array([0.5, 0.5, 0.5, 0.1]), 2 * 365.25 / 12)
    assert (expected * factors)[:, :2].sum(axis=1) == pytest.approx([0.5, 2 - np.sqrt(2), 0.0, 0.1])
    assert factors[:, 2].tolist()[:3] == [1, 1, 1]
    assert factors[3, 1] < factors[3, 2] < 1


def test_simulated_money_has_the_expected_mean(worn: Facts) -> None:
    """Draws of a hundred owners agree with their expectation within five standard errors."""
    flows, _ = durables_ahead(worn, AS_OF, ECONOMICS, (12,))
    assert flows is not None
    assert flows.draw is not None
    drawn = flows.draw(slice(0, 100), np.random.default_rng(1), 500)
    assert drawn.shape == (500, 100, 12)
    totals = drawn.sum(axis=(1, 2))
    assert abs(totals.mean() - flows.revenue[:100].sum()) < 5 * totals.std() / np.sqrt(500)


def test_lives_alone_are_enough(tmp_path: Path) -> None:
    """Machines without any order or retirement: list prices, lives as sold, and both are said."""
    rows = [machine("m1", "a", "2020-01-01")]
    subscriptions = [line("a", 10.0, "2020-01-01")]
    facts = machine_company(tmp_path, assets=rows, subscriptions=subscriptions)
    flows, notes = durables_ahead(facts, AS_OF, ECONOMICS, (12,))
    assert flows is not None
    assert 0 < flows.revenue.sum() < 1000
    assert any("lives" in note for note in notes)
    assert any("list" in note for note in notes)


def test_without_assets_there_is_no_relation(tmp_path: Path) -> None:
    """Nobody is known to own a machine: no flows, and orders of mills are orders like others."""
    facts = machine_company(tmp_path, orders=[sold("a", "2025-01-01", 1000.0)])
    assert durables_ahead(facts, AS_OF, ECONOMICS, (12,)) == (None, ())


def test_owners_without_a_machine_left_are_told(tmp_path: Path) -> None:
    """They own nothing, may buy again, and the note counts them."""
    flows, notes = durables_ahead(small(tmp_path), AS_OF, ECONOMICS, (12,))
    assert flows is not None
    assert flows.survival[1].max() == 0
    assert flows.base[1].sum() == 0
    assert flows.expansion[1].sum() > 0
    assert any("1 of 2 owners" in note for note in notes)


def test_better_economics_are_worth_more(worn: Facts) -> None:
    """A discount makes every owner's machines worth less, and revenue stays."""
    dear, _ = durables_ahead(worn, AS_OF, Economics(discount_rate=0.2), (24,))
    free, _ = durables_ahead(worn, AS_OF, ECONOMICS, (24,))
    assert dear is not None
    assert free is not None
    assert (dear.margin < free.margin).all()
    assert dear.revenue.tobytes() == free.revenue.tobytes()


def test_shorter_lives_mean_more_replacements(tmp_path: Path) -> None:
    """Halving the life that a product is sold with raises what its machines bring."""
    rows = [machine(f"m{i}", f"a{i}", "2021-01-01") for i in range(5)]
    made = []
    for life in (120, 60):
        products = [{**MILL, "life_months": life}, OIL]
        facts = machine_company(
            tmp_path / str(life), assets=rows, products=products, orders=[sold("a1", "2021-01-01", 1)]
        )
        made.append(durables_ahead(facts, AS_OF, ECONOMICS, (24,))[0])
    assert made[0] is not None
    assert made[1] is not None
    assert made[1].base.sum() > 1.5 * made[0].base.sum()
    assert made[0].account_id.tolist() == [f"a{i}" for i in range(5)]
